/**
 * The lease of one job, kept alive by heartbeats for as long as the work takes. Its signal says when
 * the lease is gone: from then on the job may be somebody else's, and nothing more is done for it.
 */
import { z } from "zod";
import type { Clock, Millis, Timer } from "../../core/clock.js";
import type { Report } from "./events.js";
import type { Flaws } from "./flaws.js";
import { sleep } from "./patience.js";
import type { Session } from "./session.js";
import { Abandoned, Refused, Trouble } from "./trouble.js";

const Extension = z.object({ lease_expires_in: z.number() });

/** Heartbeats for each lease time: two may fail without harm. */
const BEATS = 3;

/** The reason of the signal of a lease that is gone. */
export class LeaseLost extends Abandoned {}

export interface HeldLeaseOptions {
  readonly session: Session;
  readonly clock: Clock;
  readonly report: Report;
  readonly job: string;
  readonly leaseId: string;
  /** What the lease has left when its answer arrives. */
  readonly left: Millis;
  readonly requestTimeout: Millis;
  readonly flaws: Flaws;
  /** The bot's own end, which ends the lease for us too. */
  readonly stop: AbortSignal;
}

export class HeldLease {
  readonly #options: HeldLeaseOptions;
  readonly #gone = new AbortController();
  readonly #onStop = (): void => this.#gone.abort(this.#options.stop.reason);
  #time: Millis;
  #expiry: Timer;
  #progress = 0;

  constructor(options: HeldLeaseOptions) {
    this.#options = options;
    this.#time = options.left;
    this.#expiry = this.#expireAt(options.clock.now() + options.left);
    if (options.stop.aborted) this.#onStop();
    else options.stop.addEventListener("abort", this.#onStop, { once: true });
  }

  /** Aborted when the lease is lost, with a LeaseLost, or when the bot is told to stop. */
  get signal(): AbortSignal {
    return this.#gone.signal;
  }

  /** How long a call under the lease may stay unanswered, such that there is time left for another attempt. */
  get callTimeout(): Millis {
    return Math.min(this.#options.requestTimeout, this.#time / 2);
  }

  /** How long to wait between two attempts at most, for the same reason. */
  get backOffMax(): Millis {
    return this.#time / (2 * BEATS);
  }

  set progress(progress: number) {
    this.#progress = progress;
  }

  /**
   * The first heartbeat. Work begins after it and not before: the answer that brought the lease may
   * have been under way for longer than the lease holds.
   */
  confirm(): Promise<void> {
    return this.#beat(this.signal);
  }

  /** Heartbeats while `work` runs; resolves with what it resolves with. */
  async during<T>(work: Promise<T>): Promise<T> {
    const over = new AbortController();
    const beating = this.#keepBeating(over);
    try {
      return await work;
    } finally {
      over.abort(new Abandoned("the work is done"));
      await beating;
    }
  }

  /** To be called in the end, whatever the end was. */
  release(): void {
    this.#expiry.cancel();
    this.#options.stop.removeEventListener("abort", this.#onStop);
  }

  async #keepBeating(over: AbortController): Promise<void> {
    // A heartbeat under way is not worth waiting for once the work is done or the lease is gone.
    const signal = either(over, this.signal);
    try {
      for (;;) {
        await sleep(this.#options.clock, this.#time / BEATS, signal);
        await this.#beat(signal);
      }
    } catch (error) {
      if (!(error instanceof Abandoned)) throw error;
    }
  }

  async #beat(signal: AbortSignal): Promise<void> {
    const { session, report, job, leaseId, flaws } = this.#options;
    const progress = this.#progress;
    try {
      const { value, sent } = await session.call({
        name: "heartbeat",
        path: `v1/jobs/${encodeURIComponent(job)}/heartbeat`,
        body: { lease_id: leaseId, progress },
        answer: Extension,
        signal,
        timeout: this.callTimeout,
        backOffMax: this.backOffMax,
        // flaw one-strike: a heartbeat that fails is not repeated, but ends the job.
        retry: !flaws.has("one-strike"),
      });
      this.#time = value.lease_expires_in * 1000;
      this.#expiry.cancel();
      // Counted from before the server could have counted, so that we never believe in it for longer.
      this.#expiry = this.#expireAt(sent + this.#time);
      report({ event: "heartbeat", job, progress });
    } catch (error) {
      if (!(error instanceof Refused) && !(error instanceof Trouble)) throw error;
      this.#lose(error.message);
    }
    this.signal.throwIfAborted();
  }

  #lose(why: string): void {
    // flaw stale-lease: nobody tells the work that the job is somebody else's now.
    if (this.#options.flaws.has("stale-lease")) return;
    this.#gone.abort(new LeaseLost(why));
  }

  #expireAt(when: Millis): Timer {
    return this.#options.clock.at(when, () => {
      this.#lose("no heartbeat got through before the lease expired");
    });
  }
}

/** Ends `controller` with the other signal as well; both live as long as the lease does. */
function either(controller: AbortController, other: AbortSignal): AbortSignal {
  if (other.aborted) controller.abort(other.reason);
  else other.addEventListener("abort", () => controller.abort(other.reason), { once: true });
  return controller.signal;
}
