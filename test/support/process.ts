/** The real `squall` command as a process of its own, with what it printed. */
import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

export const ROOT = resolve(import.meta.dirname, "../..");
export const MAIN = join(ROOT, "dist/main.js");

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly out: string;
  readonly err: string;
}

/** What a command said, and the exit code that it said it with. */
export type Said = Omit<Ended, "signal">;

export interface SquallProcess {
  readonly env?: Record<string, string>;
  readonly cwd?: string;
  readonly ipc?: boolean;
  /** What is started, such as a link of another name to the command. */
  readonly command?: string;
}

export class Squall {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  #out = "";
  #err = "";
  #over = false;
  readonly #waiting = new Set<() => void>();

  constructor(words: readonly string[], options: SquallProcess = {}) {
    this.child = spawn(process.execPath, [options.command ?? MAIN, ...words], {
      cwd: options.cwd ?? ROOT,
      env: { PATH: process.env["PATH"] ?? "", HOME: process.env["HOME"] ?? "", ...options.env },
      stdio: ["ignore", "pipe", "pipe", ...(options.ipc === true ? (["ipc"] as const) : [])],
    });
    this.child.stdout?.on("data", (chunk: Buffer) => {
      this.#out += chunk.toString();
      this.#tell();
    });
    this.child.stderr?.on("data", (chunk: Buffer) => {
      this.#err += chunk.toString();
      this.#tell();
    });
    this.ended = new Promise((done) => {
      this.child.on("close", (code, signal) => {
        this.#over = true;
        this.#tell();
        done({ code, signal, out: this.#out, err: this.#err });
      });
    });
  }

  get out(): string {
    return this.#out;
  }

  get err(): string {
    return this.#err;
  }

  #tell(): void {
    for (const waiter of [...this.#waiting]) waiter();
  }

  /** Resolves with the match as soon as standard output has it; rejects if the process ends before. */
  async printed(pattern: RegExp): Promise<RegExpExecArray> {
    return new Promise((done, failed) => {
      const look = (): void => {
        const found = pattern.exec(this.#out);
        if (found !== null) done(found);
        else if (this.#over)
          failed(new Error(`ended before ${String(pattern)}:\n${this.#out}\n${this.#err}`));
        else return;
        this.#waiting.delete(look);
      };
      this.#waiting.add(look);
      look();
    });
  }

  kill(signal: NodeJS.Signals = "SIGTERM"): void {
    this.child.kill(signal);
  }
}

/** Runs a command to its end. */
export async function squall(
  words: readonly string[],
  options: { env?: Record<string, string>; cwd?: string } = {},
): Promise<Ended> {
  return new Squall(words, options).ended;
}

/** Temporary files and processes, gone at the end whatever happens. */
export class Workshop {
  readonly folder = mkdtempSync(join(tmpdir(), "squall-"));
  readonly #processes: Squall[] = [];

  file(name: string, text: string): string {
    const path = join(this.folder, name);
    writeFileSync(path, text);
    return path;
  }

  start(words: readonly string[], options: SquallProcess = {}): Squall {
    const process = new Squall(words, { cwd: this.folder, ...options });
    this.#processes.push(process);
    return process;
  }

  /** A daemon with this configuration on free ports; resolves when it is ready. */
  async daemon(
    config: Record<string, unknown>,
    words: readonly string[] = [],
  ): Promise<{ process: Squall; admin: string; file: string }> {
    const file = this.file(
      "squall.yaml",
      JSON.stringify({ admin: { listen: "127.0.0.1:0" }, profiles: [join(ROOT, "profiles")], ...config }),
    );
    const process = this.start(["serve", "--config", file, "--log-format", "json", ...words]);
    const [, admin = ""] = await process.printed(/"admin":"(http:[^"]+)"/u);
    return { process, admin, file };
  }

  async close(): Promise<void> {
    for (const process of this.#processes) {
      process.kill("SIGKILL");
      await process.ended;
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export interface Json {
  readonly [key: string]: unknown;
}

export async function getJson(url: string, init?: RequestInit): Promise<{ status: number; body: Json }> {
  const response = await fetch(url, init);
  const text = await response.text();
  return { status: response.status, body: (text === "" ? {} : JSON.parse(text)) as Json };
}
