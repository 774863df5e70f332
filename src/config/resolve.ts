/** A profile made ready: parents merged in, params put in their places, every fault and phase checked. */
import type { AnyFaultType } from "../faults/contract.js";
import { didYouMean } from "../core/suggest.js";
import { mergeProfile, nameFaults, warnOfTwins, type MergedProfile, type ProfileView } from "./extends.js";
import { readFault, type FaultValue } from "./fault.js";
import { interpolate, type Lookup } from "./interpolate.js";
import {
  child,
  locate,
  scalarOf,
  under,
  withoutBlanks,
  type Located,
  type LocatedList,
  type LocatedScalar,
  type ScalarValue,
} from "./located.js";
import { Problems } from "./problems.js";
import type { ParamSource, ProfileSource } from "./profile.js";
import { phaseShape, profileShape } from "./shapes.js";
import { check, hasHole, hintFor } from "./validate.js";

export interface PhaseValue {
  readonly phase: string;
  /** Milliseconds; null for a last phase that does not end by itself. */
  readonly for: number | null;
  readonly faults: readonly FaultValue[];
}

export interface ProfileValue {
  readonly name: string;
  readonly summary: string;
  readonly tags: readonly string[];
  readonly params: Readonly<Record<string, ScalarValue>>;
  readonly faults: readonly FaultValue[];
  readonly phases: readonly PhaseValue[];
  readonly repeat: number | "forever";
}

export type Types = ReadonlyMap<string, AnyFaultType>;

/** What a user gave at activation: values, or text that is read as a YAML scalar. */
export type GivenParams = Readonly<Record<string, unknown>>;

export interface Resolution {
  /** null after a problem. */
  readonly value: ProfileValue | null;
  readonly problems: Problems;
  readonly warnings: Problems;
}

/** Everything that can be said about a profile before anybody gives it params: those without default are left open. */
export function checkProfile(source: ProfileSource, view: ProfileView, types: Types): Resolution {
  return resolve(source, view, types, null);
}

export function resolveProfile(
  source: ProfileSource,
  view: ProfileView,
  types: Types,
  given: GivenParams = {},
): Resolution {
  return resolve(source, view, types, given);
}

function resolve(
  source: ProfileSource,
  view: ProfileView,
  types: Types,
  given: GivenParams | null,
): Resolution {
  const problems = new Problems();
  const warnings = new Problems();
  const merged = mergeProfile(source, view, problems);
  warn(source, warnings);
  const values = paramValues(merged.params, given, problems);
  const lookup = paramLookup(values);
  const faults = merged.faults.flatMap(({ name, node }): FaultValue[] => {
    const fault = readFault(interpolate(node, lookup, problems), name, { types, ramps: false, problems });
    return fault === null ? [] : [fault];
  });
  const taken = new Set(merged.faults.map(({ name }) => name));
  const { phases, repeat } = readPhases(merged, lookup, taken, types, problems, source);
  if (problems.count > 0) return { value: null, problems, warnings };
  const params = Object.fromEntries([...values].map(([name, { value }]) => [name, value]));
  const { name, summary, tags } = source;
  return { value: { name, summary, tags, params, faults, phases, repeat }, problems, warnings };
}

function warn(source: ProfileSource, warnings: Problems): void {
  const faults = child(source.tree, "faults");
  if (faults?.kind === "list") warnOfTwins(faults, warnings);
  const phases = child(source.tree, "phases");
  for (const phase of phases?.kind === "list" ? phases.items : []) {
    const list = child(phase, "faults");
    if (list?.kind === "list") warnOfTwins(list, warnings);
  }
}

// ------------------------------------------------------------------------------------------------
// Params.

interface ParamValue {
  readonly value: ScalarValue;
  readonly raw: string;
  readonly hole?: true;
}

function paramValues(
  declared: ReadonlyMap<string, ParamSource>,
  given: GivenParams | null,
  problems: Problems,
): Map<string, ParamValue> {
  const tree = given === null ? null : locate(given, "request", "params");
  const entries = tree?.kind === "map" ? tree.entries : new Map<string, never>();
  for (const [name, { value }] of entries) {
    if (declared.has(name)) continue;
    const hint =
      didYouMean(name, [...declared.keys()]) ??
      (declared.size === 0 ? "the profile has no params" : `known: ${[...declared.keys()].join(", ")}`);
    problems.add(value, "unknown param", hint);
  }
  const values = new Map<string, ParamValue>();
  for (const [name, param] of declared) {
    const wanted = entries.get(name)?.value;
    if (wanted !== undefined && (wanted.kind !== "scalar" || wanted.value === null)) {
      problems.add(wanted, "expected a single value");
    }
    if (wanted?.kind === "scalar" && wanted.value !== null) {
      values.set(
        name,
        typeof wanted.value === "string"
          ? scalarOf(wanted.value)
          : { value: wanted.value, raw: String(wanted.value) },
      );
    } else if (param.fallback !== null) {
      const { value } = param.fallback;
      values.set(name, { value, raw: String(value) });
    } else if (given === null) {
      values.set(name, { value: null, raw: "", hole: true });
    } else if (wanted === undefined) {
      problems.add(
        { place: tree?.place ?? param.at.place, path: under("params", name) },
        `is required: ${param.summary === "" ? "it has no default" : param.summary}`,
      );
      values.set(name, { value: null, raw: "", hole: true });
    }
  }
  return values;
}

