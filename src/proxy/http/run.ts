/**
 * Joins pieces that lie next to one another in the chunk that they were cut from, so that a message whose head and
 * body came in one read leaves in one write.
 */
export class Run {
  readonly #write: (bytes: Buffer) => void;
  #chunk: Buffer | null = null;
  #from = 0;
  #to = 0;

  constructor(write: (bytes: Buffer) => void) {
    this.#write = write;
  }

  /** Pieces of this chunk are about to come. */
  begin(chunk: Buffer): void {
    this.#chunk = chunk;
    this.#from = 0;
    this.#to = 0;
  }

  add(piece: Buffer): void {
    const chunk = this.#chunk;
    if (chunk?.buffer === piece.buffer) {
      const from = piece.byteOffset - chunk.byteOffset;
      if (from >= 0 && from + piece.length <= chunk.length) {
        if (from !== this.#to || this.#from === this.#to) {
          this.flush();
          this.#from = from;
        }
        this.#to = from + piece.length;
        return;
      }
    }
    this.flush();
    this.#write(piece);
  }

  /** Writes what is joined so far. */
  flush(): void {
    const chunk = this.#chunk;
    const from = this.#from;
    const to = this.#to;
    if (chunk === null || from === to) return;
    this.#from = this.#to = to;
    this.#write(from === 0 && to === chunk.length ? chunk : chunk.subarray(from, to));
  }

  /** No more of this chunk. */
  done(): void {
    this.flush();
    this.#chunk = null;
    this.#from = this.#to = 0;
  }
}
