/** One timer that is set again and again, as whoever it wakes changes its mind. */
import type { Clock, Millis, Timer } from "./clock.js";

export class Alarm {
  readonly #clock: Clock;
  readonly #ring: () => void;
  #timer: Timer | null = null;
  /** When the timer runs out, and when it is to ring: that may be later. */
  #due: Millis = Infinity;
  #when: Millis = Infinity;

  constructor(clock: Clock, ring: () => void) {
    this.#clock = clock;
    this.#ring = ring;
  }

  /** Rings then, and not when it was set to before; Infinity for never. */
  set(when: Millis): void {
    if (when === this.#when) return;
    this.#when = when;
    // A timer that runs out too early finds out, which costs less than another one.
    if (this.#timer !== null && this.#due <= when && when !== Infinity) return;
    this.#timer?.cancel();
    this.#timer = null;
    this.#arm();
  }

  #arm(): void {
    this.#due = this.#when;
    if (this.#due !== Infinity) this.#timer = this.#clock.at(this.#due, this.#rings);
  }

  cancel(): void {
    this.set(Infinity);
  }

  readonly #rings = (): void => {
    this.#timer = null;
    if (this.#when !== this.#due) {
      this.#arm();
      return;
    }
    this.#when = Infinity;
    this.#ring();
  };
}
