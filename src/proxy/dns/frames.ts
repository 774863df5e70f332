/** Messages over TCP: each behind two bytes with its length (RFC 1035, section 4.2.2). */

export function framed(message: Buffer): Buffer {
  const frame = Buffer.allocUnsafe(2 + message.length);
  frame.writeUInt16BE(message.length, 0);
  message.copy(frame, 2);
  return frame;
}

/** Cuts a stream into messages. It holds one of them at most, which has 65,535 bytes at most. */
export class FrameReader {
  #held = Buffer.alloc(0);

  /** Messages that are complete by now, in order. */
  push(chunk: Buffer): Buffer[] {
    let bytes = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    const messages: Buffer[] = [];
    while (bytes.length >= 2) {
      const end = 2 + bytes.readUInt16BE(0);
      if (bytes.length < end) break;
      messages.push(Buffer.from(bytes.subarray(2, end)));
      bytes = bytes.subarray(end);
    }
    this.#held = Buffer.from(bytes);
    return messages;
  }
}
