/** How long an adapter waits: each of its promises is settled by then, whatever hangs. */
import { EngineError } from "../contract/engine.js";
import type { Millis } from "../../core/clock.js";

/** Milliseconds for one call of `FleetEngine`, with all that it asks of the engine. */
export const CALL_MAX: Millis = 5_000;

/** The end of one call, which all its steps share. */
export class Limit {
  readonly #now: () => Millis;
  readonly #until: Millis;

  constructor(now: () => Millis, time: Millis = CALL_MAX) {
    this.#now = now;
    this.#until = now() + time;
  }

  /** 0 when it is over. */
  get left(): Millis {
    return Math.max(0, this.#until - this.#now());
  }

  /** A part of it, for a step behind which there is another way. */
  atMost(time: Millis): Limit {
    return new Limit(this.#now, Math.min(time, this.left));
  }

  /** Rejects as `away` with that text when the time is up first; what it waited for is not stopped by that. */
  async wait<T>(what: Promise<T>, text: () => string): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_done, failed) => {
      timer = setTimeout(() => {
        failed(new EngineError("away", text()));
      }, this.left);
    });
    try {
      return await Promise.race([what, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Waits so long, or until the end; false if that is reached. */
  async pause(time: Millis): Promise<boolean> {
    const left = this.left;
    await new Promise((done) => setTimeout(done, Math.min(time, left)));
    return left > time;
  }
}
