/** `match`, `except` and `when` of a fault: which subjects it is about, and which of those it hits. */
import { z } from "zod";
import type { AnyFaultType } from "../faults/contract.js";
import { ratio, shown } from "../faults/params.js";
import { child, under, withoutBlanks, type Located, type LocatedMap } from "./located.js";
import type { Problems } from "./problems.js";
import { checkSlope, type FaultSurroundings, type Slope } from "./ramp.js";
import { LATER_MATCH_KEYS, type PER_KEYS, matchShape, whenShape } from "./shapes.js";
import { check, hasHole } from "./validate.js";

export interface MatchEntry {
  readonly client?: readonly string[];
}

export interface WhenEntry {
  readonly probability?: number | Slope;
  readonly skip?: number;
  readonly every?: number;
  readonly count?: number;
  readonly per?: (typeof PER_KEYS)[number];
  readonly after?: number;
  readonly for?: number;
}

export interface Conditions {
  readonly match: readonly MatchEntry[];
  readonly except: readonly MatchEntry[];
  readonly when: WhenEntry;
  /** Whether some connections of a proxy are left alone. */
  readonly narrowed: boolean;
}

export function readConditions(
  fault: LocatedMap,
  type: AnyFaultType | null,
  around: FaultSurroundings,
): Conditions | null {
  const { problems } = around;
  const before = problems.count;
  const acts = type?.type ?? "it";
  const match = readMatch(child(fault, "match"), acts, problems);
  const except = readMatch(child(fault, "except"), acts, problems);
  const when = readWhen(child(fault, "when"), acts, around);
  if (problems.count > before || match === null || except === null || when === null) return null;
  const { probability = 1, skip = 0, every = 1, count } = when;
  const least = typeof probability === "number" ? probability : Math.min(probability.from, probability.to);
  const narrowed =
    match.length > 0 || except.length > 0 || least < 1 || skip > 0 || every > 1 || count !== undefined;
  return { match, except, when, narrowed };
}

/** An entry or a list of entries, any of which may hold; null after a problem. Also for `except` of a proxy. */
export function readMatch(node: Located | undefined, acts: string, problems: Problems): MatchEntry[] | null {
  if (node === undefined || (node.kind === "scalar" && node.value === null)) return [];
  if (hasHole(node) && node.kind === "scalar") return [];
  const entries: MatchEntry[] = [];
  const before = problems.count;
  for (const item of node.kind === "list" ? node.items : [node]) {
    const entry = readEntry(item, acts, problems);
    if (entry !== null) entries.push(entry);
  }
  return problems.count > before ? null : entries;
}

function readEntry(node: Located, acts: string, problems: Problems): MatchEntry | null {
  if (node.kind === "scalar" && node.hole) return null;
  if (node.kind !== "map") {
    problems.add(
      node,
      `expected a mapping such as { client: 10.0.0.0/8 }, got ${node.kind === "list" ? "a list" : shown(node.value)}`,
    );
    return null;
  }
  let map = node;
  for (const [key, entry] of node.entries) {
    const needs = LATER_MATCH_KEYS[key];
    if (needs === undefined || !Object.hasOwn(LATER_MATCH_KEYS, key)) continue;
    problems.add(
      { place: entry.place, path: under(node.path, key) },
      `${shown(key)} can only be matched on ${needs}, and ${acts} acts on connections`,
    );
    map = { ...map, entries: new Map([...map.entries].filter(([other]) => other !== key)) };
  }
  if (node.entries.size === 0)
    problems.add(node, "is empty, so it would hold for all: leave it out, or name a client");
  const entry = check(matchShape, map, problems);
  if (entry === undefined) return null;
  return entry.client === undefined ? {} : { client: entry.client };
}

function readWhen(node: Located | undefined, acts: string, around: FaultSurroundings): WhenEntry | null {
  if (node === undefined || (node.kind === "scalar" && node.value === null)) return {};
  const { problems } = around;
  if (node.kind !== "map") {
    check(z.strictObject({}), node, problems);
    return null;
  }
  const before = problems.count;
  const probability = child(node, "probability");
  const ramp = probability?.kind === "map" ? probability : null;
  const route = child(node, "per");
  const isRoute = route?.kind === "scalar" && route.value === "route";
  if (isRoute) problems.add(route, `only HTTP exchanges have routes, and ${acts} acts on connections`);
  const left = withoutBlanks(node);
  const entries = [...left.entries].filter(
    ([key]) => !(ramp !== null && key === "probability") && !(isRoute && key === "per"),
  );
  const when = check(whenShape, { ...left, entries: new Map(entries) }, problems);
  const slope = ramp === null ? null : readSlope(ramp, around);
  if (when === undefined || problems.count > before) return null;
  const plain = Object.fromEntries(
    Object.entries(when).filter(([, value]) => value !== undefined),
  ) as WhenEntry;
  return slope === null ? plain : { ...plain, probability: slope };
}

function readSlope(node: LocatedMap, around: FaultSurroundings): Slope | null {
  const { problems } = around;
  const before = problems.count;
  checkSlope(node, around);
  const ends = ["from", "to"].map((end) => {
    const value = child(node, end);
    return value === undefined ? undefined : check(ratio(), value, problems);
  });
  const [from, to] = ends;
  return problems.count > before || from === undefined || to === undefined ? null : { from, to };
}
