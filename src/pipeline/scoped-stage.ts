/**
 * A stage for some of the bytes of a stream: those of the exchanges that its fault hits, or only their heads or
 * their payload. All others go past it, and none overtakes another.
 */
import type { Millis } from "../core/clock.js";
import type { Outlet, StreamStage } from "../faults/contract/index.js";
import { Tracker, type Flow, type Mark, type Passage } from "./flow.js";

/** Which bytes a stage is for. */
export interface Scoping {
  means(mark: Mark): boolean;
  /** Whether each passage has a stage of its own. */
  readonly fresh: boolean;
  /** Bytes of another passage are about to come: the stage for them, or null to go on with the one there is. */
  enter(passage: Passage): StreamStage | null;
}

/** For a fault of the connection itself: everything is meant, and marks are handed on. */
export const EVERYTHING: Scoping = { means: () => true, fresh: false, enter: () => null };

interface Waiting {
  readonly chunk: Buffer;
  readonly mark: Mark;
}

export class ScopedStage implements StreamStage {
  readonly #flow: Flow;
  readonly #scoping: Scoping;
  readonly #tracker: Tracker;
  #inner: StreamStage;
  #passage: Passage | null = null;
  /** What must wait until the stage has let go of what came before. */
  #queue: Waiting[] = [];
  #queued = 0;
  #ending: Mark | null = null;
  #ended = false;
  #active = false;

  constructor(flow: Flow, inner: StreamStage, scoping: Scoping) {
    this.#flow = flow;
    this.#inner = inner;
    this.#scoping = scoping;
    this.#tracker = new Tracker(flow);
  }

  /** Bytes of this passage will come: a stage that acts without any may do so from now on. */
  begin(passage: Passage, wire: boolean): void {
    if (this.held > 0 || !wire) return;
    this.#active = true;
    this.#enter(passage);
  }

  /** Nothing of it comes any more, but what is on its way. */
  rest(): void {
    this.#active = false;
  }

  push(chunk: Buffer, out: Outlet): void {
    const mark = this.#flow.now;
    if (this.#queue.length > 0 || !this.#let(chunk, mark, out)) {
      this.#queue.push({ chunk, mark });
      this.#queued += chunk.length;
    }
  }

  /** Into the stage, or past it; false if that must wait. */
  #let(chunk: Buffer, mark: Mark, out: Outlet): boolean {
    if (!this.#scoping.means(mark)) {
      if (this.#inner.held > 0) return false;
      this.#flow.now = mark;
      out.emit(chunk);
      return true;
    }
    if (mark.passage !== null && mark.passage !== this.#passage && !this.#enter(mark.passage)) return false;
    this.#flow.now = mark;
    this.#tracker.out = out;
    this.#tracker.take(chunk.length);
    this.#inner.push(chunk, this.#tracker);
    return true;
  }

  /** False while a stage of another passage must stay for what it holds. */
  #enter(passage: Passage): boolean {
    if (passage === this.#passage) return true;
    if (this.#scoping.fresh && this.#inner.held > 0) return false;
    this.#inner = this.#scoping.enter(passage) ?? this.#inner;
    this.#passage = passage;
    return true;
  }

  end(out: Outlet): void {
    this.#ending = this.#flow.now;
    this.#drain(out);
  }

  wake(out: Outlet): void {
    this.#tracker.out = out;
    this.#inner.wake?.(this.#tracker);
    this.#drain(out);
  }

  assigned(out: Outlet): void {
    this.#tracker.out = out;
    if (this.#inner.assigned) this.#inner.assigned(this.#tracker);
    else this.#inner.wake?.(this.#tracker);
    this.#drain(out);
  }

  #drain(out: Outlet): void {
    for (let next = this.#queue[0]; next !== undefined; next = this.#queue[0]) {
      if (!this.#let(next.chunk, next.mark, out)) return;
      this.#queue.shift();
      this.#queued -= next.chunk.length;
    }
    const ending = this.#ending;
    if (ending === null) return;
    const inside = this.#scoping.means({ passage: ending.passage, part: "wire" });
    if (!inside && this.#inner.held > 0) return;
    this.#ending = null;
    this.#ended = true;
    this.#tracker.endMark = ending;
    this.#tracker.out = out;
    if (inside && this.#inner.end) this.#inner.end(this.#tracker);
    else this.#tracker.end();
  }

  release(out: Outlet): void {
    this.#tracker.out = out;
    this.#inner.release(this.#tracker);
    const queue = this.#queue;
    this.#queue = [];
    this.#queued = 0;
    for (const { chunk, mark } of queue) {
      this.#flow.now = mark;
      out.emit(chunk);
    }
  }

  get wakeAt(): Millis {
    // A stage that would act on nothing yet (a truncation after 0 bytes) waits until there is something to act on.
    const acts = this.#active || this.#ended || this.#scoping === EVERYTHING || this.#inner.held > 0;
    return acts ? this.#inner.wakeAt : Infinity;
  }

  get held(): number {
    return this.#inner.held + this.#queued;
  }

  get pieces(): number {
    return (this.#inner.pieces ?? 0) + this.#queue.length;
  }

  get capacity(): number {
    // What waits behind the stage counts as well: a long answer behind a short one that is held has no other bound.
    return this.#active || this.#scoping === EVERYTHING || this.held > 0 ? this.#inner.capacity : Infinity;
  }
}
