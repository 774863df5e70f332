/**
 * How far the wall clock was from the engine's when entries were written: those that wait for the engine may be sent long
 * after somebody has set the clock.
 */

interface Mark {
  /** For entries up to this number. */
  upto: number;
  readonly offset: number;
}

/** Less is as good as the same: no estimate is better, and each other one is a batch of its own. */
const SAME_MS = 2;
const MARKS_MAX = 256;

export class Offsets {
  #marks: Mark[] = [];

  /** The offset at a moment at which `seq` was the newest number. */
  note(seq: number, offset: number | null): void {
    if (offset === null) return;
    const last = this.#marks.at(-1);
    if (last !== undefined && Math.abs(last.offset - offset) < SAME_MS) last.upto = Math.max(last.upto, seq);
    else if (last === undefined || seq > last.upto) this.#marks.push({ upto: seq, offset });
    else {
      // Nothing was written since: what comes is written under the new one.
      return;
    }
    if (this.#marks.length > MARKS_MAX) this.#marks.shift();
  }

  /** Of an entry, and up to which number it is the same; null if it was never known. */
  of(seq: number): { readonly offset: number | null; readonly upto: number } {
    const mark = this.#marks.find(({ upto }) => upto >= seq) ?? this.#marks.at(-1);
    if (mark === undefined) return { offset: null, upto: Infinity };
    return { offset: mark.offset, upto: mark.upto >= seq ? mark.upto : Infinity };
  }

  /** Nobody asks for these any more. */
  forget(seq: number): void {
    const first = this.#marks.findIndex(({ upto }) => upto > seq);
    if (first > 0) this.#marks.splice(0, first);
    else if (first < 0 && this.#marks.length > 1) this.#marks.splice(0, this.#marks.length - 1);
  }
}
