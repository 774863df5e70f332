/** One fault of a list: reserved keys by their shapes, parameters by the type's own schema, ramps at both ends. */
import type { z } from "zod";
import { suggest } from "../core/suggest.js";
import type { AnyFaultType, Direction, FaultUse } from "../faults/contract/index.js";
import { choice, quantityOf, shown } from "../faults/params.js";
import { readConditions, type WhenEntry } from "./conditions.js";
import { readDraw, type DrawEntry } from "./draw.js";
import { child, under, without, type Located, type LocatedEntry, type LocatedMap } from "./located.js";
import type { MatchEntry } from "./match.js";
import type { Problems } from "./problems.js";
import { checkRamp, type FaultSurroundings, type Ramp } from "./ramp.js";
import { RESERVED_KEYS, reservedShape } from "./shapes.js";
import { check, hasHole, hintFor, misspelt } from "./validate.js";

/** A fault with nothing left to check. */
export interface FaultValue {
  /** As it was written, what it inherits and its params in their places. */
  readonly written: Located;
  readonly name: string;
  readonly type: AnyFaultType;
  readonly params: Readonly<Record<string, unknown>>;
  readonly ramps: Readonly<Record<string, Ramp>>;
  readonly proxies: readonly string[] | null;
  /** null where nothing was said. */
  readonly direction: Direction | "both" | null;
  /** One of the places that the type knows; empty if it knows one only. */
  readonly at: string;
  readonly match: readonly MatchEntry[];
  readonly except: readonly MatchEntry[];
  readonly when: WhenEntry;
  /** Undefined where its subjects are drawn by their numbers. */
  readonly draw?: DrawEntry | undefined;
}

/** null if it is switched off, or after a problem. */
export function readFault(node: Located, named: string, around: FaultSurroundings): FaultValue | null {
  const { problems } = around;
  if (node.kind === "scalar" && node.hole) return null;
  if (node.kind !== "map") {
    problems.add(
      node,
      `expected a fault (a mapping with "type: name"), got ${node.kind === "list" ? "a list" : shown(node.value)}`,
    );
    return null;
  }
  const before = problems.count;
  const type = readType(node, around);
  const reserved = check(reservedShape, onlyKeys(node, Object.keys(reservedShape.shape)), problems);
  const conditions = readConditions(node, type, around);
  const at = readAt(node, type, problems);
  refuseDirection(node, type, problems);
  const draw = readDraw(node, type, at ?? "", problems);
  if (type === null) return null;
  const read = readParams(node, type, around);
  if (
    read === null ||
    reserved === undefined ||
    conditions === null ||
    at === undefined ||
    draw === null ||
    problems.count > before
  )
    return null;
  if (!hasHole(node)) judge(node, type, read, { at, narrowed: conditions.narrowed }, problems);
  if (problems.count > before || reserved.enabled === false) return null;
  const { narrowed: _narrowed, ...rest } = conditions;
  return {
    written: node,
    name: named,
    type,
    params: read.from,
    ramps: read.ramps,
    proxies: reserved.proxy ?? null,
    direction: reserved.direction ?? null,
    at,
    ...rest,
    ...(draw === undefined ? {} : { draw }),
  };
}

function onlyKeys(map: LocatedMap, keys: readonly string[]): LocatedMap {
  return { ...map, entries: new Map([...map.entries].filter(([key]) => keys.includes(key))) };
}

function readType(map: LocatedMap, { types, problems }: FaultSurroundings): AnyFaultType | null {
  const node = child(map, "type");
  const known = [...types.keys()];
  if (node === undefined) {
    const near = [...map.entries.values()].find(({ key }) => suggest(key, RESERVED_KEYS) === "type");
    if (near === undefined)
      problems.add(
        { place: map.place, path: under(map.path, "type") },
        "is required: a fault type such as latency",
      );
    else
      problems.add(
        { place: near.place, path: under(map.path, near.key) },
        "unknown key",
        hintFor(near.key, RESERVED_KEYS),
      );
    return null;
  }
  if (hasHole(node)) return null;
  const found = node.kind === "scalar" ? types.get(String(node.value)) : undefined;
  if (found !== undefined) return found;
  if (node.kind === "scalar" && typeof node.value === "string") {
    problems.add(node, `no fault type is called ${shown(node.value)}`, hintFor(node.value, known));
  } else {
    problems.add(
      node,
      `expected a fault type such as latency, got ${node.kind === "scalar" ? shown(node.value) : `a ${node.kind === "list" ? "list" : "mapping"}`}`,
    );
  }
  return null;
}

