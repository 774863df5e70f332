/**
 * Where jobs are written down. The JobStore decides and remembers; records only have to give back,
 * after a crash, every job as it was last saved.
 */
import type { Job } from "./job.js";

export interface JobRecords {
  /** Every job that was saved and not removed, in any order. Called once, before anything else. */
  load(): Iterable<Job>;
  save(job: Job): void;
  remove(id: string): void;
  /** Resolves once all that was saved so far would survive a crash. No call is answered before that. */
  flushed(): Promise<void>;
}

/** Keeps nothing: a restarted server knows no job. */
export const noRecords: JobRecords = {
  load: () => [],
  save: () => undefined,
  remove: () => undefined,
  flushed: () => Promise.resolve(),
};
