/** How long to wait for an answer: a signal that is aborted when the time is over, or when nobody wants it any more. */
import type { Clock, Millis, Timer } from "../../core/clock.js";
import { formatDuration } from "../../core/units.js";
import { Trouble } from "./trouble.js";

export class Deadline {
  readonly #clock: Clock;
  readonly #timeout: Millis;
  readonly #outer: AbortSignal;
  readonly #controller = new AbortController();
  readonly #giveUp = (): void => this.#controller.abort(this.#outer.reason);
  #due: Millis;
  #timer: Timer | null = null;

  /** An infinite `timeout` is none. */
  constructor(clock: Clock, timeout: Millis, outer: AbortSignal) {
    this.#clock = clock;
    this.#timeout = timeout;
    this.#outer = outer;
    this.#due = clock.now() + timeout;
    if (outer.aborted) this.#giveUp();
    else outer.addEventListener("abort", this.#giveUp, { once: true });
    this.#arm();
  }

  /** Aborted with a Trouble when the time is over, else with the reason of the outer signal. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Something moved, so the time begins anew: a large body may take long, as long as it comes. */
  extend(): void {
    this.#due = this.#clock.now() + this.#timeout;
  }

  end(): void {
    this.#timer?.cancel();
    this.#outer.removeEventListener("abort", this.#giveUp);
  }

  #arm(): void {
    if (this.#timeout === Infinity || this.signal.aborted) return;
    this.#timer = this.#clock.at(this.#due, () => {
      // Extended meanwhile: one timer for all the chunks of a body, not one for each.
      if (this.#clock.now() < this.#due) this.#arm();
      else this.#controller.abort(new Trouble(`no answer within ${formatDuration(this.#timeout)}`));
    });
  }
}
