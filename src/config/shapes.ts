/**
 * The shapes of a profile as zod schemas: what keys there are and what may stand behind each. Validation
 * and the JSON Schema for editors both come from here; a fault's parameters come from its type.
 */
import { isIP } from "node:net";
import { z } from "zod";
import { choice, count, duration, flag, oneOf, ratio, shown } from "../faults/params.js";
import { caseShape } from "./case-block.js";

/** What a `when` counts by. Only exchanges have a route. */
export const PER_KEYS = ["proxy", "bot", "connection"] as const;
export const EXCHANGE_PER_KEYS = [...PER_KEYS, "route"] as const;
/** Those that may stand together: what is counted by itself for each combination of them. */
const PER_PARTS = ["bot", "connection"] as const;
const EXCHANGE_PER_PARTS = [...PER_PARTS, "route"] as const;
/** Ordinals that one fault may name. */
export const ONLY_MAX = 1_000;
export const DIRECTION_WORDS = ["upstream", "downstream", "both"] as const;

/** Profile names that mean something else: no profile at all, and faults that no profile owns. */
export const RESERVED_NAMES: readonly string[] = ["none", "toxics", "inline"];

export const NAME_PATTERN = /^[a-z0-9][a-z0-9._-]{0,63}$/u;

export function text(): z.ZodString {
  return z.string({ error: (issue) => `expected text, got ${shown(issue.input)}` });
}

/** The name of a profile, fault, phase, param or proxy. */
export function name(): z.ZodString {
  const expected = 'expected a name of lower-case letters, digits, ".", "_" and "-"';
  return z
    .string({ error: (issue) => `${expected}, got ${shown(issue.input)}` })
    .regex(NAME_PATTERN, { error: (issue) => `${expected} (at most 64), got ${shown(issue.input)}` });
}

export function address(): z.ZodString {
  const expected = "expected an address or a block such as 10.0.0.0/8";
  return z
    .string({ error: (issue) => `${expected}, got ${shown(issue.input)}` })
    .refine(isBlock, { error: (issue) => `${expected}, got ${shown(issue.input)}` });
}

/** Strict, as the matching is: no 10.1 for 10.0.0.1, no octal, no zone, no block wider than its address. */
function isBlock(block: string): boolean {
  const [host = "", bits, ...more] = block.split("/");
  const family = isIP(host);
  if (family === 0 || more.length > 0 || host.includes("%")) return false;
  return bits === undefined || (/^\d{1,3}$/u.test(bits) && Number(bits) <= (family === 4 ? 32 : 128));
}

/** One, or a list of them; always a list afterwards. */
export function oneOrMany<T extends z.ZodType>(item: T, what: string): z.ZodType<z.output<T>[]> {
  return z
    .union([item, z.array(item)], {
      error: (issue) => `expected ${what} or a list of them, got ${shown(issue.input)}`,
    })
    .transform((value: unknown): z.output<T>[] =>
      Array.isArray(value) ? (value as z.output<T>[]) : [value as z.output<T>],
    );
}

/** One key, or a list of those that count together, afterwards in one order. */
function per<
  const One extends readonly [string, ...string[]],
  const Part extends readonly [string, ...string[]],
>(one: One, part: Part): z.ZodType<One[number] | Part[number] | readonly (One[number] | Part[number])[]> {
  const expected = `expected ${oneOf(one)}, or a list of ${oneOf(part)}`;
  const error = (issue: { readonly input?: unknown }): string => `${expected}, got ${shown(issue.input)}`;
  return z
    .union([z.enum(one), z.array(z.enum(part, { error })).min(1, { error })], { error })
    .transform((value: unknown) => {
      const given: unknown[] = Array.isArray(value) ? value : [value];
      const keys = one.filter((key: One[number]) => given.includes(key));
      return keys.length === 1 ? (keys[0] ?? keys) : keys;
    });
}

const PER_WORDS = "what skip, every, count and only count by; several together for each combination";

