/**
 * One run of the user's command under one plan. `Runner` is all that sweep, replay, shrink and hunt know of the world: what stands behind
 * it starts processes and a daemon, and in tests it may be a table.
 */
import type { RunRecord, RunTime } from "./record.js";

/** A fault as a profile writes it. */
export type FaultInput = { readonly type: string; readonly name: string } & Readonly<Record<string, unknown>>;

export interface RunPlan {
  /** What the run is called in progress lines, folders and marks: the id of a case, `control 3`. */
  readonly label: string;
  /** None for a fault-free run. */
  readonly faults: readonly FaultInput[];
  readonly seed: number;
  /** Keeps the folder of the run, whatever comes out. */
  readonly keep?: boolean;
  /** No other run is under way meanwhile, so that none takes the processors from it. */
  readonly alone?: boolean;
}

/** How the command ended. */
export type Exit =
  | { readonly kind: "exit"; readonly code: number }
  | { readonly kind: "signal"; readonly signal: string }
  /** It ran longer than the time-out, or neither it nor the wire moved for far longer than in fault-free runs. */
  | { readonly kind: "hung"; readonly why: "timeout" | "silent"; readonly ms: number };

/** What one fault of the plan did. */
export interface FaultOutcome {
  readonly fault: string;
  /** Exchanges, connections, datagrams or queries that came by, passed `match`, and were acted on. */
  readonly subjects: number;
  readonly matched: number;
  readonly hits: number;
}

export interface Recovery {
  /** From healing, in milliseconds; null if it was not within the time for it. */
  readonly ms: number | null;
  /** What was still missing then, each as the signature of a finding: `no good call of bot-1`, `check`, `audit:/jobs/lost`. */
  readonly missing: readonly string[];
}

export interface RunResult {
  readonly number: number;
  readonly label: string;
  readonly exit: Exit;
  /** From the start of the command to its end, in milliseconds. */
  readonly ms: number;
  /** For how long of it others had the machine, in milliseconds: other runs, or other programs. Missing where that cannot be seen. */
  readonly starved?: number;
  /** Of `check`, after healing and settling; null if there is none. */
  readonly check: { readonly ok: boolean; readonly text: string } | null;
  /** What `audit` answered, as JSON; undefined if there is none. */
  readonly audit?: unknown;
  /** When all faults were gone while the command went on, in service mode; missing or null where it ends by itself. */
  readonly healed?: RunTime | null;
  /** In service mode: whether all was well again after that, and when; missing where the command ends by itself. */
  readonly recovered?: Recovery;
  readonly record: RunRecord;
  readonly outcomes: readonly FaultOutcome[];
  /** Processes that the command left behind and that were ended: `pid name`. */
  readonly left: readonly string[];
  /** The last lines of both streams, bounded; whole in the folder of the run, but for so many bytes that were dropped. */
  readonly output: { readonly stdout: string; readonly stderr: string; readonly dropped?: number };
  /** Where all of it is kept; null if nothing was. */
  readonly folder: string | null;
}

/** Something that is no fault of the command: setup failed, the upstream never became ready. */
export class HarnessError extends Error {
  override readonly name: string = "HarnessError";
}

/** Nothing can be said of any fault: without faults the command fails, or its audits differ from run to run. Exit code 5. */
export class BaselineBroken extends HarnessError {
  override readonly name = "BaselineBroken";
}

export interface Runner {
  /** How many runs may be under way at a time. */
  readonly jobs: number;
  /** Throws HarnessError where the run could not be made, and an AbortError when it was interrupted. */
  run(plan: RunPlan): Promise<RunResult>;
  /**
   * Keeps the folder of a run after all, of which only a line was kept since it passed for all that the runner knows. Answers where; null
   * if it is too late: only the latest few can be had.
   */
  keep?(result: RunResult): Promise<string | null>;
}
