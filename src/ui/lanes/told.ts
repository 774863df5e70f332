/** What lists say of an entry in a few words: what the client got, what the server did, and when it was tried again. Pure. */
import { duration } from "../format.js";
import { isLost, type LaneEntry } from "./entry.js";
import type { Lane, Ledger } from "./ledger.js";
import type { TimeWindow } from "./window.js";

const ENDS = {
  complete: "",
  cut: "cut short",
  reset: "reset",
  closed: "closed",
  client_left: "left",
  refused: "refused",
  unanswered: "no answer",
} as const;

export function clientWords({ client, kind }: LaneEntry): string {
  const { end, status, rcode } = client;
  if (end === null) return "waits";
  const got = rcode ?? (status === null ? null : String(status));
  if (end === "complete") return got ?? (kind === "connection" ? "closed in order" : "over");
  return got === null ? ENDS[end] : `${got}, ${ENDS[end]}`;
}

export function serverWords({ upstream, client }: LaneEntry): string {
  if (upstream === null) return client.end === null ? "not asked yet" : "not asked";
  const { status, end, from, until, copies } = upstream;
  const often = copies > 0 ? `, ${String(copies + 1)} times` : "";
  if (end === null) return status === null ? `at it${often}` : `${String(status)}${often}`;
  if (status !== null) return `${String(status)} in ${duration(until - from)}${often}`;
  if (end === "complete") return `done in ${duration(until - from)}${often}`;
  return (end === "abandoned" ? "no answer" : end.replace("_", " ")) + often;
}

/** `its answer was lost`, `tried again 1.0 s later: 200`; empty for nothing. */
export function notes(entry: LaneEntry, ledger: Ledger): readonly string[] {
  const before = entry.again === null ? undefined : ledger.find(entry.proxy, entry.again)?.entry;
  const after = ledger.retryOf(entry);
  return [
    ...(isLost(entry) ? ["answer lost"] : []),
    ...(before === undefined
      ? []
      : [`second try, ${duration(Math.max(0, entry.from - before.client.until))} after the first`]),
    ...(after === null || after.from < entry.client.until
      ? []
      : [`tried again ${duration(after.from - entry.client.until)} later: ${clientWords(after)}`]),
  ];
}

/** The last of a lane that began within a window, newest first. */
export function latest(lane: Lane, { from, until }: TimeWindow, most: number): readonly LaneEntry[] {
  const found = lane.long.placed
    .filter(({ entry }) => entry.until >= from && entry.from <= until)
    .map(({ entry }) => entry);
  const { placed } = lane.short;
  for (let at = lane.short.firstFrom(until) - 1, count = 0; at >= 0 && count < most; at--, count++) {
    const entry = placed[at]?.entry;
    if (entry === undefined || entry.from < from) break;
    found.push(entry);
  }
  return found.sort((one, other) => other.from - one.from).slice(0, most);
}

/** What is worst about a lane, in two words. */
export function laneWords({ lost, bad, hit }: Lane): {
  readonly text: string;
  readonly tone: "cut" | "changed" | "fine";
} {
  if (lost > 0) return { text: `${lost} lost`, tone: "cut" };
  if (bad > 0) return { text: `${bad} failed`, tone: "cut" };
  if (hit > 0) return { text: `${hit} hit`, tone: "changed" };
  return { text: "fine", tone: "fine" };
}
