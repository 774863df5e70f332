/**
 * `squall load`: submits many jobs, waits until bots have done them, and holds the server's audit against what
 * the server had accepted. Each job has an idempotency key, so that a lost answer does not make a second one.
 */
import { randomBytes } from "node:crypto";
import { Agent } from "node:https";
import { setTimeout as pause } from "node:timers/promises";
import type { Millis } from "../../core/clock.js";
import { within } from "../../core/within.js";
import { ClientTls, type ClientTlsOptions } from "../tls/client.js";
import { LoadClient, LoadRefused } from "./client.js";
import { INLINE_MAX, payloadOf, planJobs, type LoadShape, type PlannedJob } from "./plan.js";
import { judge, type AuditRow, type Verdict } from "./verdict.js";

export interface LoadOptions extends LoadShape {
  readonly server: string;
  readonly type: string;
  /** Submissions that are under way at a time. */
  readonly concurrency: number;
  /** When what is not finished counts as lost. */
  readonly timeout: Millis;
  /** For a server of `https:`. */
  readonly tls?: ClientTlsOptions;
  /** Ends the load early, in the same way. */
  readonly signal: AbortSignal;
  readonly onProgress: (progress: Progress) => void;
}

export interface Progress {
  readonly jobs: number;
  readonly submitted: number;
  readonly leased: number;
  readonly finished: number;
}

export interface LoadReport extends Verdict {
  readonly jobs: number;
  /** What all its idempotency keys begin with: `GET /v1/audit?prefix=` shows its jobs. */
  readonly prefix: string;
  readonly seconds: number;
  readonly jobs_per_second: number;
  /** Calls of the load itself that had to be repeated. */
  readonly retries: number;
  /** Whether the time was up before all jobs had finished. */
  readonly timed_out: boolean;
}

interface States {
  readonly leased: number;
  readonly completed: number;
  readonly failed: number;
}

const POLL_EVERY: Millis = 200;
const FINAL_PATIENCE: Millis = 30_000;
/** What shows that there is a job server at all: so many tries, each of them so long. */
const CONTACT_TRIES = 3;
const CONTACT_PATIENCE: Millis = 3_000;

/** Rejects with LoadRefused, or with what the network says, where there is no job server that takes the load. */
export async function runLoad(options: LoadOptions): Promise<LoadReport> {
  const agent = options.tls && new Agent({ keepAlive: true, ...new ClientTls(options.tls).agent });
  try {
    return await loaded(options, agent);
  } finally {
    agent?.destroy();
  }
}

async function loaded(options: LoadOptions, agent: Agent | undefined): Promise<LoadReport> {
  const begun = performance.now();
  const prefix = `load-${randomBytes(4).toString("hex")}-`;
  const { signal: timeUp, stop, end } = within(options.timeout, options.signal);
  const client = new LoadClient(options.server, timeUp, agent);
  // A wrong address is told at once; a server that goes away later is waited for.
  try {
    statesIn(await client.call({ method: "GET", path: watchPath(prefix) }, CONTACT_TRIES, CONTACT_PATIENCE));
  } catch (error) {
    end();
    throw error;
  }
  const accepted = new Map<string, string>();
  let timedOut = false;
  try {
    await new Load(options, client, prefix, accepted).run();
  } catch (error) {
    if (!timeUp.aborted) {
      // Nobody goes on submitting.
      stop();
      throw error;
    }
    timedOut = true;
  } finally {
    end();
  }
  // The audit is read in any case, with patience of its own.
  const audit = within(FINAL_PATIENCE);
  const auditor = new LoadClient(options.server, audit.signal, agent);
  const rows = rowsIn(
    await auditor.call({ method: "GET", path: `v1/audit?prefix=${prefix}` }).finally(audit.end),
  );
  const seconds = (performance.now() - begun) / 1000;
  const verdict = judge(accepted, rows);
  return {
    jobs: options.jobs,
    prefix,
    ...verdict,
    ok: verdict.ok && !timedOut && accepted.size === options.jobs,
    seconds: Number(seconds.toFixed(3)),
    jobs_per_second: Number((verdict.completed / seconds).toFixed(1)),
    retries: client.retries + auditor.retries,
    timed_out: timedOut,
  };
}

