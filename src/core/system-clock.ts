/** The machine's clock, and the timers on it. */
import { Deadlines } from "./deadlines.js";
import type { Millis, Timer, Clock } from "./clock.js";

/** setTimeout takes 31 bits and fires at once beyond that, so longer waits are armed again. */
const TIMEOUT_MAX: Millis = 2 ** 31 - 1;

/** The machine's clock. Its timers are a millisecond or two coarse and may fire early: decide by `now()`. */
export class SystemClock implements Clock {
  readonly #deadlines: Deadlines;
  readonly #failed: ((error: unknown) => void) | null;
  /** How many timers wait for what came before they did. */
  late = 0;

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

/**
 * The loop runs timers before it looks at its sockets. One that is later than this has not been kept by a busy turn or two: the process
 * stood still (suspended, stopped, or others had the machine), and what came meanwhile is to be heard first. An upstream that
 * answered at once would have timed out otherwise, and a client that spoke would have been idle.
 */
const STOOD_STILL: Millis = 20;

class SystemTimer implements Timer {
  #handle: NodeJS.Timeout | null = null;
  #turn: NodeJS.Immediate | null = null;
  #due: Millis = 0;

  constructor(
    private readonly clock: SystemClock,
    private readonly when: Millis,
    private readonly run: () => void,
  ) {}

  arm(): void {
    const now = this.clock.now();
    const wait = Math.ceil(Math.max(0, this.when - now));
    this.#due = now + wait;
    this.#handle = setTimeout(this.#wake, Math.min(wait, TIMEOUT_MAX));
  }

  readonly #wake = (): void => {
    const now = this.clock.now();
    if (this.when - now > 1) this.arm();
    else if (now - this.#due < STOOD_STILL && this.clock.late === 0) this.clock.fire(this.run);
    else this.#wait();
  };

  /** A turn; those that were due after this one come behind it. */
  #wait(): void {
    this.clock.late++;
    this.#turn = setImmediate(() => {
      this.#turn = null;
      this.clock.late--;
      this.clock.fire(this.run);
    });
  }

  cancel(): void {
    if (this.#handle) clearTimeout(this.#handle);
    this.#handle = null;
    if (this.#turn === null) return;
    clearImmediate(this.#turn);
    this.#turn = null;
    this.clock.late--;
  }
}
