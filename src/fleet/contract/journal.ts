/** Entries of many journals in one stream, and what readers get of it: one journal of the fleet, with what is missing named. */
import type { JournalEntry, JournalQuery } from "../../telemetry/entry.js";

/**
 * What one daemon says about the numbers `after + 1` to `upto` of its journal, in one life of it. Whoever sends leaves out
 * entries that the fleet does not want: those whose numbers are in between and that are not among `entries` are not missing.
 */
export interface JournalBatch {
  readonly daemon: string;
  readonly life: string;
  /** The number before the first that this is about; 0 for the first entry. */
  readonly after: number;
  /** The last number that this is about. */
  readonly upto: number;
  /** Numbers before `after + 1` that the daemon gave up, since it could not send them in time; 0 for none. */
  readonly lost: number;
  /** In the order of their numbers. Hardly ever empty. */
  readonly entries: readonly JournalEntry[];
  /** The engine's clock minus the wall clock of the daemon when it wrote them, in milliseconds; null if it was not known. */
  readonly offset_ms: number | null;
}

/** Entries of a batch at most, and bytes of it on the wire; and how long the first of them waits. */
export const BATCH_ENTRIES = 200;
export const BATCH_BYTES = 512 * 1_024;
export const BATCH_EVERY_MS = 1_000;
/** Entries that a daemon keeps while the engine is away. */
export const UNSENT_MAX = 10_000;

/** A batch as the engine has it. */
export interface KeptBatch extends JournalBatch {
  /** Where it stands in the stream: `tail` goes on behind it. Letters, digits, `-`, `_`, `.` and `:`, 100 at most. */
  readonly cursor: string;
  /**
   * True for the first batch after a cursor that the engine does not know: the stream was made anew, or restored from older
   * data. It is the oldest that is there.
   */
  readonly anew?: true;
}

/** What may be asked for: fields of an entry as `GET /journal` knows them, and the daemon that wrote it. */
export interface FleetJournalQuery extends Pick<
  JournalQuery,
  "kind" | "proxy" | "activation" | "profile" | "fault" | "type" | "bot" | "path"
> {
  readonly daemon?: string;
}

/** An entry of the merged journal. */
export type FleetEntry = {
  readonly daemon: string;
  /** Which life of that daemon wrote it: numbers begin again with each. */
  readonly life: string;
  /** ISO 8601: `time` by the engine's clock, as well as that is known; null if its daemon did not know it. */
  readonly engine_time: string | null;
  /** It came when later ones had been shown already. */
  readonly late?: true;
} & JournalEntry;

/** Entries that are not there. It looks like an entry without a number of its own, so that whoever prints entries can print it. */
export interface FleetGap {
  readonly daemon: string;
  readonly life: string;
  readonly engine_time: string | null;
  readonly late?: true;
  readonly seq: 0;
  /** ISO 8601: of the entry behind it. */
  readonly time: string;
  readonly kind: "gap";
  /** The first and the last number. With `fleet.journal: hits` not all of them were meant for the fleet. */
  readonly from: number;
  readonly to: number;
  /**
   * - `dropped`: the daemon gave them up, as the engine was away for too long or there were too many.
   * - `aged`: they are older than what the engine keeps.
   * - `missing`: nobody knows.
   */
  readonly why: "dropped" | "aged" | "missing";
}

/** What happened to the reading itself. */
export interface FleetNotice {
  readonly seq: 0;
  /** ISO 8601. */
  readonly time: string;
  /**
   * - `away`: the engine cannot be read, and is asked again and again.
   * - `back`: it can be read again, and what was missed follows.
   * - `anew`: the stream was made anew, or restored from older data: what was in the one before may be missing.
   * - `unreadable`: the stream has something that this version cannot read.
   */
  readonly kind: "away" | "back" | "anew" | "unreadable";
  readonly text: string;
}

export type FleetLine = FleetEntry | FleetGap | FleetNotice;

export interface FleetJournalPage {
  /** By the engine's clock; entries of one daemon in the order of their numbers. */
  readonly entries: readonly FleetLine[];
  /** `follow` goes on behind it. */
  readonly cursor: string;
  /** False where older ones were not looked at: asked with a filter, only so many are. */
  readonly whole: boolean;
}

/** The merged journal, as the admin API reads it. */
export interface FleetJournal {
  /** The newest `limit` of them. Rejects with an `EngineError`. */
  entries(query: FleetJournalQuery, limit: number, signal: AbortSignal): Promise<FleetJournalPage>;
  /**
   * What comes behind the cursor, or from now on (null), until the signal aborts; goes on over breaks, and says so. Rejects with
   * an `EngineError` where it may not read, or where it does not know where now is. `cursor` is where whoever comes back may begin:
   * some of what was shown may be shown again.
   */
  follow(
    query: FleetJournalQuery,
    cursor: string | null,
    signal: AbortSignal,
  ): AsyncIterable<{ readonly line: FleetLine; readonly cursor: string }>;
}

/** The cursor of a journal in which nothing was ever written. No engine gives out such a one. */
export const CURSOR_START = "start";

/** What is told of a daemon's own sending. */
export interface ShippingView {
  /** `off` with `fleet.journal: none`. */
  readonly state: "off" | "idle" | "waiting" | "sending" | "away" | "full" | "closing" | "closed";
  /** The newest number that the engine has been told about; 0 for none. */
  readonly upto: number;
  /** Numbers that it has not been told about yet. */
  readonly unsent: number;
  /** Numbers that were given up. */
  readonly lost: number;
  /** Why sending does not go well; null if it does. */
  readonly problem: string | null;
}
