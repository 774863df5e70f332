/** A head as it came beside a head as it left, field by field, with what differs marked. Pure. */
import type { MessageHead, MessagePair } from "../../live/contract.js";

export interface HeadRow {
  /** The field's name; empty for the first line. */
  readonly name: string;
  /** Null where it is not there. */
  readonly came: string | null;
  readonly left: string | null;
  readonly change: "same" | "changed" | "added" | "removed";
}

/** In the order in which it came; what was added stands at the end. Fields that come several times are told apart by their turn. */
export function headRows({ in: came, out: left }: MessagePair): readonly HeadRow[] {
  if (came === null && left === null) return [];
  // What never left was not changed on its way.
  const other = left ?? came;
  const outs = new Map<string, string[]>();
  for (const [name, value] of other?.fields ?? []) {
    const key = name.toLowerCase();
    outs.set(key, [...(outs.get(key) ?? []), value]);
  }
  const rows = [row("", came?.line ?? null, other?.line ?? null)];
  for (const [name, value] of came?.fields ?? [])
    rows.push(row(name, value, outs.get(name.toLowerCase())?.shift() ?? null));
  for (const [name] of other?.fields ?? []) {
    const rest = outs.get(name.toLowerCase())?.splice(0) ?? [];
    for (const value of rest) rows.push(row(name, null, value));
  }
  return rows;
}

function row(name: string, came: string | null, left: string | null): HeadRow {
  const change = came === left ? "same" : came === null ? "added" : left === null ? "removed" : "changed";
  return { name, came, left, change };
}

/** What is not shown of a head: fields beyond the bound. */
export function moreOf({ in: came, out: left }: MessagePair): number {
  return Math.max(came?.more ?? 0, left?.more ?? 0);
}

export function bodyOf(head: MessageHead | null): MessageHead["body"] {
  return head?.body ?? null;
}
