/** Made-up programs that fail of some of their hits, each time or at times, and draws with a seed. */
import type { Try } from "../../../src/sweep/shrink/bench.js";
import { drawKey, LANE, Random } from "../../../src/core/random.js";

export function drawsOf(seed: number, what: string): Random {
  const name = { seed, activation: what, phase: "", pass: 0, fault: "", proxy: "", bot: "" };
  return new Random(drawKey(name), 0, LANE.subject);
}

/** So many different places of a list, in order. */
export function placesOf(draws: Random, count: number, size: number): number[] {
  const places = new Set<number>();
  while (places.size < count) places.add(draws.integer(size));
  return [...places].sort((a, b) => a - b);
}

/** Fails in this share of its runs if all causes are there. */
export function failsOf(causes: readonly number[], share = 1, draws: Random | null = null): Try {
  return (kept) => {
    const alike = causes.every((cause) => kept.includes(cause)) && (draws === null || draws.chance(share));
    return Promise.resolve({ alike, other: null });
  };
}
