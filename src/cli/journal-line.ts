/** A journal entry as people read it: in the words of the log. */
import type { Colors } from "picocolors/types.js";
import type { JournalEntry } from "../telemetry/entry.js";
import { prettyForm } from "../telemetry/line.js";
import { lineOf } from "../telemetry/sentences.js";

/** An entry as the API hands it out, of a kind that this version may not know yet. */
export type JournalEntryView = JournalEntry & { readonly [field: string]: unknown };

export function journalLine(entry: JournalEntryView, colours: Colors): string {
  const line = known(entry);
  const { more } = entry;
  const text = typeof more === "number" ? `${line.text}  (and ${more} of the kind before it)` : line.text;
  return prettyForm({ ...line, text, time: entry.time }, colours);
}

function known(entry: JournalEntryView): ReturnType<typeof lineOf> {
  const line = lineOf(entry) as ReturnType<typeof lineOf> | undefined;
  return line ?? { level: "info", topic: entry.kind, text: JSON.stringify(entry) };
}
