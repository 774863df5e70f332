/**
 * The words that parameters are made of: zod schemas for quantities, with messages in the user's
 * words. Types, validation, JSON Schema and the tables in docs/faults.md all come from these.
 */
import { z } from "zod";
import {
  DURATION_PATTERN,
  RATE_PATTERN,
  RATIO_PATTERN,
  SIZE_PATTERN,
  formatDuration,
  formatRate,
  formatRatio,
  formatSize,
  parseDuration,
  parseRate,
  parseRatio,
  parseSize,
} from "../core/units.js";
import type { Bytes, BytesPerSecond, Ratio } from "../core/units.js";
import type { Millis } from "../core/clock.js";

/** What a field measures; only quantities can be ramped over a phase. */
export type QuantityKind = "duration" | "size" | "rate" | "ratio";

export interface QuantityInfo {
  readonly kind: QuantityKind;
  readonly pattern: string;
}

const quantities = z.registry<QuantityInfo>();

/** The quantity behind a field, through its defaults and options; undefined for plain values. */
export function quantityOf(schema: z.core.$ZodType): QuantityInfo | undefined {
  const found = quantities.get(schema);
  if (found) return found;
  const def: unknown = schema._zod.def;
  const inner = def && typeof def === "object" && "innerType" in def ? def.innerType : undefined;
  return inner instanceof z.ZodType ? quantityOf(inner) : undefined;
}

export interface Bounds {
  readonly min?: number;
  readonly max?: number;
  /** The value itself must lie above `min`. */
  readonly positive?: boolean;
}

interface Quantity {
  readonly kind: QuantityKind;
  readonly parse: (text: string) => number | null;
  readonly format: (value: number) => string;
  readonly pattern: string;
  readonly expected: string;
}

const DURATION: Quantity = {
  kind: "duration",
  parse: parseDuration,
  format: formatDuration,
  pattern: DURATION_PATTERN,
  expected: "a duration such as 50ms",
};
const SIZE: Quantity = {
  kind: "size",
  parse: parseSize,
  format: formatSize,
  pattern: SIZE_PATTERN,
  expected: "a size such as 64KiB",
};
const RATE: Quantity = {
  kind: "rate",
  parse: parseRate,
  format: formatRate,
  pattern: RATE_PATTERN,
  expected: "a rate such as 1MB/s or 256kbit/s",
};
const RATIO: Quantity = {
  kind: "ratio",
  parse: parseRatio,
  format: formatRatio,
  pattern: RATIO_PATTERN,
  expected: "a share such as 5%",
};

/** Whatever was written, shortened, as it would be written. */
export function shown(value: unknown): string {
  if (value === undefined) return "nothing";
  if (typeof value === "string" && value.length > 60) return `${JSON.stringify(value.slice(0, 57))}...`;
  if (Array.isArray(value)) return "a list";
  if (value !== null && typeof value === "object") return "a mapping";
  return typeof value === "string" ? JSON.stringify(value) : String(value);
}

function quantity(of: Quantity, bounds: Bounds): z.ZodPipe<z.ZodString, z.ZodTransform<number, string>> {
  const schema = z
    .string({ error: (issue) => `expected ${of.expected}, got ${shown(issue.input)}` })
    .regex(new RegExp(of.pattern, "u"), {
      abort: true,
      error: (issue) => `expected ${of.expected}, got ${shown(issue.input)}`,
    })
    .transform((text, context) => {
      const value = of.parse(text);
      const mistake =
        value === null ? `expected ${of.expected}, got ${shown(text)}` : outside(value, bounds, of, text);
      if (mistake === undefined) return value ?? 0;
      context.issues.push({ code: "custom", message: mistake, input: text });
      return z.NEVER;
    });
  quantities.add(schema, { kind: of.kind, pattern: of.pattern });
  return schema;
}

function outside(value: number, bounds: Bounds, of: Quantity, text: string): string | undefined {
  if (!Number.isFinite(value)) return `expected ${of.expected}, got ${shown(text)}`;
  if (bounds.positive && value <= 0) return `must be more than ${of.format(0)}, got ${text}`;
  if (bounds.min !== undefined && value < bounds.min)
    return `must be at least ${of.format(bounds.min)}, got ${text}`;
  if (bounds.max !== undefined && value > bounds.max)
    return `must be at most ${of.format(bounds.max)}, got ${text}`;
  return undefined;
}

/** A year: longer than any test, short enough to stay exact. */
export const DURATION_MAX: Millis = 365 * 86_400_000;
/** 1 TiB. */
export const SIZE_MAX: Bytes = 2 ** 40;
export const RATE_MAX: BytesPerSecond = 1e12;

/** `50ms` -> milliseconds. */
export const duration = (bounds: Bounds = {}): ReturnType<typeof quantity> =>
  quantity(DURATION, { max: DURATION_MAX, ...bounds });
/** `64KiB` -> bytes. */
export const size = (bounds: Bounds = {}): ReturnType<typeof quantity> =>
  quantity(SIZE, { max: SIZE_MAX, ...bounds });
/** `1MB/s` -> bytes per second. */
export const rate = (bounds: Bounds = {}): ReturnType<typeof quantity> =>
  quantity(RATE, { max: RATE_MAX, ...bounds });
/** `5%` -> 0.05. */
export const ratio = (bounds: Bounds = {}): ReturnType<typeof quantity> => quantity(RATIO, bounds);

