/** What a sweep needs of others: what comes after the singles, what was decided before it was interrupted, and where findings go. */
import type { Case } from "../contract/case.js";
import type { CaseResult, Finding } from "../contract/finding.js";
import type { RunResult } from "../contract/run.js";

export interface Planner {
  /** In the order in which they are to be run. */
  readonly singles: readonly Case[];
  /** Second faults along the edges of a case that survived, which has the record of its run; none where it has no edges. */
  readonly pairsAfter: (result: CaseResult) => readonly Case[];
  /** The case in which the site's first call is carried out twice, whether it is one of the singles or not; null for none. */
  readonly repeatedAt?: (site: string) => Case | null;
  /** Singles of different sites as one case, which has their cells in that order. */
  readonly together?: (cases: readonly Case[]) => Case;
  /** Takes in what a run under faults shows of the client, such as how long it waits. */
  readonly learn?: (run: RunResult) => void;
  /** The case as it is best run by what was learned so far: the same cells, and the same id. */
  readonly sharpened?: (of: Case) => Case;
}

/** A result of an earlier start, without the record of its run; so the pairs that follow it are kept as well. */
export interface Recalled {
  readonly result: CaseResult;
  readonly pairs: readonly Case[];
}

/** Results of earlier starts of the same sweep: the file of its state, or nothing. */
export interface Memory {
  /** Undefined for a case that is to be run. */
  recall(of: Case): Recalled | undefined;
  remember(result: CaseResult, pairs: readonly Case[]): Promise<void> | void;
}

/** Writes the file that replays a finding; answers its path, or null where there is none. */
export type WriteFinding = (finding: Finding) => Promise<string | null>;

export const NO_MEMORY: Memory = { recall: () => undefined, remember: () => undefined };
