/** What a sweep runs, from the sites that its fault-free runs have: singles at once, and pairs as results come in. */
import type { Case } from "../contract/case.js";
import type { CaseResult } from "../contract/finding.js";
import type { RunResult } from "../contract/run.js";
import { siteNames } from "../sites/names.js";
import type { Sites } from "../sites/sites.js";
import { caseOf, type SiteNames } from "./cases.js";
import { pairsAfter } from "./pairs.js";
import { kindOf } from "../kinds/kinds.js";
import { select, type Wanted } from "./selection.js";
import { planSingles } from "./singles.js";
import { NO_OPTIONS, type KindOptions } from "../kinds/kind.js";

export interface SweepPlan {
  readonly names: SiteNames;
  readonly singles: readonly Case[];
  readonly pairsAfter: (result: CaseResult) => readonly Case[];
  readonly together: (cases: readonly Case[]) => Case;
  readonly learn: (run: RunResult) => void;
  readonly sharpened: (of: Case) => Case;
  /** The case in which a site's first call is carried out twice, planned or not; null where that makes no sense. */
  readonly repeatedAt: (site: string) => Case | null;
}

export interface SweepPlanOptions extends Partial<KindOptions> {
  readonly wanted: Wanted;
  readonly allOrdinals?: boolean;
}

/** The kind by which it shows whether a server knows a call again. */
const TWICE = "twice";

/** Throws SelectionError for words in `wanted` that name nothing. */
export function planSweep(sites: Sites, options: SweepPlanOptions): SweepPlan {
  const names = siteNames(sites.list);
  const timeouts = new Map(options.timeouts);
  const kindOptions: KindOptions = {
    timeouts,
    slow: options.slow ?? NO_OPTIONS.slow,
    outage: options.outage ?? NO_OPTIONS.outage,
  };
  const selection = select(options.wanted, sites.list, names);
  return {
    names,
    singles: planSingles(sites.list, names, {
      ...kindOptions,
      selection,
      allOrdinals: options.allOrdinals ?? false,
    }),
    pairsAfter: (result) =>
      pairsAfter(result, { sites: sites.list, calls: sites.calls, names, options: kindOptions }),
    together: (cases) =>
      caseOf(
        cases.flatMap(({ cells }) => cells),
        names,
        kindOptions,
      ),
    learn: (run) => {
      for (const [site, wait] of learnTimeouts([run], sites))
        timeouts.set(site, Math.max(wait, timeouts.get(site) ?? 0));
    },
    sharpened: (of) =>
      of.cells.some(({ site }) => timeouts.has(site.id)) ? caseOf(of.cells, names, kindOptions) : of,
    repeatedAt: (id) => {
      const site = sites.list.find((one) => one.id === id);
      const applies = site !== undefined && kindOf(site.protocol, TWICE)?.applies(site) === true;
      return applies
        ? caseOf([{ site, kind: TWICE, ordinal: { word: "first", nth: 1 } }], names, kindOptions)
        : null;
    },
  };
}

/**
 * How long clients have waited for answers, by site: from calls that a fault left without an answer until the client went away by itself.
 * Faults that aim at a client's patience use it; see `KindOptions`.
 */
export function learnTimeouts(
  runs: readonly Pick<RunResult, "exit" | "ms" | "record">[],
  sites: Pick<Sites, "calls">,
): Map<string, number> {
  const timeouts = new Map<string, number>();
  for (const { exit, ms, record } of runs) {
    if (exit.kind !== "exit") continue;
    for (const one of record.exchanges) {
      if (one.end !== "client_left" || one.clientStatus !== null || one.faults.length === 0) continue;
      // With the command everything ends: that is nobody's patience.
      if (one.over > ms - END) continue;
      const site = sites.calls.siteOf(one);
      timeouts.set(site, Math.max(timeouts.get(site) ?? 0, Math.ceil(one.over - one.at)));
    }
  }
  return timeouts;
}

/** Milliseconds. */
const END = 100;
