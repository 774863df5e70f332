/**
 * Reads the ClientHello with which a connection begins, from pieces of any size, without answering it: what it says decides how the
 * connection is treated, and then the very bytes go to whoever answers, a TLS engine of ours or the server behind.
 *
 *     chunks -> records (RFC 8446, section 5.1) -> one handshake message -> Hello
 */
import type { Hello } from "../faults/contract/index.js";
import type { Bytes } from "../core/units.js";
import { ByteQueue } from "../faults/byte-queue.js";
import { Malformed } from "./cursor.js";
import { parseHello } from "./hello-body.js";

export type HelloState =
  /** The hello is not whole yet. */
  | { readonly state: "more" }
  | { readonly state: "hello"; readonly hello: Hello }
  /** The connection does not begin as TLS does: another protocol, or SSL 2.0. */
  | { readonly state: "not_tls"; readonly reason: string }
  /** It begins as TLS does, and goes on otherwise. */
  | { readonly state: "invalid"; readonly reason: string };

/** What is read before a hello must be whole. Those with post-quantum key shares have some 2 KiB. */
export const HELLO_BYTES_MAX: Bytes = 64 * 1024;

const RECORD_HEADER = 5;
/** In a record's header. */
const LENGTH_AT = 3;
/** The first message of the first record. */
const MESSAGE_AT = RECORD_HEADER;
const HANDSHAKE = 22;
const MAJOR_VERSION = 3;
/** RFC 8446, section 5.1: of a record that is not encrypted. */
const RECORD_BYTES_MAX = 16_384;
const MESSAGE_HEADER = 4;
const CLIENT_HELLO = 1;

const MORE: HelloState = { state: "more" };

/** Costs in proportion to the bytes, whatever the pieces. Never throws. */
export class HelloReader {
  readonly #limit: Bytes;
  /** A queue copies small chunks together: thousands of single bytes weigh little more than they are. */
  readonly #all = new ByteQueue();
  #state: HelloState = MORE;
  /** Of the record that is being read: how much of its header is there, and what is left of its payload. */
  #headerLength = 0;
  #recordLength = 0;
  #recordLeft = 0;
  /** The payloads of the records so far, without the message's header once that was read. */
  #message: ByteQueue | null = null;
  /** Whether a byte of the message has come, and how many follow its header. */
  #begun = false;
  #bodyLength: Bytes | null = null;

  constructor(limit: Bytes = HELLO_BYTES_MAX) {
    this.#limit = limit;
  }

  /** How much was handed in so far. */
  get length(): Bytes {
    return this.#all.length;
  }

  /** All that was handed in so far, what came behind the hello included: to be put back. */
  get bytes(): Buffer {
    const all = this.#all.take(Infinity);
    this.#all.add(all);
    return all;
  }

