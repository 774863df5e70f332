/**
 * A profile's course as spans of time: its phases, and for each fault when it is there and how strongly. The command line draws it in
 * characters, and the dashboard as a picture.
 */
import type { Millis } from "../core/clock.js";
import { formatDuration } from "../core/units.js";
import type { Ramp } from "../config/ramp.js";
import type { CompiledFault, CompiledProfile } from "./value.js";

/** Of all that is shown, how much is given to what has no end. */
const ENDLESS = 0.25;
/** Cycles of a rhythm that are shown where nothing else has a length. */
const CYCLES = 2;

export interface CoursePicture {
  /** Phases and lengths as text, such as `calm 5s, away 5s; 10s in all`. */
  readonly headline: string;
  /** How much time the picture shows; 1 where nothing in the profile has a length. */
  readonly shown_ms: Millis;
  /** It ends only when it is healed. */
  readonly endless: boolean;
  readonly phases: readonly CoursePhase[];
  readonly rows: readonly CourseRow[];
}

export interface CoursePhase {
  readonly phase: string;
  readonly from_ms: Millis;
  readonly until_ms: Millis;
}

export interface CourseRow {
  readonly fault: string;
  readonly type: string;
  /** It goes on beyond what is shown. */
  readonly goes_on: boolean;
  readonly spans: readonly CourseSpan[];
}

export interface CourseSpan {
  readonly from_ms: Millis;
  readonly until_ms: Millis;
  /** `some`: a share of those that come by is hit. `rising`, `falling`: along a ramp. */
  readonly level: "all" | "some" | "rising" | "falling";
}

export function pictureOf(profile: CompiledProfile): CoursePicture {
  const { phases, faults } = profile;
  const timed = phases.reduce((sum, phase) => sum + (phase.for ?? 0), 0);
  const endless = phases.length === 0 || phases.some((phase) => phase.for === null);
  const rhythm = Math.max(0, ...faults.map((fault) => rhythmLength(fault)));
  const shown = endless ? (timed === 0 ? Math.max(rhythm, 1) : timed / (1 - ENDLESS)) : timed;
  const rows = faults.map((fault) => row(fault, { from: 0, until: shown }, endless));
  const spans: CoursePhase[] = [];
  let from = 0;
  for (const phase of phases) {
    const until = phase.for === null ? shown : from + phase.for;
    spans.push({ phase: phase.phase, from_ms: from, until_ms: until });
    for (const fault of phase.faults) rows.push(row(fault, { from, until }, phase.for === null));
    from = until;
  }
  return {
    headline: headline(profile, endless ? null : timed),
    shown_ms: shown,
    endless,
    phases: spans,
    rows,
  };
}

interface Stretch {
  readonly from: Millis;
  readonly until: Millis;
}

function row(fault: CompiledFault, within: Stretch, endless: boolean): CourseRow {
  const { after = 0, for: span = Infinity } = fault.when;
  const whole = { from: within.from + after, until: Math.min(within.until, within.from + after + span) };
  const level = levelOf(fault);
  return {
    fault: fault.name,
    type: fault.type,
    goes_on: endless && span === Infinity,
    spans: stretches(fault, whole).map(({ from, until }) => ({ from_ms: from, until_ms: until, level })),
  };
}

function levelOf(fault: CompiledFault): CourseSpan["level"] {
  const { probability = 1, every = 1, count } = fault.when;
  const ramps: readonly Ramp[] = [
    ...Object.values(fault.ramps),
    ...(typeof probability === "object" ? [probability] : []),
  ];
  const [ramp] = ramps;
  if (ramp !== undefined) return ramp.from < ramp.to ? "rising" : "falling";
  return probability !== 1 || every > 1 || count !== undefined ? "some" : "all";
}

function headline({ phases, repeat }: CompiledProfile, length: Millis | null): string {
  const steps = phases.map(({ phase, for: time }) =>
    time === null ? `${phase} without end` : `${phase} ${formatDuration(time)}`,
  );
  if (length === null) return steps.length === 0 ? "until it is healed" : steps.join(", ");
  if (repeat === "forever") return `${steps.join(", ")}; over and over`;
  const often = repeat === 1 ? "" : `${repeat} times, `;
  return `${steps.join(", ")}; ${often}${formatDuration(length * repeat)} in all`;
}

/** All of it, but for faults that have a rhythm of their own within. */
function stretches(fault: CompiledFault, whole: Stretch): Stretch[] {
  const cycle = cycleOf(fault);
  if (cycle === null) return whole.until > whole.from ? [whole] : [];
  const found: Stretch[] = [];
  let from = whole.from + cycle.settle;
  for (let turn = 0; turn < cycle.times && from < whole.until; turn++) {
    for (const { up, for: time } of cycle.spans) {
      const until = Math.min(from + time, whole.until);
      if (!up && until > from) found.push({ from, until });
      from += time;
    }
  }
  return found;
}

interface Cycle {
  readonly spans: readonly { readonly up: boolean; readonly for: Millis }[];
  readonly settle: Millis;
  readonly times: number;
}

function rhythmLength(fault: CompiledFault): Millis {
  const cycle = cycleOf(fault);
  if (cycle === null) return 0;
  const once = cycle.spans.reduce((sum, span) => sum + span.for, 0);
  return cycle.settle + once * Math.min(cycle.times, CYCLES);
}

/** The parameters of src/faults/rhythm.ts, as a compiled fault has them; null for faults without. */
function cycleOf({ params }: CompiledFault): Cycle | null {
  const { pattern, period, duty = 0.5, settle = 0, count = Infinity } = params;
  if (typeof settle !== "number" || typeof count !== "number") return null;
  if (Array.isArray(pattern)) return { spans: pattern as Cycle["spans"], settle, times: count };
  if (typeof period !== "number" || typeof duty !== "number" || !("jitter" in params)) return null;
  const spans = [
    { up: true, for: period * duty },
    { up: false, for: period * (1 - duty) },
  ];
  return { spans, settle, times: count };
}
