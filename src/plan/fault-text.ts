/** What faults and profiles were made from, as text: where two differ there is something to change. Worked out once for each. */
import type { CompiledFault, CompiledProfile } from "./value.js";

const TEXTS = new WeakMap<CompiledFault, string>();
const RULES = new WeakMap<CompiledFault, string>();

export function textOfFault(fault: CompiledFault): string {
  return known(TEXTS, fault, () => JSON.stringify(fault));
}

/** Of its rules alone: whom it is for. */
export function rulesOfFault(fault: CompiledFault): string {
  return known(RULES, fault, () => JSON.stringify([fault.match, fault.except]));
}

function known(texts: WeakMap<CompiledFault, string>, fault: CompiledFault, make: () => string): string {
  const before = texts.get(fault);
  if (before !== undefined) return before;
  const text = make();
  texts.set(fault, text);
  return text;
}

/** Before somebody waits for it. */
export function writeOut({ faults, phases }: CompiledProfile): void {
  for (const fault of [...faults, ...phases.flatMap((phase) => phase.faults)]) {
    textOfFault(fault);
    rulesOfFault(fault);
  }
}

export function isSameProfile(one: CompiledProfile, other: CompiledProfile): boolean {
  return (
    isSame(one, other) &&
    one.phases.length === other.phases.length &&
    one.phases.every((phase, at) => {
      const counterpart = other.phases[at];
      return counterpart !== undefined && isSame(phase, counterpart);
    })
  );
}

interface WithFaults {
  readonly faults: readonly CompiledFault[];
}

/** All but the phases. */
function isSame(one: WithFaults, other: WithFaults): boolean {
  const rest = (value: WithFaults): string => JSON.stringify({ ...value, faults: [], phases: [] });
  return (
    one.faults.length === other.faults.length &&
    rest(one) === rest(other) &&
    one.faults.every((fault, at) => {
      const counterpart = other.faults[at];
      return (
        counterpart !== undefined &&
        (fault === counterpart || textOfFault(fault) === textOfFault(counterpart))
      );
    })
  );
}
