/**
 * The loop of a sweep: singles in the order of the plan, several at a time, a fault-free run after every twenty, each alarm confirmed, and
 * pairs along the edges of what survived. It knows the world by its `Runner` alone.
 */
import type { Clock } from "../../core/clock.js";
import type { Case } from "../contract/case.js";
import type { Alarm, CaseResult, Finding } from "../contract/finding.js";
import { HarnessError, type RunResult, type Runner } from "../contract/run.js";
import type { PlaceOf } from "../oracles/calls.js";
import type { JudgeOptions } from "../oracles/evidence.js";
import { Pace } from "../plan/estimate.js";
import { expectedRate, firstPack, packSize } from "../plan/packs.js";
import { choosePairs } from "../plan/pairs.js";
import { Waiting } from "../plan/waiting.js";
import { Controls } from "./controls.js";
import { crew, type Task } from "./crew.js";
import type { OnSweepEvent, Progress, Stop, SweepEvent } from "./events.js";
import { counts, Findings, isTold } from "./findings.js";
import { experimentAt, showsHarmless } from "./harmless.js";
import { NO_MEMORY, type Memory, type Planner, type Recalled, type WriteFinding } from "./memory.js";
import type { SweepOutcome, UnderFaults } from "./outcome.js";
import { CONFIRM_RUNS, CONTROL_EVERY, TROUBLES_MAX, type SweepSettings } from "./settings.js";
import { tryPack, type Unpacked } from "./pack.js";
import { light, tryCase, type Sifted, type TrialMeans } from "./trial.js";

export interface SweepParts {
  readonly runner: Runner;
  /** Fault-free runs that passed and agree. */
  readonly baselines: readonly RunResult[];
  readonly planner: Planner;
  readonly place: PlaceOf;
  readonly judge: JudgeOptions;
  readonly settings: SweepSettings;
  readonly clock: Clock;
  /** What one run without faults takes with all that goes with it, in milliseconds; the mean of the baselines, if not given. */
  readonly each?: number;
  /** When its time began to run, with the fault-free runs; now, if not given. */
  readonly since?: number;
  readonly tell: OnSweepEvent;
  readonly memory?: Memory;
  readonly writeFinding?: WriteFinding;
}

/** Never rejects for what the command or the harness does: the outcome says how far it came. */
export function sweep(parts: SweepParts): Promise<SweepOutcome> {
  return new Sweep(parts).run();
}

class Sweep {
  readonly #parts: SweepParts;
  readonly #memory: Memory;
  readonly #controls: Controls;
  readonly #findings = new Findings();
  readonly #started: number;
  /** Of each case that was begun, by its id; a case may be wanted before its turn. */
  readonly #results = new Map<string, Promise<CaseResult>>();
  readonly #decided = new Map<string, CaseResult>();
  /** Cases that were in a pack, which is tried once. */
  readonly #alone = new Set<string>();
  readonly #singles: readonly Case[];
  #pairs: readonly Case[] = [];
  readonly #pairsOf = new Map<string, readonly Case[]>();
  /** Sites of the fault-free runs, and then of all. */
  readonly #known: Set<string>;
  readonly #underFaults: UnderFaults[] = [];
  readonly #runner: Runner;
  readonly #pace: Pace;
  #runs = 0;
  /** Cases that were run in this start, and not recalled. */
  #fresh = 0;
  #sinceControl = 0;
  #troubles = 0;
  #stop: Stop | null = null;
  /** One after the other, so that numbers, files and events are in one order. */
  #filing: Promise<void> = Promise.resolve();

