/**
 * The reference bot: registers, leases jobs, works on them and reports, and does not let anything
 * stop it but its signal. It is written to be read as an example of a robust job worker.
 *
 *     lease -> confirm by heartbeat -> work, with heartbeats -> complete or fail -> lease ...
 */
import { randomUUID } from "node:crypto";
import { setMaxListeners } from "node:events";
import { z } from "zod";
import { SystemClock, type Clock, type Millis } from "../../core/clock.js";
import type { Report } from "./events.js";
import { Exchanger } from "./exchange.js";
import { HeldLease, LeaseLost } from "./held-lease.js";
import { Id } from "./identifier.js";
import { backOff, sleep, unless, type BackOff } from "./patience.js";
import { Session } from "./session.js";
import { Abandoned, Refused } from "./trouble.js";

export interface Job {
  readonly id: string;
  readonly type: string;
  readonly payload: unknown;
  /** 1 for the first lease of the job, 2 if a bot had it before. */
  readonly attempt: number;
}

export interface Desk {
  /** Aborted when the result is not wanted any more. */
  readonly signal: AbortSignal;
  /** From 0 to 1; told to the server with the next heartbeat. */
  readonly progress: (share: number) => void;
}

/** Does a job and resolves with its result. A rejection is reported to the server as a failure of the job. */
export type Work = (job: Job, desk: Desk) => Promise<unknown>;

export interface BotOptions {
  /** Such as `http://127.0.0.1:8080`. */
  readonly server: string;
  readonly name: string;
  /** How many jobs it does at the same time. */
  readonly concurrency: number;
  /** The address that its connections come from, where a machine has several. */
  readonly localAddress?: string;
  /** The only thing that ends the bot. */
  readonly signal: AbortSignal;
  readonly report: Report;
  /** How long the pretended work on a job takes. */
  readonly workTime?: Millis;
  /** Real work, instead of the pretended. */
  readonly work?: Work;
  /** The types of jobs it takes; none stands for all. */
  readonly capabilities?: readonly string[];
  /** How long the server may keep us waiting for a job. */
  readonly wait?: Millis;
  /** How long any other answer may take, and how much longer than `wait` that of a lease. */
  readonly requestTimeout?: Millis;
  readonly backOff?: BackOff;
  readonly clock?: Clock;
  /** Uniform in [0, 1). */
  readonly random?: () => number;
}

const Granted = z.object({
  job: z.object({ id: Id, type: z.string(), payload: z.unknown(), attempt: z.int() }),
  lease_id: Id,
  lease_expires_in: z.number(),
});
const Settled = z.object({ repeated: z.boolean() });

/** Runs until the signal is aborted; then it leaves at once, without finishing or failing anything. */
export async function runBot(options: BotOptions): Promise<void> {
  const stop = new AbortController();
  // Many calls listen to the one, and many bots may share the other; neither is a leak.
  setMaxListeners(0, stop.signal, options.signal);
  const onStop = (): void => stop.abort(new Abandoned("the bot was told to stop"));
  if (options.signal.aborted) onStop();
  else options.signal.addEventListener("abort", onStop, { once: true });
  const clock = options.clock ?? new SystemClock();
  const exchanger = new Exchanger(options.server, clock, options.localAddress);
  try {
    const bot = new Bot(options, clock, exchanger, stop.signal);
    await Promise.all(Array.from({ length: options.concurrency }, () => bot.serve()));
  } finally {
    // If one of the loops broke by a mistake of ours, the others end with it.
    onStop();
    options.signal.removeEventListener("abort", onStop);
    exchanger.close();
    options.report({ event: "stopped" });
  }
}

class Bot {
  readonly #session: Session;
  readonly #clock: Clock;
  readonly #stop: AbortSignal;
  readonly #report: Report;
  readonly #work: Work;
  readonly #random: () => number;
  readonly #wait: Millis;
  readonly #requestTimeout: Millis;
  readonly #backOff: BackOff;

