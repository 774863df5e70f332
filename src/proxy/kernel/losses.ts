/** What the kernel is to lose in place of those faults that it can act for: of each, between whom. */
import type { ArmedFault } from "../../pipeline/armed.js";
import type { Wanted } from "./plane.js";
import type { End } from "./rules.js";

export function lossesOf(
  faults: readonly ArmedFault[],
  listener: End,
  upstreams: readonly End[],
): readonly Wanted[] {
  return faults.flatMap((fault) =>
    fault.kernel === null ? [] : [{ fault, ends: fault.kernel.leg === "client" ? [listener] : upstreams }],
  );
}