function paramLookup(values: ReadonlyMap<string, ParamValue>): Lookup {
  return (name, fallback) => {
    const found = values.get(name);
    if (fallback !== undefined) {
      return { missing: `expected \${${name}}: params have their default where they are declared` };
    }
    if (found !== undefined) return { ...found, origin: `param ${JSON.stringify(name)}` };
    const known = [...values.keys()];
    const hint = known.length === 0 ? "the profile has no params" : hintFor(name, known);
    return { missing: `no param is called ${JSON.stringify(name)}`, ...(hint === undefined ? {} : { hint }) };
  };
}

// ------------------------------------------------------------------------------------------------
// Phases.

interface Phases {
  readonly phases: readonly PhaseValue[];
  readonly repeat: number | "forever";
}

function readPhases(
  merged: MergedProfile,
  lookup: Lookup,
  taken: ReadonlySet<string>,
  types: Types,
  problems: Problems,
  source: ProfileSource,
): Phases {
  const list = merged.phases;
  const repeatNode = merged.repeat === null ? null : interpolate(merged.repeat, lookup, problems);
  const repeat = repeatNode === null ? 1 : check(profileShape.shape.repeat, repeatNode, problems);
  if (list === null) {
    if (repeatNode !== null) problems.add(repeatNode, "there are no phases to repeat");
    return { phases: [], repeat: 1 };
  }
  if (list.items.length === 0) problems.add(list, "expected at least one phase");
  const names = new Set<string>();
  const phases = list.items.map((item, index): PhaseValue | null => {
    const last = index === list.items.length - 1;
    const phase = readPhase(interpolate(item, lookup, problems), last, taken, types, problems);
    const name = child(item, "phase");
    if (name?.kind === "scalar" && typeof name.value === "string") {
      if (names.has(name.value)) problems.add(name, `two phases are called ${JSON.stringify(name.value)}`);
      names.add(name.value);
    }
    return phase;
  });
  const end = phases.at(-1);
  if (end?.for === null && repeat !== 1 && repeat !== undefined && !hasOpenFor(list)) {
    problems.add(repeatNode ?? source.tree, 'to repeat, the last phase needs a "for" as well');
  }
  return { phases: phases.filter((phase) => phase !== null), repeat: repeat ?? 1 };
}

function hasOpenFor(list: LocatedList): boolean {
  const node = child(list.items.at(-1), "for");
  return node !== undefined && hasHole(node);
}

function readPhase(
  node: Located,
  last: boolean,
  taken: ReadonlySet<string>,
  types: Types,
  problems: Problems,
): PhaseValue | null {
  const map = node.kind === "map" ? withoutBlanks(node) : node;
  const shell = check(phaseShape, map, problems);
  const length = child(map, "for");
  if (length === undefined && !last && map.kind === "map") {
    problems.add(
      { place: map.place, path: under(map.path, "for") },
      "is required: a duration such as 30s; only the last phase may go on without an end",
    );
  }
  const list = child(map, "faults");
  const faults: FaultValue[] = [];
  if (list?.kind === "list") {
    for (const { name, node: item } of nameFaults(list, taken, problems)) {
      const fault = readFault(item, name, { types, ramps: length !== undefined, problems });
      if (fault !== null) faults.push(fault);
    }
  }
  return shell === undefined ? null : { phase: shell.phase, for: shell.for ?? null, faults };
}

// ------------------------------------------------------------------------------------------------
// Faults without a profile.

/** Faults that somebody sent, without a file around them: a list, or a mapping with `faults`. */
export function resolveFaults(
  tree: Located,
  types: Types,
): { readonly faults: readonly FaultValue[]; readonly problems: Problems; readonly warnings: Problems } {
  const problems = new Problems();
  const warnings = new Problems();
  if (tree.kind !== "list") {
    problems.add(tree, "expected a list of faults");
    return { faults: [], problems, warnings };
  }
  warnOfTwins(tree, warnings);
  const faults: FaultValue[] = [];
  for (const { name, node } of nameFaults(tree, new Set(), problems)) {
    const fault = readFault(node, name, { types, ramps: false, problems });
    if (fault !== null) faults.push(fault);
  }
  return { faults, problems, warnings };
}

/** One fault, called `named` if that is given: names that an API made need not look like ours. */
export function resolveFault(
  tree: Located,
  types: Types,
  named?: string,
): { readonly fault: FaultValue | null; readonly problems: Problems } {
  const problems = new Problems();
  const type = child(tree, "type");
  const given = child(tree, "name");
  const typeName = type?.kind === "scalar" ? String(type.value) : "fault";
  const name = named ?? (given?.kind === "scalar" ? String(given.value) : typeName);
  const fault = readFault(tree, name, { types, ramps: false, problems });
  return { fault, problems };
}

export type { LocatedScalar };
