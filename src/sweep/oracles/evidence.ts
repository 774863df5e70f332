/**
 * What an oracle is handed, and the words that all of them share: one run with what was done to it, and what is normal. Oracles are pure:
 * the same evidence, the same alarms.
 */
import type { Alarm } from "../contract/finding.js";
import type { SeenExchange } from "../contract/record.js";
import type { FaultInput, RunResult } from "../contract/run.js";
import type { PlaceOf } from "./calls.js";
import type { Normal } from "./normal.js";

/** Objectives, such as those of MockServer's verifySLO. */
export interface Objectives {
  /** The 95th percentile of what clients waited for their exchanges, in milliseconds. */
  readonly p95?: number | undefined;
  /** The share of exchanges that clients saw fail: no status, or one of 500 and above. */
  readonly errorRate?: number | undefined;
  /** With fewer exchanges nothing is said. */
  readonly minSamples: number;
}

export interface JudgeOptions {
  /** JSON pointers into the audit that may differ; `*` stands for any one step. */
  readonly ignore: readonly string[];
  /** The same after faults that last: what a server does about a client that is away for long. */
  readonly outageIgnore: readonly string[];
  /** How far a number of the audit may lie outside the range of the fault-free runs, as a share of its largest: 0.1 is 10 %. */
  readonly tolerance: number;
  /** Whether a call may be repeated without a key, because the server knows it again: the user's word. */
  readonly idempotent: (call: SeenExchange) => boolean;
  readonly slo: Objectives | null;
}

export interface Evidence {
  readonly run: RunResult;
  /** What was switched on. */
  readonly faults: readonly FaultInput[];
  readonly normal: Normal;
  readonly place: PlaceOf;
  readonly options: JudgeOptions;
}

/** One of O1 to O7, or a part of O6. */
export type Oracle = (evidence: Evidence) => readonly Alarm[];
