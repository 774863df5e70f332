/** What a run is held to, and the rows it prints. */
import { interval, median, pairedRatio, summary } from "./statistics.mjs";

export function row(name, unit, values, note = "") {
  return { name, unit, values, ...summary(values), note };
}

/** The row of one that was not measured: `missing` (it is not here) or `failed` (it is, and did not work) says why. */
export function emptyRow(name, unit, trouble) {
  return { name, unit, values: [], median: null, min: null, max: null, note: "", ...trouble };
}

/** At least `target` times as much as the other. Held when the interval includes the target or lies above it. */
export function atLeast(text, target, values, base) {
  const { ratio, low, high } = pairedRatio(values, base);
  return { text, kind: "ratio", sign: ">=", target, value: ratio, low, high, held: high >= target };
}

/** A figure that must not be larger. Held when the interval of its median includes the target or lies below it. */
export function atMost(text, target, unit, values) {
  const { low, high } = interval(values);
  return {
    text,
    kind: "value",
    sign: "<=",
    target,
    unit,
    value: median(values),
    low,
    high,
    held: low <= target,
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
    held: max === 0,
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
    held: null,
    reason,
  };
}
