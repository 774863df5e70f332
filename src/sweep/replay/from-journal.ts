/** Faults from the journal of a run that somebody recorded: each hit that can be named by its call, with the fault's parameters as they were. */
import type { JournalEntry } from "../../telemetry/entry.js";
import type { FaultInput } from "../contract/run.js";
import { recordOf } from "../record/run-record.js";
import { explicit, faultsOfParts, type Part } from "../shrink/explicit.js";
import type { Lab } from "./lab.js";

export interface FromJournal {
  readonly parts: readonly Part[];
  readonly faults: readonly FaultInput[];
  /** Sentences about hits that are left out. */
  readonly left: readonly string[];
}

/**
 * A journal has the types of faults and what they drew, not all of their parameters: `given` has those, by their names. A fault that is
 * not among them has the parameters that its type takes for granted.
 */
export function faultsFromJournal(
  entries: readonly JournalEntry[],
  lab: Pick<Lab, "sites" | "baselines">,
  given: readonly FaultInput[] = [],
): FromJournal {
  const record = recordOf(entries);
  const known = new Map(given.map((fault) => [fault.name, fault]));
  for (const { fault, type, detail } of record.hits)
    if (!known.has(fault)) known.set(fault, { ...paramsFrom(detail), name: fault, type });
  const { parts, whole } = explicit(record, [...known.values()], {
    calls: lab.sites.calls,
    bots: botsOf(lab),
  });
  const named = parts.filter(
    ({ origin }) => !whole.includes(origin) || given.some(({ name }) => name === origin),
  );
  const left = whole
    .filter((name) => !given.some((fault) => fault.name === name))
    .map((name) => `${name} is left out: no call by which its hits could be named`);
  return { parts: named, faults: faultsOfParts(named), left };
}

/** What faults tell of themselves in their hits, under the names that their parameters have. */
function paramsFrom(detail: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const { status, delay_ms: delay, then } = detail;
  return {
    ...(typeof status === "number" ? { status } : {}),
    ...(typeof delay === "number" ? { delay: `${Math.round(delay)}ms` } : {}),
    ...(typeof then === "string" ? { then } : {}),
  };
}

export function botsOf({ baselines }: Pick<Lab, "baselines">): ReadonlySet<string> {
  const [first, ...others] = baselines.map(
    ({ record: { exchanges, connections, queries } }) =>
      new Set([...exchanges, ...connections, ...queries].map(({ bot }) => bot)),
  );
  return new Set([...(first ?? [])].filter((bot) => others.every((set) => set.has(bot))));
}
