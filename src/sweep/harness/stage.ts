/**
 * What a worker has around its runs: its daemon, its ports, its temporary folder, and the programs that it starts. All of it is gone when
 * the stage is closed.
 */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { formatDuration } from "../../core/units.js";
import { BaselineBroken, HarnessError, type RunPlan } from "../contract/run.js";
import type { Command, RunSettings } from "../run-file/settings.js";
import { readAudit } from "./audit.js";
import { environmentOf, filledCommand, filledIn, type Surroundings } from "./environment.js";
import { freePort, giveBack } from "./ports.js";
import { commandText, endedEarly, endText, lastLines, Program, type End } from "./program.js";
import { untilReady } from "./ready.js";
import { Wires } from "./wires.js";
import { writing } from "./writing.js";

export interface StageOptions {
  readonly settings: RunSettings;
  /** From 1: of the worker. */
  readonly number: number;
  /** Of the whole sweep: marks of its processes begin with it. */
  readonly mark: string;
  /** A folder of the sweep for temporary files. */
  readonly temporary: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly home: string;
  readonly signal: AbortSignal;
}

const SETUP_MS = 10 * 60_000;
const CHECK_MS = 2 * 60_000;
/** Open connections on which nothing has moved for so long are quiet. */
const QUIET_MS = 200;
/** So long those that ended with their process may take to be told. */
const TOLD_MS = 200;
const LAST_LINES = 30;
/** What is judged of the end of a stream: errors that print all that they hold take a thousand lines and more. */
export const JUDGED = { lines: 4_000, characters: 128 * 1_024 };

export class Stage {
  readonly wires: Wires;
  readonly #options: StageOptions;
  readonly #temporary: string;
  readonly #programs = new Set<Program>();
  readonly #ports: ReadonlyMap<string, number>;
  readonly #ca: Surroundings["ca"];

  private constructor(
    options: StageOptions,
    parts: Pick<Surroundings, "ca" | "ports" | "temporary">,
    wires: Wires,
  ) {
    this.#options = options;
    this.#temporary = parts.temporary;
    this.#ports = parts.ports;
    this.#ca = parts.ca;
    this.wires = wires;
  }

  /** Throws SquallError where a proxy cannot listen. */
  static async open(options: StageOptions): Promise<Stage> {
    const { settings, number, env, cwd, home } = options;
    const ports = new Map<string, number>();
    for (const name of settings.ports)
      if (!settings.proxyNames.includes(name)) ports.set(name, await freePort());
    const wires = await Wires.open({ settings, ownPorts: settings.jobs === 1, ports, env, cwd, home });
    try {
      const temporary = join(options.temporary, String(number));
      const ca = wires.list.some(({ trusts }) => trusts)
        ? await trusted(wires, options.temporary, number)
        : null;
      return new Stage(options, { ca, ports, temporary }, wires);
    } catch (error) {
      await wires.close();
      throw error;
    }
  }

