/** The hunt: trial after trial, what shows something new is kept to be changed, and what fails is handed over to be confirmed and shrunk. */
import type { Clock } from "../../core/clock.js";
import type { Alarm } from "../contract/finding.js";
import { HarnessError, type FaultInput, type RunResult, type Runner } from "../contract/run.js";
import type { PlaceOf } from "../oracles/calls.js";
import { leading } from "../oracles/judge.js";
import { experimentAt, isHarmless } from "../sweep/harmless.js";
import { signatureOf } from "../signature.js";
import type { Controls } from "../sweep/controls.js";
import { crew } from "../sweep/crew.js";
import { Novelty } from "./novelty.js";
import { faultsOfTrial, parentOf, partnerOf, trialText, type Ground, type TrialName } from "./trial.js";

export interface Failure {
  readonly trial: TrialName;
  readonly faults: readonly FaultInput[];
  readonly run: RunResult;
  readonly alarm: Alarm;
  readonly signature: string;
}

export interface HuntMeans {
  readonly runner: Runner;
  readonly controls: Controls;
  readonly ground: Ground;
  readonly place: PlaceOf;
  /** Faults by which Squall itself has the first call of a site carried out twice; null where that makes no sense. */
  readonly repeatedAt: (site: string) => readonly FaultInput[] | null;
  readonly clock: Pick<Clock, "now">;
  /** When its time began to run, with the fault-free runs; now, if not given. */
  readonly since?: number;
  /** Milliseconds; null for no end of time. */
  readonly budget: number | null;
  readonly trials: number | null;
  /** The only one that is run; null for all from 1. */
  readonly only: TrialName | null;
  /** Each trial that is over, with how many there were. */
  readonly tried: (trials: number, kept: number, failures: number) => void;
  /** A failure with a signature that was not there before. No other trial begins until it is dealt with. */
  readonly failure: (failure: Failure) => Promise<void>;
}

export type HuntStop = "trials" | "budget" | "nothing new" | "interrupted" | "harness";

export interface Hunted {
  readonly trials: number;
  /** Trials in which no fault acted on anything: they say nothing. */
  readonly unreached: number;
  readonly kept: number;
  /** Trials that failed, by signature. */
  readonly failures: ReadonlyMap<string, number>;
  readonly stop: HuntStop;
  /** Why the harness could make no more runs; empty otherwise. */
  readonly trouble: string;
}

/** After so many trials in a row without anything new, there is little more to be had. */
const NOTHING_NEW = 200;
/** So often does a fault-free run come in between. */
const CONTROL_EVERY = 20;
const TROUBLES_MAX = 3;
const KEPT_MAX = 1_000;

