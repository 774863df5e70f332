/** A profile as it was written: its document, checked as far as it can be without its parents and params. */
import type { z } from "zod";
import type { CaseBlock } from "./case-block.js";
import { refuseReference } from "./interpolate.js";
import {
  child,
  under,
  without,
  withoutBlanks,
  type Located,
  type LocatedMap,
  type LocatedScalar,
  type ScalarValue,
} from "./located.js";
import { Problems } from "./problems.js";
import { about, NAME_PATTERN, RESERVED_NAMES, paramDefault, paramShape, profileShape } from "./shapes.js";
import { check } from "./validate.js";

export interface ParamSource {
  readonly name: string;
  readonly summary: string;
  /** null where it must be given at activation. */
  readonly fallback: LocatedScalar | null;
  /** The declaration. */
  readonly at: Located;
}

export interface ProfileSource {
  readonly name: string;
  readonly summary: string;
  /** What goes wrong in a client that is not prepared for it; empty where nothing is said. */
  readonly breaks: string;
  /** What a client does that gets through it unharmed; empty where nothing is said. */
  readonly survives: string;
  readonly tags: readonly string[];
  readonly extends: readonly string[];
  /** Its own params; those of its parents come on top when it is resolved. */
  readonly params: ReadonlyMap<string, ParamSource>;
  /** Which failure it brings about, and in what; null where it is no replay file. Nobody inherits it. */
  readonly case: CaseBlock | null;
  /** Where it was read. */
  readonly file: string;
  /** The document as it was written. */
  readonly text: string;
  readonly tree: LocatedMap;
}

/** What a param's value is, for people and for JSON. */
export interface ParamInfo {
  readonly name: string;
  readonly summary: string;
  readonly required: boolean;
  readonly default?: ScalarValue;
}

export function paramInfo({ name, summary, fallback }: ParamSource): ParamInfo {
  return {
    name,
    summary,
    required: fallback === null,
    ...(fallback === null ? {} : { default: fallback.value }),
  };
}

/**
 * Reads one document; null if it is not a profile that anything could be made of. One with mistakes is
 * still answered where it has a name, so that what is wrong with its faults is found in the same go.
 */
export function readProfile(tree: Located, text: string, problems: Problems): ProfileSource | null {
  if (tree.kind !== "map") {
    problems.add(tree, `expected a profile (a mapping with "profile: name")`);
    return null;
  }
  const map = withoutBlanks(tree);
  // How often the phases are gone through may hang on a param, and is looked at with them.
  const shell = check(profileShape, without(map, new Set(["repeat"])), problems);
  const params = readParams(child(map, "params"), problems);
  const name = child(map, "profile");
  if (name?.kind === "scalar" && typeof name.value === "string" && RESERVED_NAMES.includes(name.value)) {
    problems.add(name, `the name ${JSON.stringify(name.value)} is reserved`);
  }
  for (const key of Object.keys(about.shape)) refuseReference(child(map, key), problems);
  const given = shell ?? salvage(map);
  if (given === null) return null;
  return {
    name: given.profile,
    summary: given.summary ?? "",
    breaks: given.breaks ?? "",
    survives: given.survives ?? "",
    tags: given.tags ?? [],
    extends: given.extends ?? [],
    params,
    case: shell?.case ?? null,
    file: tree.place.text.name,
    text,
    tree: map,
  };
}

/** Who it is and what it builds on; without these nothing else in it can be judged. */
function salvage(map: LocatedMap): z.output<typeof about> | null {
  const only = (key: string): LocatedMap => ({
    ...map,
    entries: new Map([...map.entries].filter(([other]) => other === key)),
  });
  const silent = new Problems();
  const name = check(profileShape.pick({ profile: true }), only("profile"), silent);
  const parents = check(profileShape.pick({ extends: true }), only("extends"), silent);
  return name === undefined || parents === undefined ? null : { ...name, ...parents };
}

function readParams(node: Located | undefined, problems: Problems): Map<string, ParamSource> {
  const params = new Map<string, ParamSource>();
  if (node?.kind !== "map") return params;
  for (const [key, { value, place }] of node.entries) {
    if (!NAME_PATTERN.test(key)) {
      const path = under(node.path, key);
      problems.add(
        { place, path },
        `expected a name of lower-case letters, digits, ".", "_" and "-" as the name of a param`,
      );
      continue;
    }
    const declared = readParam(key, value, problems);
    if (declared !== null) params.set(key, declared);
  }
  return params;
}

function readParam(name: string, node: Located, problems: Problems): ParamSource | null {
  if (node.kind === "map") {
    const shell = check(paramShape, withoutBlanks(node), problems);
    if (shell === undefined) return null;
    const fallback = child(node, "default");
    const given = fallback?.kind === "scalar" && fallback.value !== null ? fallback : null;
    return { name, summary: shell.summary ?? "", fallback: plain(given, problems), at: node };
  }
  if (node.kind === "scalar" && node.value === null) return { name, summary: "", fallback: null, at: node };
  if (check(paramDefault, node, problems) === undefined || node.kind !== "scalar") return null;
  return { name, summary: "", fallback: plain(node, problems), at: node };
}

function plain(node: LocatedScalar | null, problems: Problems): LocatedScalar | null {
  if (node !== null && typeof node.value === "string" && node.value.includes("${")) {
    problems.add(node, "a default cannot refer to other params");
  }
  return node;
}
