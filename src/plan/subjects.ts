/** What a fault of the plan is decided about, and on which proxies it can act. */
import { EXCHANGE_KEYS } from "../config/match.js";
import { SEAMS, type AnyFaultType, type Seam } from "../faults/contract.js";
import { aboutExchanges } from "../faults/subjects.js";
import type { CompiledFault, CompiledProfile, MatchValue } from "./value.js";

/** What its subjects are called, where they are counted. */
export type Subjects = "connections" | "exchanges";

/** A proxy, as far as this must be known of it. */
interface Place {
  readonly name: string;
  readonly seams: ReadonlySet<Seam>;
  readonly except: readonly MatchValue[];
}

/** Whether it says something that only an HTTP proxy can know, so that it is no fault for any other. */
export function needsExchanges(fault: CompiledFault, type: AnyFaultType): boolean {
  return (
    SEAMS.every((seam) => seam === "exchange" || type[seam] === undefined) ||
    fault.at === "head" ||
    fault.at === "body" ||
    fault.when.per === "route" ||
    fault.match.some(asksExchange) ||
    fault.except.some(asksExchange)
  );
}

/** Whether an entry has a key that only exchanges can be asked. */
export function asksExchange(entry: MatchValue): boolean {
  return Object.keys(entry).some((key) => EXCHANGE_KEYS.includes(key));
}

/** Whether the fault can act on a proxy that has these seams. */
export function actsOn(fault: CompiledFault, type: AnyFaultType, seams: ReadonlySet<Seam>): boolean {
  if (needsExchanges(fault, type) && !seams.has("exchange")) return false;
  return SEAMS.some((seam) => seams.has(seam) && type[seam] !== undefined);
}

/** What a fault of that type counts on a proxy that has these seams. */
export function subjectsOn(type: AnyFaultType, seams: ReadonlySet<Seam>): Subjects {
  return seams.has("exchange") && aboutExchanges(type) ? "exchanges" : "connections";
}

/**
 * A warning for each fault that would act on what a proxy's `except` means to spare: a fault on connections knows no
 * path, and acts on all that goes over them.
 */
export function sparedInVain(
  { profile, faults, phases }: Pick<CompiledProfile, "profile" | "faults" | "phases">,
  proxies: readonly Place[],
  types: ReadonlyMap<string, AnyFaultType>,
): string[] {
  const warnings = new Set<string>();
  for (const fault of [...faults, ...phases.flatMap((phase) => phase.faults)]) {
    const type = types.get(fault.type);
    if (type === undefined || aboutExchanges(type)) continue;
    for (const { name, seams, except } of proxies) {
      if (fault.proxies !== null && !fault.proxies.includes(name)) continue;
      const keys = EXCHANGE_KEYS.filter((key) => except.some((entry) => key in entry));
      if (keys.length === 0 || !actsOn(fault, type, seams)) continue;
      warnings.add(
        `${profile}: ${fault.name} acts on whole connections of ${name}, so its except by ${keys.join(" and ")} cannot spare anything`,
      );
    }
  }
  return [...warnings];
}
