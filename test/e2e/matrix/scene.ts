/** One run of the matrix: a job server, a daemon and bots as processes of their own, a profile, and what came of it. */
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { ChildProcess } from "node:child_process";
import type { ClientTlsOptions } from "../../../src/mock/tls/client.js";
import { openAuthority } from "../../../src/tls/authority.js";
import { Workshop, getJson, type Json } from "../../support/process.js";
import { broken, type BotLine, type HandshakeAccount, type JobAccount } from "./account.js";
import type { Case, Setting } from "./cases.js";
import { spawnBots } from "./spawn-bots.js";

const HOST = "job-server.example";
const POLL = 60;
const READY_WITHIN = 30_000;
/** How long after its last phase an incident is given to end by itself. */
const AFTERMATH = 200;

const STANDARD = {
  bots: 3,
  jobs: 9,
  size: 0,
  work: "200ms",
  lease: "3s",
  wait: 400,
  requestTimeout: 1_000,
  backOffMax: 500,
  healAfter: 0,
  begin: "busy",
  dns: false,
  secure: false,
  pool: false,
  patience: 9_000,
} as const satisfies Required<Setting>;

type Whole = { readonly [K in keyof Setting]-?: NonNullable<Setting[K]> };

/** The promises that were broken; none if all were kept. */
export async function play(one: Case, seed: number): Promise<string[]> {
  const shop = new Workshop();
  const scene = new Scene(one, seed, shop);
  try {
    return await scene.play();
  } finally {
    await scene.end();
    await shop.close();
  }
}

/** Where bots find the server, and how they trust it. */
interface Way {
  readonly url: string;
  readonly dns?: string;
  readonly tls?: ClientTlsOptions;
}

/** A certificate for a client, of the CA in the folder. */
export async function clientPair(
  folder: string,
  name: string,
): Promise<{ readonly cert: string; readonly key: string }> {
  const authority = await openAuthority({ source: { folder }, clock: { wallTime: Date.now } });
  return authority.present([name], { problem: "wrong_usage", by: 0 });
}

/** The most entries that the journal gives at once. */
const ENTRIES = 1_000;

/** What the daemon saw of bots' handshakes. */
export async function handshakesOf(admin: string): Promise<readonly HandshakeAccount[]> {
  const { body } = await getJson(`${admin}/journal?kind=tls_over&limit=${ENTRIES}`);
  return body["entries"] as HandshakeAccount[];
}

class Scene {
  readonly #one: Case;
  readonly #seed: number;
  readonly #shop: Workshop;
  readonly #setting: Whole;
  readonly #lines: BotLine[] = [];
  readonly #digests = new Map<string, string | null>();
  readonly #names: readonly string[];
  #bots: ChildProcess | null = null;
  #server = "";
  #admin = "";

  constructor(one: Case, seed: number, shop: Workshop) {
    this.#one = one;
    this.#seed = seed;
    this.#shop = shop;
    this.#setting = { ...STANDARD, ...one.setting };
    this.#names = Array.from({ length: this.#setting.bots }, (_, index) => `bot-${index + 1}`);
  }

