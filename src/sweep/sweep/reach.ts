/** Whether the faults of a case did anything, and what calls came of it. */
import type { Case } from "../contract/case.js";
import type { RunResult } from "../contract/run.js";
import { grouped, type PlaceOf } from "../oracles/calls.js";

/** How many of the case's faults acted: all of them, some, or none. */
export function reachOf(of: Case, { outcomes }: RunResult): "all" | "some" | "none" {
  const hit = of.faults.filter(({ name }) => (outcomes.find(({ fault }) => fault === name)?.hits ?? 0) > 0);
  return hit.length === of.faults.length ? "all" : hit.length > 0 ? "some" : "none";
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