  constructor(options: BotOptions, clock: Clock, exchanger: Exchanger, stop: AbortSignal) {
    this.#clock = clock;
    this.#stop = stop;
    this.#report = options.report;
    this.#work = options.work ?? pretend(clock, options.workTime ?? 500);
    this.#random = options.random ?? Math.random;
    this.#wait = options.wait ?? 10_000;
    this.#requestTimeout = options.requestTimeout ?? 10_000;
    this.#backOff = options.backOff ?? { first: 200, max: 10_000 };
    this.#session = new Session({
      name: options.name,
      capabilities: options.capabilities ?? [],
      exchanger,
      clock,
      random: this.#random,
      report: this.#report,
      requestTimeout: this.#requestTimeout,
      backOff: this.#backOff,
      signal: stop,
    });
  }

  /** One job after the other, until the bot is told to stop. */
  async serve(): Promise<void> {
    /** Turns in a row that came to nothing; a server that answers nonsense at full speed must not be hammered. */
    let setbacks = 0;
    while (!this.#stop.aborted) {
      try {
        const done = await this.#turn();
        setbacks = done ? 0 : setbacks + 1;
        if (setbacks > 0)
          await sleep(this.#clock, backOff(this.#backOff, setbacks, 0, this.#random()), this.#stop);
      } catch (error) {
        if (!(error instanceof Abandoned)) throw error;
      }
    }
  }

  /** Leases a job and does it. False if nothing came of it. */
  async #turn(): Promise<boolean> {
    const asked = this.#clock.now();
    const granted = await this.#lease();
    if (!granted) {
      this.#report({ event: "idle" });
      return this.#clock.now() - asked >= this.#wait / 2;
    }
    const { job } = granted;
    this.#report({ event: "leased", job: job.id, type: job.type, attempt: job.attempt });
    const lease = new HeldLease({
      session: this.#session,
      clock: this.#clock,
      report: this.#report,
      job: job.id,
      leaseId: granted.lease_id,
      left: granted.lease_expires_in * 1000,
      requestTimeout: this.#requestTimeout,
      stop: this.#stop,
    });
    try {
      await this.#do(job, granted.lease_id, lease);
      return true;
    } catch (error) {
      if (!(error instanceof LeaseLost)) throw error;
      this.#report({ event: "lease_lost", job: job.id, why: error.message });
      return false;
    } finally {
      lease.release();
    }
  }

  async #lease(): Promise<z.infer<typeof Granted> | null> {
    const { value } = await this.#session.call({
      name: "lease",
      path: `v1/lease?wait=${Math.round(this.#wait)}ms`,
      body: {},
      answer: Granted.nullable(),
      signal: this.#stop,
      timeout: this.#wait + this.#requestTimeout,
      // The same key for all attempts: if the answer with the job got lost, the next one brings that job again.
      headers: { "idempotency-key": randomUUID() },
      insist: true,
    });
    return value;
  }

  async #do(job: Job, leaseId: string, lease: HeldLease): Promise<void> {
    await lease.confirm();
    this.#report({ event: "working", job: job.id });
    const { signal } = lease;
    const desk: Desk = { signal, progress: (share) => (lease.progress = Math.min(1, Math.max(0, share))) };
    let result: unknown;
    try {
      result = await lease.during(unless(signal, this.#work(job, desk)));
      // A result that cannot be written is a failure of the work too.
      JSON.stringify(result);
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      return this.#fail(job, leaseId, error instanceof Error ? error.message : String(error));
    }
    if (signal.aborted) throw signal.reason;
    await this.#complete(job, leaseId, result);
  }

  /** Completion is idempotent by lease, so it is repeated until the server says one thing or the other. */
  async #complete(job: Job, leaseId: string, result: unknown): Promise<void> {
    try {
      const repeated = await this.#settle("complete", job, leaseId, result);
      this.#report({ event: "completed", job: job.id, repeated });
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      // Too large, for example: the lease is still ours, so the server should know that nothing will come.
      await this.#fail(job, leaseId, `the result was refused, ${error.message}`);
    }
  }

  async #fail(job: Job, leaseId: string, why: string): Promise<void> {
    try {
      await this.#settle("fail", job, leaseId, { reason: why.slice(0, 1_000) });
      this.#report({ event: "failed", job: job.id, why });
    } catch (error) {
      throw error instanceof Refused ? new LeaseLost(error.message) : error;
    }
  }

  async #settle(name: "complete" | "fail", job: Job, leaseId: string, result: unknown): Promise<boolean> {
    try {
      const { value } = await this.#session.call({
        name,
        path: `v1/jobs/${encodeURIComponent(job.id)}/${name}`,
        body: { lease_id: leaseId, result },
        answer: Settled,
        signal: this.#stop,
      });
      return value.repeated;
    } catch (error) {
      const lost = error instanceof Refused && (error.status === 404 || error.status === 409);
      throw lost ? new LeaseLost(error.message) : error;
    }
  }
}

/** Takes its time in ten steps and has the payload for a result. */
function pretend(clock: Clock, workTime: Millis): Work {
  return async (job, { signal, progress }) => {
    for (let step = 1; step <= 10; step++) {
      await sleep(clock, workTime / 10, signal);
      progress(step / 10);
    }
    return { echo: job.payload };
  };
}
