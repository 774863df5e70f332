/** Ramps, `{from, to}`: what one must look like, and what is around a fault that wants one. */
import type { AnyFaultType } from "../faults/contract/index.js";
import { under, type LocatedMap } from "./located.js";
import type { Problems } from "./problems.js";
import { hintFor, misspelt } from "./validate.js";

/** One quantity that moves linearly over its phase. */
export interface Ramp {
  readonly from: number;
  readonly to: number;
}

export interface FaultSurroundings {
  readonly types: ReadonlyMap<string, AnyFaultType>;
  /** Whether there is a bounded phase around it, which ramps need. */
  readonly ramps: boolean;
  readonly problems: Problems;
}

const ENDS = ["from", "to"];

/** What any ramp must be: `{from, to}`, in a phase that ends. */
export function checkRamp(
  node: LocatedMap,
  { ramps, problems }: Pick<FaultSurroundings, "ramps" | "problems">,
): void {
  for (const [key, entry] of node.entries) {
    if (ENDS.includes(key)) continue;
    problems.add({ place: entry.place, path: under(node.path, key) }, "unknown key", hintFor(key, ENDS));
  }
  const meant = misspelt(node.entries.keys(), ENDS);
  for (const end of ENDS) {
    if (!node.entries.has(end) && !meant.has(end))
      problems.add({ place: node.place, path: under(node.path, end) }, "is required: both ends of a ramp");
  }
  if (!ramps) problems.add(node, 'a ramp needs a phase with "for" around it, and there is none');
}
