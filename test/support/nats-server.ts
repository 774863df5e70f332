/** A real `nats-server` with JetStream, its data in a folder of its own: it can be killed, and started again with them or without. */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { connect as connectNats } from "@nats-io/transport-node";
import { freePort } from "./free-port.js";
import { listens } from "./listens.js";

export interface NatsOptions {
  /** What is run; `nats-server` of the system without it. */
  readonly program?: string;
  /** More of its configuration. */
  readonly config?: string;
  readonly name?: string;
  readonly port?: number;
}

export const DEBIAN_NATS = "nats-server";
/** Where `go install github.com/nats-io/nats-server/v2@VERSION` puts it. */
export const NEWEST_NATS = join(homedir(), "go/bin/nats-server");

/** What it says of its version, such as `2.9.10`; null if it is not there. */
export function natsVersion(program = DEBIAN_NATS): string | null {
  const { stdout, error } = spawnSync(program, ["--version"], { encoding: "utf8" });
  return error === undefined ? (/v(\d+\.\d+\.\d+)/u.exec(stdout)?.[1] ?? null) : null;
}

export class NatsServer {
  readonly port: number;
  readonly folder: string;
  readonly #program: string;
  readonly #config: string;
  #child: ChildProcess | null = null;
  #said = "";

  private constructor(port: number, options: NatsOptions) {
    this.port = port;
    this.folder = mkdtempSync(join(tmpdir(), "squall-nats-"));
    this.#program = options.program ?? DEBIAN_NATS;
    this.#config = join(this.folder, "server.conf");
    writeFileSync(
      this.#config,
      `listen: 127.0.0.1:${port}
server_name: ${options.name ?? `n${port}`}
max_payload: 1MB
jetstream { store_dir: "${join(this.folder, "data")}", max_file: 500GB, max_mem: 128MB }
${options.config ?? ""}
`,
    );
  }

  /** Resolves when it listens. */
  static async start(options: NatsOptions = {}): Promise<NatsServer> {
    const server = new NatsServer(options.port ?? (await freePort()), options);
    await server.start();
    return server;
  }

  get url(): string {
    return `nats://127.0.0.1:${this.port}`;
  }

  get said(): string {
    return this.#said;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  async start(): Promise<void> {
    const child = spawn(this.#program, ["--config", this.#config], { stdio: ["ignore", "ignore", "pipe"] });
    this.#child = child;
    child.stderr.on("data", (chunk: Buffer) => (this.#said += chunk.toString()));
    await listens(this.port, child, () => this.#said);
  }

  /** SIGKILL, as in a power cut, or another signal; resolves when the process is gone. */
  async kill(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((done) => child.once("exit", done));
    child.kill(signal);
    await gone;
  }

  /** Its process stops answering, and its sockets stay. */
  signal(signal: "SIGSTOP" | "SIGCONT"): void {
    this.#child?.kill(signal);
  }

  /** Asks the JetStream API, with a connection of its own. */
  async api(call: string, body: unknown = {}): Promise<Readonly<Record<string, unknown>>> {
    const connection = await connectNats({ servers: [`127.0.0.1:${this.port}`] });
    try {
      return (await connection.request(`$JS.API.${call}`, JSON.stringify(body))).json();
    } finally {
      await connection.close();
    }
  }

  loseData(): void {
    rmSync(join(this.folder, "data"), { recursive: true, force: true });
  }

  async close(): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
