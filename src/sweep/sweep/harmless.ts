/**
 * Suspicions that an experiment can settle. That a call without a key was carried out twice is harmless where the server knows it again,
 * and nothing on the wire says so; but there is a case in which Squall itself has the very same request carried out twice. Where audit
 * and check find nothing after that, the server knows it again.
 */
import type { Alarm, CaseResult, Verdict } from "../contract/finding.js";
import type { RunResult } from "../contract/run.js";

/** The site at which requests are to be repeated; null where another thing is in question. */
export function experimentAt({ verdict, signature, site }: Alarm): string | null {
  return verdict === "SUSPECT" && /^twice /u.test(signature) ? (site ?? null) : null;
}

export function showsHarmless(result: CaseResult, baselines: readonly RunResult[]): boolean {
  return hasLooked(baselines) && result.verdict === "survived";
}

/** The same of one run by itself. */
export function isHarmless(
  { outcomes }: RunResult,
  verdict: Verdict,
  baselines: readonly RunResult[],
): boolean {
  return hasLooked(baselines) && verdict === "survived" && outcomes.some(({ hits }) => hits > 0);
}

/** Without audit or check nobody has looked at what it did. */
function hasLooked(baselines: readonly RunResult[]): boolean {
  return baselines.some(({ audit, check }) => audit !== undefined || check !== null);
}
