/** A program that the harness starts: in a group of its own, with its output bounded, and ended with all that it has started. */
import { spawn, type ChildProcess } from "node:child_process";
import { Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { HarnessError } from "../contract/run.js";
import type { Command } from "../run-file/settings.js";
import { BoundedOutput } from "./output.js";
import {
  groupLives,
  MARK,
  membersOf,
  pidsNow,
  SEES_PROCESSES,
  signalGroup,
  signalProcess,
  type Member,
} from "./processes.js";

export type End =
  { readonly kind: "exit"; readonly code: number } | { readonly kind: "signal"; readonly signal: string };

export interface ProgramOptions {
  readonly command: Command;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Of this program alone. */
  readonly mark: string;
}

/** How long processes may take to end by themselves once they were asked to. */
const GRACE_MS = 2_000;
/** Who still holds its streams may be about to end as well, and have something to say: so long that may take. */
const READ_MS = 250;
/** And how long the system may take to end those that it was told to. */
const KILL_MS = 2_000;

/** As people would type it. */
export function commandText(command: Command): string {
  if (command.kind === "line") return command.line;
  return command.words
    .map((word) => (/^[\w./:=@%+,-]+$/u.test(word) ? word : JSON.stringify(word)))
    .join(" ");
}

export class Program {
  readonly stdout = new BoundedOutput();
  readonly stderr = new BoundedOutput();
  /** Its process and its group. */
  readonly pid: number;
  /** Resolves when the process itself has ended, whoever it has left behind, and what it wrote has been read. */
  readonly ended: Promise<End>;
  /** When that was, in milliseconds of `performance.now()`; null while it runs. */
  endedAt: number | null = null;
  #end: End | null = null;
  /** Both of its streams have been read to their end. */
  readonly #closed: Promise<void>;
  readonly #child: ChildProcess;
  readonly #mark: string;
  readonly #before: ReadonlySet<number>;

  private constructor(child: ChildProcess, pid: number, mark: string, before: ReadonlySet<number>) {
    this.#child = child;
    this.pid = pid;
    this.#mark = mark;
    this.#before = before;
    child.stdout?.on("data", (chunk: Buffer) => {
      this.stdout.push(chunk);
    });
    child.stderr?.on("data", (chunk: Buffer) => {
      this.stderr.push(chunk);
    });
    const closed = new Promise<void>((resolve) => {
      child.once("close", () => {
        resolve();
      });
    });
    this.#closed = closed;
    this.ended = new Promise((resolve) => {
      child.once("exit", (code, signal) => {
        const end: End = signal === null ? { kind: "exit", code: code ?? 0 } : { kind: "signal", signal };
        this.#end = end;
        this.endedAt = performance.now();
        // Whoever it has left behind may hold the pipes for ever.
        void Promise.race([closed, pause(READ_MS)]).then(() => {
          resolve(end);
        });
      });
    });
  }

  /** Throws HarnessError if it cannot be started. */
  static async start({ command, cwd, env, mark }: ProgramOptions): Promise<Program> {
    const words = command.kind === "line" ? ["/bin/sh", "-c", command.line] : [...command.words];
    const [file = "", ...rest] = words;
    const before = pidsNow();
    let child: ChildProcess;
    try {
      child = spawn(file, rest, {
        cwd,
        env: { ...env, [MARK]: mark },
        stdio: ["ignore", "pipe", "pipe"],
        detached: true,
      });
    } catch (error) {
      throw notStarted(file, error);
    }
    const { pid } = child;
    if (pid === undefined) {
      const error = await new Promise<Error>((resolve) => child.once("error", resolve));
      throw notStarted(file, error);
    }
    // A signal that cannot be sent is told there too, and is nobody's business.
    child.on("error", () => undefined);
    return new Program(child, pid, mark, before);
  }

  /** null while it runs. */
  get end(): End | null {
    return this.#end;
  }

  /** Its own process, and whoever it has started, as far as they can be seen. */
  members(): Member[] {
    return membersOf({ groups: new Set([this.pid]), marks: [this.#mark] }, this.#before);
  }

  /** Clock ticks of processor time of all of them; null where they cannot be seen. */
  ticks(): string | null {
    if (!SEES_PROCESSES) return null;
    // Who comes or goes is a movement as well.
    return this.members()
      .map(({ pid, ticks }) => `${pid}:${ticks}`)
      .join(" ");
  }

  /** The sum of these. */
  work(): number {
    return this.members().reduce((sum, { ticks }) => sum + ticks, 0);
  }

  /** To all of its group, and those who left it. */
  signal(signal: NodeJS.Signals): void {
    signalGroup(this.pid, signal);
    for (const { pid, group } of this.members()) if (group !== this.pid) signalProcess(pid, signal);
  }

  /**
   * Ends whatever is there of it, with SIGTERM first unless `hard`, and answers who there was besides its own process: `pid name`, or
   * that there was somebody, where processes cannot be seen.
   */
  async stop(hard = false): Promise<string[]> {
    // Of one that did not end by itself nobody was left behind.
    const left = this.#end === null ? [] : this.#left();
    const byItself = this.#end !== null;
    if (left.length > 0 || this.#end === null) {
      if (!hard) {
        this.signal("SIGTERM");
        await this.#gone(GRACE_MS);
      }
      const late = await this.#killed();
      if (byItself) for (const name of late) if (!left.includes(name)) left.push(name);
    }
    await Promise.race([this.#closed, pause(READ_MS)]);
    this.#child.stdout?.destroy();
    this.#child.stderr?.destroy();
    return left;
  }

  /** Leaves alone whoever it has started. Their output is still read: a closed pipe would end them. */
  letGo(): void {
    for (const stream of [this.#child.stdout, this.#child.stderr])
      if (stream instanceof Socket) stream.unref();
  }

  /** Without waiting for anything: the process that calls this is about to end. */
  killNow(): void {
    this.signal("SIGKILL");
  }

  #left(): string[] {
    if (!SEES_PROCESSES) return this.#end !== null && groupLives(this.pid) ? [`group ${this.pid}`] : [];
    return this.members()
      .filter(({ pid }) => pid !== this.pid)
      .map(({ pid, name }) => `${pid} ${name}`);
  }

  /** Until nobody is there: whoever forks while it is being ended is found in the next round. */
  async #killed(): Promise<string[]> {
    const late: string[] = [];
    const until = performance.now() + KILL_MS;
    while (!this.#isGone()) {
      late.push(...this.#left());
      this.signal("SIGKILL");
      if (performance.now() > until) break;
      await pause(5);
    }
    return late;
  }

  async #gone(limit: number): Promise<void> {
    const until = performance.now() + limit;
    for (let wait = 1; !this.#isGone() && performance.now() < until; wait = Math.min(wait * 2, 50))
      await Promise.race([this.#end === null ? this.ended : pause(wait), pause(wait)]);
  }

  #isGone(): boolean {
    if (this.#end === null) return false;
    return SEES_PROCESSES ? this.members().length === 0 : !groupLives(this.pid);
  }
}

function notStarted(file: string, error: unknown): HarnessError {
  const { code } = error as NodeJS.ErrnoException;
  const why =
    code === "ENOENT"
      ? "there is no such command"
      : code === "EACCES"
        ? "it may not be executed"
        : error instanceof Error
          ? error.message
          : String(error);
  return new HarnessError(`cannot start ${JSON.stringify(file)}: ${why}`, { cause: error });
}

export function endText(end: End): string {
  return end.kind === "exit" ? `exit code ${end.code}` : `ended by ${end.signal}`;
}

export function endedEarly(what: string, program: Program, when: string): string {
  return `${what} ended ${when}: ${program.end === null ? "" : endText(program.end)}${lastLines(program)}`;
}

/** Indented, below what is said of it. */
export function lastLines({ stdout, stderr }: Program): string {
  const text = [stdout.last(10), stderr.last(10)].filter((one) => one !== "").join("\n");
  return text === "" ? "" : `\n${text.replaceAll(/^/gmu, "    ")}`;
}
