/** Which jobs the server knows, within its limits: finished ones are forgotten, oldest first, to make room. */
import type { Millis } from "../../core/clock.js";
import type { Bytes } from "../../core/units.js";
import { isSettled, type Job } from "./job.js";
import { Refusal } from "./refusal.js";

export interface JobLimits {
  /** Unfinished jobs; more are refused. */
  readonly pendingMax: number;
  /** Finished jobs that are still known. */
  readonly finishedMax: number;
  /** Payloads and results together: finished jobs are forgotten for it, then new ones refused. */
  readonly bytesMax: Bytes;
}

const RETRY_AFTER: Millis = 1_000;

export class JobBook {
  readonly #limits: JobLimits;
  readonly #jobs = new Map<string, Job>();
  /** In the order in which they finished. */
  readonly #finished = new Set<Job>();
  readonly #bySubmissionKey = new Map<string, Job>();
  readonly #dependents = new Map<string, Job[]>();
  #bytes: Bytes = 0;

  constructor(limits: JobLimits) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#jobs.size;
  }

  get pending(): number {
    return this.#jobs.size - this.#finished.size;
  }

  get(id: string): Job | undefined {
    return this.#jobs.get(id);
  }

  bySubmissionKey(key: string | null): Job | undefined {
    return key === null ? undefined : this.#bySubmissionKey.get(key);
  }

  /** In the order of submission. */
  all(): Iterable<Job> {
    return this.#jobs.values();
  }

  add(job: Job): void {
    this.#jobs.set(job.id, job);
    this.#bytes += job.bytes;
    if (isSettled(job)) this.#finished.add(job);
    if (job.submission.key !== null) this.#bySubmissionKey.set(job.submission.key, job);
    for (const id of job.waiting_for) {
      const dependents = this.#dependents.get(id);
      if (dependents) dependents.push(job);
      else this.#dependents.set(id, [job]);
    }
  }

  finish(job: Job, resultBytes: Bytes): void {
    job.bytes += resultBytes;
    this.#bytes += resultBytes;
    this.#finished.add(job);
  }

  /** The jobs that still wait for this one; they are handed out once. */
  takeDependents(id: string): Job[] {
    const dependents = this.#dependents.get(id) ?? [];
    this.#dependents.delete(id);
    return dependents.filter((job) => !isSettled(job));
  }

  /** Refuses a job for which there is no room even after `forget`. */
  demandRoom(bytes: Bytes): void {
    if (this.pending < this.#limits.pendingMax && this.#bytes + bytes <= this.#limits.bytesMax) return;
    throw new Refusal(
      "queue_full",
      `The server holds ${this.pending} unfinished jobs and takes no more now.`,
      {
        headers: { "retry-after": String(RETRY_AFTER / 1000) },
      },
    );
  }

  /** Forgets finished jobs until the limits hold with `coming` bytes more, and gives those that it forgot. */
  *forget(coming: Bytes): Generator<Job> {
    for (const job of this.#finished) {
      const tooMany = this.#finished.size > this.#limits.finishedMax;
      if (!tooMany && this.#bytes + coming <= this.#limits.bytesMax) return;
      this.#finished.delete(job);
      this.#jobs.delete(job.id);
      if (job.submission.key !== null) this.#bySubmissionKey.delete(job.submission.key);
      this.#bytes -= job.bytes;
      yield job;
    }
  }
}
