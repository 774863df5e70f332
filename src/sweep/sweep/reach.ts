/** Whether the faults of a case did anything, and what calls came of it. */
import type { Case } from "../contract/case.js";
import type { FaultInput, RunResult } from "../contract/run.js";
import { kindOf } from "../kinds/kinds.js";
import { grouped, type PlaceOf } from "../oracles/calls.js";

/**
 * How many of the case's cells were hit: all of them, some, or none. A cell is hit when the first of its faults acted; what others of it
 * wait for, such as a repetition that is to be lost too, is for the client to do or not.
 */
export function reachOf(of: Case, { outcomes }: RunResult): "all" | "some" | "none" {
  const acted = (fault: FaultInput | undefined): boolean =>
    fault !== undefined && (outcomes.find((outcome) => outcome.fault === fault.name)?.hits ?? 0) > 0;
  let index = 0;
  let hit = 0;
  for (const { site, kind, ordinal } of of.cells) {
    if (acted(of.faults[index])) hit++;
    index += kindOf(site.protocol, kind)?.faults(site, ordinal).length ?? 1;
  }
  return hit === of.cells.length ? "all" : of.faults.some(acted) ? "some" : "none";
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
