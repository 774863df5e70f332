/** A server of a test, in a process and with a folder of its own: it can be killed, and started again with what it has kept. */
import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { listens } from "./listens.js";

export interface ServerOptions {
  readonly name: string;
  readonly port: number;
  /** The program and its words; the file with its configuration, `NAME.conf` in its folder, is the last of them. */
  readonly command: readonly [program: string, ...words: string[]];
  readonly config: (folder: string) => string;
  readonly env?: Readonly<Record<string, string>>;
}

export class ServerProcess {
  readonly port: number;
  readonly folder: string;
  readonly #spawn: () => ChildProcess;
  #child: ChildProcess | null = null;

  constructor({ name, port, command, config, env = {} }: ServerOptions) {
    this.port = port;
    this.folder = mkdtempSync(join(tmpdir(), `squall-${name}-`));
    const file = join(this.folder, `${name}.conf`);
    writeFileSync(file, config(this.folder));
    const [program, ...words] = command;
    this.#spawn = () =>
      spawn(program, [...words, file], {
        env: { ...process.env, ...env },
        stdio: ["ignore", "pipe", "pipe"],
      });
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  /** Resolves when it listens. */
  async start(): Promise<void> {
    const child = this.#spawn();
    this.#child = child;
    let said = "";
    for (const stream of [child.stdout, child.stderr])
      stream?.on("data", (chunk: Buffer) => (said += chunk.toString()));
    await listens(this.port, child, () => said);
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

  async close(): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
