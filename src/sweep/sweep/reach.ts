/** Whether the faults of a case did anything, and what calls came of it. */
import type { Case } from "../contract/case.js";
import type { FaultInput, RunResult } from "../contract/run.js";
import { kindOf } from "../kinds/kinds.js";
import { grouped, type PlaceOf } from "../oracles/calls.js";

/**
 * How many of the case's cells were hit: all of them, some, or none. A cell is hit when the first of its faults acted; what others of it
 * wait for, such as a repetition that is to be lost too, is for the client to do or not.
 */
export function reachOf(of: Case, run: Pick<RunResult, "outcomes">): "all" | "some" | "none" {
  const hit = cellsHit(of, run);
  if (hit.every((one) => one)) return "all";
  return of.faults.some((fault) => hasActed(fault, run)) ? "some" : "none";
}

/** Of each cell, whether it was hit. */
export function cellsHit(of: Case, run: Pick<RunResult, "outcomes">): readonly boolean[] {
  let index = 0;
  return of.cells.map(({ site, kind, ordinal }) => {
    const acted = hasActed(of.faults[index], run);
    index += kindOf(site.protocol, kind)?.faults(site, ordinal).length ?? 1;
    return acted;
  });
}

function hasActed(fault: FaultInput | undefined, { outcomes }: Pick<RunResult, "outcomes">): boolean {
  return fault !== undefined && (outcomes.find((outcome) => outcome.fault === fault.name)?.hits ?? 0) > 0;
}

/** Sites of which a bot made more calls than in any fault-free run: retries, refreshes, what replaces what failed. */
export function edgesOf(run: RunResult, baselines: readonly RunResult[], place: PlaceOf): string[] {
  const most = countsOf(baselines[0], place);
  for (const baseline of baselines)
    for (const [key, { count }] of countsOf(baseline, place))
      most.set(key, { count: Math.max(count, most.get(key)?.count ?? 0) });
  const edges = new Set<string>();
  for (const [key, { count, site }] of countsOf(run, place))
    if (site !== undefined && count > (most.get(key)?.count ?? 0)) edges.add(site);
  return [...edges];
}

function countsOf(run: RunResult | undefined, place: PlaceOf): Map<string, { count: number; site?: string }> {
  const counts = new Map<string, { count: number; site?: string }>();
  const groups = grouped(run?.record.exchanges ?? [], (one) => `${one.bot}\n${place(one).site}`);
  for (const [key, group] of groups) {
    const [first] = group;
    if (first !== undefined) counts.set(key, { count: group.length, site: place(first).site });
  }
  return counts;
}