/** Where it is to act: the type's first place if nothing is said. Undefined after a problem. */
function readAt(map: LocatedMap, type: AnyFaultType | null, problems: Problems): string | undefined {
  const entry = map.entries.get("at");
  if (entry === undefined || type === null) return type?.at?.[0] ?? "";
  if (type.at !== undefined) return check(choice(type.at), entry.value, problems);
  problems.add(
    { place: entry.place, path: under(map.path, "at") },
    `${type.type} acts in one place only, so it takes no "at"`,
  );
  return undefined;
}

function refuseDirection(map: LocatedMap, type: AnyFaultType | null, problems: Problems): void {
  const entry = map.entries.get("direction");
  if (entry === undefined || type === null || type.directions !== null) return;
  problems.add(
    { place: entry.place, path: under(map.path, "direction") },
    `${type.type} has no direction: it acts on the connection as a whole`,
  );
}

interface Params {
  readonly from: Record<string, unknown>;
  readonly to: Record<string, unknown>;
  readonly ramps: Record<string, Ramp>;
}

function readParams(map: LocatedMap, type: AnyFaultType, around: FaultSurroundings): Params | null {
  const { problems } = around;
  const given = without(map, new Set(RESERVED_KEYS));
  const shape = type.params.shape as Record<string, z.ZodType>;
  const names = [...Object.keys(shape), ...RESERVED_KEYS];
  const known = new Map<string, LocatedEntry>();
  const ramped: string[] = [];
  for (const [key, entry] of given.entries) {
    const schema = Object.hasOwn(shape, key) ? shape[key] : undefined;
    if (schema === undefined) {
      const at = { place: entry.place, path: under(map.path, key) };
      problems.add(at, `${type.type} has no parameter ${shown(key)}`, hintFor(key, names));
    } else if (isRamp(entry.value, schema)) {
      const right = mayRamp(entry.value, key, schema, around);
      if (right) ramped.push(key);
      known.set(key, right ? entry : { ...entry, value: asHole(entry.value) });
    } else {
      known.set(key, entry);
    }
  }
  for (const key of misspelt(map.entries.keys(), names)) {
    const place = map.place;
    if (Object.hasOwn(shape, key))
      known.set(key, { key, place, value: asHole({ place, path: under(map.path, key) }) });
  }
  const params = { ...given, entries: known };
  const from = check(type.params, atEnd(params, ramped, "from"), problems);
  const to = ramped.length === 0 ? from : check(type.params, atEnd(params, ramped, "to"), problems);
  if (from === undefined || to === undefined) return null;
  const ramps = Object.fromEntries(
    ramped.map((key) => [key, { from: Number(from[key]), to: Number(to[key]) }]),
  );
  return { from, to, ramps };
}

/** Something that was judged already and must not be judged again as a value. */
function asHole({ place, path }: Pick<Located, "place" | "path">): Located {
  return { kind: "scalar", value: null, place, path, hole: true };
}

/** Whether somebody means a ramp here: only a type with structured parameters takes mappings otherwise. */
function isRamp(node: Located, schema: z.ZodType): node is LocatedMap {
  if (node.kind !== "map") return false;
  return quantityOf(schema) !== undefined || node.entries.has("from") || node.entries.has("to");
}

function mayRamp(node: LocatedMap, key: string, schema: z.ZodType, around: FaultSurroundings): boolean {
  const { problems } = around;
  const before = problems.count;
  if (quantityOf(schema) === undefined) {
    problems.add(node, `only quantities can be ramped, and ${shown(key)} is none`);
    return false;
  }
  checkRamp(node, around);
  return problems.count === before;
}

function atEnd(params: LocatedMap, ramped: readonly string[], end: "from" | "to"): LocatedMap {
  if (ramped.length === 0) return params;
  const entries = new Map(params.entries);
  for (const key of ramped) {
    const entry = entries.get(key);
    const value = child(entry?.value, end);
    if (entry !== undefined && value !== undefined) entries.set(key, { ...entry, value });
  }
  return { ...params, entries };
}

/** What the type itself says about the combination, at both ends of its ramps. */
function judge(
  map: LocatedMap,
  type: AnyFaultType,
  { from, to }: Params,
  use: Omit<FaultUse<unknown>, "params">,
  problems: Problems,
): void {
  const mistake = type.check?.({ ...use, params: from }) ?? type.check?.({ ...use, params: to });
  if (mistake === undefined) return;
  const node = child(map, mistake.path);
  problems.add(node ?? { place: map.place, path: under(map.path, mistake.path) }, mistake.message);
}
