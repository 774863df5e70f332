/** Faults that somebody sent without a profile around them: for an activation, or for one proxy. */
import { fewEnough, nameFaults, warnOfTwins } from "./extends.js";
import { readFault, type FaultValue } from "./fault.js";
import { child, type Located } from "./located.js";
import { Problems } from "./problems.js";
import type { Types } from "./resolve.js";

/** A list of faults, as it stands behind `faults`. */
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
  if (!fewEnough(tree, [tree.items], problems)) return { faults: [], problems, warnings };
  warnOfTwins(tree, warnings);
  const faults: FaultValue[] = [];
  for (const { name, node } of nameFaults(tree, new Set(), problems)) {
    const fault = readFault(node, name, { types, ramps: false, problems });
    if (fault !== null) faults.push(fault);
  }
  return { faults, problems, warnings };
}

/** One fault. `named` is its name where the text gives none, and need not look like ours. */
export function resolveFault(
  tree: Located,
  types: Types,
  named?: string,
): { readonly fault: FaultValue | null; readonly problems: Problems } {
  const problems = new Problems();
  const type = child(tree, "type");
  const given = child(tree, "name");
  const typeName = type?.kind === "scalar" ? String(type.value) : "fault";
  const name = given?.kind === "scalar" ? String(given.value) : (named ?? typeName);
  const fault = readFault(tree, name, { types, ramps: false, problems });
  return { fault, problems };
}
