/**
 * What replay, shrink and hunt have in common before their first run with faults: a runner, fault-free runs that pass and agree, the sites
 * that they show, and a judge who has seen them.
 */
import { runBaselines, type OnBaseline } from "../harness/baselines.js";
import { startRunner, type HarnessRunner, type RunnerOptions } from "../harness/runner.js";
import type { PlaceOf } from "../oracles/calls.js";
import type { JudgeOptions } from "../oracles/evidence.js";
import type { KnownRoutes } from "../sites/routes.js";
import { findSites, type Sites } from "../sites/sites.js";
import { Controls } from "../sweep/controls.js";
import { placesOf } from "../sweep/places.js";
import type { RunResult } from "../contract/run.js";

export interface LabOptions extends RunnerOptions {
  readonly judge: JudgeOptions;
  /** Route templates that somebody wrote. */
  readonly known: KnownRoutes;
  /** Called as each of the fault-free runs ends. */
  readonly onBaseline: OnBaseline;
}

export interface Lab {
  readonly runner: HarnessRunner;
  readonly controls: Controls;
  readonly sites: Sites;
  readonly place: PlaceOf;
  readonly baselines: readonly RunResult[];
}

/**
 * Opens it for as long as `use` takes.
 *
 * @throws BaselineBroken where the command fails without faults
 * @throws HarnessError where no run can be made
 * @throws SquallError where a proxy cannot listen
 */
export async function withLab<T>(options: LabOptions, use: (lab: Lab) => Promise<T>): Promise<T> {
  const runner = await startRunner(options);
  try {
    return await use(await labOf(runner, options));
  } finally {
    await runner.close();
  }
}

async function labOf(runner: HarnessRunner, options: LabOptions): Promise<Lab> {
  const baselines = await runBaselines(runner, options.settings, options.onBaseline);
  runner.calibrate(baselines);
  const records = baselines.map(({ record }) => record);
  const sites = findSites(records, options.known);
  const place = placesOf(sites.calls);
  const controls = new Controls(baselines, place, options.judge, runner, () => undefined);
  return { runner, controls, sites, place, baselines };
}
