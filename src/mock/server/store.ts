/**
 * The state machine of the mock job server: what becomes of a job when bots submit, lease, report and
 * vanish. It does no I/O and never waits; time is read from a clock, and expired leases are noticed
 * whenever somebody asks.
 *
 *     submit -> waiting -> queued -> leased -> completed | failed
 *                            ^         |
 *                            +---------+  the lease expired
 */
import { createHash, randomBytes, randomUUID } from "node:crypto";
import type { Clock, Millis } from "../../core/clock.js";
import { invariant } from "../../core/invariant.js";
import type { Blob } from "./blobs.js";
import { JobBook, type JobLimits } from "./job-book.js";
import { isSettled, noCounts, type Counts, type Job, type JobSpec, type JobState } from "./job.js";
import type { JobEvent, Lease, Outcome } from "./job.js";
import { LeaseBook } from "./lease-book.js";
import { ReadyQueue } from "./ready.js";
import { noRecords, type JobRecords } from "./records.js";
import { Refusal } from "./refusal.js";
import { AuditTally } from "./tally.js";

export interface JobStoreOptions extends Partial<JobLimits> {
  readonly clock: Clock;
  /** How long a lease holds without a heartbeat. */
  readonly lease: Millis;
  readonly records?: JobRecords;
}

export interface LeasedJob {
  readonly job: Job;
  readonly lease: Lease;
}

const LIMITS: JobLimits = { pendingMax: 100_000, finishedMax: 100_000, bytesMax: 256 * 2 ** 20 };
const ARTIFACTS_MAX = 100;

export class JobStore {
  readonly #clock: Clock;
  readonly #leaseTime: Millis;
  readonly #records: JobRecords;
  readonly #jobs: JobBook;
  readonly #leases = new LeaseBook();
  readonly #ready = new ReadyQueue();
  readonly #tally: AuditTally;
  #onQueued: () => void = () => undefined;
  #onEvent: (event: JobEvent) => void = () => undefined;
  #onForgotten: (job: Job) => void = () => undefined;

  constructor({ clock, lease, records = noRecords, ...limits }: JobStoreOptions) {
    this.#clock = clock;
    this.#leaseTime = lease;
    this.#records = records;
    this.#tally = new AuditTally(records.tally);
    this.#jobs = new JobBook({ ...LIMITS, ...limits });
    this.#restore();
  }

  /** Calls back each time a job becomes ready for a bot. */
  whenQueued(listener: () => void): void {
    this.#onQueued = listener;
  }

  /** Calls back with all that happens to a job. */
  whenever(listener: (event: JobEvent) => void): void {
    this.#onEvent = listener;
  }

  /** Calls back for each job that is known no more. */
  whenForgotten(listener: (job: Job) => void): void {
    this.#onForgotten = listener;
  }

  get pending(): number {
    return this.#jobs.pending;
  }

  /** No lease expires before this moment. */
  get nextExpiry(): Millis {
    return this.#leases.nextExpiry;
  }

  /** Resolves once every change so far would survive a crash. */
  flushed(): Promise<void> {
    return this.#records.flushed();
  }

