/** beanstalkd: a job stays until it is deleted, so it is run again only where a worker's delete was not confirmed. */
import { setTimeout as rest } from "node:timers/promises";
import { Beanstalk } from "./jobs/beanstalk-client.js";
import { has, tellStory, WORK_MS, type Site } from "./jobs/story.js";

const WORKERS = 3;
/** Seconds that a job is reserved for; one whose worker was never heard of again is ready then. */
const TTR = 2;
/** Before a client dials again. */
const PAUSE_MS = 20;

class Tally {
  readonly #counts = new Map<string, number>();

  add(key: string): void {
    this.#counts.set(key, this.of(key) + 1);
  }

  of(key: string): number {
    return this.#counts.get(key) ?? 0;
  }
}

class BeanstalkSite implements Site {
  readonly #port: number;
  readonly #direct: Beanstalk;
  readonly #runs = new Tally();
  /** Puts that were not confirmed: each may have made a job of its own. */
  readonly #doubtfulPuts = new Tally();
  /** Deletes that were not confirmed: the job may come back. */
  readonly #doubtfulDeletes = new Tally();
  readonly #workers: Promise<void>[];
  readonly #open = new Set<Beanstalk>();
  #producer: Beanstalk | null = null;
  #turn: Promise<void> = Promise.resolve();
  #closed = false;

  constructor({ direct, squall }: { direct: number; squall: number }) {
    this.#port = squall;
    this.#direct = new Beanstalk(direct);
    this.#workers = Array.from({ length: WORKERS }, () => this.#worker());
  }

  #dial(): Beanstalk {
    const client = new Beanstalk(this.#port);
    this.#open.add(client);
    return client;
  }

  /** Jobs go one after the other over one connection, as from one producer. */
  submit(job: string): Promise<void> {
    this.#turn = this.#turn.then(() => this.#put(job));
    return this.#turn;
  }

  async #put(job: string): Promise<void> {
    while (!this.#closed) {
      this.#producer ??= this.#dial();
      try {
        const [word] = await this.#producer.ask(`put 0 0 ${TTR} ${Buffer.byteLength(job)}`, job);
        if (word === "INSERTED") return;
        throw new Error(`put: ${word ?? ""}`);
      } catch {
        this.#doubtfulPuts.add(job);
        this.#forget(this.#producer);
        this.#producer = null;
        await rest(PAUSE_MS);
      }
    }
  }

  async #worker(): Promise<void> {
    while (!this.#closed) {
      const client = this.#dial();
      try {
        while (!this.#closed) await this.#workOnce(client);
      } catch {
        await rest(PAUSE_MS);
      } finally {
        this.#forget(client);
      }
    }
  }

  async #workOnce(client: Beanstalk): Promise<void> {
    const [word, id = "", bytes] = await client.ask("reserve-with-timeout 1");
    if (word !== "RESERVED") return;
    const job = await client.body(Number(bytes));
    this.#runs.add(job);
    try {
      await rest(WORK_MS);
      const [gone] = await client.ask(`delete ${id}`);
      if (gone !== "DELETED") throw new Error(`delete: ${gone ?? ""}`);
    } catch (error) {
      this.#doubtfulDeletes.add(job);
      throw error;
    }
  }

  #forget(client: Beanstalk): void {
    client.close();
    this.#open.delete(client);
  }

  ran(job: string): number {
    return this.#runs.of(job);
  }

  mayRun(job: string): Promise<number> {
    return Promise.resolve(1 + this.#doubtfulPuts.of(job) + this.#doubtfulDeletes.of(job));
  }

  async left(): Promise<number> {
    const [, bytes] = await this.#direct.ask("stats");
    const stats = await this.#direct.body(Number(bytes));
    const of = (state: string): number =>
      Number(new RegExp(`^current-jobs-${state}: (\\d+)$`, "mu").exec(stats)?.[1]);
    return ["ready", "reserved", "delayed", "buried"].reduce((sum, state) => sum + of(state), 0);
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const client of [...this.#open]) this.#forget(client);
    this.#direct.close();
    await Promise.all(this.#workers);
  }
}

tellStory({
  name: "beanstalkd",
  missing: has("beanstalkd", "-v") ? null : "beanstalkd",
  program: (port) => ["beanstalkd", "-l", "127.0.0.1", "-p", String(port)],
  copesWith: ["flaky-connections", "packet-loss", "high-latency"],
  open: (ports) => Promise.resolve(new BeanstalkSite(ports)),
});
