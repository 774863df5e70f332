/** Entries of many journals in one stream. */
import type { JournalEntry } from "../../telemetry/entry.js";

/** Entries of one daemon, in the order of their numbers. */
export interface JournalBatch {
  readonly daemon: string;
  readonly life: string;
  readonly entries: readonly JournalEntry[];
  /** The engine's clock minus the wall clock of the daemon when it sent them, in milliseconds; null if it was not known. */
  readonly offset_ms: number | null;
}

/** Entries of a batch at most, and how long the first of them waits. */
export const BATCH_ENTRIES = 200;
export const BATCH_EVERY_MS = 1_000;
/** Entries that a daemon keeps while the engine is away. */
export const UNSENT_MAX = 10_000;

/** A batch as the engine has it. */
export interface KeptBatch extends JournalBatch {
  /** Where it stands in the stream: `tail` goes on behind it. */
  readonly cursor: string;
}
