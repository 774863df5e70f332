/** Lets the first of many like ones through and counts the rest, with a word on how many at the end. */
import type { Clock, Timer } from "../core/clock.js";

export interface ThrottleOptions<T> {
  readonly clock: Clock;
  /** Milliseconds. */
  readonly window: number;
  /** How many of one key pass within a window. */
  readonly burst: number;
  /** So many keys of a group are told apart, further ones share a window; all if not given. */
  readonly apart?: number;
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
/** The key of those of a group that are too many; nobody is called that. */
const OTHERS = "\0";

export class Throttle<T> {
  readonly #options: ThrottleOptions<T>;
  /** By group and key: two looks at names that are known cost less than a new name made of both. */
  readonly #groups = new Map<string, Map<string, Window<T>>>();
  #keys = 0;
  #others: Window<T> | null = null;

  constructor(options: ThrottleOptions<T>) {
    this.#options = options;
  }

  /** Whether this one passes. Keys are told apart within their group. */
  pass(key: string, what: T, group = ""): boolean {
    const window = this.#groups.get(group)?.get(key) ?? this.#open(group, key);
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
    for (const [group, keys] of [...this.#groups])
      for (const [key, window] of [...keys]) this.#end(group, key, window);
    this.#endOthers();
  }

  #open(group: string, named: string): Window<T> {
    const { apart = Infinity } = this.#options;
    const among = this.#groups.get(group);
    const key = (among?.size ?? 0) < apart ? named : OTHERS;
    const shared = key === OTHERS ? among?.get(key) : undefined;
    if (shared !== undefined) return shared;
    if (this.#keys >= KEYS_MAX)
      return (this.#others ??= this.#window(() => {
        this.#endOthers();
      }));
    const window = this.#window(() => {
      this.#end(group, key, window);
    });
    const keys = among ?? new Map<string, Window<T>>();
    this.#groups.set(group, keys);
    keys.set(key, window);
    this.#keys++;
    return window;
  }

  #window(end: () => void): Window<T> {
    const { clock, window } = this.#options;
    return { passed: 0, more: 0, last: null, timer: clock.at(clock.now() + window, end) };
  }

  #end(group: string, key: string, window: Window<T>): void {
    const keys = this.#groups.get(group);
    keys?.delete(key);
    if (keys?.size === 0) this.#groups.delete(group);
    this.#keys--;
    this.#over(window);
  }

  #endOthers(): void {
    const others = this.#others;
    this.#others = null;
    if (others !== null) this.#over(others);
  }

  #over({ timer, more, last }: Window<T>): void {
    timer.cancel();
    if (more > 0 && last !== null) this.#options.onMore(more, last);
  }
}
