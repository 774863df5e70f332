/** The findings of a sweep: results that show the same at the same place are one. */
import type { Case } from "../contract/case.js";
import type { Alarm, CaseResult, Confirmation, Finding, Verdict } from "../contract/finding.js";
import { VERDICTS } from "../contract/finding.js";
import { leading } from "../oracles/judge.js";
import { filingKey, signatureOf } from "../signature.js";
import { shareText } from "./statistics.js";

/** Verdicts that make a finding, and those that decide the exit code by themselves. */
const TOLD: ReadonlySet<Verdict> = new Set(["SUSPECT", "FAILED", "HUNG", "WRONG", "STUCK", "FLAKY"]);
const GRAVE: ReadonlySet<Verdict> = new Set(["FAILED", "HUNG", "WRONG", "STUCK"]);

export const isTold = (verdict: Verdict): boolean => TOLD.has(verdict);

export function counts(verdict: Verdict, strict: boolean): boolean {
  return GRAVE.has(verdict) || (strict && TOLD.has(verdict));
}

interface Filed {
  readonly number: number;
  readonly signature: string;
  readonly results: CaseResult[];
  /** The one that is replayed. */
  shown: CaseResult;
  file: string | null;
}

export class Findings {
  readonly #filed = new Map<string, Filed>();

  /** Files a result that has something against it; `known` if one with the same was filed before. */
  file(result: CaseResult): { readonly finding: Finding; readonly known: boolean } {
    const signature = signatureOf(result.alarms) ?? result.verdict;
    const key = filingKey(result.case, signature);
    const known = this.#filed.get(key);
    if (known === undefined) {
      const filed = { number: this.#filed.size + 1, signature, results: [result], shown: result, file: null };
      this.#filed.set(key, filed);
      return { finding: asFinding(filed), known: false };
    }
    known.results.push(result);
    // What fails each time replays better than what fails at times. The results of an earlier start may come in another order.
    const better =
      (known.shown.verdict === "FLAKY" && result.verdict !== "FLAKY") ||
      (known.shown.confirmation === null && result.confirmation !== null);
    if (better) known.shown = result;
    return { finding: asFinding(known), known: !better };
  }

  /** Whether a finding that failed each time shows the same at the same place: then nothing is learnt by confirming it once more. */
  confirms(of: Case, alarms: readonly Alarm[]): boolean {
    const shown = this.#filed.get(filingKey(of, signatureOf(alarms) ?? ""))?.shown;
    return shown !== undefined && shown.verdict !== "FLAKY" && shown.verdict === leading(alarms)?.verdict;
  }

  written(number: number, file: string | null): void {
    for (const filed of this.#filed.values()) if (filed.number === number) filed.file = file;
  }

  get all(): readonly Finding[] {
    return [...this.#filed.values()].map(asFinding);
  }

  /** How many there are that count for the exit code. */
  counting(strict: boolean): number {
    return this.all.filter(({ verdict }) => counts(verdict, strict)).length;
  }
}

function asFinding({ number, signature, results, shown, file }: Filed): Finding {
  const confirmation = shown.confirmation ?? NONE;
  return {
    number,
    verdict: shown.verdict,
    signature,
    title: titleOf(shown, confirmation),
    confirmation,
    results: [shown, ...results.filter((result) => result !== shown)],
    file,
  };
}

const NONE: Confirmation = { failed: 1, runs: 1, controls: { failed: 0, runs: 0 } };

/** `complete:lost:first -> the audit differs: /totals/expired is 1, not 0`. */
function titleOf({ case: { name }, alarms, verdict }: CaseResult, { failed, runs }: Confirmation): string {
  const text = leading(alarms)?.text ?? verdict;
  if (verdict !== "FLAKY") return `${name} -> ${text}`;
  // A share of one run says nothing.
  const howOften = runs === 1 ? "once, and it was not run again" : `at times, ${shareText(failed, runs)}`;
  return `${name} -> ${howOften}: ${text}`;
}

/** The graver first. */
export function byWeight(a: Finding, b: Finding): number {
  return VERDICTS.indexOf(b.verdict) - VERDICTS.indexOf(a.verdict) || a.number - b.number;
}
