/** What came out: the word for one run, what speaks for it, and what is told apart as one finding. */
import type { Case } from "./case.js";
import type { RunResult } from "./run.js";

/** In the order of their weight. */
export const VERDICTS = [
  "survived",
  "survived (packed)",
  "SUSPECT",
  "FAILED",
  "HUNG",
  "WRONG",
  "STUCK",
  "FLAKY",
  "not reached",
  "not run",
  "harness error",
] as const;
export type Verdict = (typeof VERDICTS)[number];

/** One thing that an oracle says against a run. */
export interface Alarm {
  readonly verdict: Extract<Verdict, "SUSPECT" | "FAILED" | "HUNG" | "WRONG" | "STUCK">;
  /** `O1` to `O7`. */
  readonly oracle: string;
  /** Stable over runs with the same cause: `exit 1`, `audit:/duplicates`, `twice POST /v1/jobs/:n/complete`. */
  readonly signature: string;
  /** A sentence for people, with the figures of this run. */
  readonly text: string;
  /** The id of the site that it is about; missing where it is about the whole run. */
  readonly site?: string;
}

export interface Judgement {
  readonly verdict: Verdict;
  readonly alarms: readonly Alarm[];
}

/** Failed `failed` of `runs` with the fault, `controls.failed` of `controls.runs` without. */
export interface Confirmation {
  readonly failed: number;
  readonly runs: number;
  readonly controls: { readonly failed: number; readonly runs: number };
}

export interface CaseResult {
  readonly case: Case;
  readonly verdict: Verdict;
  readonly alarms: readonly Alarm[];
  readonly confirmation: Confirmation | null;
  /** Of the run that is shown: the first that raised the alarm, or the only one; null if it was not run. */
  readonly run: RunResult | null;
  /** Calls that no fault-free run has, by site: retries, refreshes. Pairs go along these. */
  readonly edges: readonly string[];
  /** What else is to be said of the verdict: why the harness could not run it, or what a suspicion was withdrawn for. */
  readonly note?: string;
}

export interface Finding {
  /** From 1, in the order in which they were found. */
  readonly number: number;
  readonly verdict: Verdict;
  readonly signature: string;
  /** One line for people. */
  readonly title: string;
  readonly confirmation: Confirmation;
  /** All cases with this signature at this site; the first is the one to replay. */
  readonly results: readonly CaseResult[];
  /** The profile that replays it, relative to where the sweep was started; null if it was not written. */
  readonly file: string | null;
}