export const whenShape = z.strictObject({
  probability: ratio()
    .optional()
    .describe("share of the matching subjects that are hit, drawn once for each"),
  skip: count().optional().describe("leave that many alone first"),
  every: count({ min: 1 }).optional().describe("hit each n-th"),
  count: count({ min: 1 }).optional().describe("hit that many at most"),
  only: oneOrMany(count({ min: 1 }), "the number of a subject, from 1,")
    .refine((ordinals) => ordinals.length > 0 && ordinals.length <= ONLY_MAX, {
      error: `expected 1 to ${ONLY_MAX} numbers`,
    })
    .optional()
    .describe("hit exactly these, counted from 1"),
  per: per(PER_KEYS, PER_PARTS).optional().describe(PER_WORDS),
  lasts: duration({ positive: true })
    .optional()
    .describe("a hit is the begin of an outage: for so long all that match are hit as well"),
  after: duration().optional().describe("begin so long after the start of the phase"),
  for: duration({ positive: true }).optional().describe("and act for so long"),
});

export const exchangeWhenShape = whenShape.extend({
  per: per(EXCHANGE_PER_KEYS, EXCHANGE_PER_PARTS).optional().describe(PER_WORDS),
  follow: choice(["retries"]).optional().describe("hit the retries of what was hit as well"),
});

/** The keys of a fault that are not parameters of its type; `at` belongs to its type. */
export const reservedShape = z.strictObject({
  name: name().optional().describe("what journal, metrics and extends call it; the type by default"),
  proxy: oneOrMany(text().min(1), "the name of a proxy")
    .optional()
    .describe("the proxies it acts on; all by default"),
  direction: choice(DIRECTION_WORDS)
    .optional()
    .describe("upstream: client to server; downstream: server to client"),
  enabled: flag().optional().describe("false drops the fault, also one that was inherited"),
});

/** All of them, in the order in which people read them. */
export const RESERVED_KEYS: readonly string[] = [
  "name",
  "type",
  "proxy",
  "direction",
  "at",
  "match",
  "except",
  "when",
  "draw",
  "enabled",
];

const scalar = z.union([z.string(), z.number(), z.boolean()], {
  error: (issue) => `expected a single value, got ${shown(issue.input)}`,
});

export const paramShape = z.strictObject({
  default: scalar.optional().describe("without it the param must be given"),
  summary: text().optional(),
});
export const paramDefault = scalar;

export const profileShape = z.strictObject({
  profile: name().describe("the name it is switched on by"),
  summary: text().optional().describe("one sentence for people who choose a profile"),
  breaks: text().optional().describe("what goes wrong in a client that is not prepared for it"),
  survives: text().optional().describe("what a client does that gets through it unharmed"),
  tags: z.array(text().min(1)).optional(),
  extends: oneOrMany(name(), "the name of a profile")
    .optional()
    .describe("profiles to start from, left to right"),
  params: z
    .record(z.string(), z.unknown())
    .optional()
    .describe("values that ${name} stands for, with their defaults"),
  faults: z.array(z.unknown()).optional().describe("faults that act for as long as the profile is on"),
  phases: z.array(z.unknown()).optional().describe("what happens one after the other"),
  repeat: z
    .union([count({ min: 1 }), z.literal("forever")], {
      error: (issue) => `expected a whole number or forever, got ${shown(issue.input)}`,
    })
    .optional()
    .describe("how often the phases are gone through; 1 by default"),
  case: caseShape
    .optional()
    .describe("which failure it brings about in which command, for squall replay; daemons ignore it"),
});

/** Who a profile is, what people are told of it and what it builds on: none of this can hang on params. */
export const about = profileShape.pick({
  profile: true,
  summary: true,
  breaks: true,
  survives: true,
  tags: true,
  extends: true,
});

export const phaseShape = z.strictObject({
  phase: name().describe("its name, once in a profile"),
  for: duration({ positive: true })
    .optional()
    .describe("how long it lasts; only the last phase may go without"),
  faults: z.array(z.unknown()).optional(),
});
