/** A job as the server keeps it: plain data throughout, so that any store can write it down. */
import type { Millis } from "../../core/clock.js";
import type { Blob } from "./blobs.js";

/** waiting (for other jobs) -> queued -> leased -> completed or failed; an expired lease leads back to queued. */
export const JOB_STATES = ["waiting", "queued", "leased", "completed", "failed"] as const;
export type JobState = (typeof JOB_STATES)[number];

export type Outcome = "completed" | "failed";

export interface JobSpec {
  readonly type: string;
  readonly payload: unknown;
  readonly depends_on: readonly string[];
  /** The longest that one execution may take, heartbeats or not; null is no limit. */
  readonly timeout: Millis | null;
  /** Higher goes first; equals go in the order of submission. */
  readonly priority: number;
}

export interface Lease {
  readonly id: string;
  readonly bot: string;
  /** The idempotency key of the call that was given the lease, so that a lost answer can be asked for again. */
  readonly key: string | null;
  readonly granted: Millis;
  expires: Millis;
  /** Whether the bot has spoken under this lease: a lease whose answer got lost was never executed. */
  started: boolean;
}

export interface Settlement {
  readonly outcome: Outcome;
  /** Null when no bot did it: a job fails with the job it depends on. */
  readonly lease_id: string | null;
  readonly result: unknown;
  /** Milliseconds since 1970. */
  readonly at: Millis;
}

export interface Job {
  readonly id: string;
  readonly order: number;
  readonly spec: JobSpec;
  readonly submission: { readonly key: string | null; readonly fingerprint: string; readonly at: Millis };
  /** A payload too large to be told in JSON; whoever does the job fetches it. */
  readonly body: Blob | null;
  state: JobState;
  /** Those of `depends_on` that have not completed yet. */
  waiting_for: string[];
  lease: Lease | null;
  /** The latest leases that expired, to tell a latecomer from a stranger. */
  past: Pick<Lease, "id" | "started">[];
  progress: number;
  settlement: Settlement | null;
  /** What bots have uploaded for it, by name. */
  artifacts: Record<string, Blob>;
  bytes: number;
  readonly counts: Counts;
}

/** What the audit counts, for each job and in total. */
export interface Counts {
  leases: number;
  /** Leases under which a bot spoke up: by heartbeat, completion or failure, in time or late. */
  executions: number;
  completions: number;
  failures: number;
  /** Leases that ran out. */
  expired: number;
  /** Settlements that came again under the same lease, and were answered as the first. */
  repeated: number;
  refused: number;
}

export const noCounts = (): Counts => ({
  leases: 0,
  executions: 0,
  completions: 0,
  failures: 0,
  expired: 0,
  repeated: 0,
  refused: 0,
});

/** What happens to a job, for those who watch. */
export interface JobEvent {
  readonly event:
    | "submitted"
    | "queued"
    | "leased"
    | "heartbeat"
    | "artifact"
    | "completed"
    | "failed"
    | "expired"
    | "repeated"
    | "refused";
  readonly job: Job;
}

export function isSettled(job: Job): boolean {
  return job.state === "completed" || job.state === "failed";
}
