/** `match` and `except`: the keys that there are, what may stand behind each, and who can know it. */
import { z } from "zod";
import { canonicalHostName } from "../core/host-name.js";
import { choice, shown } from "../faults/params.js";
import { under, type Located, type LocatedEntry, type LocatedMap } from "./located.js";
import { isPattern, pathMistake } from "./pattern.js";
import type { Problems } from "./problems.js";
import { address, oneOrMany, text } from "./shapes.js";
import { check, hasHole } from "./validate.js";

/**
 * One entry: all its keys must hold, each for any of its values. `qname`, `qtype` and `transport` are about DNS
 * queries, `bot` about these and HTTP exchanges, all others but `client` about HTTP exchanges.
 */
export interface MatchEntry {
  /** CIDR blocks or addresses. */
  readonly client?: readonly string[];
  /** Names that clients of TLS ask for, in lower case. */
  readonly sni?: readonly string[];
  /** Protocols that they offer, of which one is enough. */
  readonly alpn?: readonly string[];
  /** In capital letters. */
  readonly method?: readonly string[];
  /** Patterns, see plan/match.ts; so are all others that have a star. */
  readonly path?: readonly string[];
  /** In lower case. */
  readonly host?: readonly string[];
  /** Name, in lower case -> patterns of the value. */
  readonly header?: Readonly<Record<string, readonly string[]>>;
  readonly query?: Readonly<Record<string, readonly string[]>>;
  readonly bot?: readonly string[];
  readonly upstream?: readonly string[];
  /** `503`, or `5xx`, or `500-599`. */
  readonly status?: readonly string[];
  /** In lower case, without the last dot. */
  readonly qname?: readonly string[];
  /** In capital letters. */
  readonly qtype?: readonly string[];
  readonly transport?: readonly string[];
}

/** What a fault or a proxy decides about: it can be asked only what is known of that. */
export interface Knowing {
  readonly subjects: "connections" | "exchanges" | "queries";
  /** Said of a key that it cannot know: "reset acts on connections". */
  readonly acts: string;
  /** What does the like to one exchange. */
  readonly perExchange?: string | undefined;
}

const FIELD_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}$/u;
/** A value that says no more than that there is one. */
const PRESENT: readonly string[] = ["*"];

export function fieldName(): z.ZodType<string, string> {
  const expected = "expected the name of a header such as x-bot-id";
  return z
    .string({ error: (issue) => `${expected}, got ${shown(issue.input)}` })
    .regex(FIELD_NAME, { error: (issue) => `${expected}, got ${shown(issue.input)}` })
    .transform((name) => name.toLowerCase());
}

export function pathPattern(): z.ZodType<string, string> {
  return z
    .string({ error: (issue) => `expected a path such as /v1/jobs/:id, got ${shown(issue.input)}` })
    .superRefine((pattern, context) => {
      const mistake = pathMistake(pattern);
      if (mistake !== undefined)
        context.addIssue({ code: "custom", message: `${mistake}, got ${shown(pattern)}`, input: pattern });
    })
    .meta({ pattern: "^[/*]" });
}

function method(): z.ZodType<string, string> {
  const expected = "expected a method such as POST";
  return z
    .string({ error: (issue) => `${expected}, got ${shown(issue.input)}` })
    .regex(/^[!#$%&'+.^_`|~0-9A-Za-z-]{1,64}$/u, {
      error: (issue) => `${expected}, got ${shown(issue.input)}`,
    })
    .transform((word) => word.toUpperCase());
}

/** In the one spelling of its name. */
export function hostPattern(): z.ZodType<string, string> {
  const expected = "expected a host without a port such as jobs.example.com or *.example.com";
  return z
    .string({ error: (issue) => `${expected}, got ${shown(issue.input)}` })
    .regex(
      /^(?:(?:\*\.)?[A-Za-z0-9_\u00a1-\uffff][A-Za-z0-9_.\u00a1-\uffff-]{0,252}|\[[0-9A-Fa-f:.]{2,45}\])$/u,
      {
        error: (issue) => `${expected}, got ${shown(issue.input)}`,
      },
    )
    .transform((name) =>
      name.startsWith("*.") ? `*.${canonicalHostName(name.slice(2))}` : canonicalHostName(name),
    );
}

/** Numbers have been made text before: that is what most people write. */
function status(): z.ZodType<string, string> {
  const expected = "expected a status such as 503, 5xx or 500-599";
  return z
    .string({ error: (issue) => `${expected}, got ${shown(issue.input)}` })
    .regex(/^[1-9](?:\d\d|[xX]{2}|\d\d-[1-9]\d\d)$/u, {
      abort: true,
      error: (issue) => `${expected}, got ${shown(issue.input)}`,
    })
    .meta({ type: ["string", "integer"], minimum: 100, maximum: 999 })
    .transform((word, context) => {
      const [from = 0, to = from] = word.split("-").map(Number);
      if (from > to)
        context.issues.push({ code: "custom", message: `${expected}, got ${shown(word)}`, input: word });
      return word.toLowerCase();
    });
}

