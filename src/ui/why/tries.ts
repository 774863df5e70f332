/** An exchange among those that it repeats and that repeat it, as rows of the drawing that a sweep's report has as well. Pure. */
import type { ExchangeTrace, JournalLine, LiveExchange } from "../../live/contract.js";
import type { SequenceRow } from "../../drawing/sequence.js";
import { duration } from "../format.js";
import { entryOf, type LaneEntry } from "../lanes/entry.js";
import { clientWords, serverWords } from "../lanes/told.js";
import { seen } from "../text.js";

/** More of them say no more. */
const TRIES_MAX = 12;

/** Those that it is a later try of, it itself, and later tries of it; in the order in which they began. `all`: of the same bot. */
export function triesOf(one: LiveExchange, all: readonly LiveExchange[]): readonly LiveExchange[] {
  const byId = new Map(all.filter(({ proxy }) => proxy === one.proxy).map((each) => [each.id, each]));
  byId.set(one.id, one);
  let first = one;
  const met = new Set([first.id]);
  for (let before = earlier(first); before !== undefined && !met.has(before.id); before = earlier(first)) {
    met.add(before.id);
    first = before;
  }
  const tries = [first];
  // A try may be repeated by several, as by a hedge; each of them by others.
  for (const each of tries)
    for (const next of byId.values()) if (next.again === each.id && !tries.includes(next)) tries.push(next);
  const sorted = tries.sort((a, b) => a.client_side.at - b.client_side.at);
  const at = sorted.indexOf(one);
  const from = Math.max(0, Math.min(at - TRIES_MAX / 2, sorted.length - TRIES_MAX));
  return sorted.slice(from, from + TRIES_MAX);

  function earlier({ again }: LiveExchange): LiveExchange | undefined {
    return again === null ? undefined : byId.get(again);
  }
}

export function rowsOf(tries: readonly LiveExchange[], now: number): readonly SequenceRow[] {
  const begin = tries[0]?.client_side.at ?? 0;
  return tries.map((live) => rowOf(entryOf(live), begin, now));
}

export function rowOf(entry: LaneEntry, begin: number, now: number): SequenceRow {
  const { client, upstream, from } = entry;
  return {
    at_ms: from - begin,
    over_ms: Math.min(client.until, now) - begin,
    bot: seen(entry.bot, 14),
    what: seen(entry.what, 80),
    client:
      client.end !== null && client.status === null && client.end !== "complete"
        ? `nothing, ${clientWords(entry)}`
        : clientWords(entry),
    upstream: serverWords(entry),
    forwarded: upstream !== null,
    responded: upstream !== null && (upstream.status !== null || upstream.end === "complete"),
    delivered: client.status !== null || client.rcode !== null || client.end === "complete",
    faults: entry.observed ? [] : entry.faults.map((fault) => seen(fault, 40)),
    extra: false,
  };
}

/** What came after it, in a sentence; empty where nothing did, as far as is known. */
export function afterwards(one: LiveExchange, tries: readonly LiveExchange[]): string {
  const next = tries.find(({ again }) => again === one.id);
  const over = one.client_side.over;
  if (next === undefined || over === null) return "";
  const gap = next.client_side.at - over;
  const when = gap < 0 ? "while it still waited" : `${duration(gap)} later`;
  const got = next.pending ? "and waits" : `and got ${clientWords(entryOf(next))}`;
  return `${one.bot} tried again ${when}, ${got}.`;
}

/** The same of one that only the journal knows, as far as it says; null if it says nothing. */
export function fromJournal({ journal }: ExchangeTrace): LaneEntry | null {
  const line = journal.find(({ kind }) => kind === "exchange_over");
  const exchange = line?.["exchange"];
  if (line === undefined || typeof exchange !== "object" || exchange === null) return null;
  const name = exchange as Readonly<Record<string, unknown>>;
  const took = numberIn(line, "client_ms") ?? 0;
  const status = numberIn(line, "upstream_status");
  const faults = Array.isArray(line["faults"]) ? line["faults"].map(String) : [];
  const end = textIn(line, "end") as LaneEntry["client"]["end"];
  return {
    proxy: textIn(line, "proxy"),
    id: String(numberIn(name, "id") ?? ""),
    kind: "exchange",
    bot: textIn(line, "bot"),
    what: `${textIn(name, "method")} ${textIn(name, "path")}`,
    route: null,
    from: 0,
    until: took,
    client: {
      until: took,
      status: numberIn(line, "client_status"),
      rcode: null,
      end,
      by: end === "client_left" ? "client" : faults.length > 0 ? "fault" : "upstream",
    },
    upstream:
      status === null
        ? null
        : {
            name: textIn(line, "upstream"),
            from: 0,
            until: numberIn(line, "upstream_ms") ?? took,
            status,
            end: "complete",
            copies: 0,
          },
    delays: [],
    faults,
    observed: false,
    again: null,
    failure: null,
    retryAfter: null,
  };
}

type Fields = JournalLine | Readonly<Record<string, unknown>>;

function numberIn(from: Fields, name: string): number | null {
  const value = (from as Readonly<Record<string, unknown>>)[name];
  return typeof value === "number" ? value : null;
}

function textIn(from: Fields, name: string): string {
  const value = (from as Readonly<Record<string, unknown>>)[name];
  return typeof value === "string" ? value : "";
}
