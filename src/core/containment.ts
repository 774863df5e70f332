/**
 * Keeps a mistake of ours where it was made. Whatever the event loop calls (sockets, timers, look-ups) runs inside of one
 * of these, so that what it throws costs its owner (a connection, a flow, a question, a check) and nobody else.
 */
import type { Clock, Millis, Timer } from "./clock.js";

/** Whoever pays for a mistake: it tells of it, and ends. Never throws. */
export interface Owner {
  failed(error: unknown): void;
}

/** The same function, whose mistakes are its owner's. */
export function contained<Args extends readonly unknown[]>(
  owner: Owner,
  run: (...args: Args) => void,
): (...args: Args) => void {
  return (...args) => {
    try {
      run(...args);
    } catch (error) {
      owner.failed(error);
    }
  };
}

/** A clock whose timers are contained. */
export class ContainedClock implements Clock {
  readonly #clock: Clock;
  readonly #owner: Owner;

  constructor(clock: Clock, owner: Owner) {
    this.#clock = clock;
    this.#owner = owner;
  }

  now(): Millis {
    return this.#clock.now();
  }

  wallTime(): Millis {
    return this.#clock.wallTime();
  }

  at(when: Millis, run: () => void): Timer {
    return this.#clock.at(when, contained(this.#owner, run));
  }

  exactly(when: Millis, run: () => void): Timer {
    return this.#clock.exactly(when, contained(this.#owner, run));
  }
}
