/** Interleaved rounds: every contender is measured in every round, so that what the machine does meanwhile hits all alike. */
import { median } from "./statistics.mjs";

/**
 * `lanes` are `{ name, measure }`; `measure(seconds)` answers a number or an object of numbers. The order is
 * turned round in every other round. Answers a Map from a lane's name to what its rounds measured.
 */
export async function interleave({ rounds, seconds, warmUp, log }, lanes) {
  for (const lane of lanes) await lane.measure(warmUp);
  const results = new Map(lanes.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    const order = round % 2 === 0 ? lanes : [...lanes].reverse();
    for (const lane of order) {
      const result = await lane.measure(seconds);
      results.get(lane.name).push(result);
    }
    const line = lanes.map(({ name }) => `${name} ${brief(results.get(name).at(-1))}`);
    log(`  round ${round + 1}/${rounds}: ${line.join("  ")}`);
  }
  return results;
}

function brief(result) {
  if (typeof result === "number") return format(result);
  return Object.entries(result)
    .map(([name, value]) => `${name}=${format(value)}`)
    .join(",");
}

export function format(value) {
  if (value === null || Number.isNaN(value)) return "-";
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** The figures of one name out of rounds that measured several. */
export function column(results, name) {
  return results.map((result) => result[name]);
}

export { median };
