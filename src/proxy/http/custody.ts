/**
 * What is kept of one message beside the pumps: booked within the budget for held bytes, with its source paused while
 * there is no room, and for a bounded time, since a stream may have no end.
 */
import type { Clock, Timer } from "../../core/clock.js";
import type { Direction } from "../../faults/contract/index.js";
import type { HeldBudget, Waiter } from "../../pipeline/budget.js";

/** How long a body may take to come to its end before it goes on as it is. */
export const KEPT_MAX_MS = 5_000;

export interface CustodyHost {
  readonly clock: Clock;
  readonly budget: HeldBudget;
  /** Reads no more from where this direction begins, or goes on. */
  pauseSource(direction: Direction, paused: boolean): void;
}

export class Custody implements Waiter {
  readonly #host: CustodyHost;
  readonly #direction: Direction;
  readonly #late: Timer;
  #weight = 0;
  #paused = false;
  #over = false;

  /** `late` is called once its time is up, unless it is over by then. */
  constructor(host: CustodyHost, direction: Direction, late: () => void) {
    this.#host = host;
    this.#direction = direction;
    this.#late = host.clock.at(host.clock.now() + KEPT_MAX_MS, () => {
      if (!this.#over) late();
    });
  }

  /** So many bytes of memory are kept now. */
  book(weight: number): void {
    if (this.#over || weight === this.#weight) return;
    const change = weight - this.#weight;
    this.#weight = weight;
    this.#host.budget.add(change);
    this.#regulate();
  }

  relieved(): void {
    this.#regulate();
  }

  #regulate(): void {
    const { budget } = this.#host;
    const pause = this.#weight > 0 && budget.exhausted;
    if (pause) budget.await(this);
    if (pause === this.#paused) return;
    this.#paused = pause;
    this.#host.pauseSource(this.#direction, pause);
  }

  /** Nothing is kept any more. */
  end(): void {
    if (this.#over) return;
    this.book(0);
    this.#over = true;
    this.#late.cancel();
    this.#host.budget.forget(this);
  }
}
