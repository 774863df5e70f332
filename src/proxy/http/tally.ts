/**
 * What one HTTP proxy has done, in plain numbers: the exchanges as its clients saw them, and beside them what went to
 * upstreams and came back. Each exchange adds to it; /metrics reads it when it is scraped.
 */
import type { Millis } from "../../core/clock.js";

/** Upper bounds of the durations of exchanges, in seconds. */
export const DURATION_BUCKETS: readonly number[] = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
];

const OTHER = "other";
const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE"] as const;
const METHOD_INDEX: ReadonlyMap<string, number> = new Map(METHODS.map((method, index) => [method, index]));

/** Statuses are their own places; two places below the first are for what has none, and for what is none (RFC 9110 15). */
const NO_STATUS = 0;
const OTHER_STATUS = 1;
const STATUS_MIN = 100;
const STATUS_MAX = 599;

export type CodeCount = readonly [code: string, count: number];

/** How many times each status was seen: codes are `none` without one, and `other` outside 100 to 599. */
class Statuses {
  readonly #counts = new Float64Array(STATUS_MAX + 1);

  add(status: number | null): void {
    const place =
      status === null ? NO_STATUS : status >= STATUS_MIN && status <= STATUS_MAX ? status : OTHER_STATUS;
    this.#counts[place] = (this.#counts[place] ?? 0) + 1;
  }

  seen(): CodeCount[] {
    const seen: CodeCount[] = [];
    for (const [place, count] of this.#counts.entries()) {
      const code = place === NO_STATUS ? "none" : place === OTHER_STATUS ? OTHER : String(place);
      if (count > 0) seen.push([code, count]);
    }
    return seen;
  }
}

/** A histogram: the observations of each bucket by itself, and of those beyond the last bound. */
export class Durations {
  readonly #counts = new Float64Array(DURATION_BUCKETS.length + 1);
  #sumMillis = 0;

  add(millis: Millis): void {
    const seconds = millis / 1000;
    let bucket = 0;
    while (bucket < DURATION_BUCKETS.length && seconds > (DURATION_BUCKETS[bucket] ?? Infinity)) bucket++;
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.#sumMillis += millis;
  }

  get buckets(): readonly number[] {
    return Array.from(this.#counts);
  }

  get sum(): number {
    return this.#sumMillis / 1000;
  }
}

export class ExchangeTally {
  /** Exchanges that clients began: complete request heads. The proxy counts them here itself. */
  requests = 0;
  readonly clientDurations = new Durations();
  readonly upstreamDurations = new Durations();
  /** By the index of the method, `other` at the end; made when a method is first seen. */
  readonly #byMethod: (Statuses | null)[] = new Array<null>(METHODS.length + 1).fill(null);
  readonly #upstreamStatuses = new Statuses();
  #upstreamRequests = 0;

  /** An exchange is over for the client, which saw `status`, or none; `millis` from its request's head to the end. */
  clientDone(method: string, status: number | null, millis: Millis): void {
    const index = METHOD_INDEX.get(method) ?? METHODS.length;
    const statuses = this.#byMethod[index] ?? (this.#byMethod[index] = new Statuses());
    statuses.add(status);
    this.clientDurations.add(millis);
  }

  /** A request is sent to an upstream; each copy of it counts. */
  upstreamSent(): void {
    this.#upstreamRequests++;
  }

  /** The final head of an answer has come, `millis` after the request's head was sent. */
  upstreamAnswered(status: number, millis: Millis): void {
    this.#upstreamStatuses.add(status);
    this.upstreamDurations.add(millis);
  }

  get upstreamRequests(): number {
    return this.#upstreamRequests;
  }

  /** As clients saw them. */
  responses(): (readonly [method: string, ...CodeCount])[] {
    return this.#byMethod.flatMap((statuses, index) =>
      (statuses?.seen() ?? []).map(([code, count]) => [METHODS[index] ?? OTHER, code, count] as const),
    );
  }

  /** As upstreams gave them. */
  upstreamResponses(): readonly CodeCount[] {
    return this.#upstreamStatuses.seen();
  }
}
