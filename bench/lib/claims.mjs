/** What a run is held to, and the rows it prints. */
import { pairedRatio, summary } from "./statistics.mjs";

export function row(name, unit, values, note = "") {
  return { name, unit, values, ...summary(values), note };
}

/** At least `target` times as much as the other. Held when the interval includes the target or lies above it. */
export function atLeast(text, target, values, base) {
  const { ratio, low, high } = pairedRatio(values, base);
  return { text, kind: "ratio", sign: ">=", target, value: ratio, low, high, held: high >= target };
}

/** A plain figure that must not be larger; all rounds count with their median. */
export function atMost(text, target, unit, values) {
  const { median: value, min: low, max: high } = summary(values);
  return { text, kind: "value", sign: "<=", target, unit, value, low, high, held: value <= target };
}
