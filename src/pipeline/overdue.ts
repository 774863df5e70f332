/**
 * The next moment at which the plan changes by itself, for all who are about to act on something that has come. A timer is late where the
 * process stood still (stopped, suspended, busy), and what came meanwhile is heard before it: a fault whose end has passed would
 * still hit that. So whoever hears something looks here first, and the change is made then and there. While the plan waits for
 * nothing that costs one comparison.
 */
import type { Clock, Millis, Timer } from "../core/clock.js";

export class Overdue {
  readonly #clock: Clock;
  #at: Millis = Infinity;
  #change: () => void = () => undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Infinity where nothing is to come. */
  set(at: Millis, change: () => void): void {
    this.#at = at;
    this.#change = change;
  }

  get passed(): boolean {
    return this.#at !== Infinity && this.#clock.now() >= this.#at;
  }

  /** Never throws. */
  look(): void {
    if (!this.passed) return;
    // Whoever hears something within the change has heard it behind it.
    this.#at = Infinity;
    this.#change();
  }
}

/** The clock of those whose timers act on somebody: they look first. */
export class PunctualClock implements Clock {
  readonly #clock: Clock;
  readonly #overdue: Overdue;

  constructor(clock: Clock, overdue: Overdue) {
    this.#clock = clock;
    this.#overdue = overdue;
  }

  now(): Millis {
    return this.#clock.now();
  }

  wallTime(): Millis {
    return this.#clock.wallTime();
  }

  at(when: Millis, run: () => void): Timer {
    const timer = new Punctual(this.#overdue, run);
    timer.timer = this.#clock.at(when, timer.due);
    return timer;
  }

  exactly(when: Millis, run: () => void): Timer {
    const timer = new Punctual(this.#overdue, run);
    timer.timer = this.#clock.exactly(when, timer.due);
    return timer;
  }
}

/** The change may be the end of what was waited for: then it is cancelled, although it is due. */
class Punctual implements Timer {
  timer: Timer | null = null;
  #cancelled = false;

  constructor(
    private readonly overdue: Overdue,
    private readonly run: () => void,
  ) {}

  readonly due = (): void => {
    this.overdue.look();
    if (!this.#cancelled) this.run();
  };

  cancel(): void {
    this.#cancelled = true;
    this.timer?.cancel();
  }
}
