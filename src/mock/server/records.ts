/**
 * Where jobs and bots are written down. The JobStore decides and remembers; records only have to give
 * back, after a crash, everything as it was last saved.
 */
import type { Counts, Job } from "./job.js";

export interface JobRecords {
  /** Every job that was saved and not removed, in any order. Called once, before anything else. */
  load(): Iterable<Job>;
  save(job: Job): void;
  remove(id: string): void;
  /** Resolves once all that was saved so far would survive a crash. No call is answered before that. */
  flushed(): Promise<void>;
  /** What is left of the jobs that were removed. Records without it count from the jobs that they have. */
  readonly tally?: TallyRecord;
}

/** What the audit still counts of jobs that are known no more. */
export interface Tally {
  /** The number of the latest job: none is used twice. */
  readonly order: number;
  readonly forgotten: number;
  readonly counts: Counts;
}

export interface TallyRecord {
  load(): Tally | null;
  save(tally: Tally): void;
}

export interface BotRecords {
  /** What tokens are signed with. */
  readonly secret: Buffer;
  load(): Iterable<Bot>;
  save(bot: Bot): void;
  remove(id: string): void;
}

/** Keeps nothing: a restarted server knows no job. */
export const noRecords: JobRecords = {
  load: () => [],
  save: () => undefined,
  remove: () => undefined,
  flushed: () => Promise.resolve(),
};

export interface Bot {
  readonly id: string;
  readonly name: string;
  /** The types of jobs it takes; none stands for all. */
  readonly capabilities: readonly string[];
}
