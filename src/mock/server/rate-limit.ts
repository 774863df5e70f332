/** How many calls a caller may make: a bucket of tokens each, filled at a steady rate up to a second's worth. */
import type { Clock, Millis } from "../../core/clock.js";
import { BoundedMap } from "../../core/lru.js";
import { Refusal } from "./refusal.js";

const CALLERS_MAX = 10_000;
const SECOND: Millis = 1_000;

interface Bucket {
  tokens: number;
  filled: Millis;
}

export class RateLimit {
  readonly #clock: Clock;
  /** Calls a second. */
  readonly #rate: number;
  readonly #burst: number;
  readonly #buckets = new BoundedMap<string, Bucket>(CALLERS_MAX);

  constructor(clock: Clock, rate: number) {
    this.#clock = clock;
    this.#rate = rate;
    this.#burst = Math.max(1, rate);
  }

  /** Refuses the call if the caller made too many, and says when there is room for the next. */
  admit(caller: string): void {
    const now = this.#clock.now();
    let bucket = this.#buckets.get(caller);
    if (!bucket) this.#buckets.set(caller, (bucket = { tokens: this.#burst, filled: now }));
    bucket.tokens = Math.min(this.#burst, bucket.tokens + ((now - bucket.filled) * this.#rate) / SECOND);
    bucket.filled = now;
    if (bucket.tokens >= 1) {
      bucket.tokens--;
      return;
    }
    const wait = Math.max(1, Math.ceil((1 - bucket.tokens) / this.#rate));
    throw new Refusal("rate_limited", `More than ${this.#rate} calls a second.`, {
      headers: { "retry-after": String(wait) },
    });
  }
}
