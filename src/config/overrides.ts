/** Settings from outside the file: `SQUALL__PROXIES__JOBS__UPSTREAM=…` and flags, laid over what the file says. */
import { z } from "zod";
import { hintFor, keysOf, partOf, unwrap } from "./validate.js";
import {
  scalarOf,
  SourceText,
  under,
  type Located,
  type LocatedEntry,
  type LocatedMap,
  type Place,
} from "./located.js";
import { Problems } from "./problems.js";
import { configShape } from "./settings.js";
import { readDocuments } from "./source.js";

export const VARIABLE_PREFIX = "SQUALL__";

/** One setting, by its path. */
export interface Override {
  readonly path: readonly string[];
  /** As text, read like a YAML scalar (or a list in brackets). */
  readonly value: string;
  /** Who says so: `--listen`, or the variable's name. */
  readonly origin: string;
}

/** What the environment overrides, in the order of the names. */
export function environmentOverrides(env: Readonly<Record<string, string | undefined>>): Override[] {
  return Object.entries(env)
    .filter(([variable]) => variable.startsWith(VARIABLE_PREFIX))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([variable, value]): Override[] => {
      if (value === undefined) return [];
      return [{ path: variable.slice(VARIABLE_PREFIX.length).split("__"), value, origin: variable }];
    });
}

export function applyOverride(root: LocatedMap, override: Override, problems: Problems): LocatedMap {
  const place: Place = { text: new SourceText(override.origin, null), offset: 0 };
  if (override.path.length === 0 || override.path.some((step) => step === "")) {
    problems.add({ place, path: "" }, "names no setting");
    return root;
  }
  const value = valueOf(override, place, problems);
  const replaced = value === null ? null : put(root, override.path, configShape, value, "", place, problems);
  return replaced?.kind === "map" ? replaced : root;
}

function valueOf({ value, origin }: Override, place: Place, problems: Problems): Located | null {
  const node = { kind: "scalar", place, path: "", origin } as const;
  if (!/^\s*[[{]/u.test(value)) return { ...node, ...scalarOf(value), origin };
  const own = new Problems();
  const [document] = readDocuments(value, origin, own);
  problems.absorb(own);
  return own.count > 0 ? null : (document?.tree ?? null);
}

function put(
  node: Located | undefined,
  steps: readonly string[],
  schema: z.core.$ZodType | undefined,
  value: Located,
  path: string,
  place: Place,
  problems: Problems,
): Located | null {
  const [step, ...rest] = steps;
  if (step === undefined) return repath(value, path);
  const inside = schema === undefined ? undefined : unwrap(schema);
  if (node?.kind === "list")
    return putInList(node.items, step, rest, inside, value, path, place, problems, node);
  const entries = node?.kind === "map" ? node.entries : new Map<string, LocatedEntry>();
  const key = keyFor(step, [...entries.keys()], inside);
  if (key === null) {
    const known = [...new Set([...entries.keys(), ...keysOf(inside)])];
    problems.add(
      { place, path: under(path, step.toLowerCase()) },
      "unknown setting",
      hintFor(step.toLowerCase(), known),
    );
    return null;
  }
  const next = put(
    entries.get(key)?.value,
    rest,
    insideOf(inside, key),
    value,
    under(path, key),
    place,
    problems,
  );
  if (next === null) return null;
  const entry: LocatedEntry = { key, place: entries.get(key)?.place ?? place, value: next };
  return { kind: "map", entries: new Map(entries).set(key, entry), place: node?.place ?? place, path };
}

function putInList(
  items: readonly Located[],
  step: string,
  rest: readonly string[],
  schema: z.core.$ZodType | undefined,
  value: Located,
  path: string,
  place: Place,
  problems: Problems,
  list: Located,
): Located | null {
  const index = /^\d{1,4}$/u.test(step) ? Number(step) : -1;
  if (index < 0 || index > items.length) {
    problems.add(
      { place, path: under(path, step.toLowerCase()) },
      `expected the number of an entry, 0 to ${items.length}`,
    );
    return null;
  }
  const next = put(
    items[index],
    rest,
    schema instanceof z.ZodArray ? schema.element : undefined,
    value,
    under(path, index),
    place,
    problems,
  );
  return next === null
    ? null
    : {
        kind: "list",
        items: [...items.slice(0, index), next, ...items.slice(index + 1)],
        place: list.place,
        path,
      };
}

/** Variables know neither case nor "-", so what exists is found by its sound; a new proxy gets small letters. */
function keyFor(
  step: string,
  existing: readonly string[],
  schema: z.core.$ZodType | undefined,
): string | null {
  const sound = (word: string): string => word.toLowerCase().replaceAll("-", "_");
  const known = [...existing, ...keysOf(schema)];
  const found = known.find((key) => key === step) ?? known.find((key) => sound(key) === sound(step));
  if (found !== undefined) return found;
  return schema instanceof z.ZodRecord ? step.toLowerCase() : null;
}

function insideOf(schema: z.core.$ZodType | undefined, key: string): z.core.$ZodType | undefined {
  if (schema instanceof z.ZodObject) return partOf(schema.shape, key);
  return schema instanceof z.ZodRecord ? schema.valueType : undefined;
}

function repath(node: Located, path: string): Located {
  if (node.kind === "scalar") return { ...node, path };
  if (node.kind === "list")
    return { ...node, path, items: node.items.map((item, index) => repath(item, under(path, index))) };
  const entries = [...node.entries].map(
    ([key, entry]) => [key, { ...entry, value: repath(entry.value, under(path, key)) }] as const,
  );
  return { ...node, path, entries: new Map(entries) };
}
