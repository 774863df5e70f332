/** Where bots wait for a job: long polls, served in the order of their arrival as jobs become ready. */
import type { Clock, Millis, Timer } from "../../core/clock.js";
import type { Bot } from "./records.js";
import type { JobStore, LeasedJob } from "./store.js";

interface Waiter {
  readonly bot: Bot;
  readonly key: string | null;
  readonly until: Millis;
  readonly answer: (leased: LeasedJob | null) => void;
}

export class WaitingRoom {
  readonly #store: JobStore;
  readonly #clock: Clock;
  readonly #waiters = new Set<Waiter>();
  #alarm: Timer | null = null;
  #due = false;
  #closed = false;

  constructor(store: JobStore, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
    store.whenQueued(() => this.#serveSoon());
  }

  get size(): number {
    return this.#waiters.size;
  }

  /** Resolves with a lease, or with null after `wait`, when `gone` is aborted, or when the room closes. */
  lease(bot: Bot, key: string | null, wait: Millis, gone: AbortSignal): Promise<LeasedJob | null> {
    const leased = this.#store.lease(bot, key);
    if (leased || wait <= 0 || this.#closed || gone.aborted) return Promise.resolve(leased);
    return new Promise((resolve) => {
      const leave = (): void => waiter.answer(null);
      const waiter: Waiter = {
        bot,
        key,
        until: this.#clock.now() + wait,
        answer: (outcome) => {
          this.#waiters.delete(waiter);
          gone.removeEventListener("abort", leave);
          resolve(outcome);
        },
      };
      this.#waiters.add(waiter);
      gone.addEventListener("abort", leave);
      this.#setAlarm();
    });
  }

  /** Sends everybody away without a job. */
  close(): void {
    this.#closed = true;
    this.#alarm?.cancel();
    for (const waiter of this.#waiters) waiter.answer(null);
  }

  /** Not at once: the store is in the middle of a change when it tells that a job is ready. */
  #serveSoon(): void {
    if (this.#due || this.#waiters.size === 0) return;
    this.#due = true;
    queueMicrotask(() => {
      this.#due = false;
      this.#serve();
    });
  }

  #serve(): void {
    this.#store.expire();
    const now = this.#clock.now();
    for (const waiter of this.#waiters) {
      const leased = this.#store.lease(waiter.bot, waiter.key);
      if (leased || waiter.until <= now) waiter.answer(leased);
    }
    this.#setAlarm();
  }

  /** One timer for all: the next wait that ends, or the next lease that may return a job to the queue. */
  #setAlarm(): void {
    this.#alarm?.cancel();
    this.#alarm = null;
    if (this.#waiters.size === 0 || this.#closed) return;
    let next = this.#store.nextExpiry;
    for (const waiter of this.#waiters) next = Math.min(next, waiter.until);
    this.#alarm = this.#clock.at(next, () => this.#serve());
  }
}
