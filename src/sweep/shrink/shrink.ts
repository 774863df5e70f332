/**
 * A failing run to the smallest case that fails alike: made explicit, reduced, put into simpler words, its threshold found, and confirmed.
 * Where single hits do not bring it about and the faults as they were written do, whole faults are left out instead.
 */
import { formatDuration } from "../../core/units.js";
import type { Alarm } from "../contract/finding.js";
import type { RunRecord } from "../contract/record.js";
import type { FaultInput, RunResult, Runner } from "../contract/run.js";
import type { Judge } from "../oracles/judge.js";
import { leading } from "../oracles/judge.js";
import type { Shrunk } from "../replay/case-file.js";
import { failsAs } from "../replay/replay.js";
import { signatureOf } from "../signature.js";
import { CapReached, type Caps, type Stopped, type Trial } from "./bench.js";
import { explicit, faultsOfParts, levelsOf, type ExplicitMeans, type Part } from "./explicit.js";
import { isSteady, passesNeeded, shareOf, type Rate } from "./rate.js";
import { reduce, type Reduced } from "./reduce.js";
import { STEPS, timeOf, withTime } from "./simpler.js";

export interface ShrinkInput {
  readonly faults: readonly FaultInput[];
  readonly seed: number;
  /** Of the run that failed; null where it was not recorded, and is made again. */
  readonly record: RunRecord | null;
  /** By what it is known; null for what the first run shows. */
  readonly signature: string | null;
}

export interface ShrinkMeans {
  readonly runner: Runner;
  readonly judge: Judge;
  readonly explicit: ExplicitMeans;
  /** The share of fault-free runs that fail. */
  readonly alarm: number;
  readonly caps: Caps;
  readonly now: () => number;
  /** `50 -> 25 -> 7 -> 1`: the sizes so far. */
  readonly progress: (sizes: readonly number[], runs: number) => void;
  readonly say: (text: string) => void;
}

export interface ShrinkResult {
  readonly faults: readonly FaultInput[];
  readonly signature: string;
  /** Of the case as it is now. */
  readonly failed: { readonly failed: number; readonly runs: number };
  readonly shrunk: Shrunk;
  readonly threshold: string | null;
  readonly alarms: readonly Alarm[];
  /** Sites are named by what these runs show. */
  readonly run: RunResult;
  /** Other failures that came up on the way, each with the faults of the first run that had it. */
  readonly others: readonly { readonly signature: string; readonly faults: readonly FaultInput[] }[];
}

const TRIES = 10;
/** Thresholds are found to within a tenth. */
const NEAR = 1.1;

/** Null where it does not fail any more. Throws what the runner throws, but for an interrupt, which ends the search with what it has. */
export async function shrink(input: ShrinkInput, means: ShrinkMeans): Promise<ShrinkResult | null> {
  const work = new Shrinking(input, means);
  return work.run();
}

interface Failing {
  readonly run: RunResult;
  readonly alarms: readonly Alarm[];
}

class Shrinking {
  readonly #input: ShrinkInput;
  readonly #means: ShrinkMeans;
  readonly #since: number;
  readonly #others = new Map<string, readonly FaultInput[]>();
  #signature: string | null;
  #runs = 0;
  #shown: Failing | null = null;

  constructor(input: ShrinkInput, means: ShrinkMeans) {
    this.#input = input;
    this.#means = means;
    this.#since = means.now();
    this.#signature = input.signature;
  }

