/**
 * The reference bot: registers, leases jobs, works on them and reports, and does not let anything
 * stop it but its signal. It is written to be read as an example of a robust job worker.
 *
 *     lease -> confirm by heartbeat -> work, with heartbeats -> complete or fail -> lease ...
 */
import { randomUUID } from "node:crypto";
import { setMaxListeners } from "node:events";
import type { LookupFunction } from "node:net";
import { z } from "zod";
import { type Clock, type Millis } from "../../core/clock.js";
import { SystemClock } from "../../core/system-clock.js";
import type { ClientTlsOptions } from "../tls/client.js";
import type { Report } from "./events.js";
import { Exchanger } from "./exchange.js";
import { NO_FLAWS, type Flaws } from "./flaws.js";
import { HeldLease, LeaseLost } from "./held-lease.js";
import { Id } from "./identifier.js";
import { runJob } from "./job-run.js";
import { backOff, sleep, type BackOff } from "./patience.js";
import { pretend } from "./pretend.js";
import { Session } from "./session.js";
import { Abandoned } from "./trouble.js";
import type { Work } from "./job.js";

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
  /** Bugs that it is to have. */
  readonly flaws?: Flaws;
  /** For a server of `https:`: whom to trust besides the usual, what to show, which name to ask for. */
  readonly tls?: ClientTlsOptions;
  /** In place of the system's resolver of names. */
  readonly lookup?: LookupFunction;
  readonly clock?: Clock;
  /** Uniform in [0, 1). */
  readonly random?: () => number;
}

const REQUEST_TIMEOUT: Millis = 10_000;

const Granted = z.object({
  job: z.object({
    id: Id,
    type: z.string(),
    payload: z.unknown(),
    attempt: z.int(),
    body: z.object({ bytes: z.int().min(0), digest: z.string().regex(/^sha-256=/u) }).optional(),
  }),
  lease_id: Id,
  lease_expires_in: z.number(),
});

/** Runs until the signal is aborted; then it leaves at once, without finishing or failing anything. */
export async function runBot(options: BotOptions): Promise<void> {
  const stop = new AbortController();
  // Many calls listen to the one, and many bots may share the other; neither is a leak.
  setMaxListeners(0, stop.signal, options.signal);
  const onStop = (): void => stop.abort(new Abandoned("the bot was told to stop"));
  if (options.signal.aborted) onStop();
  else options.signal.addEventListener("abort", onStop, { once: true });
  const clock = options.clock ?? new SystemClock();
  const exchanger = new Exchanger({
    ...options,
    clock,
    flaws: options.flaws ?? NO_FLAWS,
    connectTimeout: options.requestTimeout ?? REQUEST_TIMEOUT,
  });
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
  readonly #flaws: Flaws;

  constructor(options: BotOptions, clock: Clock, exchanger: Exchanger, stop: AbortSignal) {
    this.#clock = clock;
    this.#stop = stop;
    this.#report = options.report;
    this.#work = options.work ?? pretend(clock, options.workTime ?? 500);
    this.#wait = options.wait ?? 10_000;
    this.#requestTimeout = options.requestTimeout ?? REQUEST_TIMEOUT;
    this.#backOff = options.backOff ?? { first: 200, max: 10_000 };
    this.#flaws = options.flaws ?? NO_FLAWS;
    // flaw storm: without luck, all who were cut off in the same moment come back in the same moment.
    this.#random = this.#flaws.has("storm") ? () => 1 : (options.random ?? Math.random);
    this.#session = new Session({
      name: options.name,
      capabilities: options.capabilities ?? [],
      exchanger,
      clock,
      random: this.#random,
      report: this.#report,
      requestTimeout: this.#requestTimeout,
      backOff: this.#backOff,
      flaws: this.#flaws,
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
    const { job, lease_id: leaseId } = granted;
    this.#report({ event: "leased", job: job.id, type: job.type, attempt: job.attempt });
    const parts = {
      session: this.#session,
      report: this.#report,
      flaws: this.#flaws,
      leaseId,
      requestTimeout: this.#requestTimeout,
      stop: this.#stop,
    };
    const left = granted.lease_expires_in * 1000;
    const lease = new HeldLease({ ...parts, clock: this.#clock, job: job.id, left });
    try {
      await runJob({ ...parts, job, lease, work: this.#work });
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
    const key = randomUUID();
    const { value } = await this.#session.call({
      name: "lease",
      path: `v1/lease?wait=${Math.round(this.#wait)}ms`,
      body: {},
      answer: Granted.nullable(),
      signal: this.#stop,
      timeout: this.#wait + this.#requestTimeout,
      // The same key for all attempts: if the answer with the job got lost, the next one brings that job again.
      // flaw lost-lease: each attempt asks for some job, and that of the lost answer is nobody's.
      headers: () => ({ "idempotency-key": this.#flaws.has("lost-lease") ? randomUUID() : key }),
      insist: true,
    });
    return value;
  }
}
