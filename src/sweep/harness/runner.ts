/** `Runner` in the world: workers in this process, each with its own daemon, upstream and folders, and all that they have in common. */
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { platform } from "node:process";
import { makeFolder } from "../../core/make-folder.js";
import { HarnessError, type RunPlan, type RunResult, type Runner } from "../contract/run.js";
import { differences } from "../oracles/audit.js";
import type { RunSettings } from "../run-file/settings.js";
import { IsolatedWorker } from "./isolated-worker.js";
import { checkIsolation } from "./isolation.js";
import { DirectoryLock } from "./lock.js";
import { membersOf, signalProcess } from "./processes.js";
import { RunFolders } from "./run-folders.js";
import { silenceLimit, timeoutFor } from "./stillness.js";
import { checkReach } from "./upstream-reach.js";
import type { StageOptions } from "./stage.js";
import { Turns } from "./turns.js";
import { ServiceWorker } from "./service.js";
import { Worker, type Limits, type Made, type RunMaker } from "./worker.js";
import { writing } from "./writing.js";

export interface RunnerOptions {
  readonly settings: RunSettings;
  /** The user's environment, which programs get as well. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where Squall was started: squall.yaml is relative to it. */
  readonly cwd: string;
  /** Where Squall is: the profiles that come with it. */
  readonly home: string;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
  /** Sentences for people that are no result: old folders are removed, what another sweep left was ended. */
  readonly tell?: (text: string) => void;
  /** Upstreams may be anywhere. */
  readonly anywhere?: boolean;
  /** Calls back when this process ends by itself, whatever for; what is done there must not wait. */
  readonly onExit?: (run: () => void) => void;
}

export interface HarnessRunner extends Runner {
  readonly settings: RunSettings;
  /** How long a command may take, in milliseconds; null before `calibrate`. */
  readonly timeout: number | null;
  keep(result: RunResult): Promise<string | null>;
  /** From fault-free runs: how long a command may take and stand still, and what its audit is. */
  calibrate(baselines: readonly RunResult[]): void;
  /** The same, said by whoever knows better. */
  limit(limits: Limits): void;
  /** Ends all that was started, waits for runs that are under way, and gives the directory back. */
  close(): Promise<void>;
}

/** Fault-free runs are given so long if nobody said a time: nothing is known of the command yet. */
const FIRST_TIMEOUT_MS = 15 * 60_000;
/** So many runs of which only a line was kept can still have their folder. */
const REMEMBERED = 32;

/**
 * Opens the directory and the workers. Nothing of the command has been run then.
 *
 * @throws HarnessError where no run can be made: another sweep has the directory, an upstream is far away, the system has no process groups
 * @throws SquallError where a proxy cannot listen
 */
export async function startRunner(options: RunnerOptions): Promise<HarnessRunner> {
  const { settings, signal, tell = () => undefined } = options;
  if (platform === "win32")
    throw new HarnessError(
      "this needs groups of processes, by which all that a command has started is ended, and Windows has none: run it within WSL",
    );
  if (options.anywhere !== true) await checkReach(settings.checked, "--yes-really");
  if (settings.isolate === "net") checkIsolation(settings);
  signal.throwIfAborted();
  const folders = openFolders(settings, tell);
  const mark = randomBytes(8).toString("hex");
  const temporary = writing(tmpdir(), () => mkdtempSync(join(tmpdir(), "squall-")));
  let lock: DirectoryLock | null = null;
  const workers: RunMaker[] = [];
  try {
    lock = writing(settings.directory, () => DirectoryLock.take(settings.directory, { mark, temporary }));
    endLeftovers(lock, tell);
    for (let number = 1; number <= settings.jobs; number++) {
      signal.throwIfAborted();
      const stage = { ...options, number, mark, temporary };
      workers.push(await openWorker(stage));
    }
  } catch (error) {
    await Promise.all(workers.map((worker) => worker.close()));
    rmSync(temporary, { recursive: true, force: true });
    lock?.release();
    throw error;
  }
  const held = lock;
  options.onExit?.(() => {
    for (const worker of workers) worker.killNow();
    rmSync(temporary, { recursive: true, force: true });
    held.release();
  });
  return new WorkersRunner({ settings, signal, workers, folders, temporary, lock: held, tell });
}

function openWorker(stage: StageOptions): Promise<RunMaker> {
  const { service, isolate } = stage.settings;
  if (service !== null) return ServiceWorker.open(stage, service);
  return isolate === "net" ? IsolatedWorker.open(stage) : Worker.open(stage);
}

function openFolders(settings: RunSettings, tell: (text: string) => void): RunFolders {
  writing(settings.directory, () => {
    makeFolder(settings.directory);
  });
  return new RunFolders(settings.directory, settings.disk, tell);
}