export async function hunt(means: HuntMeans): Promise<Hunted> {
  const { runner, controls, ground, place, clock, only } = means;
  const novelty = new Novelty();
  for (const baseline of controls.baselines) novelty.take(baseline, place);
  const started = means.since ?? clock.now();
  const kept: TrialName[] = [];
  const failures = new Map<string, number>();
  let [next, trials, unreached, since, troubles] = [1, 0, 0, 0, 0];
  let stop: HuntStop | null = null;
  let trouble = "";
  let handling: Promise<void> = Promise.resolve();

  const experiments = new Map<string, Promise<void>>();
  /** What an experiment can settle is settled at once, so that it does not hide what is behind it. */
  const settle = async (run: RunResult, faults: readonly FaultInput[]): Promise<readonly Alarm[]> => {
    for (const { signature, site } of controls
      .judge(run, faults)
      .alarms.filter((one) => experimentAt(one) !== null)) {
      const repeated = site === undefined ? null : means.repeatedAt(site);
      if (repeated === null) continue;
      const made =
        experiments.get(signature) ??
        runner
          .run({ label: `experiment ${signature}`, faults: repeated, seed: ground.seed })
          .then((result) => {
            const { verdict } = controls.judge(result, repeated);
            if (isHarmless(result, verdict, controls.baselines)) controls.drop(signature);
          });
      experiments.set(signature, made);
      await made;
    }
    return controls.judge(run, faults).alarms;
  };
  const isOver = (): boolean => {
    if (means.trials !== null && next > means.trials) stop ??= "trials";
    if (means.budget !== null && clock.now() - started >= means.budget) stop ??= "budget";
    if (since >= NOTHING_NEW) stop ??= "nothing new";
    return stop !== null;
  };
  const judged = async (trial: TrialName, faults: readonly FaultInput[], run: RunResult): Promise<void> => {
    // Its own number: others are judged meanwhile.
    const number = ++trials;
    since++;
    if (run.outcomes.every(({ hits }) => hits === 0)) unreached++;
    if (novelty.take(run, place)) {
      since = 0;
      if (kept.length < KEPT_MAX) kept.push(trial);
    }
    const alarms = await settle(run, faults);
    const [alarm, signature] = [leading(alarms), signatureOf(alarms)];
    if (alarm !== null && signature !== null) {
      const before = failures.get(signature) ?? 0;
      failures.set(signature, before + 1);
      if (before === 0) {
        handling = handling.then(() => means.failure({ trial, faults, run, alarm, signature }));
        await handling;
      }
    }
    means.tried(
      trials,
      kept.length,
      [...failures.values()].reduce((sum, count) => sum + count, 0),
    );
    if (number % CONTROL_EVERY === 0 && only === null) await controls.run(ground.seed);
  };
  const tryOne = async (trial: TrialName): Promise<void> => {
    const faults = faultsOfTrial(trial, ground);
    if (faults.length === 0) return;
    const run = await runner.run({ label: `trial ${trialText(trial)}`, faults, seed: ground.seed });
    await judged(trial, faults, run);
    troubles = 0;
  };
  const guarded = async (trial: TrialName): Promise<void> => {
    try {
      await handling;
      await tryOne(trial);
    } catch (error) {
      if (error instanceof Error && error.name === "AbortError") stop ??= "interrupted";
      else if (error instanceof HarnessError) {
        trouble = error.message;
        if (++troubles >= TROUBLES_MAX) stop ??= "harness";
      } else throw error;
    }
  };
  /** What the number takes half of beside what it changes, as it stands in a name. */
  const splicedWith = (number: number, of: TrialName): number[] => {
    const plain = kept.filter((one) => one.length === 1 && one !== of);
    const partner = partnerOf(number, ground.seed, plain.length);
    const [other] = (partner === null ? undefined : plain[partner]) ?? [];
    return other === undefined ? [] : [-other];
  };
  if (only !== null) {
    await guarded(only);
    stop ??= "trials";
  } else {
    await crew(runner.jobs, () => {
      if (isOver()) return null;
      const number = next++;
      const parent = parentOf(number, ground.seed, kept.length);
      const of = parent === null ? undefined : kept[parent];
      const trial: TrialName =
        of === undefined || of.length > 30 ? [number] : [number, ...splicedWith(number, of), ...of];
      return () => guarded(trial);
    });
  }
  return { trials, unreached, kept: kept.length, failures, stop: stop ?? "trials", trouble };
}

/**
 * What may be said after so many trials: with no failure the rule of three, and else the share. Trials that reached nothing are none.
 */
export function huntSentence({
  trials,
  unreached,
  failures,
}: Pick<Hunted, "trials" | "unreached" | "failures">): string {
  const made = trials - unreached;
  const failed = [...failures.values()].reduce((sum, count) => sum + count, 0);
  if (made === 0) return "no trial reached anything: nothing is known";
  if (failed > 0)
    return `${failed} of ${made} trials failed, in ${failures.size} ${failures.size === 1 ? "way" : "ways"}`;
  const bound = 100 * (1 - 0.05 ** (1 / made));
  const share = bound >= 10 ? Math.round(bound) : Math.ceil(bound * 10) / 10;
  return `0 failures in ${made} trials: with 95 % confidence under ${share} % of such trials fail`;
}
