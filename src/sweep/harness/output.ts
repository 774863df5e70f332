/** What a program writes, of which the beginning and the end are kept and the middle is counted. */

/** Of each stream, half of it from the beginning and half from the end. */
export const OUTPUT_MAX = 2 ** 20;

export class BoundedOutput {
  readonly #half: number;
  #head: Buffer[] = [];
  #headSize = 0;
  #tail: Buffer[] = [];
  #tailSize = 0;
  #dropped = 0;

  constructor(max = OUTPUT_MAX) {
    this.#half = Math.floor(max / 2);
  }

  /** Bytes that are in neither part. */
  get dropped(): number {
    return this.#dropped;
  }

  get size(): number {
    return this.#headSize + this.#tailSize + this.#dropped;
  }

  push(chunk: Buffer): void {
    const room = this.#half - this.#headSize;
    const first = chunk.subarray(0, Math.max(0, room));
    if (first.length > 0) {
      this.#head.push(first);
      this.#headSize += first.length;
    }
    const rest = chunk.subarray(first.length);
    if (rest.length === 0) return;
    // A copy: a piece of the pipe's buffer would keep all of it.
    this.#tail.push(Buffer.from(rest.subarray(Math.max(0, rest.length - this.#half))));
    this.#tailSize += Math.min(rest.length, this.#half);
    this.#dropped += Math.max(0, rest.length - this.#half);
    this.#shorten();
  }

  #shorten(): void {
    for (;;) {
      const [oldest] = this.#tail;
      const excess = this.#tailSize - this.#half;
      if (oldest === undefined || excess <= 0) return;
      const gone = Math.min(excess, oldest.length);
      if (gone === oldest.length) this.#tail.shift();
      else this.#tail[0] = oldest.subarray(gone);
      this.#tailSize -= gone;
      this.#dropped += gone;
    }
  }

  /** All that is kept, with a line in between that says how much is not. */
  whole(): Buffer {
    const words =
      this.#dropped === 0
        ? []
        : [Buffer.from(`\n[squall: ${this.#dropped} bytes of this output are left out here]\n`)];
    return Buffer.concat([...this.#head, ...words, ...this.#tail]);
  }

  /** The last lines as text, at most so many and so many characters. */
  last(lines: number, characters = 4_000): string {
    const text = this.#end(characters * 4).replace(/\s+$/u, "");
    const all = text.split("\n");
    return all.slice(-lines).join("\n").slice(-characters);
  }

  #end(bytes: number): string {
    const parts: Buffer[] = [];
    let size = 0;
    for (const part of [...this.#head, ...this.#tail].reverse()) {
      parts.unshift(part);
      size += part.length;
      if (size >= bytes) break;
    }
    return Buffer.concat(parts).subarray(-bytes).toString("utf8");
  }
}