/** Of a sweep that was killed in a way that it could not see. */
function endLeftovers({ before }: DirectoryLock, tell: (text: string) => void): void {
  if (before === null || before.mark === "") return;
  const members = membersOf({ groups: new Set(), marks: [before.mark] }, new Set());
  for (const { pid } of members) signalProcess(pid, "SIGKILL");
  if (/[/\\]squall-\w+$/u.test(before.temporary)) rmSync(before.temporary, { recursive: true, force: true });
  const what = members.map(({ pid, name }) => `${pid} ${name}`).join(", ");
  tell(
    `the sweep of process ${before.pid} ended without a word${what === "" ? "" : `, and left processes that were ended now: ${what}`}`,
  );
}

interface Parts {
  readonly settings: RunSettings;
  readonly signal: AbortSignal;
  readonly workers: readonly RunMaker[];
  readonly folders: RunFolders;
  readonly temporary: string;
  readonly lock: DirectoryLock;
  readonly tell: (text: string) => void;
}

class WorkersRunner implements HarnessRunner {
  readonly jobs: number;
  readonly settings: RunSettings;
  readonly #parts: Parts;
  readonly #idle: RunMaker[];
  readonly #waiting: ((worker: RunMaker) => void)[] = [];
  readonly #underWay = new Set<Promise<unknown>>();
  readonly #turns = new Turns();
  /** Runs whose folder can still be written, oldest first. */
  readonly #remembered = new Map<number, Made>();
  #limits: Limits;
  #pauses = new Map<number, number>();
  #audits: readonly unknown[] | null = null;
  #timeout: number | null = null;
  #closed = false;

  constructor(parts: Parts) {
    const { settings, workers } = parts;
    this.#parts = parts;
    this.settings = settings;
    this.jobs = workers.length;
    this.#idle = [...workers];
    this.#limits = { timeout: settings.timeout ?? FIRST_TIMEOUT_MS, silence: Infinity };
  }

  get timeout(): number | null {
    return this.#timeout;
  }

  async run(plan: RunPlan): Promise<RunResult> {
    const made = this.#inTurn(plan);
    this.#underWay.add(made);
    try {
      return await made;
    } finally {
      this.#underWay.delete(made);
    }
  }

  async #inTurn(plan: RunPlan): Promise<RunResult> {
    const over = await this.#turns.take(plan.alone === true);
    try {
      return await this.#run(plan);
    } finally {
      over();
    }
  }

  async #run(plan: RunPlan): Promise<RunResult> {
    const { signal, folders, settings, tell } = this.#parts;
    const worker =
      this.#idle.shift() ?? (await new Promise<RunMaker>((resolve) => this.#waiting.push(resolve)));
    try {
      signal.throwIfAborted();
      if (this.#closed) throw new HarnessError("the runner is closed");
      const made = await worker.run(plan, folders.number(), this.#limits);
      const { result } = made;
      const { cut } = result.record;
      if (cut !== undefined)
        tell(
          `${plan.label}: ${cut} entries of the journal of run ${result.number} are left out, and what they tell is not judged`,
        );
      this.#pauses.set(result.number, made.pause);
      if (settings.keep || plan.keep === true || !this.#isPlain(result)) return this.#kept(made);
      this.#remember(made);
      folders.note(made);
      return result;
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#idle.push(worker);
      else next(worker);
    }
  }

  async keep(result: RunResult): Promise<string | null> {
    if (result.folder !== null) return result.folder;
    const made = this.#remembered.get(result.number);
    if (made === undefined) return null;
    this.#remembered.delete(result.number);
    return this.#kept(made).folder;
  }

  /** In milliseconds. */
  limit(limits: Limits): void {
    this.#limits = limits;
  }

  calibrate(baselines: readonly RunResult[]): void {
    const { settings } = this;
    this.#timeout = settings.timeout ?? timeoutFor(baselines.map(({ ms }) => ms));
    const pauses = baselines.map(({ number }) => this.#pauses.get(number) ?? 0);
    this.limit({ timeout: this.#timeout, silence: silenceLimit(pauses) });
    this.#audits = baselines.map(({ audit }) => audit);
    for (const worker of this.#parts.workers) worker.calibrate(baselines);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    const { workers, temporary, lock } = this.#parts;
    await Promise.allSettled([...this.#underWay]);
    await Promise.all(workers.map((worker) => worker.close()));
    rmSync(temporary, { recursive: true, force: true });
    lock.release();
  }

  /** Whether there is nothing in it to look at, as far as can be said here. */
  #isPlain({ exit, check, audit, left, recovered }: RunResult): boolean {
    if (recovered?.ms === null) return false;
    if (exit.kind !== "exit" || exit.code !== 0 || check?.ok === false || left.length > 0) return false;
    return this.#audits === null || differences(audit, this.#audits, this.settings).length === 0;
  }

  #kept(made: Made): RunResult {
    const { folders } = this.#parts;
    const folder = folders.write(made);
    const result = { ...made.result, folder };
    folders.note({ ...made, result });
    return result;
  }

  #remember(made: Made): void {
    this.#remembered.set(made.result.number, made);
    for (const oldest of this.#remembered.keys()) {
      if (this.#remembered.size <= REMEMBERED) break;
      this.#remembered.delete(oldest);
    }
  }
}
