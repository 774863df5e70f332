/** The time line of a run: milliseconds since its command was started, whichever clock an entry has. */
import type { JournalEntry } from "../../telemetry/entry.js";
import type { RunTime } from "../contract/record.js";

export interface TimeLine {
  /** What is at this place on the daemon's monotonic clock. */
  at(now: number): RunTime;
  /** When the entry was written. */
  written(entry: Pick<JournalEntry, "at" | "time">): RunTime;
}

/** `since` is its beginning on the monotonic clock; null for the first entry, or the first thing that one tells of. */
export function timeLine(entries: readonly JournalEntry[], since: number | null): TimeLine {
  const stamped = entries.find(({ at }) => at !== undefined);
  const begun = since ?? beginning(entries);
  // One entry that has both tells how far apart the clocks are.
  const wall =
    stamped?.at === undefined
      ? Date.parse(entries[0]?.time ?? "")
      : Date.parse(stamped.time) - (stamped.at - begun);
  const at = (now: number): RunTime => round(now - begun);
  return {
    at,
    written: (entry) => (entry.at === undefined ? round(Date.parse(entry.time) - wall) : at(entry.at)),
  };
}

function beginning(entries: readonly JournalEntry[]): number {
  let least = Infinity;
  for (const entry of entries) {
    const seen = "seen" in entry ? entry.seen?.at : undefined;
    least = Math.min(least, entry.at ?? Infinity, seen ?? Infinity);
  }
  return least === Infinity ? 0 : least;
}

/** To the microsecond: differences of numbers with fractions have more digits than anybody knows. */
function round(millis: number): number {
  return Math.round(millis * 1_000) / 1_000;
}
