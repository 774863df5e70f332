/** What decided about a fault and a subject: told by the pipeline, and by the API in the same form. */

/** The key of `match` or `except`. */
export interface MatchReason {
  /** `path`, `method`, `bot`, `status`, `header.x-team`, ... */
  readonly key: string;
  readonly wanted: readonly string[];
  /** Null for one that it has not got; the API says `(masked)` for what is secret. */
  readonly actual: string | null;
  /** From 0: which entry of the list, the one that came closest. */
  readonly entry: number;
}

/** The rule of `when`. */
export interface WhenReason {
  readonly rule: "skip" | "every" | "only" | "count" | "follow";
  /** As in the profile: 3, or [1, 5]. */
  readonly wanted: number | readonly number[];
  /** Which one this was, from 1, as the rule counts; of `count` how many had been hit. */
  readonly was: number;
  /** `bot`, `route`, `proxy`, `connection`. */
  readonly per: readonly string[];
}

/** A probability, and the number that was drawn for it; both from 0 to 1. */
export interface DrawReason {
  readonly probability: number;
  readonly drawn: number;
  /** Of a fault with `draw`: whose draw it was. */
  readonly by?: DrawnBy | undefined;
}

/** By what a subject's draws are named, where that is a key and not its number. */
export interface DrawnBy {
  /** As in the profile: `header:idempotency-key`, `path`, `body`, `name`. */
  readonly by: string;
  /** A hash of the key, 16 hexadecimal digits; null for one that had none, and was drawn by its number. */
  readonly key: string | null;
  /** Which one with this key it was on this daemon, from 1; only where each attempt is drawn anew. */
  readonly attempt?: number | undefined;
}