const watchPath = (prefix: string): string => `v1/audit?prefix=${prefix}&jobs=none`;

function field(answer: unknown, name: string): unknown {
  return typeof answer === "object" && answer !== null ? Reflect.get(answer, name) : undefined;
}

function statesIn(answer: unknown): States {
  const states = field(answer, "states");
  const [leased, completed, failed] = ["leased", "completed", "failed"].map((name) => field(states, name));
  if (typeof leased !== "number" || typeof completed !== "number" || typeof failed !== "number")
    throw notOurs(answer);
  return { leased, completed, failed };
}

function rowsIn(answer: unknown): AuditRow[] {
  const rows = field(answer, "jobs");
  if (!Array.isArray(rows)) throw notOurs(answer);
  return rows as AuditRow[];
}

/** JSON, and none of a job server's. */
function notOurs(answer: unknown): LoadRefused {
  return new LoadRefused(`it answers ${JSON.stringify(answer).slice(0, 100)}`);
}

class Load {
  readonly #options: LoadOptions;
  readonly #client: LoadClient;
  readonly #prefix: string;
  readonly #accepted: Map<string, string>;
  #states: States = { leased: 0, completed: 0, failed: 0 };
  #allSubmitted = false;

  constructor(options: LoadOptions, client: LoadClient, prefix: string, accepted: Map<string, string>) {
    this.#options = options;
    this.#client = client;
    this.#prefix = prefix;
    this.#accepted = accepted;
  }

  async run(): Promise<void> {
    const submitting = this.#submitAll().finally(() => {
      this.#allSubmitted = true;
    });
    // Whichever fails first ends both, and neither fails unheard.
    await Promise.all([submitting, this.#watch()]);
  }

  async #submitAll(): Promise<void> {
    const { concurrency, jobs } = this.#options;
    const plan = planJobs(this.#options);
    const ids: (Promise<string> | undefined)[] = new Array<undefined>(jobs);
    let failed = false;
    // A job's parent has a lower number, so its submission has begun before.
    const worker = async (): Promise<void> => {
      for (let next; !failed && !(next = plan.next()).done;) {
        const job: PlannedJob = next.value;
        const parent = job.parent === null ? undefined : ids[job.parent];
        const id = Promise.resolve(parent).then((parentId) => this.#submit(job.number, parentId));
        ids[job.number] = id;
        await id;
      }
    };
    const workers = Array.from({ length: concurrency }, () =>
      worker().catch((error: unknown) => {
        failed = true;
        throw error;
      }),
    );
    const outcomes = await Promise.allSettled(workers);
    for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
  }

  async #submit(number: number, parent: string | undefined): Promise<string> {
    const { type, size } = this.#options;
    const key = this.#prefix + String(number);
    const payload = payloadOf(this.#options, number);
    const headers = { "idempotency-key": key };
    const depends_on = parent === undefined ? [] : [parent];
    let answer: unknown;
    if (size <= INLINE_MAX) {
      const json = { type, payload, depends_on };
      answer = await this.#client.call({ method: "POST", path: "v1/jobs", headers, json });
    } else {
      const query = new URLSearchParams({ type, payload: JSON.stringify(payload) });
      for (const id of depends_on) query.append("depends_on", id);
      const path = `v1/jobs?${query.toString()}`;
      answer = await this.#client.call({ method: "POST", path, headers, bytes: size });
    }
    const id = field(answer, "id");
    if (typeof id !== "string") throw notOurs(answer);
    this.#accepted.set(key, id);
    return id;
  }

  /** Until all that was submitted has finished. */
  async #watch(): Promise<void> {
    const { signal } = this.#options;
    for (;;) {
      const complete = this.#allSubmitted;
      this.#states = statesIn(await this.#client.call({ method: "GET", path: watchPath(this.#prefix) }));
      this.#tell();
      if (complete && this.#finished >= this.#accepted.size) return;
      await pause(POLL_EVERY, undefined, { signal }).catch(() => signal.throwIfAborted());
    }
  }

  get #finished(): number {
    return this.#states.completed + this.#states.failed;
  }

  #tell(): void {
    const { jobs, onProgress } = this.#options;
    onProgress({
      jobs,
      submitted: this.#accepted.size,
      leased: this.#states.leased,
      finished: this.#finished,
    });
  }
}
