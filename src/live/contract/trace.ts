/** `GET /exchanges/{proxy}/{id}`: why. */
import type { DrawReason, MatchReason, WhenReason } from "../../core/verdict-reasons.js";
import type { LiveAct, LiveExchange } from "./exchange.js";
import type { Moment } from "./moment.js";

/** Why what happened to it did, and why what did not did not. 404 SQ_EXCHANGE_NOT_FOUND for one that neither the ring nor the journal has. */
export interface ExchangeTrace extends Moment {
  /** Null for one that only the journal knows: see `journal`. */
  readonly exchange: LiveExchange | null;
  /** `traced`: seen as it happened. `journal`: nobody was watching; what the journal has, and what can be worked out from names. */
  readonly source: "traced" | "journal";
  /** In a sentence, what is not known and why; null if all is. */
  readonly missing: string | null;
  /** In the order in which they were asked. */
  readonly verdicts: readonly Verdict[];
  /** Null where it was not seen: nobody was watching, or there is none (bytes). */
  readonly request: MessagePair | null;
  readonly answer: MessagePair | null;
  /** Entries of the journal about it, oldest first, 50 at most: as in `GET /journal`. */
  readonly journal: readonly JournalLine[];
  /** The commands that start the runs again that are on or were on then, by activation. */
  readonly again: Readonly<Record<string, string>>;
}

/** An entry of `GET /journal`. */
export interface JournalLine {
  readonly seq: number;
  readonly time: string;
  readonly kind: string;
  readonly [key: string]: unknown;
}

/** One fault in force on the proxy then, and this exchange. */
export interface Verdict {
  readonly activation: string;
  readonly profile: string;
  readonly phase: string;
  readonly fault: string;
  readonly type: string;
  readonly observe: boolean;
  /** When it was asked; null where it was not, or where that is not known. */
  readonly at: number | null;
  readonly outcome: Outcome;
  /** The same in a sentence: `not hit: path is /v1/jobs/17/heartbeat, wanted /v1/jobs/:id/complete`. */
  readonly text: string;
  /** With `no_match`, and `excepted`: the key that decided. */
  readonly match: MatchReason | null;
  /** With `not_due`, `spent` and `hit` where `when` counts. */
  readonly when: WhenReason | null;
  /** Where a number was drawn for it. */
  readonly draw: DrawReason | null;
  /** What it did, as in `LiveExchange.acts`. Empty with `hit` for one that was to act and has not, as yet or at all. */
  readonly acts: readonly LiveAct[];
  /** Worked out afterwards, from names and rules. */
  readonly recomputed: boolean;
}

/**
 * `hit`: the fault was given this one to act on. `spared`: it was, and let it be. `no_match`: `match` does not hold. `excepted`: `except` does.
 * `not_due`: `when` has skipped it. `not_drawn`: probability. `spent`: `when.count` has been reached. `not_asked`: something before it had ended the exchange, or
 * it waits for a status that never came. `not_in_force`: in another phase, window or proxy. `kernel`: the kernel acts for it, and knows no exchanges.
 * `unknown`: nobody was watching.
 */
export type Outcome =
  | "hit"
  | "spared"
  | "no_match"
  | "excepted"
  | "not_due"
  | "not_drawn"
  | "spent"
  | "not_asked"
  | "not_in_force"
  | "kernel"
  | "unknown";

/** A message as it came, and as it left; `out` null if it never left, `same` if no fault changed it. */
export interface MessagePair {
  readonly in: MessageHead | null;
  readonly out: MessageHead | null;
  readonly same: boolean;
  /** Names of fields that differ, in lower case, and `line` for the first line. */
  readonly changed: readonly string[];
}

export interface MessageHead {
  /** `POST /v1/jobs HTTP/1.1`, `HTTP/1.1 200 OK`. */
  readonly line: string;
  /** In order. What is secret (authorization, cookies, what `identify` uses) is `(masked)`. At most 100, and 8 KiB in all. */
  readonly fields: readonly (readonly [string, string])[];
  /** Fields that are left out above. */
  readonly more: number;
  /** The beginning of its body, with `ui.bodies` in the configuration; null otherwise. */
  readonly body: MessageBody | null;
}

export interface MessageBody {
  /** Its beginning; values whose names look like secrets are `(masked)`, in JSON and in forms. Empty for what is no text. */
  readonly text: string;
  /** Null for text; else what it is: its content coding, such as `gzip`, or `binary`. */
  readonly coding: string | null;
  /** Of the whole of it, as far as it came. */
  readonly bytes: number;
  /** Nothing of it is missing here. */
  readonly whole: boolean;
}
