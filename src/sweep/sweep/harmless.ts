/**
 * Suspicions that an experiment can settle. That a call without a key was carried out twice is harmless where the server knows it again,
 * and nothing on the wire says so; but there is a case in which Squall itself has the very same request carried out twice. Where audit
 * and check find nothing after that, the server knows it again.
 */
import type { Case } from "../contract/case.js";
import type { Alarm, CaseResult } from "../contract/finding.js";
import type { RunResult } from "../contract/run.js";

/** The case that repeats requests at the alarm's site; null where there is none, or where another thing is in question. */
export function experimentFor(alarm: Alarm, cases: readonly Case[]): Case | null {
  if (alarm.verdict !== "SUSPECT" || !/^twice /u.test(alarm.signature)) return null;
  const found = cases.find(
    ({ cells: [cell], cells, faults }) =>
      cells.length === 1 &&
      cell?.site.id === alarm.site &&
      faults.every(({ type }) => type === "duplicate_request"),
  );
  return found ?? null;
}

/** Without audit or check nobody has looked at what it did. */
export function showsHarmless(result: CaseResult, baselines: readonly RunResult[]): boolean {
  const looked = baselines.some(({ audit, check }) => audit !== undefined || check !== null);
  return looked && result.verdict === "survived";
}
