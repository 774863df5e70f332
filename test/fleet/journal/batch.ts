/** Batches as daemons send them, made up. */
import type { JournalBatch } from "../../../src/fleet/contract/journal.js";
import type { MergedLine } from "../../../src/fleet/journal/merger.js";
import { NOON } from "../../telemetry/samples.js";

type Entry = JournalBatch["entries"][number];

/** A mark, written so many milliseconds behind noon by the wall clock of its daemon. */
export function entry(seq: number, millis: number): Entry {
  return { seq, time: new Date(NOON + millis).toISOString(), kind: "mark", text: `entry ${seq}` };
}

/** Of numbers and moments; `after` and `upto` are those around them, where nothing else is given. */
export function batch(
  daemon: string,
  entries: readonly (readonly [seq: number, millis: number])[],
  more: Partial<JournalBatch> = {},
): JournalBatch {
  const seqs = entries.map(([seq]) => seq);
  return {
    daemon,
    life: "a",
    after: (seqs[0] ?? 1) - 1,
    upto: seqs.at(-1) ?? 0,
    lost: 0,
    offset_ms: 0,
    entries: entries.map(([seq, millis]) => entry(seq, millis)),
    ...more,
  };
}

/** A line in a few words. */
export function short(line: MergedLine): string {
  const late = line.late === true ? "late " : "";
  const life = line.life === "a" ? "" : `/${line.life}`;
  const name = `${late}${line.daemon}${life}`;
  return line.kind === "gap" ? `${name} ${line.from}-${line.to} ${line.why}` : `${name}#${line.seq}`;
}
