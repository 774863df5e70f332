/** A worker makes one run after the other, each in the same order: setup, upstream, faults, command, heal, settle, check, audit, end. */
import { SystemClock } from "../../core/system-clock.js";
import { HarnessError, type Exit, type FaultOutcome, type RunPlan, type RunResult } from "../contract/run.js";
import type { RunSettings } from "../run-file/settings.js";
import type { Surroundings } from "./environment.js";
import { endedEarly, type Program } from "./program.js";
import type { RunMaterial } from "./run-folders.js";
import { SEES_PROCESSES } from "./processes.js";
import { JUDGED, Stage, type StageOptions } from "./stage.js";
import { lookAround, Starvation, type Look } from "./starvation.js";
import { heldUpBy, Stillness } from "./stillness.js";

/** What decides when a command hangs; Infinity for never. */
export interface Limits {
  readonly timeout: number;
  readonly silence: number;
}

export interface Made extends RunMaterial {
  /** The longest time without a byte and without processor time. */
  readonly pause: number;
}

/** Makes runs, one at a time. */
export interface RunMaker {
  /** Throws HarnessError, or what the signal was aborted with. */
  run(plan: RunPlan, number: number, limits: Limits): Promise<Made>;
  /** Hears of the fault-free runs by which others are judged. */
  calibrate(baselines: readonly RunResult[]): void;
  /** Ends what is there and closes the ports. */
  close(): Promise<void>;
  /** Without waiting: the process is about to end. */
  killNow(): void;
}

const LOOK_EVERY_MS = 1_000;
/** So long a program that was asked for its stacks may take to tell them. */
const DUMP_MS = 2_000;

export class Worker implements RunMaker {
  readonly #settings: RunSettings;
  readonly #signal: AbortSignal;
  readonly #clock = new SystemClock();
  readonly #stage: Stage;

  private constructor({ settings, signal }: StageOptions, stage: Stage) {
    this.#settings = settings;
    this.#signal = signal;
    this.#stage = stage;
  }

  static async open(options: StageOptions): Promise<Worker> {
    return new Worker(options, await Stage.open(options));
  }

  /** Whatever happens, nothing of the run is left afterwards. */
  async run(plan: RunPlan, number: number, limits: Limits): Promise<Made> {
    this.#signal.throwIfAborted();
    const stage = this.#stage;
    stage.emptyTemporary();
    const here = stage.surroundings(plan, number);
    const { times, timed } = stopwatch();
    const { setup, upstream: server, check: checking } = this.#settings;
    try {
      if (setup !== null) await timed("setup", stage.setUp(setup, here));
      const upstream = server === null ? null : await stage.start(server, here, "upstream");
      await timed("ready", stage.ready(upstream, here));
      await stage.wires.apply(plan.faults, plan.seed);
      const ran = await timed("command", this.#command(plan, here, limits, upstream));
      await timed("settle", stage.settle());
      const check = checking === null ? null : await timed("check", stage.check(checking, here));
      if (upstream?.end) throw new HarnessError(endedEarly("the upstream", upstream, "during the run"));
      const audit = await timed("audit", stage.audit(here));
      const left = await timed("end", stage.end(ran.program));
      if (left.length > 0 || ran.exit.kind === "hung") await stage.told();
      if (upstream !== null) await timed("upstream end", stage.end(upstream));
      const { stdout, stderr } = ran.program;
      stage.wires.endFlows();
      const entries = stage.wires.entries();
      const result: RunResult = {
        number,
        label: plan.label,
        exit: ran.exit,
        ms: ran.ms,
        ...(ran.starved === null ? {} : { starved: ran.starved }),
        check,
        ...(audit === undefined ? {} : { audit }),
        record: stage.wires.record(ran.from),
        outcomes: ran.outcomes,
        left,
        output: {
          stdout: stdout.last(JUDGED.lines, JUDGED.characters),
          stderr: stderr.last(JUDGED.lines, JUDGED.characters),
          dropped: stdout.dropped + stderr.dropped,
        },
        folder: null,
      };
      const since = new Date(ran.since).toISOString();
      return {
        plan,
        result,
        entries,
        stdout: stdout.whole(),
        stderr: stderr.whole(),
        since,
        times,
        pause: ran.pause,
      };
    } finally {
      stage.wires.heal([]);
      await stage.endAll();
    }
  }

  calibrate(): void {
    // Each run is judged by itself.
  }

  close(): Promise<void> {
    return this.#stage.close();
  }

  killNow(): void {
    this.#stage.killNow();
  }

  async #command(plan: RunPlan, here: Surroundings, limits: Limits, upstream: Program | null): Promise<Ran> {
    const stage = this.#stage;
    const settings = this.#settings;
    if (settings.command === null) throw new HarnessError("there is no command to judge");
    const since = this.#clock.wallTime();
    const from = performance.now();
    const program = await stage.start(settings.command, here, "command");
    const stillness = new Stillness(from);
    const look = (): Look => lookAround(program.work() + (upstream?.work() ?? 0));
    // Where nobody sees what the run itself takes, nothing can be said of what others do. The same goes for its last moment: what its
    // programs took is not known any more when they have ended.
    const starvation = SEES_PROCESSES ? new Starvation(look()) : null;
    const held = heldUpBy(plan.faults);
    const [timeout, silence] = [limits.timeout + held, limits.silence + held];
    let exit: Exit | null = null;
    while (exit === null) {
      const rest = from + timeout - performance.now();
      const end = (await stage.within(program, Math.min(LOOK_EVERY_MS, Math.max(1, rest)))) ?? program.end;
      if (end !== null) {
        exit = end;
        break;
      }
      starvation?.take(look());
      const now = performance.now();
      const still = stillness.look(now, stage.wires.traffic().bytes, () => program.ticks());
      if (now - from >= timeout) exit = { kind: "hung", why: "timeout", ms: Math.round(now - from) };
      else if (still >= silence) exit = { kind: "hung", why: "silent", ms: Math.round(now - from) };
    }
    const ms = (program.endedAt ?? performance.now()) - from;
    if (exit.kind === "hung" && settings.dump !== null) {
      program.signal(settings.dump as NodeJS.Signals);
      await stage.within(program, DUMP_MS);
    }
    await stage.copied();
    const outcomes = stage.wires.heal(plan.faults);
    const starved = starvation === null ? null : Math.round(Math.min(starvation.ms, ms));
    return { program, exit, ms, starved, since, from, outcomes, pause: stillness.longest };
  }
}

interface Ran {
  readonly program: Program;
  readonly exit: Exit;
  readonly ms: number;
  /** See `RunResult`; null where it cannot be seen. */
  readonly starved: number | null;
  /** Wall clock, in milliseconds. */
  readonly since: number;
  /** The same on the monotonic clock. */
  readonly from: number;
  readonly outcomes: FaultOutcome[];
  readonly pause: number;
}

/** What each step took, in milliseconds. */
export function stopwatch(): {
  readonly times: Record<string, number>;
  readonly timed: <T>(step: string, work: Promise<T>) => Promise<T>;
} {
  const times: Record<string, number> = {};
  return {
    times,
    timed: async (step, work) => {
      const from = performance.now();
      try {
        return await work;
      } finally {
        times[step] = Math.round(performance.now() - from);
      }
    },
  };
}
