/** Medians, and intervals by resampling. */

const RESAMPLES = 10_000;

export function median(values) {
  return quantile(
    [...values].sort((a, b) => a - b),
    0.5,
  );
}

/** Of values in ascending order, linear between neighbours. */
export function quantile(sorted, q) {
  const at = (sorted.length - 1) * q;
  const low = Math.floor(at);
  const high = Math.ceil(at);
  return sorted[low] + (sorted[high] - sorted[low]) * (at - low);
}

export function summary(values) {
  return { median: median(values), min: Math.min(...values), max: Math.max(...values) };
}

/**
 * The median of the ratios of paired rounds, with its 95 % interval by the percentile bootstrap. The draws
 * have a fixed seed: the same figures give the same interval.
 */
export function pairedRatio(values, base) {
  if (values.length !== base.length || values.length === 0)
    throw new Error(`${values.length} rounds cannot be paired with ${base.length}`);
  const ratios = values.map((value, round) => value / base[round]);
  return { ratio: median(ratios), ...interval(ratios) };
}

/** The 95 % interval of the median of some rounds, by the percentile bootstrap over them. */
export function interval(values) {
  const draw = generator(values.length);
  const medians = Array.from({ length: RESAMPLES }, () =>
    median(values.map(() => values[Math.floor(draw() * values.length)])),
  ).sort((a, b) => a - b);
  return { low: quantile(medians, 0.025), high: quantile(medians, 0.975) };
}

/** mulberry32 */
function generator(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
