/**
 * Rhythms: when something that comes and goes is there. A rhythm is cycles of outages, and a pure function of time:
 * whoever asks for a moment gets the same answer, however often and in whatever order he asks.
 *
 *     origin   settle     cycle 0                cycle 1
 *     |--------|----up----|==down==|-up-|--up----|==down==|-up-|  ...
 *
 * Jitter moves the outages of a cycle together, by one draw, and leaves them as long as they are.
 */
import { z } from "zod";
import type { Millis } from "../core/clock.js";
import type { DrawKey } from "../core/random.js";
import { DURATION_PATTERN, formatDuration, formatRatio, parseDuration } from "../core/units.js";
import type { Upstream } from "./contract/index.js";
import { numbered, type NamedDraws } from "./draws.js";
import { DURATION_MAX, choice, count, duration, ratio, shown } from "./params.js";

/** Faster than this no timer can follow. */
const SPAN_MIN: Millis = 1;
const SPANS_MAX = 64;

export interface Span {
  readonly up: boolean;
  readonly for: Millis;
}

const SPAN = new RegExp(`^(up|down) (${DURATION_PATTERN.slice(1, -1)})$`, "u");

function spans(): z.ZodArray<z.ZodPipe<z.ZodString, z.ZodTransform<Span, string>>> {
  const expected = "expected a span such as `up 5s` or `down 300ms`";
  const span = z
    .string({ error: (issue) => `${expected}, got ${shown(issue.input)}` })
    .regex(SPAN, { abort: true, error: (issue) => `${expected}, got ${shown(issue.input)}` })
    .transform((text, context): Span => {
      const [, state, length = ""] = SPAN.exec(text) ?? [];
      const millis = parseDuration(length) ?? NaN;
      if (millis >= SPAN_MIN && millis <= DURATION_MAX) return { up: state === "up", for: millis };
      context.issues.push({
        code: "custom",
        message: `must be between 1ms and a year, got ${text}`,
        input: text,
      });
      return z.NEVER;
    });
  return z
    .array(span, {
      error: (issue) => `expected a list such as [up 5s, down 300ms], got ${shown(issue.input)}`,
    })
    .min(1, { error: () => "expected at least one span, got none" })
    .max(SPANS_MAX, { error: () => `must be at most ${SPANS_MAX} spans` });
}

/** The parameters of a rhythm, to be spread into a type's schema. */
export const rhythmParams = {
  period: duration({ min: 10 }).optional().describe("the length of a cycle: up at first, then down"),
  duty: ratio().optional().describe("the share of each period in which it is up; 50% unless said otherwise"),
  pattern: spans()
    .optional()
    .describe("a cycle in place of period and duty, such as [up 5s, down 300ms]; over and over"),
  jitter: duration()
    .prefault("0ms")
    .describe("the outages of a cycle come so much earlier or later, drawn for each cycle and target"),
  phase: choice(["same", "independent", "staggered"])
    .default("same")
    .describe(
      "same: all targets at the same moments, jitter included; independent: each begins later by a drawn part of a cycle; staggered: one after the other, evenly over a cycle",
    ),
  count: count({ min: 1, max: 1_000_000_000 })
    .optional()
    .describe("so many cycles for each target, and then it stays up; without end by default"),
  settle: duration().prefault("0ms").describe("how long it stays up at first"),
} satisfies Record<string, z.ZodType>;

export interface RhythmParams {
  readonly period?: Millis | undefined;
  readonly duty?: number | undefined;
  readonly pattern?: readonly Span[] | undefined;
  readonly jitter: Millis;
  readonly phase: "same" | "independent" | "staggered";
  readonly count?: number | undefined;
  readonly settle: Millis;
}

/** Half-open: down from `from` on, and up again at `until`. */
export interface Outage {
  readonly from: Millis;
  readonly until: Millis;
}

interface Cycle {
  readonly length: Millis;
  readonly outages: readonly Outage[];
  /** How many there are; Infinity for no end. */
  readonly times: number;
}

function cycleOf({ pattern, period = 0, duty = 0.5, count: times = Infinity }: RhythmParams): Cycle {
  const outages: Outage[] = [];
  let length = 0;
  for (const span of pattern ?? spansOf(period, duty)) {
    const from = length;
    length += span.for;
    if (span.up || span.for === 0) continue;
    const last = outages.at(-1);
    if (last?.until === from) outages.splice(-1, 1, { from: last.from, until: length });
    else outages.push({ from, until: length });
  }
  // What is never up is down once, for as long as all the cycles together.
  const [only] = outages;
  if (only?.from === 0 && only.until === length)
    return { length, outages: [{ from: 0, until: length * times }], times: 1 };
  return { length, outages, times };
}

function spansOf(period: Millis, duty: number): Span[] {
  return [
    { up: true, for: period * duty },
    { up: false, for: period - period * duty },
  ];
}

