/** Daemons in this process, one life after the other on the same state file, and what their API says. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo, type Server } from "node:net";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startSquall, type Squall } from "../../src/index.js";

export interface Answer {
  readonly status: number;
  // What the API answers is compared, not taken apart.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  readonly json: any;
}

export class StateLab {
  readonly folder = mkdtempSync(join(tmpdir(), "squall-state-"));
  readonly file = join(this.folder, "state.json");
  readonly #ends: (() => unknown)[] = [];
  #squall: Squall | null = null;
  /** Lines of the log of this life, as JSON. */
  log: Record<string, unknown>[] = [];

  /** The next life, after the end of the one before. */
  async start(config: Readonly<Record<string, unknown>> = {}, seed?: number, admin?: string): Promise<void> {
    await this.stop();
    this.log = [];
    this.#squall = await startSquall({
      config: {
        profiles: { library: false, paths: [this.profilesFolder] },
        log: { format: "json" },
        state: this.file,
        ...config,
      },
      ...(seed === undefined ? {} : { seed }),
      ...(admin === undefined ? {} : { admin }),
      log: {
        level: "info",
        stream: {
          write: (line: string) => {
            this.log.push(JSON.parse(line) as Record<string, unknown>);
            return true;
          },
          on: () => undefined,
          off: () => undefined,
        } as never,
      },
    });
  }

  /** Another daemon at the same time, which ends at once if it starts at all. */
  async second(config: Readonly<Record<string, unknown>>): Promise<void> {
    await (
      await startSquall({ config: { profiles: { library: false, paths: [this.profilesFolder] }, ...config } })
    ).stop();
  }

  get squall(): Squall {
    if (this.#squall === null) throw new Error("no daemon is running");
    return this.#squall;
  }

  get profilesFolder(): string {
    return join(this.folder, "profiles.yaml");
  }

  constructor() {
    this.profiles(
      'profile: slow\nparams: { by: { default: 20ms } }\nfaults: [{ type: latency, delay: "${by}" }]\n' +
        "---\nprofile: steps\nphases:\n  - { phase: calm, for: 10s }\n  - { phase: storm, for: 10s, faults: [{ type: latency, delay: 1s }] }\n",
    );
  }

  /** The file with all profiles. */
  profiles(text: string): void {
    writeFileSync(this.profilesFolder, text);
  }

  async stop(): Promise<void> {
    const squall = this.#squall;
    this.#squall = null;
    await squall?.stop();
  }

  async call(method: string, path: string, body?: unknown): Promise<Answer> {
    const response = await fetch(`${this.squall.adminUrl}${path}`, {
      method,
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, json: text === "" ? undefined : (JSON.parse(text) as unknown) };
  }

  async get(path: string): Promise<Answer["json"]> {
    return (await this.call("GET", path)).json;
  }

  /** All that a restart must bring back, as the API shows it. */
  async view(): Promise<unknown> {
    return viewOf((path) => this.get(path));
  }

  /** The state file as it is. */
  kept(): Answer["json"] {
    return JSON.parse(readFileSync(this.file, "utf8")) as unknown;
  }

  async unrestored(): Promise<{ what: string; name: string; why: string }[]> {
    return (await this.get("/status")).state.unrestored;
  }

  /** Somebody else on a port. */
  async occupy(port: number, host: string): Promise<{ port: number; leave: () => Promise<void> }> {
    const server: Server = createServer().listen(port, host);
    await once(server, "listening");
    const leave = async (): Promise<void> => {
      if (server.listening) await new Promise((done) => server.close(done));
    };
    this.#ends.push(leave);
    return { port: (server.address() as AddressInfo).port, leave };
  }

  async close(): Promise<void> {
    await this.stop();
    for (const end of this.#ends) await end();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Without what moves by itself, and what begins again with each life. */
export async function viewOf(get: (path: string) => Promise<Answer["json"]>): Promise<unknown> {
  const { profiles } = (await get("/profiles")) as { profiles: { name: string; origin: string }[] };
  const made = profiles.filter(({ origin }) => origin === "memory").map(({ name }) => name);
  const { activations } = (await get("/active")) as { activations: Record<string, unknown>[] };
  return {
    proxies: await get("/proxies"),
    profiles: await Promise.all(made.map(async (name) => [name, (await get(`/profiles/${name}`)).text])),
    active: activations.map(({ id, profile, params, seed, mode, proxies, since, again }) => ({
      id,
      profile,
      params,
      seed,
      mode,
      proxies,
      since,
      // Each life of a daemon here has an admin port of its own.
      again: String(again).replace(/127\.0\.0\.1:\d+/u, "127.0.0.1:PORT"),
    })),
  };
}
