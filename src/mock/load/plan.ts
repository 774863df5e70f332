/** Which jobs a load has, and which of them wait for which: pure arithmetic, so the same options give the same load. */
import { formatDuration, type Bytes } from "../../core/units.js";
import type { Millis } from "../../core/clock.js";

export interface LoadShape {
  readonly jobs: number;
  /** Of each payload. */
  readonly size: Bytes;
  /** How long a bot should work on each. */
  readonly duration: Millis;
  /** Jobs in the longest chain; 1 has no dependencies. */
  readonly depth: number;
  /** Jobs that wait for each job that is not at the end of its chain. */
  readonly fanout: number;
}

export interface PlannedJob {
  /** From 0. */
  readonly number: number;
  /** The number of the job that it waits for. */
  readonly parent: number | null;
}

/**
 * Trees, one after the other, each numbered level by level; the last may be smaller.
 *
 *     depth 3, fanout 2:   0 -> 1 -> 3, 4     7 -> 8 -> ...
 *                            -> 2 -> 5, 6
 */
export function* planJobs({ jobs, depth, fanout }: LoadShape): Generator<PlannedJob> {
  let size = 0;
  for (let level = 0; level < depth && size < jobs; level++) size += fanout ** level;
  for (let number = 0; number < jobs; number++) {
    const place = number % size;
    const root = number - place;
    yield { number, parent: place === 0 ? null : root + Math.floor((place - 1) / fanout) };
  }
}

/** Larger payloads travel as bodies by themselves, and the server keeps them in files. */
export const INLINE_MAX: Bytes = 16 * 1024;

/** What each bot is told in JSON: how long to work, and the payload itself where that is small. */
export function payloadOf({ size, duration }: LoadShape, number: number): Record<string, unknown> {
  const payload = { number, duration: formatDuration(duration) };
  return size > 0 && size <= INLINE_MAX ? { ...payload, filler: "x".repeat(size) } : payload;
}
