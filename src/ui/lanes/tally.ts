/** All exchanges by the second in which they began: what the plots show of wide windows, without a look at each of a hundred thousand. */
import type { LaneEntry } from "./entry.js";

/** From 0.1 ms up in steps of a fifth of an octave: to about 20 minutes. */
const LOW = 0.1;
const PER_OCTAVE = 5;
const BUCKETS = 120;
const SECOND = 1_000;

/** What was counted of one stretch of time. */
export class Count {
  began = 0;
  hits = 0;
  bad = 0;
  over = 0;
  /** How long clients waited: how many in each bucket. */
  readonly spread = new Uint32Array(BUCKETS);

  take({ from, kind, faults, client: { until, end } }: LaneEntry, by: 1 | -1): void {
    this.began += by;
    if (faults.length > 0) this.hits += by;
    if (end === null) return;
    if (end !== "complete") this.bad += by;
    // How long a connection is kept says nothing about how fast anything is.
    if (kind === "connection" || kind === "flow") return;
    this.over += by;
    const bucket = bucketOf(until - from);
    this.spread[bucket] = (this.spread[bucket] ?? 0) + by;
  }

  add(other: Count): void {
    this.began += other.began;
    this.hits += other.hits;
    this.bad += other.bad;
    this.over += other.over;
    for (let bucket = 0; bucket < BUCKETS; bucket++)
      this.spread[bucket] = (this.spread[bucket] ?? 0) + (other.spread[bucket] ?? 0);
  }

  /** The upper edge of the bucket of that one; null if there is none. */
  quantile(share: number): number | null {
    if (this.over === 0) return null;
    const wanted = Math.ceil(this.over * share);
    let sum = 0;
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      sum += this.spread[bucket] ?? 0;
      if (sum >= wanted) return LOW * 2 ** (bucket / PER_OCTAVE);
    }
    return null;
  }
}

function bucketOf(millis: number): number {
  const bucket = Math.ceil(Math.log2(Math.max(millis, LOW) / LOW) * PER_OCTAVE);
  return Math.min(bucket, BUCKETS - 1);
}

export class Tally {
  readonly #seconds = new Map<number, Count>();

  count(entry: LaneEntry, by: 1 | -1): void {
    const second = Math.floor(entry.from / SECOND);
    let count = this.#seconds.get(second);
    if (count === undefined) {
      // It has been forgotten with its second.
      if (by < 0) return;
      this.#seconds.set(second, (count = new Count()));
    }
    count.take(entry, by);
  }

  /** From the beginning of a second. */
  at(second: number): Count | undefined {
    return this.#seconds.get(second);
  }

  trim(before: number): void {
    for (const second of this.#seconds.keys())
      if ((second + 1) * SECOND < before) this.#seconds.delete(second);
  }

  clear(): void {
    this.#seconds.clear();
  }
}
