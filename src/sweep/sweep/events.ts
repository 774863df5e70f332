/** What happens in a sweep, as it happens: a bar on a terminal, plain lines and lines of JSON are all made from this one stream. */
import type { Case } from "../contract/case.js";
import type { Alarm, CaseResult, Confirmation, Finding } from "../contract/finding.js";

/** Why cases are left out, and listed as `not run`. */
export type Stop =
  | "budget"
  /** Somebody pressed Ctrl-C. */
  | "interrupted"
  /** As many findings as were asked for. */
  | "findings"
  /** The harness could not make runs any more. */
  | "harness";

/** How far it has come. */
export interface Progress {
  /** Cases that are decided, of those that are planned by now. */
  readonly done: number;
  readonly planned: number;
  readonly runs: number;
  readonly elapsed: number;
  /** What is left, as long as cases of each kind have taken so far, in milliseconds; null before the first case is over. */
  readonly left: number | null;
}

export type SweepEvent =
  | {
      readonly kind: "planned";
      readonly what: "singles" | "pairs";
      readonly cases: number;
      readonly progress: Progress;
    }
  | { readonly kind: "case_started"; readonly case: Case; readonly progress: Progress }
  /** `failed` of `runs` runs with the fault so far. */
  | {
      readonly kind: "confirming";
      readonly case: Case;
      readonly alarm: Alarm;
      readonly failed: number;
      readonly runs: number;
    }
  | {
      readonly kind: "case_over";
      readonly result: CaseResult;
      readonly recalled: boolean;
      readonly progress: Progress;
    }
  /** `known`: it was one of another case before, and is written already. */
  | {
      readonly kind: "finding";
      readonly finding: Finding;
      readonly known: boolean;
      readonly result: CaseResult;
    }
  | {
      readonly kind: "control";
      readonly failed: boolean;
      readonly controls: Confirmation["controls"];
      readonly text: string;
    }
  /** `case`: of a case, which ends with it and tells it as well. */
  | { readonly kind: "trouble"; readonly label: string; readonly text: string; readonly case?: boolean }
  | { readonly kind: "stopping"; readonly stop: Stop };

export type OnSweepEvent = (event: SweepEvent) => void;
