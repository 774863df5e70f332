/** A batch of journal entries as it stands in the engine: one JSON text. Others wrote it, so nothing in it is taken on trust. */
import { jsonLine, type JournalEntry } from "../../telemetry/entry.js";
import type { JournalBatch } from "../contract/journal.js";

/** A reader that knows another one only shows that there is something that it cannot read. */
export const BATCH_FORMAT = "squall-journal/1";
/** Of one batch, read: a sender keeps to `BATCH_ENTRIES` and `BATCH_BYTES`, and another version may have other ones. */
const ENTRIES_MAX = 10_000;
const NAME_MAX = 256;
const KIND_MAX = 100;

export function encodeBatch({ daemon, life, after, upto, lost, offset_ms, entries }: JournalBatch): string {
  return jsonLine({ format: BATCH_FORMAT, daemon, life, after, upto, lost, offset_ms, entries });
}

/** Null if it is no batch, or not of this format. */
export function decodeBatch(text: string): JournalBatch | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (!isObject(value) || value["format"] !== BATCH_FORMAT) return null;
  const { daemon, life, after, upto, lost, offset_ms, entries } = value;
  if (!isName(daemon) || !isName(life) || !isCount(after) || !isCount(upto) || !isCount(lost)) return null;
  if (upto < after || lost > after) return null;
  if (offset_ms !== null && !(typeof offset_ms === "number" && Math.abs(offset_ms) < 1e14)) return null;
  if (!Array.isArray(entries) || entries.length > ENTRIES_MAX) return null;
  let before = after;
  for (const entry of entries as readonly unknown[]) {
    if (!isEntry(entry) || entry.seq <= before || entry.seq > upto) return null;
    before = entry.seq;
  }
  return { daemon, life, after, upto, lost, offset_ms, entries: entries as readonly JournalEntry[] };
}

/** Of a kind that this version may not know: whoever prints it can. */
function isEntry(value: unknown): value is JournalEntry {
  if (!isObject(value)) return false;
  const { seq, time, kind } = value;
  return (
    isCount(seq) &&
    typeof kind === "string" &&
    kind !== "" &&
    kind.length <= KIND_MAX &&
    typeof time === "string" &&
    time.length <= 40 &&
    !Number.isNaN(Date.parse(time))
  );
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const isName = (value: unknown): value is string =>
  typeof value === "string" && value !== "" && value.length <= NAME_MAX;

const isCount = (value: unknown): value is number =>
  typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
