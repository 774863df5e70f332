/** Bytes that tell where they belong: a lost, doubled or swapped one shows at once, wherever it happens. */

/** A prime, so that no power of two hides a shift. */
const PERIOD = 65_521;
const PATTERN = Buffer.alloc(PERIOD);
for (let i = 0, state = 0x2545f491; i < PERIOD; i++) {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  PATTERN[i] = state & 0xff;
}

/** The bytes from position `from` on. */
export function codedBytes(from: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  for (let at = 0; at < length;) {
    const start = (from + at) % PERIOD;
    at += PATTERN.copy(bytes, at, start, Math.min(PERIOD, start + length - at));
  }
  return bytes;
}

/** Whether these are the bytes that belong at position `from`. */
export function isCoded(from: number, bytes: Buffer): boolean {
  return bytes.equals(codedBytes(from, bytes.length));
}
