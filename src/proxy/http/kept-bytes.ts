/** The bytes of a head that has not come to its end: one buffer that grows, since a slow peer may send them one by one. */
const FIRST_BYTES = 512;

export class KeptBytes {
  #buffer: Buffer | null = null;
  length = 0;

  /** Copies them: the chunk is its owner's, and read over again. */
  add(chunk: Buffer, from: number, to: number): void {
    const length = this.length + to - from;
    let buffer = this.#buffer;
    if (buffer === null || buffer.length < length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(FIRST_BYTES, 2 ** Math.ceil(Math.log2(length))));
      buffer?.copy(larger, 0, 0, this.length);
      this.#buffer = buffer = larger;
    }
    chunk.copy(buffer, this.length, from, to);
    this.length = length;
  }

  /** All of them, and what came last, in one piece of its own. Keeps nothing. */
  take(chunk: Buffer, from: number, to: number): Buffer {
    this.add(chunk, from, to);
    const all = (this.#buffer ?? chunk).subarray(0, this.length);
    this.#buffer = null;
    this.length = 0;
    return all;
  }
}
