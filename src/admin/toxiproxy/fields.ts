/**
 * Bodies as Toxiproxy's clients write them, read as Go's decoder reads them: keys without regard to case,
 * null for "not given", anything unknown ignored. Mistakes are told as its API tells them.
 */
import { SquallError } from "../../core/errors.js";
import { shown } from "../../faults/params.js";

/** By the key in small letters. What is null is not in it. */
export type Fields = ReadonlyMap<string, unknown>;

/** Longer than any name in use, short enough for every log, metric and journal to carry it. */
const NAME_MAX_CHARACTERS = 1_000;

export function badBody(why: string): SquallError {
  return new SquallError("SQ_BAD_REQUEST", `bad request body: ${why}`);
}

export function missing(field: string): SquallError {
  return new SquallError("SQ_BAD_REQUEST", `missing required field: ${field}`);
}

export function readJson(text: string): unknown {
  if (text.trim() === "") throw badBody("EOF");
  try {
    return JSON.parse(firstValue(text)) as unknown;
  } catch (error) {
    throw badBody(error instanceof Error ? error.message : String(error));
  }
}

/** The first JSON value of a text: Go's decoder reads one, and leaves what comes behind it alone. */
function firstValue(text: string): string {
  const from = text.search(/[^\t\n\r ]/u);
  if (!"{[".includes(text[from] ?? ""))
    return /^(?:"(?:[^"\\]|\\.)*"|[^\s"{[\]},:]+)/su.exec(text.slice(from))?.[0] ?? text;
  // Brackets and what is between quotes, as far as they balance: JSON.parse judges the rest.
  let depth = 0;
  for (const { 0: token, index } of text.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\]]/gsu)) {
    if (token === "{" || token === "[") depth++;
    else if (token === "}" || token === "]") depth--;
    if (depth === 0) return text.slice(0, index + 1);
  }
  return text;
}

/** The fields of an object; none for null, as Go's decoder leaves a struct alone then. */
export function fieldsOf(value: unknown, what: string): Fields {
  if (value === null) return new Map();
  if (typeof value !== "object" || Array.isArray(value)) {
    throw badBody(`expected an object for ${what}, got ${shown(value)}`);
  }
  const fields = new Map<string, unknown>();
  for (const [key, item] of Object.entries(value)) {
    if (item !== null) fields.set(key.toLowerCase(), item);
  }
  return fields;
}

export function textField(fields: Fields, key: string): string | undefined {
  const value = fields.get(key);
  if (value === undefined || typeof value === "string") return value;
  throw badBody(`expected text for ${key}, got ${shown(value)}`);
}

export function nameField(fields: Fields): string | undefined {
  const name = textField(fields, "name");
  if (name === undefined || name.length <= NAME_MAX_CHARACTERS) return name;
  throw badBody(`name is longer than ${NAME_MAX_CHARACTERS} characters`);
}

export function flagField(fields: Fields, key: string): boolean | undefined {
  const value = fields.get(key);
  if (value === undefined || typeof value === "boolean") return value;
  throw badBody(`expected true or false for ${key}, got ${shown(value)}`);
}

export function numberField(fields: Fields, key: string): number | undefined {
  const value = fields.get(key);
  if (value === undefined || (typeof value === "number" && Number.isFinite(value))) return value;
  throw badBody(`expected a number for ${key}, got ${shown(value)}`);
}
