/**
 * Records in an embedded store (LMDB) that survive SIGKILL. All that changed in one turn of the event loop
 * is written in one transaction, so a crash finds a job completed together with those that waited for it,
 * or neither; and a thousand calls that come at once cost one commit.
 *
 * A commit is in the hands of the operating system when it returns, and not yet on the disk: it outlives the
 * process, whatever ends that, but a power cut may take the file with it. That is enough for a mock.
 */
import { randomBytes } from "node:crypto";
import { createRequire } from "node:module";
import { join } from "node:path";
import type * as Lmdb from "lmdb";
import type { Database, RootDatabase } from "lmdb";
import type { Job } from "./job.js";
import type { BotRecords, JobRecords, Tally, Bot } from "./records.js";

/** What never changes of a job is written once; payloads need not be written again with each heartbeat. */
type FixedPart = Pick<Job, "id" | "order" | "spec" | "submission" | "body">;
type MovingPart = Omit<Job, keyof FixedPart>;

export class DurableRecords {
  readonly jobs: JobRecords;
  readonly bots: BotRecords;
  readonly #root: RootDatabase;
  readonly #fixed: Database<FixedPart, string>;
  readonly #moving: Database<MovingPart, string>;
  readonly #bots: Database<Bot, string>;
  readonly #meta: Database<unknown, string>;
  /** What the next commit writes: a job, or null for one that is removed. */
  #dirty = new Map<string, Job | null>();
  #dirtyBots = new Map<string, Bot | null>();
  #tally: Tally | null = null;
  /** Jobs whose fixed part is in the store. */
  readonly #written = new Set<string>();
  #commit: Promise<void> | null = null;

  constructor(folder: string) {
    const encoding = "json";
    // Loaded when a folder is asked for: it is native, and takes its time.
    const { open } = createRequire(import.meta.url)("lmdb") as typeof Lmdb;
    this.#root = open({ path: join(folder, "jobs.lmdb"), encoding, noSync: true, overlappingSync: false });
    this.#fixed = this.#root.openDB({ name: "specs", encoding });
    this.#moving = this.#root.openDB({ name: "states", encoding });
    this.#bots = this.#root.openDB({ name: "bots", encoding });
    this.#meta = this.#root.openDB({ name: "meta", encoding });
    this.jobs = {
      load: () => this.#loadJobs(),
      save: (job) => {
        this.#dirty.set(job.id, job);
        this.#commitSoon();
      },
      remove: (id) => {
        this.#dirty.set(id, null);
        this.#commitSoon();
      },
      flushed: () => this.#commit ?? Promise.resolve(),
      tally: {
        load: () => (this.#meta.get("tally") as Tally | undefined) ?? null,
        save: (tally) => {
          this.#tally = tally;
          this.#commitSoon();
        },
      },
    };
    const change = (id: string, bot: Bot | null): void => {
      this.#dirtyBots.set(id, bot);
      this.#commitSoon();
    };
    this.bots = {
      secret: this.#secret(),
      load: () => [...this.#bots.getRange()].map(({ value }) => value),
      save: (bot) => change(bot.id, bot),
      remove: (id) => change(id, null),
    };
  }

  async close(): Promise<void> {
    await this.#commit;
    await this.#root.close();
  }

  *#loadJobs(): Iterable<Job> {
    for (const { key, value } of this.#moving.getRange()) {
      const fixed = this.#fixed.get(key);
      if (fixed === undefined) continue;
      this.#written.add(key);
      yield { ...fixed, ...value };
    }
  }

  #secret(): Buffer {
    const known = this.#meta.get("secret");
    if (typeof known === "string") return Buffer.from(known, "base64");
    const secret = randomBytes(32);
    this.#root.transactionSync(() => void this.#meta.put("secret", secret.toString("base64")));
    return secret;
  }

  #commitSoon(): void {
    this.#commit ??= new Promise<void>((resolve, reject) => {
      setImmediate(() => {
        this.#commit = null;
        try {
          this.#root.transactionSync(() => this.#write());
          for (const [id, job] of this.#dirty) {
            if (job) this.#written.add(id);
            else this.#written.delete(id);
          }
        } catch (error) {
          // A full disk, for example. What was to be written still is: the next commit tries again.
          reject(error instanceof Error ? error : new Error(String(error)));
          return;
        }
        this.#dirty = new Map();
        this.#dirtyBots = new Map();
        this.#tally = null;
        resolve();
      });
    });
    // Who waits for it hears of a failure; that nobody waits is no reason to end the process.
    this.#commit.catch(() => undefined);
  }

  #write(): void {
    for (const [id, job] of this.#dirty) {
      if (job === null) {
        void this.#fixed.remove(id);
        void this.#moving.remove(id);
        continue;
      }
      const { order, spec, submission, body, ...moving } = job;
      if (!this.#written.has(id)) void this.#fixed.put(id, { id, order, spec, submission, body });
      void this.#moving.put(id, moving);
    }
    for (const [id, bot] of this.#dirtyBots) void (bot ? this.#bots.put(id, bot) : this.#bots.remove(id));
    if (this.#tally) void this.#meta.put("tally", this.#tally);
  }
}