/** A status is a number to most people, and 5xx is none. */
function asText(node: Located): Located {
  if (node.kind === "list") return { ...node, items: node.items.map(asText) };
  return node.kind === "scalar" && typeof node.value === "number"
    ? { ...node, value: node.raw ?? String(node.value) }
    : node;
}

function queryName(): z.ZodType<string, string> {
  const expected = "expected a name such as jobs.example or *.example";
  return z
    .string({ error: (issue) => `${expected}, got ${shown(issue.input)}` })
    .regex(/^[!-~]{1,253}$/u, { error: (issue) => `${expected}, got ${shown(issue.input)}` })
    .transform((pattern) => pattern.toLowerCase().replace(/(?<=.)\.$/u, ""));
}

function queryType(): z.ZodType<string, string> {
  const expected = "expected a type of DNS records such as AAAA or TYPE65";
  return z
    .string({ error: (issue) => `${expected}, got ${shown(issue.input)}` })
    .regex(/^[A-Za-z][A-Za-z0-9-]{0,15}$/u, { error: (issue) => `${expected}, got ${shown(issue.input)}` })
    .transform((word) => word.toUpperCase());
}

const wildcard = (what: string): z.ZodString => text().min(1, { error: `expected ${what}, got ""` });

/** Patterns of a value; left empty it says only that there must be one. */
const values = z
  .union([text(), z.array(text()).min(1), z.null()], {
    error: (issue) => `expected a value in quotes, or nothing for any value, got ${shown(issue.input)}`,
  })
  .transform((value): readonly string[] =>
    value === null ? PRESENT : typeof value === "string" ? [value] : value,
  );

const named = z.record(z.string(), values);

const clientShape = z.strictObject({
  client: oneOrMany(address(), "an address").optional().describe("addresses or CIDR blocks of clients"),
});

export const matchShape = clientShape.extend({
  sni: oneOrMany(hostPattern(), "a host")
    .optional()
    .describe("names that clients of TLS ask for; *.example.com for all names below one"),
  alpn: oneOrMany(wildcard("a protocol such as h2"), "a protocol")
    .optional()
    .describe("protocols that clients of TLS offer"),
});

export const exchangeMatchShape = z.strictObject({
  method: oneOrMany(method(), "a method").optional(),
  path: oneOrMany(pathPattern(), "a path")
    .optional()
    .describe("without the query; :name is one segment, * is within a segment, ** is anything"),
  host: oneOrMany(hostPattern(), "a host")
    .optional()
    .describe("without the port; *.example.com for all names below one"),
  header: named
    .optional()
    .describe("names of headers with their values; * is anything, nothing is any value"),
  query: named.optional().describe("names of query parameters with their values, like header"),
  bot: oneOrMany(wildcard("the name of a bot"), "the name of a bot")
    .optional()
    .describe("bots by name; * is anything"),
  ...matchShape.shape,
  upstream: oneOrMany(wildcard("the name of an upstream"), "the name of an upstream").optional(),
  status: oneOrMany(status(), "a status")
    .optional()
    .describe("what the upstream answers: 503, 5xx or 500-599"),
});

export const queryMatchShape = z.strictObject({
  qname: oneOrMany(queryName(), "a name")
    .optional()
    .describe("the name that is asked for; * is anything, dots as well"),
  qtype: oneOrMany(queryType(), "a type of records")
    .optional()
    .describe("the type that is asked for, such as AAAA"),
  transport: oneOrMany(choice(["udp", "tcp", "internal"]), "a transport")
    .optional()
    .describe("how it came; internal is the lookup of an upstream's name"),
  bot: exchangeMatchShape.shape.bot,
  ...clientShape.shape,
});

/** The keys that connections cannot be asked, but exchanges. */
export const EXCHANGE_KEYS: readonly string[] = Object.keys(exchangeMatchShape.shape).filter(
  (key) => !(key in matchShape.shape),
);
/** What clients say in their ClientHello. */
export const HELLO_KEYS = ["sni", "alpn"] as const;
/** The keys that DNS queries can be asked, and nothing else. */
const DNS_KEYS: readonly string[] = ["qname", "qtype", "transport"];

const SHAPES = { connections: matchShape, exchanges: exchangeMatchShape, queries: queryMatchShape } as const;

/** Characters of all patterns of one list: what it takes to look at a long path or header is bounded by their number. */
const PATTERNS_MAX = 4_096;