  /** The same key with the same job gives the job of the first call. */
  submit(spec: JobSpec, key: string | null, body: Blob | null = null): { job: Job; repeated: boolean } {
    this.expire();
    const text = JSON.stringify(spec);
    const fingerprint = createHash("sha256")
      .update(text + (body?.digest ?? ""))
      .digest("base64url");
    const first = this.#jobs.bySubmissionKey(key);
    if (first?.submission.fingerprint === fingerprint) return { job: first, repeated: true };
    if (first) throw new Refusal("idempotency_key_reused", `The key belongs to another job, ${first.id}.`);

    const dependencies = spec.depends_on.map((id) => this.#dependency(id));
    this.#forget(text.length);
    this.#jobs.demandRoom(text.length);
    const order = ++this.#tally.order;
    const job: Job = {
      id: `job-${order}-${randomBytes(3).toString("hex")}`,
      order,
      spec,
      submission: { key, fingerprint, at: this.#clock.wallTime() },
      body,
      state: "waiting",
      waiting_for: dependencies.filter((other) => !isSettled(other)).map((other) => other.id),
      lease: null,
      past: [],
      progress: 0,
      settlement: null,
      artifacts: {},
      bytes: text.length,
      counts: noCounts(),
    };
    this.#jobs.add(job);
    this.#onEvent({ event: "submitted", job });
    const failed = dependencies.find((other) => other.state === "failed");
    if (failed) this.#settle(job, "failed", null, fallenWith(failed));
    else if (job.waiting_for.length === 0) this.#queue(job);
    else this.#records.save(job);
    return { job, repeated: false };
  }

  /** The most urgent job that the bot can do, or null. The same key gives the same lease while it holds. */
  lease(
    bot: { readonly id: string; readonly capabilities: readonly string[] },
    key: string | null,
  ): LeasedJob | null {
    this.expire();
    const again = this.#leases.find(bot.id, key);
    if (again?.lease) return { job: again, lease: again.lease };
    const job = this.#ready.take(bot.capabilities);
    if (!job) return null;
    invariant(job.state === "queued", `${job.id} is ready but ${job.state}`);
    const now = this.#clock.now();
    const lease: Lease = { id: randomUUID(), bot: bot.id, key, granted: now, expires: now, started: false };
    lease.expires = this.#expiryOf(job, lease);
    this.#leases.hold(job, lease);
    job.state = "leased";
    this.#tally.count(job, "leases");
    this.#records.save(job);
    this.#onEvent({ event: "leased", job });
    return { job, lease };
  }

  heartbeat(id: string, leaseId: string, progress: number | null): LeasedJob {
    const { job, lease } = this.#held(id, leaseId);
    this.#leases.extend(lease, this.#expiryOf(job, lease));
    if (progress !== null) job.progress = progress;
    this.#records.save(job);
    this.#onEvent({ event: "heartbeat", job });
    return { job, lease };
  }

  /** The lease under which this bot has the job now; without an id, whichever it is. */
  heldBy(bot: string, id: string, leaseId: string | null): LeasedJob {
    const { lease } = this.get(id);
    const isHolder = lease?.bot === bot;
    const named = leaseId ?? (isHolder ? lease.id : "");
    return this.#held(id, named === lease?.id && !isHolder ? "" : named);
  }

  /** Gives the artifact that it takes the place of, if there was one. */
  attach({ job }: LeasedJob, name: string, artifact: Blob): Blob | undefined {
    const before = job.artifacts[name];
    if (!before && Object.keys(job.artifacts).length >= ARTIFACTS_MAX)
      throw new Refusal("bad_request", `A job has at most ${ARTIFACTS_MAX} artifacts.`);
    job.artifacts = { ...job.artifacts, [name]: artifact };
    this.#records.save(job);
    this.#onEvent({ event: "artifact", job });
    return before;
  }

  /** Finishes the job. The same outcome under the same lease is answered as the first time. */
  settle(id: string, leaseId: string, outcome: Outcome, result: unknown): { job: Job; repeated: boolean } {
    const known = this.get(id);
    if (known.settlement?.lease_id === leaseId && known.settlement.outcome === outcome) {
      this.#tally.count(known, "repeated");
      this.#records.save(known);
      this.#onEvent({ event: "repeated", job: known });
      return { job: known, repeated: true };
    }
    const { job } = this.#held(id, leaseId);
    if (outcome === "completed") job.progress = 1;
    this.#settle(job, outcome, leaseId, result);
    this.#forget(0);
    return { job, repeated: false };
  }

  get(id: string): Job {
    this.expire();
    const job = this.#jobs.get(id);
    if (job) return job;
    throw new Refusal("not_found", unknownJob(id));
  }

  /** In the order of submission. */
  list(state?: JobState, prefix?: string): Job[] {
    this.expire();
    return [...this.#jobs.all()].filter(
      (job) =>
        (state === undefined || job.state === state) &&
        (prefix === undefined || job.submission.key?.startsWith(prefix) === true),
    );
  }

  states(jobs: Iterable<Job> = this.#jobs.all()): Record<JobState, number> {
    this.expire();
    const states = { waiting: 0, queued: 0, leased: 0, completed: 0, failed: 0 };
    for (const job of jobs) states[job.state]++;
    return states;
  }

  /** Counts since the start, with the jobs that were forgotten since. */
  totals(): Counts & { submitted: number; forgotten: number } {
    return this.#tally.totals(this.#jobs.size);
  }

  /** Puts the jobs of expired leases back into the queue. */
  expire(): void {
    for (const job of this.#leases.expire(this.#clock.now())) {
      job.progress = 0;
      this.#tally.count(job, "expired");
      this.#onEvent({ event: "expired", job });
      this.#queue(job);
    }
  }

  #dependency(id: string): Job {
    const job = this.#jobs.get(id);
    if (job) return job;
    const reasons = [`depends_on: ${unknownJob(id)}`];
    throw new Refusal("bad_request", "The request is not what this call takes.", { reasons });
  }

  #expiryOf(job: Job, lease: Lease): Millis {
    const { timeout } = job.spec;
    return Math.min(
      this.#clock.now() + this.#leaseTime,
      timeout === null ? Infinity : lease.granted + timeout,
    );
  }

