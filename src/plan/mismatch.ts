/**
 * Why a subject does not match, or is spared by `except`: the key that decided, what it wants and what it found. Asked only while somebody
 * watches; `match.ts` decides, and this says why in the same words.
 */
import type { MatchEntry } from "../config/match.js";
import type { Mismatch } from "../pipeline/armed.js";
import type { MatchReason } from "../core/verdict-reasons.js";
import type { SubjectInfo } from "../pipeline/subject-info.js";
import { compileMatch } from "./match.js";

interface Key {
  readonly name: string;
  readonly wanted: readonly string[];
  readonly holds: (subject: SubjectInfo) => boolean;
  readonly actual: (subject: SubjectInfo) => string | null;
}

/** Compiled once for each entry, when it is first asked about. */
const KEYS = new WeakMap<MatchEntry, readonly Key[]>();

/** `match` is empty for all. */
export function mismatchOf(
  match: readonly MatchEntry[],
  except: readonly MatchEntry[],
  subject: SubjectInfo,
): Mismatch {
  const missed = match.length === 0 ? null : closest(match, subject);
  if (missed !== null) return { excepted: false, match: missed };
  for (const [entry, one] of except.entries()) {
    const keys = keysOf(one);
    if (keys.length === 0 || !keys.every(({ holds }) => holds(subject))) continue;
    const [first] = keys;
    return { excepted: true, match: first === undefined ? null : reasonOf(first, entry, subject) };
  }
  return { excepted: false, match: null };
}

/** Of the entry of which the fewest keys fail, the first that does; null if one holds. */
function closest(entries: readonly MatchEntry[], subject: SubjectInfo): MatchReason | null {
  let least = Infinity;
  let reason: MatchReason | null = null;
  for (const [entry, one] of entries.entries()) {
    const failing = keysOf(one).filter(({ holds }) => !holds(subject));
    const [first] = failing;
    if (first === undefined) return null;
    if (failing.length >= least) continue;
    least = failing.length;
    reason = reasonOf(first, entry, subject);
  }
  return reason;
}

function reasonOf({ name, wanted, actual }: Key, entry: number, subject: SubjectInfo): MatchReason {
  return { key: name, wanted, actual: actual(subject), entry };
}

function keysOf(entry: MatchEntry): readonly Key[] {
  const known = KEYS.get(entry);
  if (known !== undefined) return known;
  const { header = {}, query = {}, ...others } = entry;
  const keys = [
    ...Object.entries(others).map(([name, wanted]: [string, readonly string[]]) =>
      keyOf(name, wanted, { [name]: wanted }, (subject) => plainOf(name, subject)),
    ),
    ...Object.entries(query).map(([name, wanted]) =>
      keyOf(`query.${name}`, wanted, { query: { [name]: wanted } }, ({ exchange }) =>
        joined(exchange?.queries(name)),
      ),
    ),
    ...Object.entries(header).map(([name, wanted]) =>
      keyOf(`header.${name}`, wanted, { header: { [name]: wanted } }, ({ exchange }) =>
        joined(exchange?.headers(name)),
      ),
    ),
  ];
  KEYS.set(entry, keys);
  return keys;
}

function keyOf(
  name: string,
  wanted: readonly string[],
  entry: MatchEntry,
  actual: (subject: SubjectInfo) => string | null,
): Key {
  return { name, wanted, holds: compileMatch([entry]), actual };
}

function plainOf(name: string, { bot, client, peer, exchange, query }: SubjectInfo): string | null {
  switch (name) {
    case "client":
      return client;
    case "bot":
      return bot;
    case "sni":
      return peer?.sni ?? null;
    case "alpn":
      return joined(peer?.alpn);
    case "method":
      return exchange?.method ?? null;
    case "path":
      return exchange?.path ?? null;
    case "host":
      return exchange?.host ?? null;
    case "upstream":
      return exchange?.upstream ?? null;
    case "status":
      return exchange === undefined || exchange.status === null ? null : String(exchange.status);
    case "qname":
      return query?.name ?? null;
    case "qtype":
      return query?.type ?? null;
    case "transport":
      return query?.transport ?? null;
    default:
      return null;
  }
}

function joined(values: readonly string[] | undefined): string | null {
  return values === undefined || values.length === 0 ? null : values.join(", ");
}
