import { describe, expect, it } from "vitest";
import {
  DelayDraw,
  delayOf,
  explainDelay,
  normalCdf,
  type DelayParams,
  type Distribution,
} from "../../src/faults/delay.js";
import { randomOf } from "../support/scripted-traffic.js";

const N = 100_000;

function draws(params: Partial<DelayParams>, seed = 1): number[] {
  const whole: DelayParams = { delay: 100, jitter: 50, distribution: "uniform", correlation: 0, ...params };
  const random = randomOf(seed, "delays");
  const draw = new DelayDraw();
  return Array.from({ length: N }, () => delayOf(draw.luck({ random }, whole), whole));
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;
const variance = (values: readonly number[]): number => {
  const middle = mean(values);
  return values.reduce((sum, value) => sum + (value - middle) ** 2, 0) / values.length;
};

/** The share below a point is p, give or take four standard errors. */
function expectShare(values: readonly number[], below: number, p: number): void {
  const share = values.filter((value) => value < below).length / values.length;
  expect(Math.abs(share - p)).toBeLessThanOrEqual(4 * Math.sqrt((p * (1 - p)) / values.length));
}

describe("drawn delays", () => {
  it("are uniform within +-jitter", () => {
    const values = draws({ distribution: "uniform" });
    expect(Math.min(...values.slice(0, 50_000))).toBeGreaterThanOrEqual(50);
    expect(Math.max(...values.slice(0, 50_000))).toBeLessThanOrEqual(150);
    for (const p of [0.01, 0.25, 0.5, 0.75, 0.99]) expectShare(values, 50 + 100 * p, p);
  });

  it("are normal with jitter as their standard deviation", () => {
    const values = draws({ distribution: "normal", jitter: 20 });
    expect(Math.abs(mean(values) - 100)).toBeLessThan((4 * 20) / Math.sqrt(N));
    expect(Math.abs(variance(values) / 400 - 1)).toBeLessThan(4 * Math.sqrt(2 / N));
    expectShare(values, 100 + 20 * 2.326348, 0.99);
  });

  it("are lognormal with their median at delay and their 99th percentile at delay + jitter", () => {
    const values = draws({ distribution: "lognormal" });
    expectShare(values, 100, 0.5);
    expectShare(values, 150, 0.99);
    // The tail is not clipped: the 99.99th percentile lies at 100 * 1.5^(3.719 / 2.326) = 191.
    expect(Math.max(...values.slice(0, 100_000))).toBeGreaterThan(180);
  });

  it("are pareto from delay upwards, with a mean of delay + jitter / 2 and a tail that is not clipped", () => {
    const values = draws({ distribution: "pareto" });
    expect(values.every((value) => value >= 100)).toBe(true);
    // The excess over delay, in jitters, has variance 3/4.
    expect(Math.abs(mean(values) - 125)).toBeLessThan(5 * 50 * Math.sqrt(0.75 / N));
    for (const k of [0.5, 1, 4, 9]) expectShare(values, 100 + 50 * k, 1 - (1 + k) ** -3);
    // One in 8,000 is more than 19 jitters late.
    expect(values.filter((value) => value > 100 + 50 * 19).length).toBeGreaterThan(1);
  });

  it("are paretonormal in quantiles and mean: a quarter normal, three quarters pareto", () => {
    const values = draws({ distribution: "paretonormal", delay: 1000 });
    for (const [z, p] of [
      [-1.281552, 0.1],
      [0, 0.5],
      [1.281552, 0.9],
      [2.326348, 0.99],
      [3.090232, 0.999],
    ] as const) {
      expectShare(values, 1000 + 50 * (0.25 * z + 0.75 * (Math.pow(1 - p, -1 / 3) - 1)), p);
    }
    // In jitters: the mean is 3/4 of pareto's 1/2; the standard deviation at most 1/4 + 3/4 sqrt(3/4) = 0.9.
    expect(Math.abs(mean(values) - 1000 - 0.375 * 50)).toBeLessThan((5 * 50 * 0.9) / Math.sqrt(N));
    expect(values.filter((value) => value > 1000 + 50 * 15).length).toBeGreaterThan(1);
  });

  it("have the mean and the spread that their parameters say: lognormal", () => {
    const values = draws({ distribution: "lognormal" });
    // sigma = ln(1.5) / 2.326; the mean of a lognormal is the median times exp(sigma^2 / 2).
    const sigma = Math.log(1.5) / 2.326348;
    const average = 100 * Math.exp(sigma ** 2 / 2);
    const spread = average * Math.sqrt(Math.expm1(sigma ** 2));
    expect(Math.abs(mean(values) - average)).toBeLessThan((4 * spread) / Math.sqrt(N));
    for (const z of [-2, -1, 1, 2, 3]) expectShare(values, 100 * Math.exp(sigma * z), normalCdf(z));
  });

  it("have the mean and the variance of a uniform", () => {
    const values = draws({ distribution: "uniform" });
    const spread = 100 / Math.sqrt(12);
    expect(Math.abs(mean(values) - 100)).toBeLessThan((4 * spread) / Math.sqrt(N));
    // The variance of a sample variance is (kurtosis - 1) / n; a uniform's kurtosis is 9/5.
    expect(Math.abs(variance(values) / spread ** 2 - 1)).toBeLessThan(4 * Math.sqrt(0.8 / N));
  });

  it.each(["uniform", "lognormal", "pareto", "paretonormal"] as const)(
    "keep their quantiles under correlation: %s",
    (distribution) => {
      // An AR(1) series of normals counts as n (1 - rho) / (1 + rho) draws; indicators of it correlate less.
      const rho = 0.6;
      const values = draws({ distribution, delay: 1000, correlation: rho });
      const independent = draws({ distribution, delay: 1000 }, 2).sort((a, b) => a - b);
      for (const p of [0.1, 0.5, 0.9, 0.99]) {
        const share = values.filter((value) => value < (independent[p * N] ?? 0)).length / N;
        const error = Math.sqrt((p * (1 - p) * (1 + (1 + rho) / (1 - rho))) / N);
        expect(Math.abs(share - p)).toBeLessThan(4 * error);
      }
    },
  );

  it.each(["uniform", "normal", "lognormal", "pareto", "paretonormal"] as const)(
    "are never negative and always exact without jitter: %s",
    (distribution) => {
      expect(
        draws({ distribution, delay: 10, jitter: 1000 }).every(
          (value) => value >= 0 && Number.isFinite(value),
        ),
      ).toBe(true);
      expect(
        draws({ distribution, delay: 0, jitter: 5 }).every((value) => value >= 0 && Number.isFinite(value)),
      ).toBe(true);
      expect(new Set(draws({ distribution, jitter: 0 }))).toEqual(new Set([100]));
    },
  );

  it("resemble the one before as far as correlation says, and spread as much as without it", () => {
    for (const rho of [0.5, 0.9]) {
      const values = draws({ distribution: "normal", jitter: 20, correlation: rho, delay: 1000 });
      const z = values.map((value) => (value - 1000) / 20);
      const lag = mean(z.slice(1).map((value, i) => value * (z[i] ?? 0)));
      expect(Math.abs(lag - rho)).toBeLessThan(0.03);
      // A sample variance of a series with correlation rho errs by sqrt(2/n (1 + rho^2) / (1 - rho^2)).
      const error = Math.sqrt((2 / N) * ((1 + rho * rho) / (1 - rho * rho)));
      expect(Math.abs(variance(z) - 1)).toBeLessThan(4 * error);
    }
    const flat = draws({ distribution: "uniform", correlation: 0.8 });
    expect(Math.abs(variance(flat) / (100 ** 2 / 12) - 1)).toBeLessThan(0.04);
  });

  it("take two units of randomness each, whatever the distribution", () => {
    for (const distribution of [
      "uniform",
      "normal",
      "lognormal",
      "pareto",
      "paretonormal",
    ] as Distribution[]) {
      const random = randomOf(3, "count");
      const reference = randomOf(3, "count");
      new DelayDraw().luck({ random }, { delay: 1, jitter: 1, distribution, correlation: 0.5 });
      reference.unit();
      reference.unit();
      expect(random.unit()).toBe(reference.unit());
    }
  });

  it("explain themselves", () => {
    const base: DelayParams = { delay: 200, jitter: 0, distribution: "uniform", correlation: 0 };
    expect(explainDelay(base)).toBe("200ms");
    expect(explainDelay({ ...base, jitter: 50 })).toBe("200ms give or take 50ms");
    expect(explainDelay({ ...base, jitter: 50, distribution: "pareto", correlation: 0.25 })).toBe(
      "200ms with 50ms of pareto jitter (correlation 25%)",
    );
  });
});

describe("the normal distribution function", () => {
  it.each([
    [0, 0.5],
    [1, 0.8413447461],
    [-1, 0.1586552539],
    [2.326347874, 0.99],
    [-4, 0.0000316712],
  ])("is right at %d", (z, share) => {
    expect(Math.abs(normalCdf(z) - share)).toBeLessThan(1e-7);
  });
});
