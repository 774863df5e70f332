/** The machine's clock, and the timers on it. */
import { Deadlines } from "./deadlines.js";
import type { Millis, Timer, Clock } from "./clock.js";

/** setTimeout takes 31 bits and fires at once beyond that, so longer waits are armed again. */
const TIMEOUT_MAX: Millis = 2 ** 31 - 1;

/** The machine's clock. Its timers are a millisecond or two coarse and may fire early: decide by `now()`. */
export class SystemClock implements Clock {
  readonly #deadlines: Deadlines;
  readonly #failed: ((error: unknown) => void) | null;

  /** `failed` hears of what a timer throws that nobody else has caught; without it that is an uncaught exception. */
  constructor(failed: ((error: unknown) => void) | null = null) {
    this.#failed = failed;
    this.#deadlines = new Deadlines(undefined, failed);
  }

  now(): Millis {
    return performance.now();
  }

  wallTime(): Millis {
    // eslint-disable-next-line no-restricted-properties -- this is the clock that hands it in
    return Date.now();
  }

  at(when: Millis, run: () => void): Timer {
    const timer = new SystemTimer(this, when, run);
    timer.arm();
    return timer;
  }

  exactly(when: Millis, run: () => void): Timer {
    return this.#deadlines.at(when, run);
  }

  /** For its timers. */
  fire(run: () => void): void {
    if (this.#failed === null) {
      run();
      return;
    }
    try {
      run();
    } catch (error) {
      this.#failed(error);
    }
  }
}

class SystemTimer implements Timer {
  #handle: NodeJS.Timeout | null = null;

  constructor(
    private readonly clock: SystemClock,
    private readonly when: Millis,
    private readonly run: () => void,
  ) {}

  arm(): void {
    const wait = Math.ceil(Math.max(0, this.when - this.clock.now()));
    this.#handle = setTimeout(this.#fire, Math.min(wait, TIMEOUT_MAX));
  }

  readonly #fire = (): void => {
    if (this.when - this.clock.now() > 1) this.arm();
    else this.clock.fire(this.run);
  };

  cancel(): void {
    if (this.#handle) clearTimeout(this.#handle);
    this.#handle = null;
  }
}
