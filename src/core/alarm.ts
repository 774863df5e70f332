/** One timer that is set again and again, as whoever it wakes changes its mind. */
import type { Clock, Millis, Timer } from "./clock.js";

export class Alarm {
  readonly #clock: Clock;
  readonly #ring: () => void;
  #timer: Timer | null = null;
  #when: Millis = Infinity;

  constructor(clock: Clock, ring: () => void) {
    this.#clock = clock;
    this.#ring = ring;
  }

  /** Rings then, and not when it was set to before; Infinity for never. */
  set(when: Millis): void {
    if (when === this.#when) return;
    this.#timer?.cancel();
    this.#when = when;
    this.#timer = when === Infinity ? null : this.#clock.at(when, this.#rings);
  }

  cancel(): void {
    this.set(Infinity);
  }

  readonly #rings = (): void => {
    this.#timer = null;
    this.#when = Infinity;
    this.#ring();
  };
}
