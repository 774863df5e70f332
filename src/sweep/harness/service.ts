/**
 * Service mode: the system runs all the time. A fault is switched on, watched until it has hit, and switched off; then all must be back at the
 * steady state of fault-free runs: each bot makes good calls again, `check` passes, and the audit is as it was.
 */
import { setTimeout as pause } from "node:timers/promises";
import { formatDuration } from "../../core/units.js";
import { SystemClock } from "../../core/system-clock.js";
import {
  BaselineBroken,
  HarnessError,
  type Exit,
  type Recovery,
  type RunPlan,
  type RunResult,
} from "../contract/run.js";
import type { RunRecord } from "../contract/record.js";
import { recordOf } from "../record/run-record.js";
import { differences } from "../oracles/audit.js";
import { shapeOf } from "../oracles/pointer.js";
import type { RunSettings } from "../run-file/settings.js";
import type { ServiceInput } from "../run-file/shape.js";
import type { Surroundings } from "./environment.js";
import { endedEarly, type Program } from "./program.js";
import { onlyBadCalls, patienceOf, withoutProgress } from "./progress.js";
import { JUDGED, Stage, type StageOptions } from "./stage.js";
import { unreachedText } from "./unreached.js";
import { stopwatch, type Limits, type Made, type RunMaker } from "./worker.js";

const LOOK_EVERY_MS = 20;
/** So long bots may take to find their pace once the first of them is seen. */
const WARM_MS = 2_000;
/** `check` and the audit cost the system something. */
const ASK_EVERY_MS = 500;

export class ServiceWorker implements RunMaker {
  readonly #settings: RunSettings;
  readonly #service: ServiceInput;
  readonly #signal: AbortSignal;
  readonly #clock = new SystemClock();
  readonly #stage: Stage;
  #upstream: Program | null = null;
  #command: Program | null = null;
  #begun = false;
  /** Of each bot of the fault-free runs; null before there are any. */
  #patience: ReadonlyMap<string, number> | null = null;
  #audits: readonly unknown[] = [];
  /** Whether bytes went through in all of them: all that is known of clients that keep one connection for ever. */
  #moves = true;
  /** Whether the last run left the system as it should be. */
  #isWell = true;

  private constructor({ settings, signal }: StageOptions, service: ServiceInput, stage: Stage) {
    this.#settings = settings;
    this.#service = service;
    this.#signal = signal;
    this.#stage = stage;
  }

  static async open(options: StageOptions, service: ServiceInput): Promise<ServiceWorker> {
    return new ServiceWorker(options, service, await Stage.open(options));
  }

