/** Faults that proxies have of their own, beside what profiles do: which have come, changed and gone, and how that is told. */
import type { Fact } from "../core/events.js";
import type { CompiledFault, PlanValue } from "./value.js";

export interface OwnFault {
  readonly proxy: string;
  readonly fault: CompiledFault;
}

type Toxics = PlanValue["toxics"];

export interface Differences {
  readonly set: readonly OwnFault[];
  readonly changed: readonly OwnFault[];
  readonly removed: readonly OwnFault[];
}

/** One of another type under the same name is another fault. */
export function differencesOf(before: Toxics, after: Toxics): Differences {
  const [old, now] = [byName(before), byName(after)];
  const set: OwnFault[] = [];
  const changed: OwnFault[] = [];
  for (const [key, one] of now) {
    const was = old.get(key);
    if (was === undefined) set.push(one);
    else if (was.fault !== one.fault && JSON.stringify(was.fault) !== JSON.stringify(one.fault))
      changed.push(one);
  }
  return { set, changed, removed: [...old].flatMap(([key, one]) => (now.has(key) ? [] : [one])) };
}

function byName(toxics: Toxics): Map<string, OwnFault> {
  const all = Object.entries(toxics).flatMap(([proxy, faults]) => faults.map((fault) => ({ proxy, fault })));
  return new Map(
    all.map((one) => [JSON.stringify([one.proxy, one.fault.name, one.fault.type, one.fault.at]), one]),
  );
}

/** What it is to do, as it was understood: times in milliseconds, sizes in bytes. */
export function toldOf({
  name,
  type,
  params,
  directions,
  when,
  toxic,
}: CompiledFault): Pick<
  Extract<Fact, { kind: "fault_set" }>,
  "fault" | "type" | "params" | "direction" | "probability" | "toxic"
> {
  const { probability } = when;
  return {
    fault: name,
    type,
    params,
    ...(directions === null ? {} : { direction: directions }),
    ...(typeof probability === "number" ? { probability } : {}),
    ...(toxic === undefined ? {} : { toxic: toxic.type }),
  };
}
