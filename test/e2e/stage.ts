/** The job world as processes, for stories that are told step by step: job server, daemon, bots, and what they say. */
import type { ChildProcess } from "node:child_process";
import { readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { Workshop, getJson, type Json, type Squall } from "../support/process.js";
import { broken, type BotLine, type JobAccount, type Promises } from "./matrix/account.js";
import { spawnBots } from "./matrix/spawn-bots.js";

const POLL = 50;

export interface BotSettings {
  readonly wait?: number;
  readonly requestTimeout?: number;
  readonly backOffMax?: number;
  readonly concurrency?: number;
}

export class Stage {
  readonly shop = new Workshop();
  readonly lines: BotLine[] = [];
  readonly #names: string[] = [];
  readonly #bots: ChildProcess[] = [];
  readonly #digests = new Map<string, string | null>();
  #mock: Squall | null = null;
  #healedAt = 0;
  server = "";
  through = "";
  admin = "";
  daemonPid = 0;

  /** `words` are those of `squall mock-server`. */
  static async open(words: readonly string[] = [], proxy: Record<string, unknown> = {}): Promise<Stage> {
    const stage = new Stage();
    await stage.startServer(words);
    const { admin, process } = await stage.shop.daemon({
      proxies: {
        jobs: {
          listen: "127.0.0.1:0",
          upstream: stage.server,
          identify: [{ header: "x-bot-id" }],
          ...proxy,
        },
      },
    });
    stage.admin = admin;
    stage.daemonPid = process.child.pid ?? 0;
    const { body } = await getJson(`${admin}/status`);
    const [jobs] = body["proxies"] as { listen: string }[];
    stage.through = `http://${jobs?.listen ?? ""}`;
    return stage;
  }

  /** On the port of the one before, if there was one. */
  async startServer(words: readonly string[]): Promise<void> {
    const port = this.server === "" ? "0" : new URL(this.server).port;
    this.#mock = this.shop.start(["mock-server", "--port", port, "--json", ...words]);
    const [, url = ""] = await this.#mock.printed(/"url":"(http:[^"]+)"/u);
    this.server = url;
  }

  async endServer(signal: NodeJS.Signals): Promise<void> {
    this.#mock?.kill(signal);
    await this.#mock?.ended;
  }

  /** Reference bots, all in one process. */
  startBots(names: readonly string[], settings: BotSettings = {}): void {
    const { wait = 500, requestTimeout = 5_000, backOffMax = 500, concurrency = 1 } = settings;
    const options = {
      server: this.through,
      names,
      concurrency,
      flaws: [],
      wait,
      requestTimeout,
      backOffMax,
      seed: 1,
    };
    this.#names.push(...names);
    this.#bots.push(spawnBots(options, this.lines));
  }

  async submit(payload: Json, bytes = 0): Promise<string> {
    const body = bytes === 0 ? await this.#submitJson(payload) : await this.#submitBody(payload, bytes);
    const { digest } = (body["body"] ?? { digest: null }) as { digest: string | null };
    const id = String(body["id"]);
    this.#digests.set(id, digest);
    return id;
  }

  async submitMany(count: number, payload: Json): Promise<void> {
    for (let job = 0; job < count; job++) await this.submit({ ...payload, job });
  }

  async job(id: string): Promise<Json> {
    return (await getJson(`${this.server}/v1/jobs/${id}`)).body;
  }

  async use(profile: string, params: Json = {}): Promise<void> {
    const { status, body } = await getJson(`${this.admin}/active`, {
      method: "PUT",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ profile, params, seed: 1 }),
    });
    if (status !== 200) throw new Error(`${profile}: ${JSON.stringify(body)}`);
  }

  async heal(): Promise<void> {
    await getJson(`${this.admin}/active`, { method: "DELETE" });
    this.#healedAt = Date.now();
  }

  /** From now on every bot has to ask for jobs again. */
  healed(): void {
    this.#healedAt = Date.now();
  }

  count(event: string): number {
    return this.lines.filter((line) => line.event === event).length;
  }

  /** Looks again and again until it holds; the test's own time-out is the limit. */
  async until(holds: () => boolean | Promise<boolean>): Promise<void> {
    while (!(await holds())) await pause(POLL);
  }

  /** Until all that was submitted is done, as bots and server see it, and every bot has asked for more. */
  async allDone(): Promise<void> {
    const asked = new Set<string>();
    await this.until(async () => {
      const claimed = new Set(this.lines.filter(({ event }) => event === "completed").map(({ job }) => job));
      if (claimed.size < this.#digests.size) return false;
      for (const { bot, event, at } of this.lines)
        if (at >= this.#healedAt && (event === "idle" || event === "leased")) asked.add(bot);
      if (asked.size < this.#names.length) return false;
      const { body } = await getJson(`${this.server}/v1/jobs?state=completed`);
      return body["total"] === this.#digests.size;
    });
  }

  /** What was broken of what was promised, by the oracle of the matrix. */
  async broken(promises: Promises = {}): Promise<string[]> {
    const { body } = await getJson(`${this.server}/v1/audit`);
    const jobs: JobAccount[] = [];
    for (const row of body["jobs"] as JobAccount[]) {
      const digest = this.#digests.get(row.id) ?? null;
      const artifacts = digest === null ? [] : (await this.job(row.id))["artifacts"];
      jobs.push({ ...row, digest, artifacts: artifacts as JobAccount["artifacts"] });
    }
    const { lines } = this;
    const times = { hurtAt: 0, healedAt: this.#healedAt };
    return broken(
      { bots: this.#names, lines, jobs, ...times, during: { done: 0, of: 0 }, early: 0, handshakes: [] },
      promises,
    );
  }

  /** Of the daemon, in bytes. */
  residentMemory(): number {
    const [, kilobytes = "0"] =
      /^VmRSS:\s+(\d+) kB$/mu.exec(readFileSync(`/proc/${this.daemonPid}/status`, "utf8")) ?? [];
    return Number(kilobytes) * 1024;
  }

  async close(): Promise<void> {
    for (const bots of this.#bots) {
      if (bots.exitCode !== null) continue;
      const closed = new Promise((resolve) => bots.once("close", resolve));
      bots.kill("SIGKILL");
      await closed;
    }
    await this.shop.close();
  }

  async #submitJson(payload: Json): Promise<Json> {
    const headers = { "content-type": "application/json" };
    const body = JSON.stringify({ type: "sum", payload });
    return (await getJson(`${this.server}/v1/jobs`, { method: "POST", headers, body })).body;
  }

  async #submitBody(payload: Json, bytes: number): Promise<Json> {
    const query = new URLSearchParams({ type: "sum", payload: JSON.stringify(payload) });
    const headers = { "content-type": "application/octet-stream" };
    const piece = Buffer.alloc(65_536, "squall ");
    let left = bytes;
    const stream = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (left <= 0) return controller.close();
        controller.enqueue(piece.subarray(0, Math.min(piece.length, left)));
        left -= piece.length;
      },
    });
    const init = { method: "POST", headers, body: stream, duplex: "half" } as const;
    return (await getJson(`${this.server}/v1/jobs?${query.toString()}`, init)).body;
  }
}
