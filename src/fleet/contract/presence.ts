/** What a daemon says of itself to the others, every ten seconds and whenever it changes. */
import type { Millis } from "../../core/clock.js";

/**
 * - `idle`: the plan has nothing for this daemon now.
 * - `prepared`: it has the plan, which begins later.
 * - `applied`: it is under the plan.
 * - `refused`: it is under nothing of the fleet, and `why` says why.
 * - `healed_here`: somebody ended the fleet's faults by this daemon's own admin port; true until the plan changes.
 */
export type MemberState = "idle" | "prepared" | "applied" | "refused" | "healed_here";

export interface Presence {
  readonly daemon: string;
  /** Drawn at the start of the process: tells a daemon that was restarted from one that was not. */
  readonly life: string;
  readonly version: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Where its admin API answers others, as an URL; null if it said nothing of it. */
  readonly admin: string | null;
  /** Of the plan that `state` is about; 0 before the first was read. */
  readonly serial: number;
  readonly state: MemberState;
  readonly why: string | null;
  /** The engine's clock against this daemon's wall clock, in milliseconds, and how wrong that may be; null before it is known. */
  readonly offset_ms: number | null;
  readonly error_ms: number | null;
  /** Hits of the fleet's activations that are on here. */
  readonly hits: number;
  /** ISO 8601 by the engine's clock: when the last of them ends; null if none is on. */
  readonly ends_at: string | null;
  /** The newest entry of its journal that the engine has; 0 for none. */
  readonly journal_seq: number;
  /** Others that go by the same name, as they were when this one heard them: the engine keeps one presence for a name, that of the one who spoke last. */
  readonly namesakes: readonly Namesake[];
}

/** Another life that was heard under the same name, and is not an earlier one of the same daemon as far as can be told. */
export interface Namesake extends Omit<Presence, "namesakes"> {
  /** How long before the presence that tells of it the engine heard it, in milliseconds. */
  readonly age_ms: number;
}

/** More of them are not told. */
export const NAMESAKES_MAX = 15;

/** A presence, and how long ago the engine heard it. */
export interface Heard {
  readonly presence: Presence;
  readonly age: Millis;
}

export const PRESENCE_EVERY: Millis = 10_000;
/** One that was not heard for so long is gone. */
export const PRESENCE_MAX_AGE: Millis = 30_000;
