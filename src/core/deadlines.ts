/**
 * Deadlines that are kept to a fraction of a millisecond. The timers of the event loop count in whole milliseconds and
 * sleep on by as much again, so a delay of 1 ms would take anything up to 3. Here one timer sleeps until shortly before
 * the earliest deadline. The rest is spent in turns of the loop, which goes on with its other work meanwhile, and where
 * there is none in naps of a tenth of a millisecond: looking at the clock without them would take a whole processor, and
 * a scheduler lets whoever does so wait when others want it. Nothing is spent while no deadline is near.
 */
import type { Millis, Timer } from "./clock.js";

/** What there is to wait with. */
export interface EventLoop {
  now(): Millis;
  /** Calls back after a whole number of milliseconds, late by up to two. */
  sleep(wait: Millis, then: () => void): Timer;
  /** Calls back on the next turn. */
  turn(then: () => void): void;
  /** Keeps the whole loop waiting. */
  nap(wait: Millis): void;
}

/** A timer may be late by one tick of the loop's clock. */
const TICK: Millis = 1;
/** The longest time in which the loop sees nothing else, while a deadline is near and it has nothing to do. */
const NAP: Millis = 0.07;
/** By so much the kernel lets a nap grow (its timer slack is 50 µs). */
const LATE: Millis = 0.08;
/** So long those that are due may wait for the next ones, behind some that have just been done. */
const TOGETHER: Millis = 0.05;
/** A turn of the loop that took longer had something to do: it is not made to wait. */
const EMPTY_TURN: Millis = 0.04;
/** setTimeout takes 31 bits and fires at once beyond that; whoever wakes early sleeps again. */
const SLEEP_MAX: Millis = 2 ** 31 - 1;

const bed = new Int32Array(new SharedArrayBuffer(4));

const nodeLoop: EventLoop = {
  now: () => performance.now(),
  sleep: (wait, then) => {
    const handle = setTimeout(then, wait);
    return {
      cancel: () => {
        clearTimeout(handle);
      },
    };
  },
  turn: (then) => {
    setImmediate(then);
  },
  nap: (wait) => {
    Atomics.wait(bed, 0, 0, wait);
  },
};

export class Deadlines {
  readonly #loop: EventLoop;
  readonly #failed: ((error: unknown) => void) | null;
  /** A heap: nothing is due before the entry at half its index. */
  readonly #heap: Deadline[] = [];
  #asked = 0;
  #sleep: Timer | null = null;
  #sleepsUntil: Millis = Infinity;
  #watching = false;
  /** When it last looked at the clock, while it watches. */
  #lookedAt: Millis = -Infinity;

  /** `failed` hears of what is thrown by those that run; without it the first one to throw ends the turn. */
  constructor(loop: EventLoop = nodeLoop, failed: ((error: unknown) => void) | null = null) {
    this.#loop = loop;
    this.#failed = failed;
  }

  /** Runs once, on a later turn, at `when` or behind it; those of one moment in the order they were asked for. */
  at(when: Millis, run: () => void): Timer {
    const deadline = new Deadline(this, when, this.#asked++, run);
    deadline.index = this.#heap.length;
    this.#heap.push(deadline);
    this.#rise(deadline);
    if (deadline.index === 0) this.#arm();
    return deadline;
  }

  /** For Deadline. A timer that others wait for is left as it is: that it finds less to do is cheaper than setting it anew. */
  remove(deadline: Deadline): void {
    const last = this.#heap.pop();
    if (this.#heap.length === 0) this.#rest();
    if (last === undefined || last === deadline) return;
    last.index = deadline.index;
    this.#heap[last.index] = last;
    this.#rise(last);
    this.#sink(last);
  }

  readonly #turn = (): void => {
    this.#watching = false;
    try {
      const now = this.#loop.now();
      const busy = now - this.#lookedAt > EMPTY_TURN;
      // What is asked for from here on is for a later turn, whatever is due.
      const asked = this.#asked;
      const ran = this.#run(now, asked);
      if (busy || this.#heap.length === 0) return;
      const spare = (this.#heap[0]?.when ?? 0) - this.#loop.now() - LATE;
      // Where one follows close upon the other some are done together: a turn for each would take a whole processor.
      const nap = Math.min(NAP, ran ? Math.max(TOGETHER, spare) : spare);
      if (nap <= 0) return;
      this.#loop.nap(nap);
      this.#run(this.#loop.now(), asked);
    } finally {
      this.#arm();
    }
  };

  /** Those that are due and were asked for before; true if there were any. */
  #run(now: Millis, asked: number): boolean {
    let any = false;
    for (;;) {
      const first = this.#heap[0];
      if (first === undefined || first.when > now || first.order >= asked) return any;
      any = true;
      first.cancel();
      if (this.#failed === null) first.run();
      else this.#attempt(first, this.#failed);
    }
  }

  /** Those that are due behind one that throws are run all the same. */
  #attempt({ run }: Deadline, failed: (error: unknown) => void): void {
    try {
      run();
    } catch (error) {
      failed(error);
    }
  }

  /** What is due by now waits for a turn all the same: the loop has slept too long, and hears of its sockets first. */
  readonly #woke = (): void => {
    this.#sleep = null;
    this.#sleepsUntil = Infinity;
    this.#arm();
  };

  #arm(): void {
    if (this.#watching) return;
    const when = this.#heap[0]?.when ?? Infinity;
    if (when === Infinity) return;
    const wait = Math.floor(when - this.#loop.now() - TICK);
    if (wait < 1) {
      this.#watching = true;
      this.#lookedAt = this.#loop.now();
      this.#loop.turn(this.#turn);
      return;
    }
    const until = when - TICK;
    // One that wakes too early sleeps again, one that would wake too late is no use.
    if (this.#sleepsUntil <= until) return;
    this.#rest();
    this.#sleepsUntil = until;
    this.#sleep = this.#loop.sleep(Math.min(wait, SLEEP_MAX), this.#woke);
  }

  #rest(): void {
    this.#sleep?.cancel();
    this.#sleep = null;
    this.#sleepsUntil = Infinity;
  }

  #rise(deadline: Deadline): void {
    const heap = this.#heap;
    let { index } = deadline;
    while (index > 0) {
      const parent = heap[(index - 1) >> 1];
      if (parent === undefined || !deadline.before(parent)) break;
      heap[index] = parent;
      const above = parent.index;
      parent.index = index;
      index = above;
    }
    heap[index] = deadline;
    deadline.index = index;
  }

  #sink(deadline: Deadline): void {
    const heap = this.#heap;
    let { index } = deadline;
    for (;;) {
      const left = heap[2 * index + 1];
      const right = heap[2 * index + 2];
      const child = right !== undefined && left !== undefined && right.before(left) ? right : left;
      if (child === undefined || !child.before(deadline)) break;
      const below = child.index;
      heap[index] = child;
      child.index = index;
      index = below;
    }
    heap[index] = deadline;
    deadline.index = index;
  }
}

class Deadline implements Timer {
  index = -1;

  constructor(
    private readonly all: Deadlines,
    readonly when: Millis,
    readonly order: number,
    readonly run: () => void,
  ) {}

  before(other: Deadline): boolean {
    return this.when < other.when || (this.when === other.when && this.order < other.order);
  }

  cancel(): void {
    if (this.index < 0) return;
    this.all.remove(this);
    this.index = -1;
  }
}
