/**
 * `${x}` in scalars. It is resolved on parsed trees, never on text, so that no value can break out of
 * the place where it stands; a scalar that is nothing but `${x}` keeps the type of the value.
 */
import { didYouMean } from "../core/suggest.js";
import { formatSize } from "../core/units.js";
import {
  scalarOf,
  type Located,
  type LocatedEntry,
  type LocatedScalar,
  type ScalarValue,
} from "./located.js";
import type { Problems } from "./problems.js";

export interface Found {
  readonly value: ScalarValue;
  readonly raw: string;
  /** Said in problems with the value: `param "away"`. */
  readonly origin: string;
  /** There is no value yet, and what depends on it cannot be judged. */
  readonly hole?: true;
}

export interface Missing {
  readonly missing: string;
  readonly hint?: string;
}

/** Answers what stands behind a name; `fallback` is what was written behind `:-`. */
export type Lookup = (name: string, fallback: string | undefined) => Found | Missing;

/** How much may be put into one profile: a value of a megabyte that stands in a thousand places is a gigabyte. */
const FILLED_IN_MAX = 2 ** 20;

/** The same, for as long as all that it has answered together is not too much. */
export function bounded(lookup: Lookup): Lookup {
  let filledIn = 0;
  return (name, fallback) => {
    const found = lookup(name, fallback);
    if ("missing" in found) return found;
    filledIn += found.raw.length;
    return filledIn <= FILLED_IN_MAX
      ? found
      : { missing: `is more than ${formatSize(FILLED_IN_MAX)} with all params filled in` };
  };
}

/** What something is called and what it is must be known before there are any values. */
export function refuseReference(node: Located | undefined, problems: Problems): void {
  if (node?.kind === "list") for (const item of node.items) refuseReference(item, problems);
  if (node?.kind !== "scalar" || typeof node.value !== "string" || !/(?<!\$)\$\{/u.test(node.value)) return;
  problems.add(node, "params cannot be used here");
}

const PART = /\$\$\{|\$\{([^{}]*)\}|\$\{/gu;

export function interpolate(node: Located, lookup: Lookup, problems: Problems): Located {
  switch (node.kind) {
    case "scalar":
      return typeof node.value === "string" && node.value.includes("${")
        ? scalar(node, node.value, lookup, problems)
        : node;
    case "list":
      return { ...node, items: node.items.map((item) => interpolate(item, lookup, problems)) };
    case "map": {
      const entries = new Map<string, LocatedEntry>();
      for (const [key, entry] of node.entries) {
        entries.set(key, { ...entry, value: interpolate(entry.value, lookup, problems) });
      }
      return { ...node, entries };
    }
  }
}

function scalar(node: LocatedScalar, text: string, lookup: Lookup, problems: Problems): LocatedScalar {
  const origins = new Set<string>();
  let hole = false;
  let only: Found | null = null;
  const value = text.replace(PART, (part, inner: string | undefined) => {
    if (part === "$${") return "${";
    if (inner === undefined) {
      problems.add(node, 'expected "${name}", got "${" that is not closed', 'write "$${" for a plain "${"');
      hole = true;
      return "";
    }
    const found = look(inner, lookup);
    if ("missing" in found) {
      problems.add(node, found.missing, found.hint);
      hole = true;
      return "";
    }
    if (part.length === text.length) only = found;
    if (found.hole) hole = true;
    origins.add(found.origin);
    return found.raw;
  });
  // A hole is text that nobody judges; its value is never used.
  if (hole) return { ...node, value: text, hole: true };
  const whole = only as Found | null;
  const origin = origins.size === 0 ? {} : { origin: [...origins].join(" and ") };
  return whole === null
    ? { ...node, value, ...origin }
    : { ...node, value: whole.value, raw: whole.raw, origin: whole.origin };
}

function look(inner: string, lookup: Lookup): Found | Missing {
  const split = inner.indexOf(":-");
  const name = split === -1 ? inner : inner.slice(0, split);
  if (!/^\w[\w.-]*$/u.test(name))
    return { missing: `expected a name within \${…}, got ${JSON.stringify(inner.slice(0, 64))}` };
  return lookup(name, split === -1 ? undefined : inner.slice(split + 2));
}

/** What squall.yaml may read: the environment, handed in. A variable that is empty counts as not set for `:-`. */
export function environmentLookup(env: Readonly<Record<string, string | undefined>>): Lookup {
  return (name, fallback) => {
    const given = Object.hasOwn(env, name) ? env[name] : undefined;
    const text = fallback !== undefined && (given === undefined || given === "") ? fallback : given;
    if (text !== undefined) return { ...scalarOf(text), origin: `\${${name}}` };
    const known = Object.keys(env).filter((variable) => env[variable] !== undefined);
    const hint = didYouMean(name, known) ?? `\${${name}:-default} gives it a default`;
    return { missing: `the environment has no variable ${name}`, hint };
  };
}
