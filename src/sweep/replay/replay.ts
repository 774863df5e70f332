/**
 * A case is run again, as often as it takes to believe what comes out: still there, mended, or something else.
 *
 * | what a run shows | counts as |
 * |---|---|
 * | what the case is known by, beside whatever else | failed as it did |
 * | something else that is more than a suspicion | failed otherwise |
 * | other suspicions alone | passed: they are told. A sweep would have settled by an experiment whether a repeated call does harm |
 * | nothing | passed |
 * | no hit | not reached |
 *
 * A run from which others kept the processors proves nothing but what the case is known by. It is made again; a machine that is always so
 * busy is taken as it is after as many runs as are wanted.
 */
import type { Alarm } from "../contract/finding.js";
import { HarnessError, type FaultInput, type RunResult, type Runner } from "../contract/run.js";
import { isStarved } from "../harness/starvation.js";
import { leading, type Judge } from "../oracles/judge.js";
import { passesNeeded } from "../shrink/rate.js";
import { signatureOf } from "../signature.js";

/** `DIFFERENT`: it fails, and in another way. `ERROR`: no run could be made. */
export const REPLAY_WORDS = ["FAILED", "FIXED", "FLAKY", "DIFFERENT", "NOT REACHED", "ERROR"] as const;
export type ReplayWord = (typeof REPLAY_WORDS)[number];

export interface Replayable {
  readonly name: string;
  readonly faults: readonly FaultInput[];
  readonly seed: number;
  /** null where any failure is the one that is meant, as with a journal of which nobody has said what failed. */
  readonly signature: string | null;
  readonly failed: { readonly of: number; readonly among: number };
}

export interface Replayed {
  readonly word: ReplayWord;
  /** Runs on which a fault acted, and those of them that failed as it did before. */
  readonly failed: number;
  readonly runs: number;
  /** Runs that failed in another way. */
  readonly otherwise: number;
  /** Other failures, by their signatures. */
  readonly others: readonly string[];
  /** Suspicions that are not what it is known by, by their signatures: they are no failures. */
  readonly suspicions: readonly string[];
  /** Faults that acted in no run. */
  readonly unreached: readonly string[];
  /** A sentence; empty where the word says all. */
  readonly text: string;
  /** The run that shows it best; null if there was none. */
  readonly run: RunResult | null;
}

export interface ReplayMeans {
  readonly runner: Runner;
  readonly judge: Judge;
  /** Called after each run. */
  readonly ran?: (run: RunResult, failed: number, runs: number) => void;
}

const RUNS_MIN = 3;
const RUNS_MAX = 44;
/** A failure that is still there is missed in one of twenty replays at most. */
const ERROR = 0.05;

/** Runs to make: three of what failed each time; of what failed in half of its runs five. */
export function replayRuns({ of, among }: Replayable["failed"]): number {
  const share = among === 0 ? 1 : of / among;
  return Math.min(RUNS_MAX, Math.max(RUNS_MIN, passesNeeded(share, ERROR)));
}

/** Whether a run failed in this way: by any of its alarms, since the graver one need not come each time. */
export function failsAs(signature: string, alarms: readonly Alarm[]): boolean {
  return alarms.some((alarm) => `${alarm.verdict} ${alarm.signature}` === signature);
}

/** Throws an AbortError when it was interrupted. */
export async function replay(of: Replayable, { runner, judge, ran }: ReplayMeans): Promise<Replayed> {
  const wanted = replayRuns(of.failed);
  const others = new Set<string>();
  let otherwise = 0;
  const suspicions = new Set<string>();
  const acted = new Set<string>();
  let failed = 0;
  let runs = 0;
  let missed = 0;
  /** Runs that may still be made anew, since others had the machine. */
  let spare = wanted;
  let busy = 0;
  let shown: RunResult | null = null;
  const result = (word: ReplayWord, text = ""): Replayed => {
    const unreached = of.faults.map(({ name }) => name).filter((name) => !acted.has(name));
    return {
      word,
      failed,
      runs,
      otherwise,
      others: [...others],
      suspicions: [...suspicions],
      unreached,
      text: busy === 0 ? text : [text, busyText(busy)].filter((one) => one !== "").join("; "),
      run: shown,
    };
  };
  try {
    while (runs < wanted && (runs > 0 || missed < RUNS_MIN) && missed < wanted) {
      const run = await runner.run({
        label: `replay ${of.name}`,
        faults: of.faults,
        seed: of.seed,
        keep: true,
      });
      const hit = run.outcomes.filter(({ hits }) => hits > 0).map(({ fault }) => fault);
      shown ??= run;
      if (hit.length === 0) {
        missed++;
        continue;
      }
      for (const fault of hit) acted.add(fault);
      const { alarms } = judge(run, of.faults);
      const own = signatureOf(alarms);
      const isIt = own !== null && (of.signature === null || failsAs(of.signature, alarms));
      if (!isIt && isStarved(run)) {
        if (spare-- > 0) continue;
        busy++;
      }
      runs++;
      if (isIt) {
        if (failed++ === 0) shown = run;
      } else if (own !== null && leading(alarms)?.verdict !== "SUSPECT") {
        if (failed === 0 && others.size === 0) shown = run;
        otherwise++;
        others.add(own);
      } else for (const { signature } of alarms) suspicions.add(signature);
      ran?.(run, failed, runs);
    }
  } catch (error) {
    if (!(error instanceof HarnessError)) throw error;
    return result("ERROR", error.message);
  }
  if (runs === 0)
    return result("NOT REACHED", "no fault acted on anything: the calls that it waits for were not made");
  if (failed === 0 && otherwise === 0) return result("FIXED");
  if (failed === 0) return result("DIFFERENT", `it fails otherwise: ${[...others].join("; ")}`);
  // What fails each time may say so in other words at times.
  if (failed + otherwise === runs)
    return result("FAILED", otherwise === 0 ? "" : `at times otherwise: ${[...others].join("; ")}`);
  return result("FLAKY");
}

const busyText = (runs: number): string =>
  `in ${runs === 1 ? "a run" : `${runs} runs`} of these other programs had the processors`;

/** `FAILED 3/3`. */
export function replayText({ word, failed, runs, otherwise }: Replayed): string {
  if (word === "NOT REACHED" || word === "ERROR") return word;
  return `${word} ${word === "DIFFERENT" ? otherwise : failed}/${runs}`;
}