  /** Takes the next bytes of the connection. An answer other than `more` is the answer from then on. */
  push(chunk: Buffer): HelloState {
    const before = this.#all.length;
    this.#all.add(chunk);
    if (this.#state.state !== "more") return this.#state;
    const whole = before === 0 ? this.#wholeIn(chunk) : null;
    if (whole !== null) return (this.#state = parsed(whole));
    // What is beyond the limit is not looked at, so that the answer does not depend on how the bytes were cut.
    this.#state = this.#read(chunk.subarray(0, Math.max(0, this.#limit - before)));
    if (this.#state.state === "more" && this.#all.length >= this.#limit)
      this.#state = invalid(`its hello is not whole within ${this.#limit} bytes`);
    if (this.#state.state !== "more") this.#message = null;
    return this.#state;
  }

  /** The message's body, if it comes at once and in one record, as that of nearly every client; null for the long way. */
  #wholeIn(chunk: Buffer): Buffer | null {
    if (chunk.length < MESSAGE_AT + MESSAGE_HEADER) return null;
    if (chunk[0] !== HANDSHAKE || chunk[1] !== MAJOR_VERSION || chunk[MESSAGE_AT] !== CLIENT_HELLO)
      return null;
    const recordLength = chunk.readUInt16BE(LENGTH_AT);
    const end = MESSAGE_AT + MESSAGE_HEADER + chunk.readUIntBE(MESSAGE_AT + 1, 3);
    if (recordLength > RECORD_BYTES_MAX || end > MESSAGE_AT + recordLength) return null;
    return end > Math.min(chunk.length, this.#limit)
      ? null
      : chunk.subarray(MESSAGE_AT + MESSAGE_HEADER, end);
  }

  #read(chunk: Buffer): HelloState {
    for (let at = 0; at < chunk.length;) {
      if (this.#recordLeft === 0) {
        const wrong = this.#takeHeader(chunk[at++] ?? 0);
        if (wrong !== null) return wrong;
        continue;
      }
      const part = chunk.subarray(at, at + this.#recordLeft);
      at += part.length;
      this.#recordLeft -= part.length;
      const state = this.#takePayload(part);
      if (state.state !== "more") return state;
    }
    return MORE;
  }

  /** Each byte is judged when it comes: whoever speaks another protocol may wait for an answer to its first. */
  #takeHeader(byte: number): HelloState | null {
    const at = this.#headerLength++;
    const first = !this.#begun;
    if (at === 0 && byte !== HANDSHAKE)
      return first ? notTls(byte) : invalid(`a record of type ${byte} comes in the middle of its hello`);
    if (at === 1 && byte !== MAJOR_VERSION)
      return first
        ? { state: "not_tls", reason: `its second byte is ${hex(byte)}, where TLS has 0x03` }
        : invalid("a record of another protocol version comes in the middle of its hello");
    if (at < LENGTH_AT) return null;
    // Its last two bytes.
    this.#recordLength = this.#recordLength * 256 + byte;
    if (at < RECORD_HEADER - 1) return null;
    this.#headerLength = 0;
    this.#recordLeft = this.#recordLength;
    this.#recordLength = 0;
    if (this.#recordLeft > RECORD_BYTES_MAX)
      return invalid(
        `a record of its hello has ${this.#recordLeft} bytes, and ${RECORD_BYTES_MAX} are allowed`,
      );
    // RFC 8446, section 5.1: no handshake record is empty.
    return this.#recordLeft === 0 ? invalid("a record of its hello is empty") : null;
  }

  #takePayload(part: Buffer): HelloState {
    if (!this.#begun && part[0] !== CLIENT_HELLO)
      return invalid(`it begins with handshake message ${part[0] ?? 0} in place of a ClientHello`);
    this.#begun = true;
    const message = (this.#message ??= new ByteQueue());
    message.add(part);
    if (this.#bodyLength === null && message.length >= MESSAGE_HEADER) {
      this.#bodyLength = message.take(MESSAGE_HEADER).readUIntBE(1, 3);
      const whole = RECORD_HEADER + MESSAGE_HEADER + this.#bodyLength;
      if (whole > this.#limit) return invalid(`its hello has ${whole} bytes, and ${this.#limit} are allowed`);
    }
    if (this.#bodyLength === null || message.length < this.#bodyLength) return MORE;
    return parsed(message.take(this.#bodyLength));
  }
}

function parsed(body: Buffer): HelloState {
  try {
    return { state: "hello", hello: parseHello(body) };
  } catch (error) {
    if (error instanceof Malformed) return invalid(error.message);
    throw error;
  }
}

const invalid = (reason: string): HelloState => ({ state: "invalid", reason });

const hex = (byte: number): string => `0x${byte.toString(16).padStart(2, "0")}`;

function notTls(byte: number): HelloState {
  // The length of an SSL 2.0 record has its first bit set (RFC 5246, appendix E.2; forbidden by RFC 6176).
  const what = byte >= 0x80 ? ", as hellos of SSL 2.0 do, which nobody may accept" : "";
  return { state: "not_tls", reason: `it begins with ${hex(byte)}, where TLS has 0x16${what}` };
}
