/** A worker makes one run after the other, each in the same order: setup, upstream, faults, command, heal, settle, check, audit, end. */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { SystemClock } from "../../core/system-clock.js";
import { formatDuration } from "../../core/units.js";
import { HarnessError, type Exit, type FaultOutcome, type RunPlan, type RunResult } from "../contract/run.js";
import { recordOf } from "../record/run-record.js";
import type { Command, RunSettings } from "../run-file/settings.js";
import { readAudit } from "./audit.js";
import { environmentOf, filledCommand, filledIn, type Surroundings } from "./environment.js";
import { freePort, giveBack } from "./ports.js";
import { commandText, Program, type End } from "./program.js";
import { untilReady } from "./ready.js";
import type { RunMaterial } from "./run-folders.js";
import { Stillness } from "./stillness.js";
import { Wires } from "./wires.js";

export interface WorkerOptions {
  readonly settings: RunSettings;
  /** From 1. */
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

/** What decides when a command hangs; Infinity for never. */
export interface Limits {
  readonly timeout: number;
  readonly silence: number;
}

export interface Made extends RunMaterial {
  /** The longest time without a byte and without processor time. */
  readonly pause: number;
}

const SETUP_MS = 10 * 60_000;
const CHECK_MS = 2 * 60_000;
const LOOK_EVERY_MS = 1_000;
/** So long a program that was asked for its stacks may take to tell them. */
const DUMP_MS = 2_000;
/** Open connections on which nothing has moved for so long are quiet. */
const QUIET_MS = 200;
const LAST_LINES = 30;

export class Worker {
  readonly #options: WorkerOptions;
  readonly #clock = new SystemClock();
  readonly #temporary: string;
  readonly #programs = new Set<Program>();
  readonly #ports: ReadonlyMap<string, number>;
  readonly #wires: Wires;
  readonly #ca: Surroundings["ca"];

  private constructor(
    options: WorkerOptions,
    parts: Pick<Surroundings, "ca" | "ports" | "temporary">,
    wires: Wires,
  ) {
    this.#options = options;
    this.#temporary = parts.temporary;
    this.#ports = parts.ports;
    this.#ca = parts.ca;
    this.#wires = wires;
  }

  static async open(options: WorkerOptions): Promise<Worker> {
    const { settings, number, env, cwd, home } = options;
    const ports = new Map<string, number>();
    for (const name of settings.ports)
      if (!settings.proxyNames.includes(name)) ports.set(name, await freePort());
    const wires = await Wires.open({ settings, ownPorts: settings.jobs === 1, ports, env, cwd, home });
    const temporary = join(options.temporary, String(number));
    const ca = wires.list.some(({ secure }) => secure) ? await trusted(wires, options.temporary) : null;
    return new Worker(options, { ca, ports, temporary }, wires);
  }

