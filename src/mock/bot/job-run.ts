/**
 * One job, from its lease to the server's word that it knows how it ended.
 *
 *     confirm by heartbeat -> payload -> work, with artifacts -> complete or fail
 */
import { z } from "zod";
import type { Millis } from "../../core/clock.js";
import type { Desk, Job, Work } from "./job.js";
import type { Report } from "./events.js";
import type { Flaws } from "./flaws.js";
import { LeaseLost, type HeldLease } from "./held-lease.js";
import { unless } from "./patience.js";
import { Scratch } from "./scratch.js";
import type { Session } from "./session.js";
import { Transfer, type BodyAccount } from "./transfer.js";
import { Refused, Trouble } from "./trouble.js";

export interface JobRunOptions {
  readonly job: Job;
  readonly leaseId: string;
  readonly lease: HeldLease;
  readonly session: Session;
  readonly report: Report;
  readonly work: Work;
  readonly flaws: Flaws;
  readonly requestTimeout: Millis;
  /** The bot's own end. */
  readonly stop: AbortSignal;
}

type Outcome = { readonly result: unknown } | { readonly failure: string };

const Settled = z.object({ repeated: z.boolean() });

/** Resolves when the job is settled; rejects with a LeaseLost when it is somebody else's. */
export async function runJob(options: JobRunOptions): Promise<void> {
  const scratch = new Scratch();
  try {
    await new JobRun(options, scratch).run();
  } finally {
    await scratch.remove();
  }
}

class JobRun {
  readonly #options: JobRunOptions;
  readonly #scratch: Scratch;
  readonly #transfer: Transfer;

  constructor(options: JobRunOptions, scratch: Scratch) {
    this.#options = options;
    this.#scratch = scratch;
    this.#transfer = new Transfer({ ...options, job: options.job.id, signal: options.lease.signal });
  }

  async run(): Promise<void> {
    const { lease, flaws } = this.#options;
    await lease.confirm();
    for (;;) {
      const outcome = await this.#work();
      lease.signal.throwIfAborted();
      try {
        return await this.#hand(outcome);
      } catch (error) {
        // flaw double-run: a completion that was not answered did not happen, so neither did the job.
        if (!flaws.has("double-run") || !(error instanceof Trouble)) throw error;
      }
    }
  }

  async #work(): Promise<Outcome> {
    const { job, lease, report, work } = this.#options;
    const { signal } = lease;
    report({ event: "working", job: job.id });
    const doing = async (): Promise<unknown> => {
      const payload = job.body ? await this.#fetch(job.body) : null;
      return work(job, this.#desk(payload));
    };
    try {
      const result = await lease.during(unless(signal, doing()));
      // A result that cannot be written is a failure of the work too.
      JSON.stringify(result);
      return { result };
    } catch (error) {
      signal.throwIfAborted();
      return { failure: error instanceof Error ? error.message : String(error) };
    }
  }

  async #fetch(body: BodyAccount): Promise<string> {
    const file = await this.#scratch.newFile();
    await this.#transfer.download(body, file);
    return file;
  }

  #desk(payload: string | null): Desk {
    const { lease } = this.#options;
    return {
      signal: lease.signal,
      payload,
      progress: (share) => (lease.progress = Math.min(1, Math.max(0, share))),
      newFile: () => this.#scratch.newFile(),
      attach: async (name, file) => void (await this.#transfer.upload(name, file)),
    };
  }

  async #hand(outcome: Outcome): Promise<void> {
    if ("failure" in outcome) return this.#fail(outcome.failure);
    const { job, report } = this.#options;
    try {
      const repeated = await this.#settle("complete", outcome.result);
      report({ event: "completed", job: job.id, repeated });
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      // Too large, for example: the lease is still ours, so the server should know that nothing will come.
      await this.#fail(`the result was refused, ${error.message}`);
    }
  }

  async #fail(why: string): Promise<void> {
    const { job, report } = this.#options;
    try {
      await this.#settle("fail", { reason: why.slice(0, 1_000) });
      report({ event: "failed", job: job.id, why });
    } catch (error) {
      throw error instanceof Refused ? new LeaseLost(error.message) : error;
    }
  }

  /** Both are idempotent by lease, so they are repeated until the server says one thing or the other. */
  async #settle(name: "complete" | "fail", result: unknown): Promise<boolean> {
    const { job, leaseId, lease, session, stop, flaws } = this.#options;
    try {
      const { value } = await session.call({
        name,
        path: `v1/jobs/${encodeURIComponent(job.id)}/${name}`,
        body: { lease_id: leaseId, result },
        answer: Settled,
        signal: stop,
        timeout: lease.callTimeout,
        backOffMax: lease.backOffMax,
        retry: !flaws.has("double-run"),
      });
      return value.repeated;
    } catch (error) {
      const lost = error instanceof Refused && (error.status === 404 || error.status === 409);
      // flaw stale-lease: that the server knows the job to be settled otherwise is as good as done.
      if (lost && flaws.has("stale-lease")) return true;
      throw lost ? new LeaseLost(error.message) : error;
    }
  }
}
