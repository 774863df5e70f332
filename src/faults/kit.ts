/** Shared parts of faults: what several kinds would otherwise each write again. */
import type { Millis } from "../core/clock.js";
import { LANE, Random, type Lot } from "../core/random.js";
import type { DatagramFault, Direction, Outlet, StreamStage } from "./contract/index.js";

interface Waiting<Note> {
  /** null stands for the end of the stream, which must not overtake bytes. */
  readonly chunk: Buffer | null;
  readonly note: Note;
  due: Millis;
}

/**
 * In-order bytes that leave when they are due: what latency, slow closes and lost segments have in common.
 * The line is first in, first out: what is due earlier than what came before it waits for that.
 */
export class DelayLine<Note> {
  #items: Waiting<Note>[] = [];
  #head = 0;
  held = 0;

  add(chunk: Buffer | null, due: Millis, note: Note): void {
    this.#items.push({ chunk, note, due });
    this.held += chunk?.length ?? 0;
  }

  get empty(): boolean {
    return this.#head === this.#items.length;
  }

  get pieces(): number {
    return this.#items.length - this.#head;
  }

  get due(): Millis {
    return this.#items[this.#head]?.due ?? Infinity;
  }

  /** Works out all deadlines anew, after parameters were assigned. */
  reschedule(dueOf: (note: Note) => Millis): void {
    for (let i = this.#head; i < this.#items.length; i++) {
      const item = this.#items[i];
      if (item !== undefined) item.due = dueOf(item.note);
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
      // One that was alone is taken out of its place, which the next one gets: most lines hold one at a time.
      if (this.#head === 1) this.#items.pop();
      else if (this.#head > 1) this.#items = [];
      this.#head = 0;
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

/**
 * The same fault for the datagrams of each direction, with draws of its own: the two run each at its own pace, and from
 * one generator they would take each other's. Where a datagram is drawn by what it holds, they begin anew with each.
 */
export function eachDirection(
  scope: { readonly random: Random; readonly keyed?: Lot | null },
  make: (random: Random, direction: Direction) => DatagramFault,
): DatagramFault {
  const { random } = scope;
  const key = { high: random.integer(2 ** 32), low: random.integer(2 ** 32) };
  const draws = {
    upstream: new Random(key, 0, LANE.upstream),
    downstream: new Random(key, 0, LANE.downstream),
  };
  const upstream = make(draws.upstream, "upstream");
  const downstream = make(draws.downstream, "downstream");
  const of = (direction: Direction): DatagramFault => (direction === "upstream" ? upstream : downstream);
  return {
    datagram: (payload, direction) => {
      const { keyed = null } = scope;
      if (keyed !== null) draws[direction].restart(keyed);
      return of(direction).datagram(payload, direction);
    },
    ...(upstream.rewrite === undefined
      ? {}
      : { rewrite: (payload, direction) => of(direction).rewrite?.(payload, direction) ?? payload }),
  };
}

/** Whether a fault of this configured direction acts on that one. */
export function acts(on: Direction | "both" | null, direction: Direction): boolean {
  return on === "both" || on === direction;
}

/** A time as it stands in a journal entry: milliseconds, to the microsecond. */
export function inJournal(millis: Millis): number {
  return Math.round(millis * 1000) / 1000;
}
