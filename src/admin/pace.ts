/**
 * How often a client is read that sends its request in crumbs, or on and on after its body was refused. A read costs the same
 * for a byte as for 64 KiB, so that hundreds of them would otherwise keep the admin port busy with nothing.
 */
import type { Clock, Millis, Timer } from "../core/clock.js";

/** Between two reads of one client; all who rest are read again together. */
export const REST_MS: Millis = 100;

export class Pace {
  readonly #clock: Pick<Clock, "now" | "at">;
  #resting: (() => void)[] = [];
  #timer: Timer | null = null;

  constructor(clock: Pick<Clock, "now" | "at">) {
    this.#clock = clock;
  }

  /** Calls `wake` within 100 ms, unless the port closes before. */
  rest(wake: () => void): void {
    this.#resting.push(wake);
    this.#timer ??= this.#clock.at(this.#clock.now() + REST_MS, () => {
      this.#timer = null;
      for (const each of this.#resting.splice(0)) each();
    });
  }

  close(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#resting = [];
  }
}
