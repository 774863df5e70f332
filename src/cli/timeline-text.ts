/**
 * A profile's timeline as lines of text: the phases, and below them a row for each fault that shows when it is there.
 *
 *     calm 5s, away 5s, warm-up 10s; 20s in all
 *       down     ··········██████████····················
 *       latency  ····················████▓▓▓▓▓▒▒▒▒▒▒░░░░░
 *
 * Full where all are hit, half where a share of them is, and going from thin to full or back along a ramp.
 */
import type { Ramp } from "../config/ramp.js";
import type { Millis } from "../core/clock.js";
import { formatDuration } from "../core/units.js";
import type { CompiledFault, CompiledProfile } from "../plan/value.js";

const WIDTH = 40;
const NOTHING = "·";
const SHADES = ["░", "▒", "▓", "█"] as const;
const SOME = "▒";
const ALL = "█";
const ON = "▶";
/** Of all that is shown, how much is given to what has no end. */
const ENDLESS = 0.25;
/** Cycles of a rhythm that are shown where nothing else has a length. */
const CYCLES = 2;

interface Stretch {
  readonly from: Millis;
  readonly until: Millis;
}

export function drawTimeline(profile: CompiledProfile): string[] {
  const { phases, faults } = profile;
  const timed = phases.reduce((sum, phase) => sum + (phase.for ?? 0), 0);
  const endless = phases.length === 0 || phases.some((phase) => phase.for === null);
  const rhythm = Math.max(0, ...faults.map((fault) => rhythmLength(fault)));
  const shown = endless ? (timed === 0 ? Math.max(rhythm, 1) : timed / (1 - ENDLESS)) : timed;
  const rows = faults.map((fault) => row(fault, { from: 0, until: shown }, shown, endless));
  let from = 0;
  for (const phase of phases) {
    const until = phase.for === null ? shown : from + phase.for;
    for (const fault of phase.faults) rows.push(row(fault, { from, until }, shown, phase.for === null));
    from = until;
  }
  const width = Math.max(0, ...rows.map(({ name }) => name.length));
  const drawn = rows.map(({ name, cells }) => `  ${name.padEnd(width)}  ${cells}`);
  return [headline(profile, endless ? null : timed), ...drawn];
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

function row(
  fault: CompiledFault,
  within: Stretch,
  shown: Millis,
  endless: boolean,
): { readonly name: string; readonly cells: string } {
  const cells = new Array<string>(WIDTH).fill(NOTHING);
  const at = (time: Millis): number => Math.min(WIDTH, Math.round((time * WIDTH) / shown));
  const { after = 0, for: span = Infinity } = fault.when;
  const whole = { from: within.from + after, until: Math.min(within.until, within.from + after + span) };
  const [ramp] = [...Object.values(fault.ramps), ...probabilityRamp(fault)];
  for (const { from, until } of stretches(fault, whole)) {
    // What is there for a moment only is to be seen all the same.
    const first = Math.min(at(from), WIDTH - 1);
    const last = Math.max(at(until), first + 1);
    for (let cell = first; cell < last; cell++)
      cells[cell] = ramp ? shade(ramp, (cell - first + 0.5) / (last - first)) : isPartial(fault) ? SOME : ALL;
  }
  return { name: fault.name, cells: `${cells.join("")}${endless && span === Infinity ? ON : ""}` };
}

function isPartial({ when: { probability = 1, every = 1, count } }: CompiledFault): boolean {
  return probability !== 1 || every > 1 || count !== undefined;
}

function probabilityRamp({ when: { probability } }: CompiledFault): Ramp[] {
  return typeof probability === "object" ? [probability] : [];
}

function shade({ from, to }: Ramp, done: number): string {
  const share = from < to ? done : 1 - done;
  return SHADES[Math.min(SHADES.length - 1, Math.floor(share * SHADES.length))] ?? ALL;
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