  async run(): Promise<ShrinkResult | null> {
    const { faults } = this.#input;
    const record = this.#input.record ?? (await this.#failing(faults))?.run.record ?? null;
    if (record === null) return null;
    const { parts, whole } = explicit(record, faults, this.#means.explicit);
    if (whole.length > 0)
      this.#means.say(`left whole, since their single hits cannot be named: ${whole.join(", ")}`);
    const level = whole.length > 0 ? "profile" : "hits";
    if (parts.length > 0) {
      const found = await this.#reduced(parts, level);
      if (found !== null) return found;
      this.#means.say(
        "its hits alone do not fail as the run did: the faults are shrunk as they were written",
      );
    }
    if (this.#input.record !== null && this.#signature === null && (await this.#failing(faults)) === null)
      return null;
    const written = faults.map((fault, seq): Part => ({
      seq,
      activation: "",
      origin: fault.name,
      fault,
      nth: null,
    }));
    return this.#reduced(written, "profile");
  }

  /** The first run of these faults that fails, of a few. */
  async #failing(faults: readonly FaultInput[]): Promise<Failing | null> {
    for (let number = 0; number < TRIES; number++) if ((await this.#try(faults)).alike) return this.#shown;
    return null;
  }

  async #reduced(parts: readonly Part[], level: Shrunk["level"]): Promise<ShrinkResult | null> {
    const { caps, now, alarm, progress } = this.#means;
    const sizes = [parts.length];
    const some = (kept: readonly number[]): FaultInput[] =>
      faultsOfParts(kept.flatMap((index) => parts[index] ?? []));
    const reduced = await reduce({
      size: parts.length,
      try: (kept) => this.#try(some(kept)),
      rate: null,
      alarm,
      levels: levelsOf(parts),
      caps: this.#left(caps),
      now,
      smaller: (size) => {
        sizes.push(size);
        progress(sizes, this.#runs);
      },
    });
    if (!reduced.reproduced) return null;
    return this.#finished(some(reduced.kept), parts.length, reduced, level);
  }

  async #finished(
    kept: readonly FaultInput[],
    from: number,
    { rate, stopped, confirmed, kept: places }: Reduced,
    level: Shrunk["level"],
  ): Promise<ShrinkResult | null> {
    let faults = kept;
    let threshold: string | null = null;
    let failed = confirmed;
    let partly: Stopped | null = stopped;
    if (partly === null) {
      try {
        faults = await this.#simpler(kept, rate);
        threshold = await this.#threshold(faults, rate);
        if (faults !== kept) failed = await this.#confirmed(faults, rate);
      } catch (error) {
        if (!(error instanceof CapReached)) throw error;
        partly = error.why;
      }
    }
    const shown = this.#shown;
    if (shown === null || this.#signature === null) return null;
    return {
      faults,
      signature: this.#signature,
      failed: failed.runs === 0 ? { failed: rate.failed, runs: rate.failed + rate.passed } : failed,
      shrunk: {
        from,
        to: places.length,
        runs: this.#runs,
        took: this.#means.now() - this.#since,
        partly,
        level,
      },
      threshold,
      alarms: shown.alarms,
      run: shown.run,
      others: [...this.#others].map(([signature, others]) => ({ signature, faults: others })),
    };
  }

  async #simpler(faults: readonly FaultInput[], rate: Rate): Promise<readonly FaultInput[]> {
    let kept = faults;
    for (const step of STEPS)
      for (const index of kept.keys()) {
        const fault = kept[index];
        const simpler = fault === undefined ? null : step(fault);
        if (simpler === null) continue;
        const candidate = kept.with(index, simpler.fault);
        if (!(await this.#fails(candidate, rate))) continue;
        this.#means.say(`simpler: ${simpler.words}`);
        kept = candidate;
      }
    return kept;
  }

  /**
   * From what time on it fails, of one fault alone. It is told and not used: a file that fails just so hides how bad it is, and passes on a
   * faster machine.
   */
  async #threshold(faults: readonly FaultInput[], rate: Rate): Promise<string | null> {
    const [fault, second] = faults;
    const time = fault === undefined || second !== undefined ? null : timeOf(fault);
    if (fault === undefined || time === null) return null;
    let fails = time.value;
    let passes = 0;
    while (passes === 0 ? fails > 10 : fails / passes > NEAR) {
      const middle = passes === 0 ? fails / 4 : Math.sqrt(fails * passes);
      if (await this.#fails([withTime(fault, middle)], rate)) fails = middle;
      else passes = middle;
    }
    const keeps = formatDuration(Math.round(time.value));
    return passes === 0
      ? `${time.key}: fails with hardly any; the file keeps ${keeps}`
      : `${time.key}: fails from ${formatDuration(Math.round(fails / 10) * 10)} on; the file keeps ${keeps}`;
  }

  async #confirmed(faults: readonly FaultInput[], rate: Rate): Promise<{ failed: number; runs: number }> {
    const wanted = isSteady(rate) ? 3 : Math.max(3, passesNeeded(shareOf(rate), 0.05));
    let failed = 0;
    for (let run = 0; run < wanted; run++) if ((await this.#capped(faults)).alike) failed++;
    return { failed, runs: wanted };
  }

  async #fails(faults: readonly FaultInput[], rate: Rate): Promise<boolean> {
    const enough = isSteady(rate) ? 1 : passesNeeded(shareOf(rate), 0.01);
    for (let run = 0; run < enough; run++) if ((await this.#capped(faults)).alike) return true;
    return false;
  }

  async #capped(faults: readonly FaultInput[]): Promise<Trial> {
    const { runs, time } = this.#left(this.#means.caps);
    if (runs <= 0) throw new CapReached("runs");
    if (time <= 0) throw new CapReached("time");
    try {
      return await this.#try(faults);
    } catch (error) {
      if (error instanceof Error && error.name === "AbortError") throw new CapReached("interrupted");
      throw error;
    }
  }

  #left({ runs, time }: Caps): Caps {
    return { runs: runs - this.#runs, time: time - (this.#means.now() - this.#since) };
  }

  async #try(faults: readonly FaultInput[]): Promise<Trial> {
    const { runner, judge } = this.#means;
    const label = `shrink ${++this.#runs}`;
    const run = await runner.run({ label, faults, seed: this.#input.seed });
    const { alarms } = judge(run, faults);
    const own = signatureOf(alarms);
    if (own === null || leading(alarms) === null) return { alike: false, other: null };
    this.#signature ??= own;
    const alike = failsAs(this.#signature, alarms);
    if (alike) this.#shown = { run, alarms };
    else if (!this.#others.has(own)) this.#others.set(own, faults);
    return { alike, other: alike ? null : own };
  }
}
