/**
 * Whether an alarm is to be believed: the fault again, a fault-free run, and the fault once more. What fails each time is a finding; what
 * fails at times is run up to ten times, without other runs beside it, and called FLAKY, with its share. What fault-free runs do as well, and
 * about as often, says nothing against the fault; nor does what fails only while others have the machine.
 *
 * | failed | of these with the machine to itself | passed with it | verdict |
 * |---|---|---|---|
 * | each time | any | | that of the alarm; if none, after one more run alone |
 * | at times | one at least | any | FLAKY |
 * | at times | none | 5 and more, or with twice as much of it | survived, with a note |
 * | at times | none | fewer | harness error: nothing can be said |
 */
import type { Case } from "../contract/case.js";
import type { Alarm, Confirmation, Verdict } from "../contract/finding.js";
import { HarnessError, type RunResult, type Runner } from "../contract/run.js";
import { isStarved } from "../harness/starvation.js";
import { seconds } from "../oracles/calls.js";
import { leading } from "../oracles/judge.js";
import { failsAlike } from "../signature.js";
import type { Controls } from "./controls.js";
import type { OnSweepEvent } from "./events.js";
import { reachOf } from "./reach.js";
import { CALM_RUNS, CONFIRM_RUNS, FLAKY_RUNS } from "./settings.js";
import { byChance, extraRuns } from "./statistics.js";

/** More likely than this by chance, and it is not believed. */
const DOUBT = 0.05;

export interface Confirmed {
  readonly verdict: Verdict;
  /** Of the run that shows it best: the first with the commonest signature. */
  readonly alarms: readonly Alarm[];
  readonly run: RunResult;
  readonly confirmation: Confirmation;
  /** Why nothing is held against it after all, or why it could not be run again. */
  readonly note?: string;
}

export interface FirstAlarm {
  readonly case: Case;
  readonly run: RunResult;
  readonly alarms: readonly Alarm[];
  readonly alarm: Alarm;
  /** Runs of the case before it that survived. */
  readonly passed: number;
}

export interface ConfirmMeans {
  readonly runner: Runner;
  readonly controls: Controls;
  readonly seed: number;
  readonly tell: OnSweepEvent;
  /** Whether there is time for no other run: what is not confirmed by then stays a doubt. */
  readonly isOver: () => boolean;
  /** What is left of the alarms of a rerun. */
  readonly sift: (alarms: readonly Alarm[]) => readonly Alarm[];
}

/** Throws what the runner throws, but for a harness that can make no run any more: what was seen until then is not lost for that. */
export async function confirm(first: FirstAlarm, means: ConfirmMeans): Promise<Confirmed> {
  const { runner, controls, seed, tell, sift } = means;
  const failures: { run: RunResult; alarms: readonly Alarm[] }[] = [first];
  let runs = first.passed + 1;
  let unreached = 0;
  const passes: RunResult[] = [];
  const wanted = (): number => CONFIRM_RUNS + extraRuns(controls.counts.failed);
  const mixed = (): boolean => failures.length < runs;
  /** No run has failed that had the machine which it needed. */
  const starved = (): boolean => failures.every(({ run }) => isStarved(run));
  /** How fault-free runs have failed in the same way, where that explains it as well; null if not. */
  const explained = (): string | null => {
    const alike = controls.failedAlike(first.alarm);
    const without = { failed: alike, runs: controls.counts.runs };
    if (alike === 0 || byChance({ failed: failures.length, runs }, without) <= DOUBT) return null;
    return `${failures.length} of ${runs} failed, and so did ${alike} of ${without.runs} fault-free runs`;
  };
  let alone = false;
  const enough = (): number => {
    // What has failed each time for want of a processor must do so once more without another run beside it.
    if (!mixed() && explained() === null) return wanted() + (starved() && !alone ? 1 : 0);
    return Math.max(FLAKY_RUNS, starved() ? first.passed + 1 + CALM_RUNS : 0);
  };
  const again = async (): Promise<void> => {
    tell({ kind: "confirming", case: first.case, alarm: first.alarm, failed: failures.length, runs });
    alone = mixed() || runs >= wanted();
    const { name: label, faults } = first.case;
    const run = await runner.run({ label, faults, seed, ...(alone ? { alone } : {}) });
    if (reachOf(first.case, run) === "none") {
      controls.take(run);
      unreached++;
      return;
    }
    const alarms = sift(controls.judge(run, faults).alarms);
    if (failsAlike(alarms, first.alarm)) failures.push({ run, alarms });
    else passes.push(run);
    // In between, so that whatever wears out or piles up shows in it too.
    if (++runs === first.passed + 2 && !means.isOver()) await controls.run(seed);
  };
  let broken: string | undefined;
  while (unreached < CONFIRM_RUNS && runs < enough() && !means.isOver() && broken === undefined)
    try {
      await again();
    } catch (error) {
      if (!(error instanceof HarnessError)) throw error;
      broken = `it could not be run again: ${error.message}`;
    }
  const shown = commonest(failures);
  const confirmation = { failed: failures.length, runs, controls: controls.counts };
  const note = explained();
  if (note !== null) return { ...shown, verdict: "survived", alarms: [], confirmation, note };
  if (mixed() && starved() && runs >= enough())
    return {
      ...shown,
      ...excused(
        failures.map(({ run }) => run),
        passes,
        runs,
      ),
      alarms: [],
      confirmation,
    };
  // A single run that nothing could repeat is no more than a doubt; but what has not come back by itself is stuck, and that is why.
  const sure = !mixed() && (runs > 1 || (broken !== undefined && first.alarm.verdict === "STUCK"));
  const verdict = sure ? (leading(shown.alarms)?.verdict ?? "FLAKY") : "FLAKY";
  return { ...shown, verdict, confirmation, ...(broken === undefined ? {} : { note: broken }) };
}

/**
 * Of what has failed only while others had the machine: whether it has passed often enough when they had not, or had it for half as long at
 * most. That the runs that failed are those with by far the least of the machine is hardly chance.
 */
function excused(
  failures: readonly RunResult[],
  passes: readonly RunResult[],
  runs: number,
): Pick<Confirmed, "verdict" | "note"> {
  const least = Math.min(...failures.map(({ starved = 0 }) => starved));
  const calm = passes.filter((run) => !isStarved(run) || (run.starved ?? 0) <= least / 2).length;
  const when = `failed in ${failures.length} of ${runs} runs, only while other programs had the processors (for ${seconds(least)} and more)`;
  if (calm >= CALM_RUNS)
    return {
      verdict: "survived",
      note: `${when}, and in none of ${calm} in which they did not, or half as long`,
    };
  return {
    verdict: "harness error",
    note: `${when}; it had them itself in ${calm === 0 ? "none" : `only ${calm}`} of the others, so that nothing can be said of it`,
  };
}

function commonest<F extends { readonly alarms: readonly Alarm[] }>(failures: readonly F[]): F {
  const counts = new Map<string, { first: F; count: number }>();
  for (const failure of failures) {
    const signature = leading(failure.alarms)?.signature ?? "";
    const known = counts.get(signature);
    if (known === undefined) counts.set(signature, { first: failure, count: 1 });
    else known.count++;
  }
  return [...counts.values()].reduce((best, one) => (one.count > best.count ? one : best)).first;
}
