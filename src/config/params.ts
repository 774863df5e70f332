/** Params of a profile at activation: what was given, else the default, as values for `${x}`. */
import { didYouMean } from "../core/suggest.js";
import type { Lookup } from "./interpolate.js";
import { locate, scalarOf, under, type ScalarValue } from "./located.js";
import type { Problems } from "./problems.js";
import type { ParamSource } from "./profile.js";
import { hintFor, misspelt } from "./validate.js";

/** What a user gave: values, or text that is read as a YAML scalar. */
export type GivenParams = Readonly<Record<string, unknown>>;

/** What a param stands for in one activation. */
export interface ParamValue {
  readonly value: ScalarValue;
  readonly raw: string;
  readonly hole?: true;
}

/** Declared defaults under what was given. Without `given` nothing is asked for: what has no default is left open. */
export function paramValues(
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
  const meant = misspelt(entries.keys(), [...declared.keys()]);
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
    } else if (wanted === undefined && meant.has(name)) {
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

/** What profiles may read: their params and nothing else. */
export function paramLookup(values: ReadonlyMap<string, ParamValue>): Lookup {
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
