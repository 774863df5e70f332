/** Fault-free runs: what is normal is learned from them, and each that fails makes findings less sure. */
import type { Alarm, Judgement } from "../contract/finding.js";
import type { RunResult, Runner } from "../contract/run.js";
import type { PlaceOf } from "../oracles/calls.js";
import type { JudgeOptions } from "../oracles/evidence.js";
import { judgeBy, leading, type Judge } from "../oracles/judge.js";
import { failsAlike } from "../signature.js";
import type { OnSweepEvent } from "./events.js";

/** Learning from more makes no difference, and all of their records are kept. */
const LEARNED_MAX = 12;

export class Controls {
  readonly #baselines: readonly RunResult[];
  readonly #place: PlaceOf;
  readonly #options: JudgeOptions;
  readonly #runner: Runner;
  readonly #tell: OnSweepEvent;
  readonly #clean: RunResult[];
  readonly #harmless = new Set<string>();
  #judge: Judge;
  #runs: number;
  /** Of each that failed, what was against it. */
  readonly #failures: (readonly Alarm[])[] = [];
  #made = 0;

  constructor(
    baselines: readonly RunResult[],
    place: PlaceOf,
    options: JudgeOptions,
    runner: Runner,
    tell: OnSweepEvent,
  ) {
    this.#baselines = baselines;
    this.#place = place;
    this.#options = options;
    this.#runner = runner;
    this.#tell = tell;
    this.#clean = [...baselines];
    this.#judge = judgeBy(this.#clean, place, options);
    this.#runs = baselines.length;
  }

  get counts(): { readonly failed: number; readonly runs: number } {
    return { failed: this.#failures.length, runs: this.#runs };
  }

  /** Of those that failed, how many did so in this way. */
  failedAlike(alarm: Alarm): number {
    return this.#failures.filter((alarms) => failsAlike(alarms, alarm)).length;
  }

  /** Runs beyond the baselines. */
  get made(): number {
    return this.#made;
  }

  get baselines(): readonly RunResult[] {
    return this.#baselines;
  }

  /** Of what the fault-free runs have shown by now, without the suspicions that were dropped. */
  get judge(): Judge {
    if (this.#harmless.size === 0) return this.#judge;
    return (run, faults) => {
      const alarms = this.#judge(run, faults).alarms.filter(
        ({ verdict, signature }) => verdict !== "SUSPECT" || !this.#harmless.has(signature),
      );
      return { verdict: leading(alarms)?.verdict ?? "survived", alarms };
    };
  }

  /** An experiment has shown that there is nothing behind suspicions of this signature. */
  drop(signature: string): void {
    this.#harmless.add(signature);
  }

  /** Makes one more. Throws what the runner throws. */
  async run(seed: number): Promise<void> {
    const result = await this.#runner.run({ label: `control ${++this.#made}`, faults: [], seed });
    this.take(result);
  }

  /** A run on which no fault acted, whatever it was made for. */
  take(result: RunResult): Judgement {
    const judgement = this.#judge(result, []);
    const alarm = leading(judgement.alarms);
    this.#runs++;
    if (alarm !== null) this.#failures.push(judgement.alarms);
    else if (this.#clean.length < LEARNED_MAX) {
      this.#clean.push(result);
      this.#judge = judgeBy(this.#clean, this.#place, this.#options);
    }
    this.#tell({ kind: "control", failed: alarm !== null, controls: this.counts, text: alarm?.text ?? "" });
    return judgement;
  }
}
