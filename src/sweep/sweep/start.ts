/** A sweep from its settings to its reports: the harness, the fault-free runs, the sites, the plan, the loop, and what is written of it. */
import { join } from "node:path";
import type { Clock } from "../../core/clock.js";
import { version } from "../../version.js";
import type { Case } from "../contract/case.js";
import type { CaseResult } from "../contract/finding.js";
import type { KindReport, SweepReport } from "../contract/report.js";
import type { RunResult } from "../contract/run.js";
import { runBaselines, type OnBaseline } from "../harness/baselines.js";
import { startRunner, type HarnessRunner, type RunnerOptions } from "../harness/runner.js";
import { STATE_FILE, SweepState } from "../harness/state-file.js";
import type { JudgeOptions } from "../oracles/evidence.js";
import { KINDS } from "../kinds/kinds.js";
import { Pace } from "../plan/estimate.js";
import { planSweep, type SweepPlanOptions } from "../plan/plan.js";
import { writeReports } from "../report/files.js";
import type { RunSettings } from "../run-file/settings.js";
import { routeWarnings } from "../sites/listing.js";
import type { KnownRoutes } from "../sites/routes.js";
import { findSites, type Sites } from "../sites/sites.js";
import type { OnSweepEvent } from "./events.js";
import type { Memory, Planner, WriteFinding } from "./memory.js";
import { exitOf } from "./outcome.js";
import { placesOf } from "./places.js";
import { reportOf } from "./report.js";
import type { SweepSettings } from "./settings.js";
import { sweep } from "./sweep.js";
import { several } from "../../drawing/figures.js";

export interface StartOptions extends RunnerOptions {
  readonly sweep: SweepSettings;
  readonly judge: JudgeOptions;
  readonly plan: SweepPlanOptions;
  readonly known: KnownRoutes;
  /** Bots are taken one by one, and not by class. */
  readonly eachBot: boolean;
  /** `v22.9.0`. */
  readonly node: string;
  readonly clock: Clock;
  readonly writeFinding: (settings: RunSettings) => WriteFinding;
  /** Called as each of the first fault-free runs ends. */
  readonly onBaseline: OnBaseline;
  /** Called when it is known what there is to do, and before any of it is done; false for not doing it. */
  readonly onPlan: (planned: Planned) => boolean;
  readonly onEvent: OnSweepEvent;
}

export interface Planned {
  readonly baselines: readonly RunResult[];
  readonly sites: Sites;
  readonly planner: Planner;
  readonly jobs: number;
  /** What one run takes with all that goes with it, in milliseconds. */
  readonly each: number;
  /** What all singles take, and when a run that hangs is ended, in milliseconds; null where runs do not end by themselves. */
  readonly whole: number;
  readonly timeout: number | null;
}

export interface Swept {
  readonly report: SweepReport;
  readonly exit: { readonly code: number; readonly why: string };
  /** Paths of what was written. */
  readonly files: readonly string[];
  /** Why reports are missing; null if all are there. */
  readonly unwritten: string | null;
}

/**
 * Null if `onPlan` did not want it.
 *
 * @throws BaselineBroken
 * @throws SelectionError where kinds or sites are asked for that there are not
 * @throws HarnessError where the harness could make no run at all
 * @throws SquallError where a proxy cannot listen
 */
export async function startSweep(options: StartOptions): Promise<Swept | null> {
  const runner = await startRunner(options);
  try {
    return await swept(runner, options);
  } finally {
    await runner.close();
  }
}

async function swept(runner: HarnessRunner, options: StartOptions): Promise<Swept | null> {
  const { settings, clock, tell = () => undefined } = options;
  const started = clock.now();
  const wall = clock.wallTime();
  const baselines = await runBaselines(runner, settings, options.onBaseline);
  runner.calibrate(baselines);
  const each = ((clock.now() - started) * Math.min(runner.jobs, baselines.length)) / baselines.length;
  const sites = findSites(
    baselines.map(({ record }) => record),
    options.known,
    { eachBot: options.eachBot },
  );
  for (const warning of routeWarnings(sites)) tell(warning);
  const planner = planSweep(sites, options.plan);
  const { jobs } = runner;
  const whole = new Pace(each, jobs).left(planner.singles);
  const timeout = settings.service === null ? runner.timeout : null;
  if (!options.onPlan({ baselines, sites, planner, jobs, each, whole, timeout })) return null;
  const state = SweepState.open(settings.directory, fingerprintOf(options), tell);
  if (state.finished.size > 0)
    tell(
      `goes on where it was interrupted: ${several(state.finished.size, "case")} of that start count. To begin anew, remove ${join(settings.directory, STATE_FILE)}`,
    );
  const place = placesOf(sites.calls);
  const outcome = await sweep({
    runner,
    baselines,
    planner,
    place,
    judge: options.judge,
    settings: options.sweep,
    clock,
    since: started,
    each,
    tell: options.onEvent,
    memory: memoryOf(state),
    writeFinding: options.writeFinding(settings),
  });
  const report = reportOf({
    outcome,
    settings: options.sweep,
    place,
    sites: sites.list,
    kinds: KINDS.map(({ name, what, protocol }): KindReport => ({ name, about: what, protocol })),
    command: commandOf(settings),
    workers: runner.jobs,
    madeBy: { squall: version, node: options.node },
    started: new Date(wall).toISOString(),
    took: clock.now() - started,
  });
  const { files, unwritten } = await writeReports(report, settings.directory);
  // What was not run for want of time is begun again by the next start; what is over is not, once it can be read. Who asked for the first
  // findings alone mends them, and then wants to hear of the program as it is.
  const over = outcome.stop === null || outcome.stop === "findings";
  if (over && unwritten === null) state.remove();
  return { report, exit: exitOf(outcome, options.sweep), files, unwritten };
}

/** What decides what a case is, and how it is run: a case of another start counts for this one if that is the same. */
function fingerprintOf({ settings, sweep: { repeat }, plan: { slow }, eachBot }: StartOptions): string {
  return [
    settings.fingerprint,
    `repeat ${repeat}`,
    ...(slow ? ["slow"] : []),
    ...(eachBot ? ["each bot"] : []),
  ].join(", ");
}

function commandOf({ command }: RunSettings): SweepReport["command"] {
  if (command === null) return [];
  return command.kind === "words" ? command.words : command.line;
}

/** Of a result is written what reports tell of it, and the pairs that follow it; the record of its run stays in its folder. */
function memoryOf(state: SweepState): Memory {
  return {
    recall: (of) => {
      const known = state.finished.get(of.id);
      return isRemembered(known)
        ? { result: { ...known.result, case: of, run: null }, pairs: known.pairs }
        : undefined;
    },
    remember: (result, pairs) => {
      if (result.verdict === "harness error") return;
      const { case: _case, run: _run, ...kept } = result;
      state.add(result.case.id, { result: kept, pairs } satisfies Remembered);
    },
  };
}

interface Remembered {
  readonly result: Omit<CaseResult, "case" | "run">;
  readonly pairs: readonly Case[];
}

/** The file is our own, and belongs to this version. */
function isRemembered(value: unknown): value is Remembered {
  return typeof value === "object" && value !== null && "result" in value && "pairs" in value;
}
