/** Milliseconds on a monotonic clock. Fractions are allowed; the epoch means nothing. */
export type Millis = number;

export interface Timer {
  cancel(): void;
}

export interface Clock {
  now(): Millis;
  /** Milliseconds since 1970 for people to read, as the machine has them now, set or not; never used to decide anything. */
  wallTime(): Millis;
  /** Runs once, at or shortly after `when`. A moment in the past means "on a later turn". */
  at(when: Millis, run: () => void): Timer;
  /** The same, and not a millisecond late. It costs processor time shortly before: for what faults promise, no more. */
  exactly(when: Millis, run: () => void): Timer;
}

interface Pending {
  readonly when: Millis;
  /** Breaks ties, so that equal deadlines run in the order they were asked for. */
  readonly order: number;
  readonly run: () => void;
}

/** Time that moves only when a test says so. */
export class VirtualClock implements Clock {
  #now: Millis;
  #order = 0;
  #pending: Pending[] = [];

  constructor(start: Millis = 0) {
    this.#now = start;
  }

  now(): Millis {
    return this.#now;
  }

  wallTime(): Millis {
    return this.#now;
  }

  at(when: Millis, run: () => void): Timer {
    const entry: Pending = { when: Math.max(when, this.#now), order: this.#order++, run };
    this.#pending.push(entry);
    this.#pending.sort((a, b) => a.when - b.when || a.order - b.order);
    return {
      cancel: () => {
        this.#pending = this.#pending.filter((other) => other !== entry);
      },
    };
  }

  exactly(when: Millis, run: () => void): Timer {
    return this.at(when, run);
  }

  /** Moves time on by `by`, running what falls due on the way, each at its own moment. */
  advance(by: Millis): void {
    const until = this.#now + by;
    for (;;) {
      const next = this.#pending[0];
      if (!next || next.when > until) break;
      this.#pending.shift();
      this.#now = next.when;
      next.run();
    }
    this.#now = until;
  }

  /** When the next timer is due, or Infinity. */
  get next(): Millis {
    return this.#pending[0]?.when ?? Infinity;
  }

  /** How many timers wait. */
  get waiting(): number {
    return this.#pending.length;
  }

  get idle(): boolean {
    return this.#pending.length === 0;
  }
}
