/**
 * What a param of a profile takes: profiles declare none of that, but their defaults are written with units, and the keys of faults that
 * they are put into have a kind in the schema. Pure.
 */
import type { FaultTypes, ProfileParam } from "./answers.js";

export interface Unit {
  /** What the field says of it, as `such as 200ms or 2m`; empty where nothing is known. */
  readonly hint: string;
  /** The words that it can be, where it is one of some. */
  readonly choices: readonly string[];
}

const HINTS: Readonly<Record<string, string>> = {
  duration: "such as 200ms or 2m",
  size: "such as 512B or 16KiB",
  rate: "such as 20kB/s or 1Mbit/s",
  ratio: "such as 25%",
  integer: "a whole number",
  number: "a number",
};

const YES_OR_NO: Unit = { hint: "", choices: ["true", "false"] };

export function unitOf(param: ProfileParam, text: string, types: FaultTypes | null): Unit {
  if (typeof param.default === "boolean") return YES_OR_NO;
  const keys = keysOf(param.name, text);
  const known = (types?.types ?? [])
    .filter(({ type }) => text.includes(type))
    .flatMap(({ params }) => params.filter(({ name }) => keys.has(name)));
  const [choice] = known.filter(({ values = [] }) => values.length > 1);
  if (choice?.values !== undefined && fits(param, choice.values)) return { hint: "", choices: choice.values };
  const kind =
    kindOfValue(param.default) ?? kindOfKey(keys) ?? known.find(({ kind: one }) => one in HINTS)?.kind;
  return { hint: HINTS[kind ?? ""] ?? "", choices: [] };
}

/** The keys that the param is put into as a whole: `delay: "${by}"`. */
function keysOf(param: string, text: string): Set<string> {
  const keys = new Set<string>();
  for (const [, key = "", name = ""] of text.matchAll(/([\w-]+):\s*["']?\$\{([\w-]+)\}["']?(?=[\s,}\]]|$)/gu))
    if (name === param) keys.add(key);
  return keys;
}

/** Keys that mean the same wherever they stand. */
function kindOfKey(keys: ReadonlySet<string>): string | undefined {
  if (["for", "after"].some((key) => keys.has(key))) return "duration";
  if (keys.has("probability")) return "ratio";
  return ["every", "count", "repeat", "skip"].some((key) => keys.has(key)) ? "integer" : undefined;
}

function kindOfValue(value: ProfileParam["default"]): string | undefined {
  if (typeof value === "number") return Number.isInteger(value) ? "number" : undefined;
  if (typeof value !== "string") return undefined;
  if (/^[\d.]+%$/u.test(value)) return "ratio";
  if (/^[\d.]+(?:[kKMG]i?)?(?:B|bit)\/s$/u.test(value)) return "rate";
  if (/^[\d.]+(?:[kKMG]i?)?B$/u.test(value)) return "size";
  return /^(?:[\d.]+(?:ms|s|m|h|d))+$/u.test(value) ? "duration" : undefined;
}

function fits({ default: value }: ProfileParam, values: readonly string[]): boolean {
  return value === undefined || value === null || values.includes(String(value));
}
