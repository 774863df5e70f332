/**
 * A failing list of parts made as small as it can be: whole groups first, then prefixes, a look at each part that is left, and delta
 * debugging where the program is not as simple as that. What parts are, nobody here knows.
 */
import { Bench, CapReached, type Caps, type Stopped, type Try } from "./bench.js";
import { ddmin } from "./ddmin.js";
import { neededByPrefixes } from "./prefixes.js";
import { isSteady, passesNeeded, shareOf, type Rate } from "./rate.js";

export interface ReduceOptions {
  /** How many parts there are, in the order of time. */
  readonly size: number;
  readonly try: Try;
  /** What runs of all of them have shown; made here where it is null. */
  readonly rate: Rate | null;
  /** The share of runs that fail alike without any part. */
  readonly alarm: number;
  /** Parts that belong together, such as the hits of one fault; each list tells all of them apart. */
  readonly levels: readonly (readonly (readonly number[])[])[];
  readonly caps: Caps;
  readonly now: () => number;
  readonly smaller: (size: number, runs: number) => void;
}

export interface Reduced {
  /** Places in the list, in order. */
  readonly kept: readonly number[];
  /** Of all of them, before anything was left out. */
  readonly rate: Rate;
  /** Of what is kept, when it was found; all zero if there was no run left for that. */
  readonly confirmed: { readonly failed: number; readonly runs: number };
  /** null if it is as small as can be told; or why it may not be. */
  readonly stopped: Stopped | null;
  /** Whether all of them failed alike even once: if not, there is nothing to make smaller. */
  readonly reproduced: boolean;
  readonly runs: number;
  readonly took: number;
  /** Other failures that came up, with the parts that had them. */
  readonly others: ReadonlyMap<string, readonly number[]>;
}

const CONFIRM_RUNS = 3;
const FLAKY_RUNS = 10;
/** Lists as short as this are not looked at in groups. */
const FEW = 4;

export async function reduce(options: ReduceOptions): Promise<Reduced> {
  const { size, caps, now, smaller } = options;
  const bench = new Bench(options.try, { size, caps, now, smaller });
  const all = Array.from({ length: size }, (_, index) => index);
  let rate: Rate = options.rate ?? { failed: 0, passed: 0 };
  const result = (stopped: Stopped | null, kept: readonly number[]): Reduced => {
    const { alike, runs } = bench.seen(kept);
    return {
      kept,
      rate,
      confirmed: { failed: alike, runs },
      stopped,
      reproduced: rate.failed > 0,
      runs: bench.runs,
      took: bench.took,
      others: bench.others,
    };
  };
  try {
    if (options.rate === null) rate = await rateOf(bench, all, (found) => (rate = found));
    if (rate.failed === 0) return result(null, all);
    const few = await withoutGroups(bench, all, options.levels, rate);
    let kept = await needed(bench, few, rate, options.alarm);
    kept = await minimal(bench, kept, rate);
    await confirm(bench, kept, rate);
    return result(null, kept);
  } catch (error) {
    if (!(error instanceof CapReached)) throw error;
    return result(error.why, bench.best);
  }
}

/** Three times, and ten if it is not the same each time. */
async function rateOf(bench: Bench, all: readonly number[], tell: (rate: Rate) => void): Promise<Rate> {
  const rate = (): Rate => {
    const { alike, runs } = bench.seen(all);
    return { failed: alike, passed: runs - alike };
  };
  while (bench.seen(all).runs < (rate().passed === 0 ? CONFIRM_RUNS : FLAKY_RUNS)) {
    await bench.once(all);
    tell(rate());
  }
  return rate();
}

/** Whole activations, whole faults: one run each, as long as there is more than a handful. */
async function withoutGroups(
  bench: Bench,
  all: readonly number[],
  levels: ReduceOptions["levels"],
  rate: Rate,
): Promise<readonly number[]> {
  let kept = all;
  for (const groups of levels) {
    const largest = groups.toSorted((a, b) => b.length - a.length);
    for (const group of groups.length > FEW ? [] : largest) {
      const rest = kept.filter((part) => !group.includes(part));
      if (kept.length <= FEW || rest.length === 0 || rest.length === kept.length) continue;
      if (await bench.fails(rest, rate)) kept = rest;
    }
  }
  return kept;
}

async function needed(
  bench: Bench,
  all: readonly number[],
  rate: Rate,
  alarm: number,
): Promise<readonly number[]> {
  if (all.length <= 1) return all;
  // What fails each time is not asked twice.
  const fails = isSteady(rate)
    ? (kept: readonly number[]): Promise<boolean> => bench.fails(kept, rate)
    : (kept: readonly number[]): Promise<boolean> => bench.once(kept);
  const found = await neededByPrefixes(all, fails, { rate, alarm: isSteady(rate) ? 0 : alarm });
  if (found !== null && (await bench.fails(found, rate))) return found;
  return ddmin(all, (kept) => bench.fails(kept, rate));
}

/**
 * Leaves out each of what is left once. That may be known already; what fails at times was asked often enough on the way, so that one run
 * more is all that is spent on it. None is left out of one: without any part nothing fails.
 */
async function minimal(bench: Bench, all: readonly number[], rate: Rate): Promise<readonly number[]> {
  let kept = all;
  let isLess = false;
  for (const part of all) {
    const rest = kept.filter((other) => other !== part);
    if (rest.length === 0) break;
    const fails = isSteady(rate) ? await bench.fails(rest, rate) : await bench.once(rest);
    if (!fails) continue;
    kept = rest;
    isLess = true;
  }
  // One that can go is a sign that others can: less may fail though more does not.
  return isLess && kept.length > 1 ? ddmin(kept, (some) => bench.fails(some, rate)) : kept;
}

async function confirm(bench: Bench, kept: readonly number[], rate: Rate): Promise<void> {
  const wanted = isSteady(rate) ? CONFIRM_RUNS : Math.max(CONFIRM_RUNS, passesNeeded(shareOf(rate), 0.05));
  // Those count that were made on the way.
  while (bench.seen(kept).runs < wanted) await bench.once(kept);
}