  constructor(parts: SweepParts) {
    this.#parts = parts;
    const { runner, baselines, place, judge, clock, planner } = parts;
    this.#memory = parts.memory ?? NO_MEMORY;
    this.#started = clock.now();
    this.#singles = planner.singles;
    const mean = baselines.reduce((sum, { ms }) => sum + ms, 0) / Math.max(1, baselines.length);
    this.#pace = new Pace(parts.each ?? mean, runner.jobs);
    this.#known = new Set(baselines.flatMap(({ record }) => record.exchanges.map((one) => place(one).site)));
    this.#runner = {
      jobs: runner.jobs,
      run: async (plan) => {
        const run = await runner.run(plan);
        // One that could not be made is none, and has no line in runs.jsonl.
        this.#runs++;
        return run;
      },
      keep: (result) => runner.keep?.(result) ?? Promise.resolve(result.folder),
    };
    this.#controls = new Controls(baselines, place, judge, this.#runner, (event) => this.#tell(event));
  }

  async run(): Promise<SweepOutcome> {
    await this.#phase("singles", this.#singles);
    if (this.#parts.settings.pairs && this.#stop === null) {
      this.#pairs = this.#planPairs();
      if (this.#pairs.length > 0) await this.#phase("pairs", this.#pairs);
    }
    const cases = [...this.#singles, ...this.#pairs];
    return {
      baselines: this.#parts.baselines,
      singles: this.#singles,
      pairs: this.#pairs,
      results: cases.map((one) => this.#decided.get(one.id) ?? notRun(one)),
      underFaults: this.#underFaults,
      findings: this.#findings.all,
      controls: this.#controls.counts,
      runs: this.#runs + this.#parts.baselines.length,
      stop: this.#stop,
      ms: this.#parts.clock.now() - this.#started,
    };
  }

  async #phase(what: "singles" | "pairs", cases: readonly Case[]): Promise<void> {
    this.#tell({ kind: "planned", what, cases: cases.length, progress: this.#progress() });
    const waiting = new Waiting(cases);
    await crew(this.#parts.runner.jobs, (): Task | null => {
      if (waiting.size === 0 || this.#isOver()) return null;
      if (this.#sinceControl >= CONTROL_EVERY) {
        this.#sinceControl = 0;
        return () => this.#guarded("control", () => this.#controls.run(this.#parts.settings.seed));
      }
      const pack = this.#nextPack(waiting);
      waiting.take(pack);
      const [next, ...others] = pack;
      if (next === undefined) return null;
      if (others.length > 0) return () => this.#decideTogether(pack, waiting);
      return async () => {
        waiting.heard(await this.#result(next));
        // It may be the finding with which all is to end.
        await this.#filing;
      };
    });
    await this.#filing;
  }

  /** The next case, and with `pack` those that can be run with it. */
  #nextPack(waiting: Waiting): readonly Case[] {
    const all = waiting.all();
    const first = all.slice(0, 1);
    const { settings, planner } = this.#parts;
    if (
      settings.pack !== true ||
      planner.together === undefined ||
      !first.every((one) => this.#isPackable(one))
    )
      return first;
    const failed = [...this.#decided.values()].filter(({ verdict }) => isTold(verdict)).length;
    const size = packSize(expectedRate(this.#decided.size, failed));
    return firstPack(
      all.filter((one) => this.#isPackable(one)),
      size,
    );
  }

  /** Neither known already nor begun, nor one of a pack that was not clear. */
  #isPackable(one: Case): boolean {
    return !this.#alone.has(one.id) && !this.#results.has(one.id) && this.#recalled(one) === undefined;
  }

  async #decideTogether(members: readonly Case[], waiting: Waiting): Promise<void> {
    for (const { id } of members) this.#alone.add(id);
    const together = this.#parts.planner.together?.(members);
    let unpacked: Unpacked = { results: [], left: members };
    const from = this.#parts.clock.now();
    if (together !== undefined) {
      for (const one of members) this.#tell({ kind: "case_started", case: one, progress: this.#progress() });
      await this.#guarded(together.name, async () => {
        unpacked = await tryPack(together, members, this.#means(true));
      });
    }
    waiting.giveBack(unpacked.left);
    for (const result of unpacked.results) {
      // An experiment may have wanted it meanwhile, by itself.
      if (this.#results.has(result.case.id)) {
        waiting.giveBack([result.case]);
        continue;
      }
      this.#results.set(result.case.id, Promise.resolve(result));
      this.#pace.took(result.case, (this.#parts.clock.now() - from) / members.length);
      this.#fresh++;
      this.#sinceControl++;
      const kept = light(result);
      await this.#orTold(`the state of ${result.case.name}`, () => this.#memory.remember(kept, []));
      waiting.heard(this.#over(kept, false));
    }
  }

  /** What an earlier start has of it; that it survived in a pack is not enough where cases are run one by one. */
  #recalled(of: Case): Recalled | undefined {
    const recalled = this.#memory.recall(of);
    const isWeak = recalled?.result.verdict === "survived (packed)" && this.#parts.settings.pack !== true;
    return isWeak ? undefined : recalled;
  }

  /** Of the case, which is run now unless it was begun before. */
  #result(of: Case, proves = true): Promise<CaseResult> {
    let result = this.#results.get(of.id);
    if (result === undefined) {
      result = this.#decide(of, proves);
      this.#results.set(of.id, result);
    }
    return result;
  }

  async #decide(of: Case, proves: boolean): Promise<CaseResult> {
    const recalled = this.#recalled(of);
    if (recalled !== undefined) {
      this.#pairsOf.set(of.id, recalled.pairs);
      return this.#over({ ...recalled.result, case: of }, true);
    }
    this.#tell({ kind: "case_started", case: of, progress: this.#progress() });
    const means = this.#means(proves);
    const from = this.#parts.clock.now();
    let result: CaseResult | null = null;
    await this.#guarded(
      of.name,
      async () => {
        result = await tryCase(this.#parts.planner.sharpened?.(of) ?? of, means);
      },
      (text) => {
        result = { ...notRun(of), verdict: "harness error", note: text };
      },
    );
    // Interrupted, it was not run: the next start begins it again.
    if (result === null) return notRun(of);
    this.#pace.took(of, this.#parts.clock.now() - from);
    this.#fresh++;
    this.#sinceControl++;
    const pairs = this.#pairsAfter(result);
    this.#pairsOf.set(of.id, pairs);
    const kept = light(result);
    // What could not be confirmed, for want of time or since nothing could be run any more, is begun again by the next start.
    if (kept.confirmation === null || kept.confirmation.runs >= CONFIRM_RUNS)
      await this.#orTold(`the state of ${of.name}`, () => this.#memory.remember(kept, pairs));
    return this.#over(kept, false);
  }

  #means(proves: boolean): TrialMeans {
    return {
      ...this.#parts,
      runner: this.#runner,
      controls: this.#controls,
      tell: (event) => this.#tell(event),
      isOver: () => this.#isLate(),
      saw: (run) => this.#note(run),
      isKnown: (of, alarms) => this.#findings.confirms(of, alarms),
      sift: (alarms) => this.#sift(proves ? alarms : [], proves ? [] : alarms),
    };
  }

  /** None of pairs: three faults at a time are left to the hunt. */
  #pairsAfter(result: CaseResult): readonly Case[] {
    const { settings, planner } = this.#parts;
    const single = settings.pairs && result.verdict === "survived" && this.#pairs.length === 0;
    return single ? planner.pairsAfter(result) : [];
  }

  #over(result: CaseResult, recalled: boolean): CaseResult {
    this.#decided.set(result.case.id, result);
    this.#tell({ kind: "case_over", result, recalled, progress: this.#progress() });
    if (isTold(result.verdict)) {
      this.#filing = this.#filing.then(() => this.#file(result));
      // Heard of when the phase ends.
      this.#filing.catch(() => undefined);
    }
    return result;
  }

  async #file(result: CaseResult): Promise<void> {
    const { finding, known } = this.#findings.file(result);
    const file = known ? finding.file : await this.#written(finding);
    if (!known) this.#findings.written(finding.number, file);
    this.#tell({ kind: "finding", finding: { ...finding, file }, known, result });
    const { strict, findingsMax } = this.#parts.settings;
    if (
      findingsMax !== null &&
      counts(finding.verdict, strict) &&
      this.#findings.counting(strict) >= findingsMax
    )
      this.#end("findings");
  }

  /** Without its file a finding is one all the same. */
  async #written(finding: Finding): Promise<string | null> {
    const file = await this.#orTold(`the file of finding ${finding.number}`, () =>
      this.#parts.writeFinding?.(finding),
    );
    return file ?? finding.file;
  }

  /** One that was left out of the plan is made all the same, and nothing is filed of it. */
  #experiment(of: Case): Promise<CaseResult> {
    // One fault may hide what another would have shown, so that a pack is no experiment.
    const isPacked = this.#decided.get(of.id)?.verdict === "survived (packed)";
    if (!isPacked && this.#singles.some(({ id }) => id === of.id)) return this.#result(of, false);
    const key = isPacked ? `${of.id} alone` : of.id;
    let result = this.#results.get(key);
    if (result === undefined) {
      result = tryCase(of, this.#means(false));
      this.#results.set(key, result);
    }
    return result;
  }

  /** Without the suspicions that an experiment settles; it is made now if it was not yet. */
  async #sift(alarms: readonly Alarm[], unasked: readonly Alarm[]): Promise<Sifted> {
    const kept: Alarm[] = [...unasked];
    const harmless = new Set<string>();
    let note: string | undefined;
    for (const alarm of alarms) {
      const site = experimentAt(alarm);
      const experiment = site === null ? null : (this.#parts.planner.repeatedAt?.(site) ?? null);
      const shown = experiment === null ? null : await this.#experiment(experiment);
      if (experiment !== null && shown !== null && showsHarmless(shown, this.#controls.baselines)) {
        note = `${alarm.text}; harmless, as ${experiment.name} shows`;
        harmless.add(alarm.signature);
      } else kept.push(alarm);
    }
    return { alarms: kept, harmless, ...(note === undefined ? {} : { note }) };
  }

  /** Each pair once, in turns of the singles that they follow. */
  #planPairs(): readonly Case[] {
    const perSingle = this.#singles.map(({ id }) => this.#pairsOf.get(id) ?? []);
    return choosePairs(perSingle, this.#singles.length);
  }

  #note(run: RunResult): void {
    this.#parts.planner.learn?.(run);
    for (const exchange of run.record.exchanges) {
      const { site, name } = this.#parts.place(exchange);
      if (this.#known.has(site)) continue;
      const { proxy, bot } = exchange;
      this.#known.add(site);
      this.#underFaults.push({ id: site, proxy, bot, name });
    }
  }

  /** What the harness cannot do is told, and ends the sweep when it goes on. */
  async #guarded(label: string, run: () => Promise<void>, failed?: (text: string) => void): Promise<void> {
    try {
      await run();
      this.#troubles = 0;
    } catch (error) {
      if (isAbort(error)) {
        this.#end("interrupted");
        return;
      }
      if (!(error instanceof HarnessError)) throw error;
      failed?.(error.message);
      this.#tell({
        kind: "trouble",
        label,
        text: error.message,
        ...(failed === undefined ? {} : { case: true }),
      });
      if (++this.#troubles >= TROUBLES_MAX) this.#end("harness");
    }
  }

  /** What is not needed for what follows: where the harness cannot do it, that is told. */
  async #orTold<T>(label: string, run: () => T | Promise<T>): Promise<T | null> {
    try {
      return await run();
    } catch (error) {
      if (!(error instanceof HarnessError)) throw error;
      this.#tell({ kind: "trouble", label, text: error.message });
      return null;
    }
  }

  #isOver(): boolean {
    this.#isLate();
    return this.#stop !== null;
  }

  /** Other ends let what was begun be confirmed; this one has no time for it. */
  #isLate(): boolean {
    const { settings, clock, since = this.#started } = this.#parts;
    const late = settings.budget !== null && clock.now() - since >= settings.budget;
    if (late) this.#end("budget");
    return late;
  }

  #end(stop: Stop): void {
    if (this.#stop !== null) return;
    this.#stop = stop;
    this.#tell({ kind: "stopping", stop });
  }

  #progress(): Progress {
    const done = this.#decided.size;
    const planned = this.#singles.length + this.#pairs.length;
    const elapsed = this.#parts.clock.now() - this.#started;
    const waiting = [...this.#singles, ...this.#pairs].filter(({ id }) => !this.#decided.has(id));
    const left = this.#fresh === 0 ? null : this.#pace.left(waiting);
    return { done, planned, runs: this.#runs, elapsed, left };
  }

  #tell(event: SweepEvent): void {
    this.#parts.tell(event);
  }
}

const notRun = (of: Case): CaseResult => ({
  case: of,
  verdict: "not run",
  alarms: [],
  confirmation: null,
  run: null,
  edges: [],
});

const isAbort = (error: unknown): boolean => error instanceof Error && error.name === "AbortError";