  /** The job, if that lease holds it now; a call under any other lease is counted and refused. */
  #held(id: string, leaseId: string): LeasedJob {
    const job = this.get(id);
    const { lease } = job;
    if (lease?.id === leaseId) {
      this.#start(job, lease);
      return { job, lease };
    }
    const ended = job.past.find((other) => other.id === leaseId);
    if (ended) this.#start(job, ended);
    this.#tally.count(job, "refused");
    this.#records.save(job);
    this.#onEvent({ event: "refused", job });
    const settled = job.settlement?.lease_id === leaseId;
    const why = ended ? "The lease expired" : settled ? "The lease is over" : "The job has no such lease";
    throw new Refusal("stale_lease", `${why}; ${job.id} is ${job.state} now.`);
  }

  #start(job: Job, lease: Pick<Lease, "started">): void {
    if (lease.started) return;
    lease.started = true;
    this.#tally.count(job, "executions");
  }

  #settle(job: Job, outcome: Outcome, leaseId: string | null, result: unknown): void {
    this.#finish(job, outcome, leaseId, result);
    this.#tellDependents(job);
  }

  #finish(job: Job, outcome: Outcome, leaseId: string | null, result: unknown): void {
    invariant(!isSettled(job), `${job.id} is settled twice`);
    if (job.lease) this.#leases.release(job);
    job.state = outcome;
    job.settlement = { outcome, lease_id: leaseId, result, at: this.#clock.wallTime() };
    this.#jobs.finish(job, JSON.stringify(result ?? null).length);
    this.#tally.count(job, outcome === "completed" ? "completions" : "failures");
    this.#records.save(job);
    this.#onEvent({ event: outcome, job });
  }

  /** Those that waited only for this job can start; if it failed, they and all behind them cannot any more. */
  #tellDependents(job: Job): void {
    const settled = [job];
    for (const cause of settled) {
      for (const dependent of this.#jobs.takeDependents(cause.id)) {
        if (cause.state === "completed") this.#unblock(dependent, cause.id);
        else {
          this.#finish(dependent, "failed", null, fallenWith(cause));
          settled.push(dependent);
        }
      }
    }
  }

  #unblock(job: Job, dependency: string): void {
    job.waiting_for = job.waiting_for.filter((id) => id !== dependency);
    if (job.waiting_for.length === 0) this.#queue(job);
    else this.#records.save(job);
  }

  #queue(job: Job): void {
    job.state = "queued";
    this.#ready.add(job);
    this.#records.save(job);
    this.#onEvent({ event: "queued", job });
    this.#onQueued();
  }

  #forget(coming: number): void {
    for (const job of this.#jobs.forget(coming)) {
      this.#tally.forget(job);
      this.#records.remove(job.id);
      this.#onForgotten(job);
    }
  }

  /** A lease found at the start runs anew: how long the server was away is not the bot's fault. */
  #restore(): void {
    const jobs = [...this.#records.load()].sort((a, b) => a.order - b.order);
    const now = this.#clock.now();
    for (const job of jobs) {
      this.#jobs.add(job);
      this.#tally.restore(job);
      if (job.state === "queued") this.#ready.add(job);
      if (job.lease) this.#leases.hold(job, { ...job.lease, granted: now, expires: now + this.#leaseTime });
    }
    // The crash may have come between a job that was settled and those that waited for it.
    for (const job of jobs) if (isSettled(job)) this.#tellDependents(job);
  }
}

const unknownJob = (id: string): string =>
  `There is no job ${JSON.stringify(id.slice(0, 100))}; it may have finished long ago.`;

const fallenWith = (cause: Job): { reason: string } => ({
  reason: `it depends on ${cause.id}, which failed`,
});
