/**
 * Remembers the head that a reader read last, since bots poll: over one connection the same head comes again and again,
 * and of the same bytes the same is read. A head that differs in one byte is read as if there were no memory.
 */
import type { RequestHead, ResponseHead } from "./head.js";

/** Of a connection whose heads all differ, one in so many is remembered. */
const REST_MAX = 64;
/** Longer heads are not remembered: each of thousands of connections would keep two. */
const REMEMBERED_MAX_BYTES = 2_048;

export class RepeatedHeads<H extends RequestHead | ResponseHead> {
  #known: H | null = null;
  /** So many heads pass before one is remembered again; the first of a connection is not, which may be the only one. */
  #rest = 1;
  /** How many are to pass next time, unless the one at hand comes again. */
  #nextRest = 0;

  /** The head remembered, if these are its bytes from the first to the last, whatever follows them. */
  find(chunk: Buffer, at: number): H | null {
    const known = this.#known;
    if (known === null) return null;
    const { raw } = known;
    const end = at + raw.length;
    if (at === 0 && end === chunk.length ? !raw.equals(chunk) : !holds(chunk, at, end, raw)) return null;
    this.#rest = 1;
    this.#nextRest = 0;
    return known;
  }

  /** A head has come that was not the one remembered. */
  pass(head: H): void {
    if (this.#rest > 0) {
      // Of two that take turns one is remembered; where none comes again nothing is, so that nothing is looked for.
      if (this.#rest > 1) this.#known = null;
      this.#rest -= 1;
      return;
    }
    if (head.raw.length > REMEMBERED_MAX_BYTES) return;
    // Its own memory: a slice of the pool would keep all of the pool for as long as the connection lasts.
    const bytes = Buffer.allocUnsafeSlow(head.raw.length);
    head.raw.copy(bytes);
    this.#known = head.again(bytes, true) as H;
    this.#rest = this.#nextRest;
    this.#nextRest = Math.min(this.#nextRest * 2 + 1, REST_MAX);
  }
}

function holds(chunk: Buffer, at: number, end: number, bytes: Buffer): boolean {
  return end <= chunk.length && chunk.compare(bytes, 0, bytes.length, at, end) === 0;
}
