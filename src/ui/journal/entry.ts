/** One entry as a row shows it: in the words of the log, with what it is about and where it leads. Pure. */
import type { JournalEntry } from "../../telemetry/entry.js";
import { lineOf } from "../../telemetry/sentences.js";
import { deedOf, type Deed } from "../deeds.js";
import { pathOf } from "../router.js";

export interface EntryRow {
  readonly topic: string;
  readonly text: string;
  readonly deed: Deed | "note" | "warning";
  /** Of the exchange that it is about; null for none. */
  readonly link: string | null;
}

type Plane = "tcp" | "http" | "udp" | "dns";

/** `planeOf` says what kind of proxy it is about; undefined for one that is not known. */
export function rowOf(entry: JournalEntry, planeOf: (proxy: string) => Plane | undefined): EntryRow {
  const line = sentenceOf(entry);
  const more = entry.more === undefined ? "" : ` (and ${entry.more} of the kind before it)`;
  return {
    topic: line.topic,
    text: `${line.text}${more}`,
    deed: deedOfEntry(entry, line.level),
    link: linkOf(entry, planeOf),
  };
}

/** A daemon may be newer than the page that is still open, and tell of what it does not know. */
function sentenceOf(entry: JournalEntry): {
  readonly topic: string;
  readonly text: string;
  readonly level: string;
} {
  try {
    const line = lineOf(entry) as ReturnType<typeof lineOf> | undefined;
    if (line !== undefined)
      return {
        topic: line.topic ?? entry.kind,
        text: [line.text, line.note ?? ""].join(" ").trim(),
        level: line.level,
      };
  } catch {
    // Its shape is another one than it was.
  }
  return { topic: entry.kind, text: JSON.stringify(entry), level: "info" };
}

function deedOfEntry(entry: JournalEntry, level: string): EntryRow["deed"] {
  if (entry.kind === "fault_hit") return entry.observed === true ? "observed" : deedOf(entry.type);
  if (entry.kind === "connection_failed") return "failed";
  return level === "warn" || level === "error" ? "warning" : "note";
}

function linkOf(entry: JournalEntry, planeOf: (proxy: string) => Plane | undefined): string | null {
  const { proxy, exchange, connection } = entry as {
    readonly proxy?: unknown;
    readonly exchange?: { readonly id?: unknown };
    readonly connection?: unknown;
  };
  if (typeof proxy !== "string") return null;
  if (typeof exchange?.id === "number") return pathOf("exchange", { proxy, id: String(exchange.id) });
  const letter = { tcp: "c", udp: "f", http: null, dns: null }[planeOf(proxy) ?? "http"];
  return letter !== null && typeof connection === "number"
    ? pathOf("exchange", { proxy, id: `${letter}${connection}` })
    : null;
}

/** Its fields, one a row; what is nested is told as JSON. */
export function fieldsOf(entry: JournalEntry): readonly (readonly [string, string])[] {
  return Object.entries(entry).map(([key, value]) => [
    key,
    typeof value === "string" ? value : JSON.stringify(value, null, 1).replaceAll(/\n\s*/gu, " "),
  ]);
}