  /** Throws HarnessError, or what the signal was aborted with. Whatever happens, nothing of the run is left afterwards. */
  async run(plan: RunPlan, number: number, limits: Limits): Promise<Made> {
    const { settings, signal } = this.#options;
    signal.throwIfAborted();
    this.#emptyTemporary();
    const here = this.#surroundings(plan, number);
    const times: Record<string, number> = {};
    const timed = async <T>(step: string, work: Promise<T>): Promise<T> => {
      const from = performance.now();
      try {
        return await work;
      } finally {
        times[step] = Math.round(performance.now() - from);
      }
    };
    try {
      if (settings.setup !== null) await timed("setup", this.#setUp(settings.setup, here));
      const upstream =
        settings.upstream === null ? null : await this.#start(settings.upstream, here, "upstream");
      await timed("ready", this.#ready(upstream, here));
      await this.#wires.apply(plan.faults, plan.seed);
      const ran = await timed("command", this.#command(plan, here, limits));
      await timed("settle", this.#settle());
      const check = settings.check === null ? null : await timed("check", this.#check(settings.check, here));
      if (upstream?.end) throw new HarnessError(endedEarly("the upstream", upstream, "during the run"));
      const audit =
        settings.audit === null
          ? undefined
          : await timed("audit", readAudit(filledIn(settings.audit, here), signal));
      const left = await timed("end", ran.program.stop());
      this.#programs.delete(ran.program);
      if (upstream !== null) await timed("upstream end", this.#end(upstream));
      const { stdout, stderr } = ran.program;
      const entries = this.#wires.entries();
      const result: RunResult = {
        number,
        label: plan.label,
        exit: ran.exit,
        ms: ran.ms,
        check,
        ...(audit === undefined ? {} : { audit }),
        record: recordOf(entries, ran.from),
        outcomes: ran.outcomes,
        left,
        output: {
          stdout: stdout.last(LAST_LINES),
          stderr: stderr.last(LAST_LINES),
          dropped: stdout.dropped + stderr.dropped,
        },
        folder: null,
      };
      return {
        plan,
        result,
        entries,
        stdout: stdout.whole(),
        stderr: stderr.whole(),
        since: new Date(ran.since).toISOString(),
        times,
        pause: ran.pause,
      };
    } finally {
      this.#wires.heal([]);
      await this.#endAll();
    }
  }

  /** Ends what is there and closes the ports. */
  async close(): Promise<void> {
    await this.#endAll();
    await this.#wires.close();
    for (const port of this.#ports.values()) giveBack(port);
    rmSync(this.#temporary, { recursive: true, force: true });
  }

  /** Without waiting: the process is about to end. */
  killNow(): void {
    for (const program of this.#programs) program.killNow();
  }

  // -- steps --------------------------------------------------------------------------------------

  async #setUp(command: Command, here: Surroundings): Promise<void> {
    const program = await this.#start(command, here, "setup");
    const end = await this.#within(program, SETUP_MS);
    if (end === null) throw new HarnessError(`setup did not end within ${formatDuration(SETUP_MS)}`);
    if (end.kind === "exit" && end.code === 0) {
      // What it has left running on purpose, such as a database, is the user's own.
      this.#programs.delete(program);
      program.letGo();
      return;
    }
    throw new HarnessError(`setup failed: ${endText(end)}${lastLines(program)}`);
  }

  async #ready(upstream: Program | null, here: Surroundings): Promise<void> {
    const { settings, signal } = this.#options;
    const own = settings.ports.filter((name) => this.#ports.has(name) && !this.#isForDatagrams(name));
    const urls =
      settings.ready.length > 0
        ? settings.ready.map((url) => filledIn(url, here))
        : upstream === null
          ? []
          : own.map((name) => `tcp://127.0.0.1:${this.#ports.get(name) ?? 0}`);
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
    return this.#wires.datagramPorts().includes(port ?? 0);
  }

  async #command(plan: RunPlan, here: Surroundings, limits: Limits): Promise<Ran> {
    const { settings } = this.#options;
    if (settings.command === null) throw new HarnessError("there is no command to judge");
    const since = this.#clock.wallTime();
    const from = performance.now();
    const program = await this.#start(settings.command, here, "command");
    const stillness = new Stillness(from);
    let exit: Exit | null = null;
    while (exit === null) {
      const rest = from + limits.timeout - performance.now();
      const end = await this.#within(program, Math.min(LOOK_EVERY_MS, Math.max(1, rest)));
      if (end !== null) {
        exit = end;
        break;
      }
      const now = performance.now();
      const still = stillness.look(now, this.#wires.traffic().bytes, () => program.ticks());
      if (now - from >= limits.timeout) exit = { kind: "hung", why: "timeout", ms: Math.round(now - from) };
      else if (still >= limits.silence) exit = { kind: "hung", why: "silent", ms: Math.round(now - from) };
    }
    const ms = performance.now() - from;
    if (exit.kind === "hung" && settings.dump !== null) {
      program.signal(settings.dump as NodeJS.Signals);
      await this.#within(program, DUMP_MS);
    }
    const outcomes = this.#wires.heal(plan.faults);
    return { program, exit, ms, since, from, outcomes, pause: stillness.longest };
  }

  async #settle(): Promise<void> {
    const { settings, signal } = this.#options;
    await this.#wires.settled();
    const until = performance.now() + settings.settle;
    let { bytes } = this.#wires.traffic();
    let movedAt = performance.now();
    for (let wait = 1; performance.now() < until; wait = Math.min(wait * 2, 25)) {
      const now = this.#wires.traffic();
      if (now.open === 0) return;
      if (now.bytes !== bytes) movedAt = performance.now();
      bytes = now.bytes;
      if (performance.now() - movedAt >= QUIET_MS) return;
      await pause(wait);
      signal.throwIfAborted();
    }
  }

  async #check(command: Command, here: Surroundings): Promise<{ ok: boolean; text: string }> {
    const program = await this.#start(command, here, "check");
    const end = await this.#within(program, CHECK_MS);
    const lines = [program.stdout.last(LAST_LINES), program.stderr.last(LAST_LINES)].filter(
      (text) => text !== "",
    );
    await this.#end(program);
    if (end === null) return { ok: false, text: `it did not end within ${formatDuration(CHECK_MS)}` };
    if (command.kind === "line" && end.kind === "exit" && (end.code === 126 || end.code === 127))
      throw new HarnessError(`check cannot be run: ${lines.join("\n")}`);
    return { ok: end.kind === "exit" && end.code === 0, text: [endText(end), ...lines].join("\n") };
  }

  // -- programs -----------------------------------------------------------------------------------

  async #start(command: Command, here: Surroundings, what: string): Promise<Program> {
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
      throw new HarnessError(`${what}: ${error.message} (${commandText(filled)})`, { cause: error });
    }
  }

  /** How it ended, or null if it did not within this time. Throws what the signal was aborted with. */
  async #within(program: Program, limit: number): Promise<End | null> {
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

  async #end(program: Program): Promise<void> {
    await program.stop();
    this.#programs.delete(program);
  }

  async #endAll(): Promise<void> {
    await Promise.all([...this.#programs].map((program) => this.#end(program)));
  }

  // -- surroundings -------------------------------------------------------------------------------

  #surroundings({ seed }: RunPlan, run: number): Surroundings {
    return {
      wires: this.#wires.list,
      ports: this.#ports,
      ca: this.#ca,
      worker: this.#options.number,
      run,
      seed,
      temporary: this.#temporary,
    };
  }

  #emptyTemporary(): void {
    rmSync(this.#temporary, { recursive: true, force: true });
    mkdirSync(this.#temporary, { recursive: true });
  }
}

interface Ran {
  readonly program: Program;
  readonly exit: Exit;
  readonly ms: number;
  /** Wall clock, in milliseconds. */
  readonly since: number;
  /** The same on the monotonic clock. */
  readonly from: number;
  readonly outcomes: FaultOutcome[];
  readonly pause: number;
}

async function trusted(wires: Wires, folder: string): Promise<{ ca: string; bundle: string }> {
  const { ca, bundle } = await wires.trust();
  const files = { ca: join(folder, "ca.pem"), bundle: join(folder, "bundle.pem") };
  writeFileSync(files.ca, ca);
  writeFileSync(files.bundle, bundle);
  return files;
}

export function endText(end: End): string {
  return end.kind === "exit" ? `exit code ${end.code}` : `ended by ${end.signal}`;
}

function endedEarly(what: string, program: Program, when: string): string {
  return `${what} ended ${when}: ${program.end === null ? "" : endText(program.end)}${lastLines(program)}`;
}

/** Indented, below what is said of it. */
function lastLines({ stdout, stderr }: Program): string {
  const text = [stdout.last(10), stderr.last(10)].filter((one) => one !== "").join("\n");
  return text === "" ? "" : `\n${text.replaceAll(/^/gmu, "    ")}`;
}
