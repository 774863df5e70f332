/** What a sweep came to, whole: reports, replay files and the exit code are made from it. */
import type { Case } from "../contract/case.js";
import type { CaseResult, Finding } from "../contract/finding.js";
import type { RunRecord } from "../contract/record.js";
import type { RunResult } from "../contract/run.js";
import type { Stop } from "./events.js";
import { counts } from "./findings.js";
import type { SweepSettings } from "./settings.js";

/** A site that no fault-free run has: the code that recovers, and where no other test goes. */
export interface UnderFaults {
  readonly id: string;
  readonly proxy: string;
  readonly bot: string;
  readonly name: string;
}

export interface SweepOutcome {
  readonly baselines: readonly RunResult[];
  readonly singles: readonly Case[];
  readonly pairs: readonly Case[];
  /** Of all singles, then of all pairs, in the order of the plan. */
  readonly results: readonly CaseResult[];
  readonly underFaults: readonly UnderFaults[];
  readonly findings: readonly Finding[];
  /** Fault-free runs, baselines among them. */
  readonly controls: { readonly failed: number; readonly runs: number };
  /** All runs of the command. */
  readonly runs: number;
  /** Null if every case that was planned was decided. */
  readonly stop: Stop | null;
  readonly ms: number;
}

/** A case counts as hit when its fault acted, whatever came of it. */
export function isHit({ verdict }: CaseResult): boolean {
  return verdict !== "not reached" && verdict !== "not run" && verdict !== "harness error";
}

/** As docs/sweep.md lists them; 5, of a baseline that is broken, comes before there is an outcome. */
export const SWEEP_EXIT = { clean: 0, findings: 1, baseline: 5, inconclusive: 6 } as const;

/** The exit code, and the sentence that says why. */
export function exitOf(
  outcome: SweepOutcome,
  settings: SweepSettings,
): { readonly code: number; readonly why: string } {
  const { clean, findings, inconclusive } = SWEEP_EXIT;
  const counted = outcome.findings.filter(({ verdict }) => counts(verdict, settings.strict)).length;
  if (counted > 0)
    return { code: findings, why: counted === 1 ? "there is a finding" : `there are ${counted} findings` };
  const singles = outcome.results.slice(0, outcome.singles.length);
  const hit = singles.filter(isHit).length;
  if (singles.length === 0)
    return {
      code: inconclusive,
      why: outcome.baselines.some(({ record }) => isAnythingIn(record))
        ? "there is nothing to try: of the calls that were seen, what was asked for leaves no case (--only, --changed, --kinds, --skip-kinds)"
        : "no call was seen at which a fault could be injected: the command must be told where the proxies listen, as by --env JOBS_URL={url:jobs}",
    };
  const left = singles.filter(({ verdict }) => verdict === "not run").length;
  if (left > 0)
    return {
      code: inconclusive,
      why: `${left} of ${singles.length} cases were not run: ${STOPPED[outcome.stop ?? "harness"]}`,
    };
  const unmade = singles.filter(({ verdict }) => verdict === "harness error");
  const [first] = unmade;
  if (first !== undefined)
    return {
      code: inconclusive,
      why: `no verdict for ${unmade.length} of ${singles.length} cases, such as ${first.case.name}: ${firstLine(first.note ?? first.verdict)}`,
    };
  if (hit === 0) return { code: inconclusive, why: "no fault was ever reached, so nothing is known" };
  const share = hit / singles.length;
  const { requireCoverage: required } = settings;
  if (required !== null && share < required)
    return {
      code: inconclusive,
      why: `${percent(share)} of the cells were hit, and ${percent(required)} are required`,
    };
  return { code: clean, why: `nothing was found, and ${hit} of ${singles.length} cells were hit` };
}

/** As the end of "it ended early:". */
export const STOPPED: Readonly<Record<Stop, string>> = {
  budget: "the budget was used up",
  interrupted: "it was interrupted",
  findings: "there were as many findings as were asked for",
  harness: "the harness could make no more runs",
};

function isAnythingIn({ exchanges, connections, queries, flows, handshakes = [] }: RunRecord): boolean {
  return [exchanges, connections, queries, flows, handshakes].some((seen) => seen.length > 0);
}

/** The lines after it are what the program wrote. */
const firstLine = (text: string): string => text.split("\n", 1)[0] ?? text;
const percent = (share: number): string => `${Math.floor(share * 1000) / 10} %`;
