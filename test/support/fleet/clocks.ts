/** The clocks of one machine in a test: a monotonic one that may be paused with its process, and a wall clock that may jump. */
import type { Clock, Millis, Timer, VirtualClock } from "../../../src/core/clock.js";

export class MachineClock implements Clock {
  readonly #time: VirtualClock;
  readonly #offset: Millis;
  /** Of the wall clock, against the time of the test. */
  wallOffset: Millis = 0;
  #paused = false;
  #late: (() => void)[] = [];

  constructor(time: VirtualClock, offset: Millis) {
    this.#time = time;
    this.#offset = offset;
  }

  now(): Millis {
    return this.#time.now() + this.#offset;
  }

  wallTime(): Millis {
    return this.#time.now() + this.wallOffset;
  }

  at(when: Millis, run: () => void): Timer {
    let cancelled = false;
    const due = (): void => {
      if (cancelled) return;
      if (this.#paused) this.#late.push(due);
      else run();
    };
    const timer = this.#time.at(when - this.#offset, due);
    return {
      cancel: () => {
        cancelled = true;
        timer.cancel();
      },
    };
  }

  exactly(when: Millis, run: () => void): Timer {
    return this.at(when, run);
  }

  /** The process stands still: time goes on, and nothing runs. */
  pause(): void {
    this.#paused = true;
  }

  get paused(): boolean {
    return this.#paused;
  }

  /** What was due meanwhile runs now, in its order. */
  resume(): void {
    this.#paused = false;
    const late = this.#late;
    this.#late = [];
    for (const run of late) run();
  }
}
