/** A file of JSON lines as `journal.file` writes it, read back: its entries, and how many of them are missing. */
import type { Problem } from "../../core/errors.js";
import { SquallError } from "../../core/errors.js";
import { EXCHANGE_ENDS } from "../../core/events.js";
import type { JournalEntry } from "../../telemetry/entry.js";

export interface JournalText {
  /** Of the last life of the daemon that wrote there: numbers begin anew with each. */
  readonly entries: readonly JournalEntry[];
  /** Lives of daemons before that one. */
  readonly earlier: number;
  /** Entries that are missing between the first and the last. */
  readonly lost: number;
  /** The last line was not written to its end, as where the daemon was killed; it is left out. */
  readonly torn: boolean;
}

/** Problems that are told; whoever gives a file of another kind need not hear of each line. */
const PROBLEMS_MAX = 10;
const SOURCE_MAX = 120;

type Fields = Readonly<Record<string, unknown>>;

/** Throws SQ_INVALID_JOURNAL, with the place of each line that is no entry. */
export function readJournal(text: string, file: string): JournalText {
  const lines = text.split("\n");
  const problems: Problem[] = [];
  let entries: JournalEntry[] = [];
  let earlier = 0;
  let lost = 0;
  let torn = false;
  for (const [index, line] of lines.entries()) {
    if (line.trim() === "") continue;
    const read = readLine(line);
    if (typeof read === "string") {
      torn = index === lines.length - 1;
      if (!torn) problems.push(problemOf(read, line, file, index + 1));
      if (problems.length === PROBLEMS_MAX) break;
      continue;
    }
    const last = entries.at(-1)?.seq ?? read.seq - 1;
    if (read.seq <= last) {
      earlier++;
      entries = [];
      lost = 0;
    } else lost += read.seq - last - 1;
    entries.push(read);
  }
  if (problems.length > 0) {
    const [first] = problems;
    const where = `${file}:${first?.line ?? 1}: ${first?.message ?? ""}`;
    throw new SquallError("SQ_INVALID_JOURNAL", `${where}; it is no journal that Squall wrote`, {
      details: problems,
    });
  }
  if (entries.length === 0)
    throw new SquallError("SQ_INVALID_JOURNAL", `${file} has no entry`, {
      hint: "a run is recorded with journal.file and `journal.exchanges: all`",
    });
  return { entries, earlier, lost, torn };
}

function problemOf(message: string, line: string, file: string, number: number): Problem {
  return { file, line: number, column: 1, path: "", message, source: line.slice(0, SOURCE_MAX) };
}

/** The entry, or what is wrong with the line. */
function readLine(line: string): JournalEntry | string {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return "expected one JSON object a line";
  }
  if (!isFields(value)) return "expected a JSON object";
  const { seq, time, kind } = value;
  if (typeof seq !== "number" || !Number.isInteger(seq) || seq < 1) return 'expected "seq", a number from 1';
  if (typeof time !== "string" || Number.isNaN(Date.parse(time)))
    return 'expected "time", such as 2026-03-01T14:03:07.120Z';
  if (typeof kind !== "string") return 'expected "kind", the kind of the entry';
  const wrong = CHECKS[kind]?.(value) ?? null;
  // What else there is of a kind nobody here reads, and later versions may have more.
  return wrong ?? (value as unknown as JournalEntry);
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

type Check = (entry: Fields) => string | null;

const isNumber = (value: unknown): boolean => typeof value === "number" && Number.isFinite(value);
const isText = (value: unknown): boolean => typeof value === "string";
const isTexts = (value: unknown): boolean => Array.isArray(value) && value.every(isText);
const isNumberOrNull = (value: unknown): boolean => value === null || isNumber(value);
const isTextOrNull = (value: unknown): boolean => value === null || isText(value);
const isExchange = (value: unknown): boolean =>
  isFields(value) && isNumber(value["id"]) && isText(value["method"]) && isText(value["path"]);
const isQuery = (value: unknown): boolean =>
  isFields(value) && isText(value["name"]) && isText(value["type"]) && isText(value["transport"]);
const isSpan = (value: unknown): boolean =>
  isFields(value) && isNumber(value["at"]) && isNumber(value["over"]);
const isTraffic = (value: unknown): boolean =>
  isSpan(value) && isFields(value) && isNumber(value["up"]) && isNumber(value["down"]);
const isMessage = (value: unknown): value is Fields => isFields(value) && isNumber(value["bytes"]);
const isSeen = (value: unknown): boolean =>
  isSpan(value) &&
  isFields(value) &&
  isMessage(value["request"]) &&
  (value["response"] === null || isMessage(value["response"]));

/** What a record is made of must be there, with its type; `?` before a name says that it may be missing. */
function checks(kind: string, fields: Readonly<Record<string, (value: unknown) => boolean>>): Check {
  return (entry) => {
    for (const [name, holds] of Object.entries(fields)) {
      const key = name.replace(/^\?/u, "");
      if (entry[key] === undefined && name.startsWith("?")) continue;
      if (!holds(entry[key])) return `${kind} without a right ${JSON.stringify(key)}`;
    }
    return null;
  };
}

const WHO = { proxy: isText, bot: isText, connection: isNumber } as const;

const CHECKS: Readonly<Record<string, Check>> = {
  exchange_over: checks("exchange_over", {
    ...WHO,
    "exchange": isExchange,
    "faults": isTexts,
    "upstream_status": isNumberOrNull,
    "client_status": isNumberOrNull,
    "client_ms": isNumber,
    "end": (value) => EXCHANGE_ENDS.some((end) => end === value),
    "?seen": isSeen,
  }),
  connection_over: checks("connection_over", { ...WHO, end: isText, faults: isTexts, seen: isTraffic }),
  query_over: checks("query_over", { ...WHO, query: isQuery, faults: isTexts, seen: isSpan }),
  flow_over: checks("flow_over", { ...WHO, faults: isTexts, seen: isTraffic }),
  tls_over: checks("tls_over", {
    ...WHO,
    "faults": isTexts,
    "sni": isTextOrNull,
    "version": isTextOrNull,
    "problem": isTextOrNull,
    "took": isText,
    "ms": isNumber,
    "?seen": isSpan,
  }),
  fault_hit: checks("fault_hit", {
    ...WHO,
    "activation": isText,
    "fault": isText,
    "type": isText,
    "effect": isText,
    "?exchange": isExchange,
    "?query": isQuery,
    "?detail": isFields,
  }),
};
