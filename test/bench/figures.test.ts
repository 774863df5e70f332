/** What the benchmarks make of what they measured: medians, intervals, and what a claim is held to. */
import { describe, expect, it } from "vitest";
import { bench } from "../support/bench.js";

const { interval, median, pairedRatio, quantile } = await bench("lib/statistics.mjs");
const { atLeast, atMost, atMostTimes, never } = await bench("lib/claims.mjs");

describe("a median", () => {
  it("is the one in the middle, whatever the order, and between the two of an even number", () => {
    expect(median([9, 1, 5])).toBe(5);
    expect(median([4, 1, 3, 2])).toBe(2.5);
  });

  it("leaves the rounds in the order in which they were measured", () => {
    const rounds = [3, 1, 2];
    median(rounds);
    expect(rounds).toEqual([3, 1, 2]);
  });

  it("is the half of quantiles, which are linear between neighbours", () => {
    expect(quantile([0, 10, 20, 30, 40], 0.5)).toBe(20);
    expect(quantile([0, 10], 0.99)).toBeCloseTo(9.9);
    expect(quantile([7], 0.999)).toBe(7);
  });
});

describe("an interval", () => {
  it("of nine rounds goes from the second to the second but last", () => {
    // A resampled median is at most the k-th of nine with the probability that 5 or more of 9 draws are: 0.14 % for the
    // first, 3.0 % for the second, so that 2.5 % fall on the second; likewise at the other end.
    expect(interval([5, 9, 1, 7, 3, 8, 2, 6, 4])).toEqual({ low: 2, high: 8 });
  });

  it("is the same for the same figures", () => {
    const figures = [1.1, 1.3, 0.9, 1.7, 1.2];
    expect(interval(figures)).toEqual(interval(figures));
  });
});

describe("a ratio", () => {
  it("is of pairs of the same round, so that what slowed both down does not count", () => {
    expect(pairedRatio([100, 10, 1000], [50, 5, 500])).toEqual({ ratio: 2, low: 2, high: 2 });
  });

  it("has an interval as wide as the pairs differ", () => {
    const { ratio, low, high } = pairedRatio([1, 2, 3, 4, 5, 6, 7, 8, 9], Array<number>(9).fill(1));
    expect([low, ratio, high]).toEqual([2, 5, 8]);
  });

  it("refuses rounds that have no partner", () => {
    expect(() => pairedRatio([1, 2], [1])).toThrow("2 rounds cannot be paired with 1");
    expect(() => pairedRatio([], [])).toThrow("0 rounds cannot be paired with 0");
  });
});

describe("a claim", () => {
  const ones = Array<number>(9).fill(1);
  const rounds = [1, 2, 3, 4, 5, 6, 7, 8, 9];

  it("of a ratio is met by the whole interval, open where it includes the target, and missed where it lies below", () => {
    expect(atLeast("a / b", 8, rounds, ones)).toMatchObject({ value: 5, low: 2, high: 8, verdict: "open" });
    expect(atLeast("a / b", 8.01, rounds, ones)).toMatchObject({ verdict: "missed" });
    expect(atLeast("a / b", 2, rounds, ones)).toMatchObject({ verdict: "met" });
    expect(atLeast("a / b", 2.01, rounds, ones)).toMatchObject({ verdict: "open" });
  });

  it("of a figure is met by the whole interval, open where it includes the target, and missed where it lies above", () => {
    expect(atMost("a", 2, "ms", rounds)).toMatchObject({ value: 5, low: 2, high: 8, verdict: "open" });
    expect(atMost("a", 1.99, "ms", rounds)).toMatchObject({ verdict: "missed" });
    expect(atMost("a", 8, "ms", rounds)).toMatchObject({ verdict: "met" });
  });

  it("is met by a ratio that must not be larger only where its whole interval is not", () => {
    const own = [2, 3, 4];
    const base = [2, 2, 2];
    expect(atMostTimes("a", 2, own, base)).toMatchObject({ kind: "ratio", sign: "<=", value: 1.5 });
    expect([0.99, 1, 1.99, 2].map((target) => atMostTimes("a", target, own, base))).toMatchObject([
      { verdict: "missed" },
      { verdict: "open" },
      { verdict: "open" },
      { verdict: "met" },
    ]);
  });

  it("of what must never happen looks at the worst round, not at the middle", () => {
    expect(never("a", "connections", [0, 0, 0])).toMatchObject({ value: 0, verdict: "met" });
    expect(never("a", "connections", [0, 0, 1])).toMatchObject({ value: 1, verdict: "missed" });
  });
});
