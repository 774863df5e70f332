/** The leases that are out: who holds which job, and when the next of them expires. */
import type { Millis } from "../../core/clock.js";
import { invariant } from "../../core/invariant.js";
import type { Job, Lease } from "./job.js";

/** Expired leases that a job remembers. */
const PAST_MAX = 16;

export class LeaseBook {
  readonly #jobs = new Set<Job>();
  readonly #byKey = new Map<string, Job>();
  #nextExpiry: Millis = Infinity;

  /** No lease expires before this moment; heartbeats may have made it later still. */
  get nextExpiry(): Millis {
    return this.#nextExpiry;
  }

  /** The job that a bot was given under this idempotency key, while it holds. */
  find(bot: string, key: string | null): Job | undefined {
    return key === null ? undefined : this.#byKey.get(keyOf(bot, key));
  }

  hold(job: Job, lease: Lease): void {
    job.lease = lease;
    this.#jobs.add(job);
    if (lease.key !== null) this.#byKey.set(keyOf(lease.bot, lease.key), job);
    this.extend(lease, lease.expires);
  }

  extend(lease: Lease, expires: Millis): void {
    lease.expires = expires;
    this.#nextExpiry = Math.min(this.#nextExpiry, expires);
  }

  release(job: Job): void {
    const { lease } = job;
    invariant(lease !== null, `${job.id} is released without a lease`);
    this.#jobs.delete(job);
    if (lease.key !== null) this.#byKey.delete(keyOf(lease.bot, lease.key));
    job.lease = null;
  }

  /** Ends the leases that have expired by now, and gives their jobs. */
  expire(now: Millis): Job[] {
    if (now < this.#nextExpiry) return [];
    this.#nextExpiry = Infinity;
    const expired: Job[] = [];
    for (const job of this.#jobs) {
      const { lease } = job;
      invariant(lease !== null, `${job.id} is leased without a lease`);
      if (lease.expires > now) {
        this.#nextExpiry = Math.min(this.#nextExpiry, lease.expires);
        continue;
      }
      job.past = [...job.past, { id: lease.id, started: lease.started }].slice(-PAST_MAX);
      this.release(job);
      expired.push(job);
    }
    return expired;
  }
}

const keyOf = (bot: string, key: string): string => `${bot} ${key}`;