/** What a schema cannot see in the parameters of a rhythm. */
export function rhythmMistake(
  params: RhythmParams,
): { readonly path: string; readonly message: string } | undefined {
  const { pattern, period, duty, jitter } = params;
  if (pattern !== undefined && period !== undefined)
    return { path: "period", message: "must not be given together with a pattern" };
  if (pattern !== undefined && duty !== undefined)
    return { path: "duty", message: "goes with a period: a pattern says itself how long it is up" };
  if (pattern === undefined && period === undefined)
    return { path: "period", message: "is required: a duration such as 30s, or else a pattern" };
  const { length, outages, times } = cycleOf(params);
  const gap = length - (outages.at(-1)?.until ?? 0) + (outages[0]?.from ?? 0);
  if (times === 1) return undefined;
  if (gap === 0)
    return {
      path: "pattern",
      message: "must not begin and end with down: each cycle would run into the next; say it as one span",
    };
  if (jitter > gap / 2)
    return {
      path: "jitter",
      message: `must be at most ${formatDuration(gap / 2)}, half of the time between two cycles, got ${formatDuration(jitter)}`,
    };
  return undefined;
}

/** The rhythm of one target. */
export class Rhythm {
  /** What was found last, and where it holds: from that outage's beginning to the next one's. */
  #number = -1;
  #from = Infinity;
  #until = -Infinity;

  constructor(
    private readonly cycle: Cycle,
    /** Where cycle 0 begins. */
    private readonly origin: Millis,
    private readonly jitter: Millis,
    private readonly key: DrawKey,
  ) {}

  /** The number of the last outage that had begun by then; -1 if there was none. */
  begun(at: Millis): number {
    if (at >= this.#from && at < this.#until) return this.#number;
    const { length, outages, times } = this.cycle;
    if (outages.length === 0 || at === -Infinity) return -1;
    const cycle = Math.max(0, Math.floor((at - this.origin) / length) + 1);
    let number = Math.min(times, cycle + 1) * outages.length - 1;
    let until = this.outage(number + 1)?.from ?? Infinity;
    for (; number >= 0; number--) {
      const { from = Infinity } = this.outage(number) ?? {};
      if (from <= at) break;
      until = from;
    }
    this.#number = number;
    this.#from = this.outage(number)?.from ?? -Infinity;
    this.#until = until;
    return number;
  }

  /** The outage of that number; null if there is none. */
  outage(number: number): Outage | null {
    const { length, outages, times } = this.cycle;
    const cycle = Math.floor(number / outages.length);
    const outage = outages[number - cycle * outages.length];
    if (number < 0 || outage === undefined || cycle >= times) return null;
    const moved = this.origin + cycle * length + this.#shift(cycle);
    return { from: moved + outage.from, until: moved + outage.until };
  }

  /** The outage that lasts at that moment, if it is down. */
  during(at: Millis): Outage | null {
    const last = this.outage(this.begun(at));
    return last !== null && at < last.until ? last : null;
  }

  /** When it goes down or up next. */
  next(at: Millis): Millis {
    const number = this.begun(at);
    const last = this.outage(number);
    if (last !== null && at < last.until) return last.until;
    return this.outage(number + 1)?.from ?? Infinity;
  }

  /** Never so early that it would be down before cycle 0 begins. */
  #shift(cycle: number): Millis {
    if (this.jitter === 0) return 0;
    const shift = this.jitter * numbered(this.key, cycle).between(-1, 1);
    return cycle === 0 ? Math.max(shift, -(this.cycle.outages[0]?.from ?? 0)) : shift;
  }
}

/** A rhythm for each target: together, each for itself, or one after the other. */
export function rhythmsOf(
  targets: readonly Upstream[],
  params: RhythmParams,
  startedAt: Millis,
  draws: NamedDraws,
): Map<string, Rhythm> {
  const cycle = cycleOf(params);
  const origin = startedAt + params.settle;
  const later = (name: string, index: number): Millis => {
    if (params.phase === "staggered") return (index * cycle.length) / targets.length;
    return params.phase === "same" ? 0 : cycle.length * numbered(draws.key("phase", name), 0).unit();
  };
  return new Map(
    targets.map(({ name }, index) => {
      const key = draws.key("jitter", params.phase === "same" ? "" : name);
      return [name, new Rhythm(cycle, origin + later(name, index), params.jitter, key)];
    }),
  );
}

export function explainRhythm(params: RhythmParams): string {
  const { pattern, period = 0, duty = 0.5, jitter, phase, count: times, settle } = params;
  const cycle =
    pattern === undefined
      ? `up for ${formatRatio(duty)} of every ${formatDuration(period)}`
      : pattern.map((span) => `${span.up ? "up" : "down"} ${formatDuration(span.for)}`).join(", ");
  return [
    cycle,
    ...(jitter === 0 ? [] : [`give or take ${formatDuration(jitter)}`]),
    ...(phase === "same" ? [] : [phase === "staggered" ? "one after the other" : "each for itself"]),
    ...(times === undefined ? [] : [times === 1 ? "once" : `${times} times`]),
    ...(settle === 0 ? [] : [`after ${formatDuration(settle)}`]),
  ].join(", ");
}
