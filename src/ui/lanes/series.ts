/** What is plotted above the lanes: how many exchanges began, how long they took and how many were hit, over the window. Pure. */
import type { Ledger } from "./ledger.js";
import { Count } from "./tally.js";
import type { TimeWindow } from "./window.js";

export interface Series {
  /** The beginning of each step, on the daemon's clock. */
  readonly at: number[];
  /** Of a second; null for what is still to come, for the step that is under way, and for what nobody saw. */
  readonly rate: (number | null)[];
  readonly hits: (number | null)[];
  readonly bad: (number | null)[];
  /** Milliseconds as clients lived through them, of those that are over; null where there is none. */
  readonly median: (number | null)[];
  readonly slow: (number | null)[];
}

const SECOND = 1_000;
/** Narrower windows are counted from their entries, which are few. */
const COUNTED_MS = 30_000;

/** In about as many steps as are wanted; whole seconds where the window is wide, so that they stay what they are while it moves. */
export function seriesOf(ledger: Ledger, window: TimeWindow, wanted: number, now: number): Series {
  const span = window.until - window.from;
  const step = span <= COUNTED_MS ? span / wanted : Math.ceil(span / wanted / SECOND) * SECOND;
  const first = span <= COUNTED_MS ? window.from : Math.floor(window.from / step) * step;
  const steps = Math.ceil((window.until - first) / step);
  const counts =
    span <= COUNTED_MS ? counted(ledger, window, step, steps) : summed(ledger, first, step, steps);
  const known = counts.map((_, index) => {
    const [begin, end] = [first + index * step, first + (index + 1) * step];
    return end <= now && !ledger.gaps.some(({ from, until }) => from < end && until > begin);
  });
  const each = <Value>(value: (count: Count) => Value): (Value | null)[] =>
    counts.map((count, index) => (known[index] === true ? value(count) : null));
  const perSecond = SECOND / step;
  return {
    at: counts.map((_, index) => first + index * step),
    rate: each(({ began }) => began * perSecond),
    hits: each(({ hits }) => hits * perSecond),
    bad: each(({ bad }) => bad * perSecond),
    median: each((count) => count.quantile(0.5)),
    slow: each((count) => count.quantile(0.95)),
  };
}

function counted(ledger: Ledger, { from, until }: TimeWindow, step: number, steps: number): readonly Count[] {
  const counts = Array.from({ length: steps }, () => new Count());
  for (const lane of ledger.lanes.values())
    lane.within(from, until, (shelf, at) => {
      const entry = shelf.placed[at]?.entry;
      if (entry !== undefined && entry.from >= from)
        counts[Math.floor((entry.from - from) / step)]?.take(entry, 1);
    });
  return counts;
}

function summed({ tally }: Ledger, first: number, step: number, steps: number): readonly Count[] {
  const seconds = step / SECOND;
  return Array.from({ length: steps }, (_, index) => {
    const begin = first / SECOND + index * seconds;
    const only = tally.at(begin);
    if (seconds === 1) return only ?? NOTHING;
    const sum = new Count();
    for (let second = 0; second < seconds; second++) {
      const count = tally.at(begin + second);
      if (count !== undefined) sum.add(count);
    }
    return sum;
  });
}

const NOTHING = new Count();
