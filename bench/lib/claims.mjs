/**
 * What a run is held to, and the rows it prints. Each claim has a verdict: `met` where its whole interval is at the target or
 * beyond it, `missed` where all of it falls short, `open` where the target lies inside, so that the run does not tell; null if it
 * was not measured.
 */
import { interval, median, pairedRatio, summary } from "./statistics.mjs";

export function row(name, unit, values, note = "") {
  return { name, unit, values, ...summary(values), note };
}

/** The row of one that was not measured: `missing` (it is not here) or `failed` (it is, and did not work) says why. */
export function emptyRow(name, unit, trouble) {
  return { name, unit, values: [], median: null, min: null, max: null, note: "", ...trouble };
}

/** At least `target` times as much as the other. */
export function atLeast(text, target, values, base) {
  const { ratio, low, high } = pairedRatio(values, base);
  const verdict = low >= target ? "met" : high >= target ? "open" : "missed";
  return { text, kind: "ratio", sign: ">=", target, value: ratio, low, high, verdict };
}

/** At most `target` times as much as the other. */
export function atMostTimes(text, target, values, base) {
  const { ratio, low, high } = pairedRatio(values, base);
  const verdict = high <= target ? "met" : low <= target ? "open" : "missed";
  return { text, kind: "ratio", sign: "<=", target, value: ratio, low, high, verdict };
}

/** A figure that must not be larger. The interval is that of its median. */
export function atMost(text, target, unit, values) {
  const { low, high } = interval(values);
  const verdict = high <= target ? "met" : low <= target ? "open" : "missed";
  return {
    text,
    kind: "value",
    sign: "<=",
    target,
    unit,
    value: median(values),
    low,
    high,
    verdict,
  };
}

/** Something that must not happen in any round: the worst one counts. */
export function never(text, unit, values) {
  const { max } = summary(values);
  return {
    text,
    kind: "value",
    sign: "<=",
    target: 0,
    unit,
    value: max,
    low: max,
    high: max,
    verdict: max === 0 ? "met" : "missed",
  };
}

/** A claim that this run says nothing about. */
export function unmeasured(text, { sign, target, unit }, reason) {
  return {
    text,
    kind: unit === undefined ? "ratio" : "value",
    sign,
    target,
    unit,
    value: null,
    verdict: null,
    reason,
  };
}
