/** What is plotted above the lanes: how many exchanges began, how long they took and how many were hit, over the window. Pure. */
import type { Ledger } from "./ledger.js";
import type { TimeWindow } from "./window.js";

export interface Series {
  /** The beginning of each step, on the daemon's clock. */
  readonly at: number[];
  /** Of a second. */
  readonly rate: number[];
  readonly hits: number[];
  readonly bad: number[];
  /** Milliseconds as clients lived through them, of those that are over; null where there is none. */
  readonly median: (number | null)[];
  readonly slow: (number | null)[];
}

/** From 0.1 ms up in steps of a fifth of an octave more: to about 20 minutes. */
const LOW = 0.1;
const BUCKETS = 120;
const PER_OCTAVE = 5;

export function seriesOf(ledger: Ledger, window: TimeWindow, steps: number): Series {
  const step = (window.until - window.from) / steps;
  const counts = new Uint32Array(steps);
  const hit = new Uint32Array(steps);
  const bad = new Uint32Array(steps);
  const over = new Uint32Array(steps);
  const spread = new Uint16Array(steps * BUCKETS);
  for (const lane of ledger.lanes.values())
    lane.within(window.from, window.until, ({ entry }) => {
      const at = Math.floor((entry.from - window.from) / step);
      if (at < 0 || at >= steps) return;
      counts[at] = (counts[at] ?? 0) + 1;
      if (entry.faults.length > 0) hit[at] = (hit[at] ?? 0) + 1;
      const { until, end } = entry.client;
      if (end === null) return;
      if (end !== "complete") bad[at] = (bad[at] ?? 0) + 1;
      if (entry.kind === "connection" || entry.kind === "flow") return;
      over[at] = (over[at] ?? 0) + 1;
      const key = at * BUCKETS + bucketOf(until - entry.from);
      spread[key] = (spread[key] ?? 0) + 1;
    });
  const perSecond = 1_000 / step;
  const numbers = Array.from({ length: steps }, (_, index) => index);
  return {
    at: numbers.map((index) => window.from + index * step),
    rate: numbers.map((index) => (counts[index] ?? 0) * perSecond),
    hits: numbers.map((index) => (hit[index] ?? 0) * perSecond),
    bad: numbers.map((index) => (bad[index] ?? 0) * perSecond),
    median: numbers.map((index) => quantile(spread, index, over[index] ?? 0, 0.5)),
    slow: numbers.map((index) => quantile(spread, index, over[index] ?? 0, 0.95)),
  };
}

function bucketOf(millis: number): number {
  const bucket = Math.ceil(Math.log2(Math.max(millis, LOW) / LOW) * PER_OCTAVE);
  return Math.min(bucket, BUCKETS - 1);
}

function quantile(spread: Uint16Array, step: number, count: number, share: number): number | null {
  if (count === 0) return null;
  const wanted = Math.ceil(count * share);
  let sum = 0;
  for (let bucket = 0; bucket < BUCKETS; bucket++) {
    sum += spread[step * BUCKETS + bucket] ?? 0;
    if (sum >= wanted) return LOW * 2 ** (bucket / PER_OCTAVE);
  }
  return null;
}
