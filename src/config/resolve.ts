/** A profile made ready: parents merged in, params put in their places, every fault and phase checked. */
import type { AnyFaultType } from "../faults/contract/index.js";
import {
  fewEnough,
  mergeProfile,
  nameFaults,
  warnOfTwins,
  type MergedProfile,
  type ProfileView,
} from "./extends.js";
import { readFault, type FaultValue } from "./fault.js";
import { bounded, interpolate, refuseReference, type Lookup } from "./interpolate.js";
import {
  child,
  under,
  without,
  withoutBlanks,
  type Located,
  type LocatedList,
  type ScalarValue,
} from "./located.js";
import { paramLookup, paramValues, type GivenParams } from "./params.js";
import { Problems } from "./problems.js";
import type { ProfileSource } from "./profile.js";
import { phaseShape, profileShape } from "./shapes.js";
import { check, hasHole, keysOf, misspelt } from "./validate.js";

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
  const merged = mergeProfile(source, view, problems, types);
  warn(source, warnings);
  const inPhases = (merged.phases?.items ?? []).map((phase) => {
    const list = child(phase, "faults");
    return list?.kind === "list" ? list.items : [];
  });
  if (!fewEnough(source.tree, [merged.faults, ...inPhases], problems))
    return { value: null, problems, warnings };
  const values = paramValues(merged.params, given, problems);
  const lookup = bounded(paramLookup(values));
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
    const phase = readPhase(item, last, taken, lookup, types, problems);
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
  const last = list.items.at(-1);
  const node = child(last, "for");
  return node === undefined ? isForMisspelt(last) : hasHole(node);
}

function isForMisspelt(phase: Located | undefined): boolean {
  return phase?.kind === "map" && misspelt(phase.entries.keys(), keysOf(phaseShape)).has("for");
}

function readPhase(
  written: Located,
  last: boolean,
  taken: ReadonlySet<string>,
  lookup: Lookup,
  types: Types,
  problems: Problems,
): PhaseValue | null {
  const node = written.kind === "map" ? withoutBlanks(written) : written;
  refuseReference(child(node, "phase"), problems);
  const list = child(node, "faults");
  // Faults are named before anything is put into them, and only then looked at one by one.
  const rest = node.kind === "map" ? interpolate(without(node, new Set(["faults"])), lookup, problems) : node;
  if (list !== undefined) check(phaseShape.shape.faults, list, problems);
  const shell = check(phaseShape, rest, problems);
  const length = child(rest, "for");
  const ends = length !== undefined || isForMisspelt(rest);
  if (!ends && !last && rest.kind === "map") {
    problems.add(
      { place: rest.place, path: under(rest.path, "for") },
      "is required: a duration such as 30s; only the last phase may go on without an end",
    );
  }
  const named = list?.kind === "list" ? nameFaults(list, taken, problems) : [];
  const faults = named.flatMap(({ name, node: item }): FaultValue[] => {
    const around = { types, ramps: ends, problems };
    const fault = readFault(interpolate(item, lookup, problems), name, around);
    return fault === null ? [] : [fault];
  });
  return shell === undefined ? null : { phase: shell.phase, for: shell.for ?? null, faults };
}