/** A whole number. Not a quantity: it cannot be ramped. */
export function count(bounds: { readonly min?: number; readonly max?: number } = {}): z.ZodNumber {
  const min = bounds.min ?? 0;
  const max = bounds.max ?? Number.MAX_SAFE_INTEGER;
  const expected = (got: unknown): string => `expected a whole number, got ${shown(got)}`;
  return z
    .number({ error: (issue) => expected(issue.input) })
    .refine((value) => Number.isSafeInteger(value), { abort: true, error: (issue) => expected(issue.input) })
    .min(min, { error: (issue) => `must be at least ${min}, got ${shown(issue.input)}` })
    .max(max, { error: (issue) => `must be at most ${max}, got ${shown(issue.input)}` });
}

export function choice<const Words extends readonly [string, ...string[]]>(
  words: Words,
): z.ZodEnum<{ [Word in Words[number]]: Word }> {
  return z.enum(words, {
    error: (issue) => `expected ${oneOf(words)}, got ${shown(issue.input)}`,
  }) as z.ZodEnum<{
    [Word in Words[number]]: Word;
  }>;
}

/** A choice in which a status code stands among words: YAML reads `503` as a number, and the text is right as well. */
export function wordOrCode<const Words extends readonly (string | number)[]>(
  words: Words,
): z.ZodLiteral<Words[number]> {
  return z.literal<Words[number][]>([...words], {
    error: (issue) => `expected ${oneOf([...new Set(words.map(String))])}, got ${shown(issue.input)}`,
  });
}

export function oneOf(words: readonly string[]): string {
  return words.length === 1 ? String(words[0]) : `${words.slice(0, -1).join(", ")} or ${words.at(-1) ?? ""}`;
}

export function flag(): z.ZodBoolean {
  return z.boolean({ error: (issue) => `expected true or false, got ${shown(issue.input)}` });
}

/** Any text; what YAML reads as a number or a flag is taken by its characters. */
export function text(): z.ZodString {
  return z.string({ error: (issue) => `expected text, got ${shown(issue.input)}` });
}

/** A status code of an answer: 200 to 599, since interim ones answer nothing. */
export function statusCode(bounds: { readonly min?: number; readonly max?: number } = {}): z.ZodNumber {
  return count({ min: bounds.min ?? 200, max: bounds.max ?? 599 });
}

/** RFC 9110 5.6.2. */
const TOKEN_PATTERN = "^[!#$%&'*+.^_`|~0-9A-Za-z\\-]+$";
/** RFC 9110 5.5: what can stand in a line, one character a byte, without white space around it. */
const FIELD_VALUE_PATTERN = "^(?:[!-~\\u0080-\\u00ff](?:[\\t -~\\u0080-\\u00ff]*[!-~\\u0080-\\u00ff])?)?$";

export function fieldName(): z.ZodString {
  const error = (issue: { input?: unknown }): string => `expected a field name, got ${shown(issue.input)}`;
  return z.string({ error }).regex(new RegExp(TOKEN_PATTERN, "u"), { error });
}

/** `{ name: value }`, one field a line. */
export function fieldMap(): z.ZodRecord<z.ZodString, z.ZodString> {
  const error = (issue: { input?: unknown }): string =>
    `expected text of one line, got ${shown(issue.input)}`;
  return mapping(
    z.string({ error }).regex(new RegExp(FIELD_VALUE_PATTERN, "u"), { error }),
    "field names to values",
  );
}

/** `{ old: new }`. */
export function fieldRenames(): z.ZodRecord<z.ZodString, z.ZodString> {
  return mapping(fieldName(), "field names to field names");
}

function mapping(value: z.ZodString, what: string): z.ZodRecord<z.ZodString, z.ZodString> {
  return z
    .record(fieldName(), value, {
      error: (issue) =>
        issue.code === "invalid_key"
          ? `expected a field name, got ${shown(issue.input)}`
          : `expected a mapping of ${what}, got ${shown(issue.input)}`,
    })
    .refine((entries) => Object.keys(entries).length > 0, {
      error: () => "expected at least one field, got none",
    });
}

export function fieldNames(): z.ZodArray<z.ZodString> {
  return z
    .array(fieldName(), { error: (issue) => `expected a list of field names, got ${shown(issue.input)}` })
    .min(1, { error: () => "expected at least one field, got none" });
}

/** A point that is reached by time or by bytes: `30s`, `64KiB`. */
export type Extent =
  { readonly kind: "duration"; readonly millis: Millis } | { readonly kind: "size"; readonly bytes: Bytes };

export function extent(): z.ZodPipe<z.ZodString, z.ZodTransform<Extent, string>> {
  const expected = "expected a duration such as 30s or a size such as 64KiB";
  return z
    .string({ error: (issue) => `${expected}, got ${shown(issue.input)}` })
    .regex(new RegExp(`(?:${DURATION_PATTERN})|(?:${SIZE_PATTERN})`, "u"), {
      abort: true,
      error: (issue) => `${expected}, got ${shown(issue.input)}`,
    })
    .transform((text, context): Extent => {
      const millis = parseDuration(text);
      if (millis !== null && millis <= DURATION_MAX) return { kind: "duration", millis };
      const bytes = parseSize(text);
      if (bytes !== null && bytes <= SIZE_MAX) return { kind: "size", bytes };
      context.issues.push({ code: "custom", message: `is too large: ${text}`, input: text });
      return z.NEVER;
    });
}

export function formatExtent(value: Extent): string {
  return value.kind === "duration" ? formatDuration(value.millis) : formatSize(value.bytes);
}

export type { Bytes, BytesPerSecond, Millis, Ratio };
