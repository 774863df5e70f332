/**
 * By what a finding is known: what was done wrong, and at which call. One bug shows in many cases (a lost answer, a late one, a 503 at the
 * same place), and must be one finding; the same words at two places may be two bugs, and are two.
 */
import type { Case } from "./contract/case.js";
import type { Alarm } from "./contract/finding.js";
import { leading } from "./oracles/judge.js";

/** `WRONG audit:/totals/expired`; null where nothing is wrong. Replay files keep it, and a replay that fails otherwise is DIFFERENT. */
export function signatureOf(alarms: readonly Alarm[]): string | null {
  const alarm = leading(alarms);
  return alarm === null ? null : `${alarm.verdict} ${alarm.signature}`;
}

/** Findings with equal keys are one: the same signature, with faults at the same sites, whatever their kinds and ordinals. */
export function filingKey(of: Case, signature: string): string {
  const sites = new Set(of.cells.map(({ site }) => site.id));
  return [signature, ...[...sites].sort()].join("\n");
}

/**
 * Whether two runs fail alike, as far as confirming goes: by the same alarm, or by the same oracle and with the same word. A program may
 * die of the same thing with different last words, when two of its parts race.
 */
export function failsAlike(alarms: readonly Alarm[], first: Alarm): boolean {
  return alarms.some(
    ({ signature, oracle, verdict }) =>
      signature === first.signature ||
      (first.verdict !== "SUSPECT" && oracle === first.oracle && verdict === first.verdict),
  );
}
