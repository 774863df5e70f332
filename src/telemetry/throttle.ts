/** Lets the first of many like ones through and counts the rest, with a word on how many at the end. */
import type { Clock, Timer } from "../core/clock.js";

export interface ThrottleOptions<T> {
  readonly clock: Clock;
  /** Milliseconds. */
  readonly window: number;
  /** How many of one key pass within a window. */
  readonly burst: number;
  /** Told at the end of a window in which some did not pass; `last` is the latest of those. */
  readonly onMore: (more: number, last: T) => void;
}

interface Window<T> {
  passed: number;
  more: number;
  last: T | null;
  readonly timer: Timer;
}

/** So many keys are told apart; further ones share one window. */
const KEYS_MAX = 1_000;

export class Throttle<T> {
  readonly #options: ThrottleOptions<T>;
  readonly #windows = new Map<string, Window<T>>();

  constructor(options: ThrottleOptions<T>) {
    this.#options = options;
  }

  /** Whether this one passes. */
  pass(key: string, what: T): boolean {
    const own = `key ${key}`;
    const window = this.#windows.get(own) ?? this.#open(this.#windows.size < KEYS_MAX ? own : "others");
    if (window.passed < this.#options.burst) {
      window.passed++;
      return true;
    }
    window.more++;
    window.last = what;
    return false;
  }

  /** Says what there is to say at once, and leaves no timer behind. */
  close(): void {
    for (const key of [...this.#windows.keys()]) this.#end(key);
  }

  #open(key: string): Window<T> {
    const known = this.#windows.get(key);
    if (known) return known;
    const { clock, window } = this.#options;
    const opened: Window<T> = {
      passed: 0,
      more: 0,
      last: null,
      timer: clock.at(clock.now() + window, () => {
        this.#end(key);
      }),
    };
    this.#windows.set(key, opened);
    return opened;
  }

  #end(key: string): void {
    const window = this.#windows.get(key);
    if (window === undefined) return;
    this.#windows.delete(key);
    window.timer.cancel();
    if (window.more > 0 && window.last !== null) this.#options.onMore(window.more, window.last);
  }
}
