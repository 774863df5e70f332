/** A clock of a process that stands still now and then: time passes, and the timers that are due meanwhile do not run. */
import { VirtualClock, type Clock, type Millis, type Timer } from "../../src/core/clock.js";

export class StoppedClock implements Clock {
  /** Its timers run when this one moves. */
  readonly running = new VirtualClock(1_000);
  #stood: Millis = 0;

  now(): Millis {
    return this.running.now() + this.#stood;
  }

  wallTime(): Millis {
    return this.now();
  }

  at(when: Millis, run: () => void): Timer {
    return this.running.at(when - this.#stood, run);
  }

  exactly(when: Millis, run: () => void): Timer {
    return this.at(when, run);
  }

  standStill(time: Millis): void {
    this.#stood += time;
  }
}
