/** Which stretch of time is looked at, and how it is moved: live at its end, or held still somewhere in the past. Pure. */
import { KEPT_MS } from "./ledger.js";

export interface TimeWindow {
  readonly from: number;
  readonly until: number;
  /** Its end is now, and goes on with it. */
  readonly live: boolean;
}

export const SPAN_MIN = 20;
export const SPAN_FIRST = 30_000;
/** So much of the window is left free behind now, so that what has just happened is not at the very edge. */
const AHEAD = 0.02;
/** Whoever moves the window to within so much of now wants to see what happens. */
const CATCH = 0.01;

export function liveWindow(now: number, span = SPAN_FIRST): TimeWindow {
  const until = now + span * AHEAD;
  return { from: until - span, until, live: true };
}

/** Time has gone on. */
export function atTime(window: TimeWindow, now: number): TimeWindow {
  return window.live ? liveWindow(now, window.until - window.from) : window;
}

/** Both ends where they are wanted, as far as there is something to see: not before what is kept, not behind now, and not too narrow. */
export function between(from: number, until: number, now: number): TimeWindow {
  const span = clamp(until - from, SPAN_MIN, KEPT_MS * (1 + AHEAD));
  const end = now + span * AHEAD;
  const middle = (from + until) / 2;
  const first = clamp(middle - span / 2, end - Math.max(KEPT_MS * (1 + AHEAD), span), end - span);
  return { from: first, until: first + span, live: first + span >= end - span * CATCH };
}

/** `factor` below 1 shows less, and larger; `at` stays where it is. While live, the end stays at now. */
export function zoomed(
  { from, until, live }: TimeWindow,
  factor: number,
  at: number,
  now: number,
): TimeWindow {
  const span = clamp((until - from) * factor, SPAN_MIN, KEPT_MS * (1 + AHEAD));
  if (live) return liveWindow(now, span);
  const share = (at - from) / (until - from);
  const begin = at - span * share;
  return between(begin, begin + span, now);
}

/** By a share of what is seen; below 0 to the past. */
export function panned({ from, until }: TimeWindow, share: number, now: number): TimeWindow {
  const by = (until - from) * share;
  return between(from + by, until + by, now);
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high);
}

export interface Tick {
  readonly at: number;
  readonly label: string;
}

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const STEPS = [
  ...[1, 2, 5, 10, 20, 50, 100, 200, 500],
  ...[1, 2, 5, 10, 15, 30].map((step) => step * SECOND),
  ...[1, 2, 5, 10].map((step) => step * MINUTE),
];

/** Marks of the axis at round times of the day; `wall` makes milliseconds since 1970 of the daemon's, `zone` is minutes behind UTC. */
export function ticksOf(
  { from, until }: TimeWindow,
  most: number,
  wall: number,
  zone: number,
): readonly Tick[] {
  const step = STEPS.find((one) => (until - from) / one <= most) ?? 10 * MINUTE;
  const shift = wall - zone * MINUTE;
  const ticks: Tick[] = [];
  for (let day = Math.ceil((from + shift) / step) * step; day <= until + shift; day += step)
    ticks.push({ at: day - shift, label: timeOfDay(day, step) });
  return ticks;
}

/** As far as the step needs it: `14:03`, `14:03:07`, `14:03:07.042`. */
export function timeOfDay(millis: number, step: number): string {
  const time = new Date(millis).toISOString();
  if (step >= MINUTE) return time.slice(11, 16);
  return step >= SECOND ? time.slice(11, 19) : time.slice(11, 23);
}
