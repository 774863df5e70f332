/** Shared parts of faults: what several kinds would otherwise each write again. */
import type { Millis } from "../core/clock.js";
import type { Direction, Outlet, StreamStage } from "./contract.js";

interface Waiting<Note> {
  /** null stands for the end of the stream, which must not overtake bytes. */
  readonly chunk: Buffer | null;
  readonly note: Note;
  due: Millis;
}

/**
 * In-order bytes that leave when they are due: what latency, slow closes and lost segments have in common.
 * The line is first in, first out: nothing is due before what came before it.
 */
export class DelayLine<Note> {
  #items: Waiting<Note>[] = [];
  #head = 0;
  #lastDue: Millis = -Infinity;
  held = 0;

  add(chunk: Buffer | null, due: Millis, note: Note): void {
    this.#lastDue = Math.max(due, this.#lastDue);
    this.#items.push({ chunk, note, due: this.#lastDue });
    this.held += chunk?.length ?? 0;
  }

  get empty(): boolean {
    return this.#head === this.#items.length;
  }

  get due(): Millis {
    return this.#items[this.#head]?.due ?? Infinity;
  }

  /** Works out all deadlines anew, after parameters were assigned. */
  reschedule(dueOf: (note: Note) => Millis): void {
    this.#lastDue = -Infinity;
    for (let i = this.#head; i < this.#items.length; i++) {
      const item = this.#items[i];
      if (item === undefined) continue;
      this.#lastDue = Math.max(this.#lastDue, dueOf(item.note));
      item.due = this.#lastDue;
    }
  }

  flush(out: Outlet, until: Millis): void {
    for (let item = this.#items[this.#head]; item && item.due <= until; item = this.#items[this.#head]) {
      this.#head++;
      if (item.chunk) {
        this.held -= item.chunk.length;
        out.emit(item.chunk);
      } else {
        out.end();
      }
    }
    if (this.#head === this.#items.length) {
      if (this.#head > 0) {
        this.#items = [];
        this.#head = 0;
      }
      this.#lastDue = -Infinity;
    } else if (this.#head >= 1024) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
  }
}

/** A stage that looks at each chunk and keeps nothing. */
export function passing(each: (chunk: Buffer, out: Outlet) => void): StreamStage {
  return { push: each, release: () => undefined, wakeAt: Infinity, held: 0, capacity: Infinity };
}

/** Whether a fault of this configured direction acts on that one. */
export function acts(on: Direction | "both" | null, direction: Direction): boolean {
  return on === "both" || on === direction;
}