  /** Ends what is there and closes the ports. */
  async close(): Promise<void> {
    await this.endAll();
    await this.wires.close();
    for (const port of this.#ports.values()) giveBack(port);
    rmSync(this.#temporary, { recursive: true, force: true });
  }

  /** Without waiting: the process is about to end. */
  killNow(): void {
    for (const program of this.#programs) program.killNow();
  }

  // -- surroundings -------------------------------------------------------------------------------

  surroundings({ seed }: Pick<RunPlan, "seed">, run: number): Surroundings {
    return {
      wires: this.wires.list,
      ports: this.#ports,
      ca: this.#ca,
      worker: this.#options.number,
      run,
      seed,
      temporary: this.#temporary,
    };
  }

  emptyTemporary(): void {
    rmSync(this.#temporary, { recursive: true, force: true });
    writing(this.#temporary, () => mkdirSync(this.#temporary, { recursive: true }));
  }

  // -- steps --------------------------------------------------------------------------------------

  async setUp(command: Command, here: Surroundings): Promise<void> {
    const program = await this.start(command, here, "setup");
    const end = await this.within(program, SETUP_MS);
    if (end === null) throw new HarnessError(`setup did not end within ${formatDuration(SETUP_MS)}`);
    if (end.kind === "exit" && end.code === 0) {
      // What it has left running on purpose, such as a database, is the user's own.
      this.#programs.delete(program);
      program.letGo();
      return;
    }
    throw new HarnessError(`setup failed: ${endText(end)}${lastLines(program)}`);
  }

  async ready(upstream: Program | null, here: Surroundings): Promise<void> {
    const { settings, signal } = this.#options;
    const own = settings.ports.filter((name) => this.#ports.has(name));
    const urls =
      settings.ready.length > 0
        ? settings.ready.map((url) => filledIn(url, here))
        : upstream === null
          ? []
          : own.map(
              (name) =>
                `${this.#isForDatagrams(name) ? "udp" : "tcp"}://127.0.0.1:${this.#ports.get(name) ?? 0}`,
            );
    const gone = (): string | null =>
      upstream?.end ? endedEarly("the upstream", upstream, "before it was ready") : null;
    try {
      await untilReady({ urls, limit: settings.readyTimeout, signal, gone });
    } catch (error) {
      if (!(error instanceof HarnessError) || upstream === null || upstream.end !== null) throw error;
      throw new HarnessError(`${error.message}${lastLines(upstream)}`);
    }
  }

  /** Nobody accepts connections on a port of UDP. */
  #isForDatagrams(name: string): boolean {
    const port = this.#ports.get(name);
    return this.wires.datagramPorts().includes(port ?? 0);
  }

  /** A command may end before the copy of its last request is sent, which no fault would send after it was healed. */
  async copied(): Promise<void> {
    const { settings, signal } = this.#options;
    const until = performance.now() + settings.settle;
    while (this.wires.traffic().unattended.copies > 0 && performance.now() < until) {
      await pause(5);
      signal.throwIfAborted();
    }
  }

  async settle(): Promise<void> {
    const { settings, signal } = this.#options;
    await this.wires.settled();
    const until = performance.now() + settings.settle;
    let { bytes } = this.wires.traffic();
    let movedAt = performance.now();
    for (let wait = 1; performance.now() < until; wait = Math.min(wait * 2, 25)) {
      const now = this.wires.traffic();
      const { copies, open } = now.unattended;
      if (now.open + copies + open === 0) return;
      // What is done for nobody is done all the same, and an audit that came before it would not have it.
      if (now.bytes !== bytes || copies + open > 0) movedAt = performance.now();
      bytes = now.bytes;
      if (performance.now() - movedAt >= QUIET_MS) return;
      await pause(wait);
      signal.throwIfAborted();
    }
  }

  async check(command: Command, here: Surroundings): Promise<{ ok: boolean; text: string }> {
    const program = await this.start(command, here, "check");
    const end = await this.within(program, CHECK_MS);
    const lines = [program.stdout.last(LAST_LINES), program.stderr.last(LAST_LINES)].filter(
      (text) => text !== "",
    );
    await this.end(program);
    if (end === null) return { ok: false, text: `it did not end within ${formatDuration(CHECK_MS)}` };
    if (command.kind === "line" && end.kind === "exit" && (end.code === 126 || end.code === 127))
      throw new HarnessError(`check cannot be run: ${lines.join("\n")}`);
    return { ok: end.kind === "exit" && end.code === 0, text: [endText(end), ...lines].join("\n") };
  }

  async audit(here: Surroundings): Promise<unknown> {
    const { settings, signal } = this.#options;
    return settings.audit === null ? undefined : readAudit(filledIn(settings.audit, here), signal);
  }

  /** Waits a moment for connections that ended with their process. */
  async told(): Promise<void> {
    const until = performance.now() + TOLD_MS;
    for (let wait = 1; this.wires.traffic().open > 0 && performance.now() < until; wait *= 2)
      await pause(wait);
  }

  // -- programs -----------------------------------------------------------------------------------

  async start(command: Command, here: Surroundings, what: string): Promise<Program> {
    const { settings, env, mark } = this.#options;
    const filled = filledCommand(command, here);
    try {
      const program = await Program.start({
        command: filled,
        cwd: settings.folder,
        env: environmentOf(env, settings.env, here),
        mark: `${mark}-${here.run}-${what}`,
      });
      this.#programs.add(program);
      return program;
    } catch (error) {
      if (!(error instanceof HarnessError)) throw error;
      // Without the command itself nothing can be said of any fault.
      const Kind = what === "command" ? BaselineBroken : HarnessError;
      throw new Kind(`${what}: ${error.message} (${commandText(filled)})`, { cause: error });
    }
  }

  /** How it ended, or null if it did not within this time. Throws what the signal was aborted with. */
  async within(program: Program, limit: number): Promise<End | null> {
    const { signal } = this.#options;
    signal.throwIfAborted();
    if (program.end !== null) return program.end;
    const done = new AbortController();
    const stop = AbortSignal.any([signal, done.signal]);
    try {
      const late = pause(Math.min(limit, 2 ** 31 - 1), null, { signal: stop }).catch(() => null);
      const end = await Promise.race([program.ended, late]);
      signal.throwIfAborted();
      return end;
    } finally {
      done.abort();
    }
  }

  /** Answers whom it has left behind: see `Program.stop`. */
  async end(program: Program): Promise<string[]> {
    const left = await program.stop();
    this.#programs.delete(program);
    return left;
  }

  async endAll(): Promise<void> {
    await Promise.all([...this.#programs].map((program) => this.end(program)));
  }
}

/** Each worker has a CA of its own, unless the configuration names one. */
async function trusted(
  wires: Wires,
  folder: string,
  worker: number,
): Promise<{ ca: string; bundle: string }> {
  const { ca, bundle } = await wires.trust();
  const files = { ca: join(folder, `ca-${worker}.pem`), bundle: join(folder, `bundle-${worker}.pem`) };
  writing(folder, () => {
    writeFileSync(files.ca, ca);
    writeFileSync(files.bundle, bundle);
  });
  return files;
}
