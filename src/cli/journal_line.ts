/** A journal entry as one line for people. */
import type { Colors } from "picocolors/types.js";

export interface JournalEntryView {
  readonly seq: number;
  readonly time: string;
  readonly kind: string;
  readonly [field: string]: unknown;
}

const QUIET = new Set(["seq", "time", "kind", "detail", "effects", "faults", "warnings", "problems"]);

/** `14:03:07.120 fault_hit  proxy=jobs fault=latency … delay_ms=200`. */
export function journalLine(entry: JournalEntryView, colours: Colors): string {
  const clock = entry.time.slice(11, 23);
  const kind = (entry.kind === "fault_hit" || entry.kind === "fault_total" ? colours.red : colours.cyan)(
    entry.kind.padEnd(18),
  );
  const words = Object.entries(entry)
    .filter(([name, value]) => !QUIET.has(name) && value !== "" && value !== undefined)
    .map(([name, value]) => `${name}=${plain(value)}`);
  for (const field of ["detail", "effects"] as const) {
    const inner = entry[field];
    if (inner === null || typeof inner !== "object") continue;
    for (const [name, value] of Object.entries(inner)) words.push(colours.yellow(`${name}=${plain(value)}`));
  }
  const warnings = Array.isArray(entry["warnings"])
    ? entry["warnings"].map((text) => `\n    warning: ${plain(text)}`)
    : [];
  return `${colours.dim(clock)} ${kind} ${words.join(" ")}${colours.yellow(warnings.join(""))}`;
}

/** Control characters of foreign text must not reach a terminal. */
function plain(value: unknown): string {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/gu, "?");
}