  async play(): Promise<string[]> {
    const { jobs, begin, healAfter, patience } = this.#setting;
    const through = await this.#open();
    if (begin === "busy") await this.#submit(jobs);
    if (begin !== "absent") {
      this.#start(through);
      const ready = begin === "busy" ? "working" : "registered";
      await this.#until(() => this.#names.every((name) => this.#told(name, ready)), READY_WITHIN);
      // A long poll is under way a moment after the bot has registered.
      if (begin === "idle") await pause(200);
    }
    const lasts = await this.#hurt();
    if (begin === "absent") {
      this.#start(through);
      await this.#until(() => this.#lines.length > 0, READY_WITHIN);
    }
    const hurtAt = Date.now();
    await pause(Math.min(500, (healAfter || lasts) / 2));
    const during = await this.#submit(jobs);
    const doneOf = async (): Promise<number> =>
      (await this.#accounts(during)).filter(({ state }) => state === "completed").length;
    const enough = async (): Promise<boolean> =>
      this.#one.promises?.during === true && (await doneOf()) === during.length;
    await this.#until(enough, hurtAt + (healAfter || lasts) - Date.now());
    const done = await doneOf();
    const early = await this.#early();
    await getJson(`${this.#admin}/active`, { method: "DELETE" });
    const healedAt = Date.now();
    await this.#submit(jobs + this.#names.length);
    const all = [...this.#digests.keys()];
    const over = async (): Promise<boolean> => {
      if (this.#lines.some(({ event }) => event === "died")) return true;
      const turned = this.#names.every(
        (name) => this.#told(name, "leased", healedAt) || this.#told(name, "idle", healedAt),
      );
      return turned && (await this.#allDone(all.length));
    };
    await this.#until(over, patience);
    const run = {
      bots: this.#names,
      lines: this.#lines,
      jobs: await this.#accounts(all),
      hurtAt,
      healedAt,
      during: { done, of: during.length },
      early,
      handshakes: await handshakesOf(this.#admin),
    };
    return broken(run, this.#one.promises ?? {});
  }

  async end(): Promise<void> {
    const bots = this.#bots;
    if (bots === null || bots.exitCode !== null) return;
    const closed = new Promise((resolve) => bots.once("close", resolve));
    bots.kill("SIGKILL");
    await closed;
  }

  /** Starts server and daemon, and gives where bots find them. */
  async #open(): Promise<Way> {
    const { lease, dns, pool, secure } = this.#setting;
    const mock = this.#shop.start(["mock-server", "--port", "0", "--lease", lease, "--json"]);
    const [, server = ""] = await mock.printed(/"url":"(http:[^"]+)"/u);
    this.#server = server;
    const upstreams = pool ? { upstreams: { a: server, b: server, c: server } } : { upstream: server };
    const identify = [{ header: "x-bot-id" }];
    const names = { listen: "127.0.0.1:0", upstream: "dns://none", records: { [HOST]: "127.0.0.1" } };
    const jobs = { listen: "127.0.0.1:0", ...upstreams, identify, ...(secure && { secure }) };
    const proxies = { jobs, ...(dns && { names }) };
    const { admin } = await this.#shop.daemon({ proxies, ...(secure && { tls: { ca: "./ca" } }) });
    this.#admin = admin;
    const { body } = await getJson(`${admin}/status`);
    const listening = new Map(
      (body["proxies"] as { name: string; listen: string }[]).map((one) => [one.name, one.listen]),
    );
    const address = listening.get("jobs") ?? "";
    const scheme = secure ? "https" : "http";
    const way = {
      url: `${scheme}://${dns ? `${HOST}:${address.split(":")[1] ?? ""}` : address}`,
      ...(secure && { tls: await this.#botTls() }),
    };
    return dns ? { ...way, dns: listening.get("names") ?? "" } : way;
  }

  /** Bots trust the proxy's CA, and have a certificate of it for whoever wants to see one. */
  async #botTls(): Promise<ClientTlsOptions> {
    const folder = join(this.#shop.folder, "ca");
    const { cert, key } = await clientPair(folder, "bot.example");
    return {
      ca: join(folder, "ca.pem"),
      cert: this.#shop.file("bot.pem", cert),
      key: this.#shop.file("bot.key", key),
    };
  }

  #start({ url, ...way }: Way): void {
    const { wait, requestTimeout, backOffMax } = this.#setting;
    const options = {
      server: url,
      names: this.#names,
      concurrency: 1,
      flaws: this.#one.flaw === null ? [] : [this.#one.flaw],
      wait,
      requestTimeout,
      backOffMax,
      seed: this.#seed,
      ...way,
    };
    this.#bots = spawnBots(options, this.#lines);
  }

  /** Switches the profile on, and gives how long its phases take. */
  async #hurt(): Promise<number> {
    const { profile, params = {} } = this.#one;
    const { status, body } = await getJson(`${this.#admin}/active`, {
      method: "PUT",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ profile, params, seed: this.#seed }),
    });
    if (status !== 200) throw new Error(`${profile}: ${JSON.stringify(body)}`);
    const [active] = body["activations"] as { remaining_seconds: number | null }[];
    return (active?.remaining_seconds ?? 0) * 1000 + AFTERMATH;
  }

  async #submit(count: number): Promise<string[]> {
    const { size, work } = this.#setting;
    const ids: string[] = [];
    for (let job = 0; job < count; job++) {
      const payload = { job, duration: work };
      const asked = size === 0 ? this.#post({ type: "sum", payload }) : this.#postBody(payload, size, job);
      const body = await asked;
      const { digest } = (body["body"] ?? { digest: null }) as { digest: string | null };
      this.#digests.set(String(body["id"]), digest);
      ids.push(String(body["id"]));
    }
    return ids;
  }

  async #post(job: unknown): Promise<Json> {
    const headers = { "content-type": "application/json" };
    return (await getJson(`${this.#server}/v1/jobs`, { method: "POST", headers, body: JSON.stringify(job) }))
      .body;
  }

  async #postBody(payload: unknown, size: number, job: number): Promise<Json> {
    const query = new URLSearchParams({ type: "sum", payload: JSON.stringify(payload) });
    const headers = { "content-type": "application/octet-stream" };
    const body = Buffer.alloc(size, `payload ${job} of ${this.#seed} `);
    return (await getJson(`${this.#server}/v1/jobs?${query.toString()}`, { method: "POST", headers, body }))
      .body;
  }

  async #allDone(count: number): Promise<boolean> {
    const { body } = await getJson(`${this.#server}/v1/jobs?state=completed`);
    if (body["total"] !== count) return false;
    // Bots hear of a completion a little later than the server knows of it.
    const claimed = new Set(this.#lines.filter(({ event }) => event === "completed").map(({ job }) => job));
    return claimed.size >= count;
  }

  async #accounts(ids: readonly string[]): Promise<JobAccount[]> {
    const { body } = await getJson(`${this.#server}/v1/audit`);
    const wanted = new Set(ids);
    const rows = (body["jobs"] as JobAccount[]).filter(({ id }) => wanted.has(id));
    const accounts: JobAccount[] = [];
    for (const row of rows) {
      const digest = this.#digests.get(row.id) ?? null;
      const { body: job } =
        digest === null ? { body: {} as Json } : await getJson(`${this.#server}/v1/jobs/${row.id}`);
      accounts.push({ ...row, digest, artifacts: (job["artifacts"] ?? []) as JobAccount["artifacts"] });
    }
    return accounts;
  }

  async #early(): Promise<number> {
    const text = await (await fetch(`${this.#admin}/metrics`)).text();
    const found = /^squall_faults_total\{[^}]*effect="early"[^}]*\} (\d+)$/mu.exec(text);
    return Number(found?.[1] ?? 0);
  }

  #told(bot: string, event: string, since = 0): boolean {
    return this.#lines.some((line) => line.bot === bot && line.event === event && line.at >= since);
  }

  /** Looks again and again until it holds or the time is up. */
  async #until(holds: () => boolean | Promise<boolean>, within: number): Promise<void> {
    const end = Date.now() + within;
    while (Date.now() < end && !(await holds())) await pause(POLL);
  }
}