type AnyEntry = z.output<typeof exchangeMatchShape> & z.output<typeof queryMatchShape>;

/** An entry or a list of entries, any of which may hold; null after a problem. Also for `except` of a proxy. */
export function readMatch(
  node: Located | undefined,
  knowing: Knowing,
  problems: Problems,
): MatchEntry[] | null {
  if (node === undefined || (node.kind === "scalar" && node.value === null)) return [];
  if (hasHole(node) && node.kind === "scalar") return [];
  const entries: MatchEntry[] = [];
  const before = problems.count;
  for (const item of node.kind === "list" ? node.items : [node]) {
    const entry = readEntry(item, knowing, problems);
    if (entry !== null) entries.push(entry);
  }
  const length = entries.reduce((sum, entry) => sum + patternLength(entry), 0);
  if (length > PATTERNS_MAX)
    problems.add(
      node,
      `has ${length} characters of patterns, and ${PATTERNS_MAX} is the most; what has neither * nor :name does not count`,
    );
  return problems.count > before ? null : entries;
}

function patternLength(value: unknown): number {
  if (typeof value === "string") return isPattern(value) ? value.length : 0;
  if (typeof value !== "object" || value === null) return 0;
  return Object.values(value).reduce((sum: number, one) => sum + patternLength(one), 0);
}

function readEntry(node: Located, knowing: Knowing, problems: Problems): MatchEntry | null {
  if (node.kind === "scalar" && node.hole) return null;
  if (node.kind !== "map") {
    const got = node.kind === "list" ? "a list" : shown(node.value);
    problems.add(node, `expected a mapping such as { client: 10.0.0.0/8 }, got ${got}`);
    return null;
  }
  let map = node;
  for (const [key, entry] of node.entries) {
    const needs = neededBy(key, knowing);
    if (needs === undefined) continue;
    const instead =
      knowing.perExchange === undefined || needs !== "HTTP exchanges"
        ? ""
        : `; for one exchange: ${knowing.perExchange}`;
    problems.add(
      { place: entry.place, path: under(node.path, key) },
      `${shown(key)} can only be matched on ${needs}, and ${knowing.acts}${instead}`,
    );
    map = { ...map, entries: new Map([...map.entries].filter(([other]) => other !== key)) };
  }
  if (node.entries.size === 0)
    problems.add(node, "is empty, so it would hold for all: leave it out, or name a client");
  const status = map.entries.get("status");
  if (status !== undefined)
    map = { ...map, entries: new Map(map.entries).set("status", { ...status, value: asText(status.value) }) };
  const before = problems.count;
  for (const key of ["header", "query"]) checkNames(map.entries.get(key), key, problems);
  const shape: z.ZodType<AnyEntry> = SHAPES[knowing.subjects];
  const entry = check<AnyEntry>(shape, map, problems);
  return entry === undefined || problems.count > before ? null : tidied(entry);
}

function neededBy(key: string, { subjects }: Knowing): string | undefined {
  if (DNS_KEYS.includes(key)) return subjects === "queries" ? undefined : "DNS queries";
  if (HELLO_KEYS.some((one) => one === key)) return subjects === "queries" ? "clients of TLS" : undefined;
  if (subjects === "queries" && key === "bot") return undefined;
  return subjects !== "exchanges" && EXCHANGE_KEYS.includes(key) ? "HTTP exchanges" : undefined;
}

/** Names stand on the left, where no schema says anything in the user's words. */
function checkNames(entry: LocatedEntry | undefined, of: string, problems: Problems): void {
  if (entry?.value.kind !== "map") return;
  const map: LocatedMap = entry.value;
  if (map.entries.size === 0)
    problems.add(map, `is empty: name a ${of === "header" ? "header" : "parameter"}`);
  const seen = new Set<string>();
  for (const [name, { place }] of map.entries) {
    const at = { place, path: under(map.path, name) };
    const canonical = of === "header" ? name.toLowerCase() : name;
    if (of === "header" && !FIELD_NAME.test(name))
      problems.add(at, `expected the name of a header such as x-bot-id, got ${shown(name)}`);
    else if (seen.has(canonical)) problems.add(at, `the header ${shown(canonical)} is given twice`);
    seen.add(canonical);
  }
}

/** Without keys that are not there, so that plans compare and print as they were written. */
function tidied({ header, ...entry }: AnyEntry): MatchEntry {
  const lower =
    header &&
    Object.fromEntries(Object.entries(header).map(([name, patterns]) => [name.toLowerCase(), patterns]));
  return Object.fromEntries(
    Object.entries({ ...entry, header: lower }).filter(([, value]) => value !== undefined),
  );
}