  async run(plan: RunPlan, number: number, _limits: Limits): Promise<Made> {
    this.#signal.throwIfAborted();
    const stage = this.#stage;
    const here = stage.surroundings(plan, number);
    const { times, timed } = stopwatch();
    await timed("begin", this.#begin(here));
    const { wires } = stage;
    try {
      await wires.apply(plan.faults, plan.seed);
      const since = this.#clock.wallTime();
      const from = performance.now();
      const before = wires.traffic().bytes;
      await timed("watch", this.#watch(plan));
      this.#moves &&= this.#patience !== null || wires.traffic().bytes > before;
      const outcomes = wires.heal(plan.faults);
      const healed = performance.now() - from;
      const end = await timed("recover", this.#recover(from, healed, here));
      this.#isWell = end.recovered.ms !== null;
      const ms = performance.now() - from;
      const entries = [...wires.entries()];
      const command = this.#command;
      const result: RunResult = {
        number,
        label: plan.label,
        exit: this.#exit(),
        ms,
        check: end.check,
        ...(end.audit === undefined ? {} : { audit: end.audit }),
        healed,
        recovered: end.recovered,
        record: wires.record(from),
        outcomes,
        left: [],
        output: {
          stdout: command?.stdout.last(JUDGED.lines, JUDGED.characters) ?? "",
          stderr: command?.stderr.last(JUDGED.lines, JUDGED.characters) ?? "",
        },
        folder: null,
      };
      return {
        plan,
        result,
        entries,
        stdout: command?.stdout.whole() ?? Buffer.alloc(0),
        stderr: command?.stderr.whole() ?? Buffer.alloc(0),
        since: new Date(since).toISOString(),
        times,
        pause: 0,
      };
    } finally {
      wires.heal([]);
    }
  }

  calibrate(baselines: readonly RunResult[]): void {
    const patience = patienceOf(baselines);
    const records = baselines.map(({ record }) => record);
    if (patience.size === 0 && (!this.#moves || onlyBadCalls(records)))
      throw this.#unseen(this.#service.watch, records);
    this.#patience = patience;
    this.#audits = baselines.map(({ audit }) => audit);
  }

  close(): Promise<void> {
    return this.#stage.close();
  }

  killNow(): void {
    this.#stage.killNow();
  }

  // -- steps --------------------------------------------------------------------------------------

  /** Starts what is to be started, at first and where it has ended or is not well; waits for others that are not. */
  async #begin(here: Surroundings): Promise<void> {
    const { command, setup, upstream } = this.#settings;
    const ended = hasEnded(this.#command) || hasEnded(this.#upstream);
    if (this.#begun && this.#isWell && !ended) return;
    const isFirst = !this.#begun;
    const isOurs = command !== null || upstream !== null || setup !== null;
    if (this.#begun && !isOurs) {
      await this.#untilWell(here, 0);
      return;
    }
    const stage = this.#stage;
    await stage.endAll();
    this.#begun = true;
    stage.emptyTemporary();
    if (setup !== null) await stage.setUp(setup, here);
    this.#upstream = upstream === null ? null : await stage.start(upstream, here, "upstream");
    await stage.ready(this.#upstream, here);
    this.#command = command === null ? null : await stage.start(command, here, "command");
    if (this.#patience !== null) await this.#untilWell(here, this.#settings.readyTimeout);
    else if (isFirst) await this.#untilSeen();
  }

  /** Programs take a while to start, and what they do meanwhile is not how they are. */
  async #untilSeen(): Promise<void> {
    const { watch } = this.#service;
    const { readyTimeout } = this.#settings;
    const { wires } = this.#stage;
    await this.#rest(readyTimeout, () => wires.traffic().bytes > 0 || this.#ended !== null);
    if (wires.traffic().bytes === 0) throw this.#unseen(readyTimeout);
    await this.#rest(Math.min(watch, WARM_MS), () => false);
  }

  #unseen(time: number, records: readonly RunRecord[] = []): BaselineBroken {
    const where = this.#stage.wires.list.map(({ name, url }) => `${name} is ${url}`).join(", ");
    const command = this.#command;
    const end =
      command !== null && hasEnded(command) ? `; ${endedEarly("the command", command, "before")}` : "";
    return new BaselineBroken(
      `no bot made a good call through the proxies in ${formatDuration(time)} without any fault: do the bots use them (${where})?${end}${unreachedText(records)}`,
    );
  }

  /** A case that begins while another still hurts would say nothing. */
  async #untilWell(here: Surroundings, least: number): Promise<void> {
    await this.#stage.wires.apply([], 0);
    const { recovered } = await this.#recover(performance.now(), 0, here, least);
    if (recovered.ms === null)
      throw new HarnessError(
        `the system is not back at its steady state, and what comes after would say nothing (missing: ${recovered.missing.join(", ")})`,
      );
    this.#isWell = true;
  }

  /** Until each fault has hit, and as long as it is to be held after that; without faults, as long as bots are watched. */
  async #watch({ faults }: RunPlan): Promise<void> {
    const { hit, hold, watch } = this.#service;
    if (faults.length === 0) {
      await this.#rest(watch, () => this.#ended !== null);
      return;
    }
    const { wires } = this.#stage;
    const haveHit = (): boolean => wires.outcomes(faults).every(({ hits }) => hits > 0);
    await this.#rest(hit, () => haveHit() || this.#ended !== null);
    if (haveHit()) await this.#rest(hold, () => this.#ended !== null);
  }

  async #recover(from: number, healed: number, here: Surroundings, least = 0): Promise<Ending> {
    const { recover } = this.#service;
    const patience = this.#patience;
    // The slowest bot has its own time, if that is longer.
    const until = from + healed + Math.max(recover, least, ...(patience?.values() ?? []));
    const { wires } = this.#stage;
    const seen = wires.entries().length;
    const { bytes } = wires.traffic();
    const idle = (): string[] => {
      if (patience === null) return [];
      if (patience.size === 0) return wires.traffic().bytes > bytes ? [] : ["no byte through any proxy"];
      const record = recordOf(wires.entries().slice(seen), from);
      return withoutProgress(record, healed, patience.keys()).map((bot) => `no good call of ${bot}`);
    };
    for (;;) {
      const missing = this.#ended === null ? idle() : [`${this.#ended} ended`];
      // Nothing is to be waited for, and `check` says how the rest is.
      const over = this.#ended !== null || performance.now() >= until;
      if (missing.length === 0 || over) {
        const end = await this.#asked(here);
        missing.push(...end.missing);
        const ms = performance.now() - from - healed;
        if (missing.length === 0) return { ...end, recovered: { ms, missing } };
        if (over) return { ...end, recovered: { ms: null, missing } };
        await this.#rest(ASK_EVERY_MS, () => false);
      } else await this.#rest(LOOK_EVERY_MS, () => false);
    }
  }

  async #asked(here: Surroundings): Promise<Omit<Ending, "recovered"> & { missing: string[] }> {
    const { check: checking } = this.#settings;
    const check = checking === null ? null : await this.#stage.check(checking, here);
    const audit = await this.#stage.audit(here);
    const wrong = this.#audits.length === 0 ? [] : differences(audit, this.#audits, this.#settings);
    const missing = [
      ...(check?.ok === false ? ["check"] : []),
      ...wrong.map(({ steps }) => `audit:${shapeOf(steps)}`),
    ];
    return { check, audit, missing };
  }

  // -- who is there -------------------------------------------------------------------------------

  get #ended(): string | null {
    if (this.#upstream !== null && hasEnded(this.#upstream))
      throw new HarnessError(endedEarly("the upstream", this.#upstream, "during the run"));
    return hasEnded(this.#command) ? "the command" : null;
  }

  /** A service that goes on is one that has not failed. */
  #exit(): Exit {
    return this.#command?.end ?? { kind: "exit", code: 0 };
  }

  async #rest(limit: number, done: () => boolean): Promise<void> {
    const until = performance.now() + limit;
    while (!done()) {
      const rest = until - performance.now();
      if (rest <= 0) return;
      await pause(Math.min(rest, LOOK_EVERY_MS));
      this.#signal.throwIfAborted();
    }
  }
}

function hasEnded(program: Program | null): boolean {
  return program !== null && program.end !== null;
}

interface Ending {
  readonly recovered: Recovery;
  readonly check: RunResult["check"];
  readonly audit: unknown;
}
