/**
 * `extends`: one tree out of a profile and its parents. Parents from left to right, then the child; a
 * fault of the same name is merged key by key in the parent's place.
 */
import { refuseReference } from "./interpolate.js";
import {
  child,
  type Located,
  type LocatedEntry,
  type LocatedList,
  type LocatedMap,
  type LocatedScalar,
} from "./located.js";
import type { Problems } from "./problems.js";
import type { ParamSource, ProfileSource } from "./profile.js";
import { unknownProfile } from "./unknown-profile.js";
import { RESERVED_KEYS } from "./shapes.js";

/** How long a chain of parents may be. */
export const EXTENDS_DEPTH_MAX = 8;

/** Where parents are looked up. */
export interface ProfileView {
  get(name: string): ProfileSource | undefined;
  /** What this profile means by a name that it extends: for its own name, the profile of that name beneath it. */
  parent(child: ProfileSource, name: string): ProfileSource | undefined;
  names(): readonly string[];
}

export interface NamedFault {
  readonly name: string;
  /** Whether the name was written, and not made of the type. */
  readonly explicit: boolean;
  readonly node: Located;
}

/** A profile with what it inherited, its values not looked at yet. */
export interface MergedProfile {
  readonly params: ReadonlyMap<string, ParamSource>;
  readonly faults: readonly NamedFault[];
  readonly phases: LocatedList | null;
  readonly repeat: Located | null;
}

export function mergeProfile(
  source: ProfileSource,
  view: ProfileView,
  problems: Problems,
  types: ReadonlyMap<string, unknown> = new Map(),
): MergedProfile {
  return new Merger(view, problems, types).merge(source, [source]).merged;
}

interface Ancestor {
  readonly merged: MergedProfile;
  /** How many profiles stand above each other in it, itself included. */
  readonly height: number;
}

/** Merges each ancestor once, however often families meet: a few short lists could name it millions of times. */
class Merger {
  readonly #view: ProfileView;
  readonly #problems: Problems;
  readonly #types: ReadonlyMap<string, unknown>;
  readonly #known = new Map<ProfileSource, Ancestor>();
  /** Where the profile that is being merged names the parent that is being looked at. */
  #named: Located | null = null;

  constructor(view: ProfileView, problems: Problems, types: ReadonlyMap<string, unknown>) {
    this.#types = types;
    this.#view = view;
    this.#problems = problems;
  }

