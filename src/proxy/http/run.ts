/**
 * Joins pieces that are said within one turn, so that a message whose head and body came in one read leaves in one
 * write: those that lie next to one another in the chunk that they were cut from without a copy, and a head that was
 * written anew together with the body behind it.
 */

/** Who takes what was joined. */
export interface RunTarget {
  data(bytes: Buffer): void;
  /** Several pieces that are to leave in one write. */
  together(pieces: readonly Buffer[]): void;
}

/** Up to so many bytes are copied into one buffer, which costs less than a gathering write. */
const COPIED_MAX_BYTES = 8_192;

export class Run {
  readonly #target: () => RunTarget | undefined;
  /** How many have asked that what follows leaves together, and have not said yet that it is all. */
  #windows = 0;
  /** What goes before the pieces of the chunk. */
  #before: Buffer[] = [];
  #bytesBefore = 0;
  #chunk: Buffer | null = null;
  #from = 0;
  #to = 0;

  constructor(target: () => RunTarget | undefined) {
    this.#target = target;
  }

  /** Bytes that have not left yet. */
  get pending(): number {
    return this.#bytesBefore + this.#to - this.#from;
  }

  /** Pieces of this chunk are about to come; they and others leave together at `done`. */
  begin(chunk: Buffer): void {
    this.#setAside();
    this.#windows++;
    this.#chunk = chunk;
    this.#from = 0;
    this.#to = 0;
  }

  /** No more of this chunk. */
  done(): void {
    this.#setAside();
    this.#chunk = null;
    this.close();
  }

  /** What is added from here to `close` leaves together. */
  open(): void {
    this.#windows++;
  }

  close(): void {
    if (this.#windows > 0) this.#windows--;
    if (this.#windows === 0) this.flush();
  }

  add(piece: Buffer): void {
    const chunk = this.#chunk;
    if (chunk?.buffer === piece.buffer) {
      const from = piece.byteOffset - chunk.byteOffset;
      if (from >= 0 && from + piece.length <= chunk.length) {
        if (from !== this.#to || this.#from === this.#to) {
          this.#setAside();
          this.#from = from;
        }
        this.#to = from + piece.length;
        return;
      }
    }
    if (this.#windows === 0) {
      this.#target()?.data(piece);
      return;
    }
    this.#setAside();
    this.#before.push(piece);
    this.#bytesBefore += piece.length;
  }

  /** Writes what is joined so far. */
  flush(): void {
    if (this.#before.length === 0) {
      const joined = this.#takeJoined();
      if (joined !== null) this.#target()?.data(joined);
      return;
    }
    this.#setAside();
    const pieces = this.#before;
    const bytes = this.#bytesBefore;
    this.#before = [];
    this.#bytesBefore = 0;
    const [only] = pieces;
    if (pieces.length === 1 && only !== undefined) this.#target()?.data(only);
    else if (bytes <= COPIED_MAX_BYTES) this.#target()?.data(Buffer.concat(pieces, bytes));
    else this.#target()?.together(pieces);
  }

  /** What lies together in the chunk waits with what was written anew. */
  #setAside(): void {
    const joined = this.#takeJoined();
    if (joined === null) return;
    this.#before.push(joined);
    this.#bytesBefore += joined.length;
  }

  #takeJoined(): Buffer | null {
    const chunk = this.#chunk;
    const from = this.#from;
    const to = this.#to;
    if (chunk === null || from === to) return null;
    this.#from = this.#to = to;
    return from === 0 && to === chunk.length ? chunk : chunk.subarray(from, to);
  }
}
