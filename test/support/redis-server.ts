/** A real `redis-server`, its data in a folder of its own: it can be killed, and started again with them or without. */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "./free-port.js";
import { listens } from "./listens.js";

export function hasRedis(): boolean {
  return spawnSync("redis-server", ["--version"]).error === undefined;
}

export class RedisServer {
  readonly port: number;
  readonly folder = mkdtempSync(join(tmpdir(), "squall-redis-"));
  readonly #config = join(this.folder, "redis.conf");
  #child: ChildProcess | null = null;
  #said = "";

  private constructor(port: number, config: string) {
    this.port = port;
    // What is killed has written before it answered, and the kernel keeps that: no disk has to be waited for.
    writeFileSync(
      this.#config,
      `bind 127.0.0.1
port ${port}
dir ${this.folder}
save ""
appendonly yes
appendfsync no
${config}
`,
    );
  }

  /** Resolves when it listens. */
  static async start(config = ""): Promise<RedisServer> {
    const server = new RedisServer(await freePort(), config);
    await server.start();
    return server;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  get said(): string {
    return this.#said;
  }

  async start(): Promise<void> {
    const child = spawn("redis-server", [this.#config], { stdio: ["ignore", "pipe", "pipe"] });
    this.#child = child;
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (chunk: Buffer) => (this.#said += chunk.toString()));
    await listens(this.port, child, () => this.#said);
  }

  async kill(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((done) => child.once("exit", done));
    child.kill(signal);
    await gone;
  }

  signal(signal: "SIGSTOP" | "SIGCONT"): void {
    this.#child?.kill(signal);
  }

  loseData(): void {
    rmSync(join(this.folder, "appendonlydir"), { recursive: true, force: true });
    rmSync(join(this.folder, "dump.rdb"), { force: true });
  }

  async close(): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
