/** What the audit counts over all jobs, with those that are known no more. */
import { noCounts, type Counts, type Job } from "./job.js";
import type { TallyRecord } from "./records.js";

const COUNTS = Object.keys(noCounts()) as (keyof Counts)[];

export class AuditTally {
  readonly #record: TallyRecord | undefined;
  readonly #totals = noCounts();
  /** What those jobs had counted that are known no more. */
  readonly #lost = noCounts();
  #forgotten = 0;
  /** The number of the latest job. */
  order = 0;

  constructor(record: TallyRecord | undefined) {
    this.#record = record;
    const saved = record?.load();
    if (!saved) return;
    this.order = saved.order;
    this.#forgotten = saved.forgotten;
    Object.assign(this.#lost, saved.counts);
    Object.assign(this.#totals, saved.counts);
  }

  count(job: Job, what: keyof Counts): void {
    job.counts[what]++;
    this.#totals[what]++;
  }

  /** Takes in a job that was counted by the process before. */
  restore(job: Job): void {
    this.order = Math.max(this.order, job.order);
    for (const what of COUNTS) this.#totals[what] += job.counts[what];
  }

  forget(job: Job): void {
    this.#forgotten++;
    for (const what of COUNTS) this.#lost[what] += job.counts[what];
    this.#record?.save({ order: this.order, forgotten: this.#forgotten, counts: { ...this.#lost } });
  }

  totals(known: number): Counts & { submitted: number; forgotten: number } {
    return { submitted: known + this.#forgotten, forgotten: this.#forgotten, ...this.#totals };
  }
}