  merge(source: ProfileSource, chain: readonly ProfileSource[]): Ancestor {
    let merged: MergedProfile = { params: new Map(), faults: [], phases: null, repeat: null };
    let height = 1;
    for (const [index, parent] of source.extends.entries()) {
      const node = extendsNode(source, index);
      if (chain.length === 1) this.#named = node;
      const inherited = this.#inherit(source, parent, node, chain);
      if (inherited === null) continue;
      merged = overlay(merged, inherited.merged, node, this.#problems);
      height = Math.max(height, inherited.height + 1);
    }
    return { merged: overlay(merged, own(source, this.#problems), source.tree, this.#problems), height };
  }

  #inherit(
    child: ProfileSource,
    parent: string,
    node: Located,
    chain: readonly ProfileSource[],
  ): Ancestor | null {
    const found = this.#view.parent(child, parent);
    // Its own name, and nothing of that name beneath it.
    const isItself = found === undefined && parent === child.name;
    if (isItself || (found !== undefined && chain.includes(found))) {
      const names = [...chain.map(({ name }) => name), parent];
      this.#problems.add(node, `profiles extend each other in a circle: ${names.join(" -> ")}`);
      return null;
    }
    if (found === undefined) {
      const { message, hint } = unknownProfile(parent, this.#view.names(), new Map());
      const type = this.#types.has(parent) ? "it is a fault type, and stands under faults" : undefined;
      this.#problems.add(node, message, type ?? hint);
      return null;
    }
    const ancestor = this.#ancestor(found, chain);
    if (ancestor !== null && chain.length + ancestor.height <= EXTENDS_DEPTH_MAX + 1) return ancestor;
    this.#problems.add(
      this.#named ?? node,
      `extends more than ${EXTENDS_DEPTH_MAX} profiles, one through the other`,
    );
    return null;
  }

  #ancestor(source: ProfileSource, chain: readonly ProfileSource[]): Ancestor | null {
    if (chain.length > EXTENDS_DEPTH_MAX) return null;
    const known = this.#known.get(source) ?? this.merge(source, [...chain, source]);
    this.#known.set(source, known);
    return known;
  }
}

function extendsNode(source: ProfileSource, index: number): Located {
  const node = child(source.tree, "extends");
  return (node?.kind === "list" ? node.items[index] : node) ?? source.tree;
}

function own(source: ProfileSource, problems: Problems): MergedProfile {
  const faults = child(source.tree, "faults");
  const phases = child(source.tree, "phases");
  return {
    params: source.params,
    faults: faults?.kind === "list" ? nameFaults(faults, new Set(), problems) : [],
    phases: phases?.kind === "list" ? phases : null,
    repeat: child(source.tree, "repeat") ?? null,
  };
}

function overlay(below: MergedProfile, above: MergedProfile, at: Located, problems: Problems): MergedProfile {
  if (below.phases !== null && above.phases !== null) {
    problems.add(
      child(at, "phases") ?? at,
      "phases are inherited already; only one of a profile and its parents can have them",
    );
  }
  return {
    params: overlayParams(below.params, above.params),
    faults: overlayFaults(below.faults, above.faults),
    phases: above.phases ?? below.phases,
    repeat: above.repeat ?? below.repeat,
  };
}

/** By name; a child that gives only a new default keeps the parent's summary. */
function overlayParams(
  below: ReadonlyMap<string, ParamSource>,
  above: ReadonlyMap<string, ParamSource>,
): ReadonlyMap<string, ParamSource> {
  const params = new Map(below);
  for (const [name, param] of above) {
    const inherited = below.get(name);
    params.set(name, {
      ...param,
      summary: param.summary === "" ? (inherited?.summary ?? "") : param.summary,
      fallback: param.fallback ?? inherited?.fallback ?? null,
    });
  }
  return params;
}

/** Same names are merged in place, new ones come behind. */
export function overlayFaults(below: readonly NamedFault[], above: readonly NamedFault[]): NamedFault[] {
  const faults = new Map(below.map((fault) => [fault.name, fault]));
  for (const fault of above) {
    const inherited = faults.get(fault.name);
    const explicit = fault.explicit || inherited?.explicit === true;
    faults.set(
      fault.name,
      inherited === undefined
        ? fault
        : { ...fault, explicit, node: overlayFault(inherited.node, fault.node) },
    );
  }
  return [...faults.values()];
}

function overlayFault(below: Located, above: Located): Located {
  if (below.kind !== "map" || above.kind !== "map") return above;
  const type = typeOf(above);
  const changed = type !== null && type !== typeOf(below);
  const entries = new Map<string, LocatedEntry>();
  for (const [key, entry] of below.entries) {
    // Another type has other parameters; only what every fault has is worth keeping.
    if (!changed || RESERVED_KEYS.includes(key)) entries.set(key, entry);
  }
  for (const [key, entry] of above.entries) entries.set(key, entry);
  return { ...above, entries };
}

function typeOf(map: LocatedMap): string | null {
  const type = child(map, "type");
  return type?.kind === "scalar" && typeof type.value === "string" ? type.value : null;
}

/** Of one profile, those of its phases and of its parents among them. */
export const FAULTS_MAX = 500;

/** Whether it has no more than it may; each takes time to check and, switched on, memory on each proxy. */
export function fewEnough(at: Located, lists: readonly (readonly unknown[])[], problems: Problems): boolean {
  const count = lists.reduce((sum, list) => sum + list.length, 0);
  if (count <= FAULTS_MAX) return true;
  problems.add(at, `has ${count} faults, and may have ${FAULTS_MAX}, those of phases and parents among them`);
  return false;
}

/**
 * Gives each fault of a list its name: the one that was written, else its type, then `<type>-2` and so on,
 * past names that are taken. `taken` are names that the list may not use at all.
 */
export function nameFaults(list: LocatedList, taken: ReadonlySet<string>, problems: Problems): NamedFault[] {
  const names = new Set<string>();
  for (const node of list.items) {
    refuseReference(child(node, "type"), problems);
    refuseReference(child(node, "name"), problems);
    const given = givenName(node);
    if (given === null) continue;
    const name = String(given.value);
    if (names.has(name)) problems.add(given, `two faults of this list are called ${JSON.stringify(name)}`);
    else if (taken.has(name))
      problems.add(given, `a fault outside the phases is called ${JSON.stringify(name)} already`);
    names.add(name);
  }
  const used = new Set([...names, ...taken]);
  /** Which number comes next for a type: tried from 2 each time, thousands of faults would take minutes. */
  const next = new Map<string, number>();
  const seen = new Set<string>();
  return list.items.flatMap((node): NamedFault[] => {
    const given = givenName(node);
    if (given !== null) {
      const name = String(given.value);
      if (seen.has(name)) return [];
      seen.add(name);
      return [{ name, explicit: true, node }];
    }
    const type = (node.kind === "map" ? typeOf(node) : null) ?? "fault";
    let name = type;
    let n = next.get(type) ?? 2;
    while (used.has(name)) name = `${type}-${n++}`;
    next.set(type, n);
    used.add(name);
    return [{ name, explicit: false, node }];
  });
}

function givenName(node: Located): LocatedScalar | null {
  const name = child(node, "name");
  return name?.kind === "scalar" && typeof name.value === "string" ? name : null;
}

/** Twins without names: which is which hangs on their order, and so do their draws. */
export function warnOfTwins(list: LocatedList, warnings: Problems): void {
  const counts = new Map<string, number>();
  for (const node of list.items) {
    if (node.kind !== "map" || givenName(node) !== null) continue;
    const type = typeOf(node);
    if (type === null) continue;
    const count = (counts.get(type) ?? 0) + 1;
    counts.set(type, count);
    if (count === 2) {
      warnings.add(
        node,
        `a second ${type} without a name: one more before it would rename it and change its draws`,
        "give them names",
      );
    }
  }
}
