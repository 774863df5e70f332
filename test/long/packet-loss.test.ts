/** The model of packet loss against theory and kernel with numbers that leave little to chance; the figures are printed. */
import { describe, expect, it } from "vitest";
import {
  ANSWERS_10_KB,
  BULK,
  G,
  RTT,
  bulk,
  exchanges,
  mean,
  percent,
  shareOf,
  threeSigma,
} from "../support/loss-tables.js";

const quantile = (sorted: readonly number[], p: number): number =>
  sorted[Math.floor(p * sorted.length)] ?? Number.NaN;
const ascending = (values: number[]): number[] => values.sort((a, b) => a - b);
const shown = (value: number): string => value.toPrecision(4);

/** Measured on Linux: share without a stall, mean extra, 95th and 99th percentile. */
const ONE_SEGMENT = [
  { p: 0.01, still: 0.973, extra: 5.8, p95: 53, p99: 312 },
  { p: 0.02, still: 0.961, extra: 11.6, p95: 52, p99: 328 },
  { p: 0.05, still: 0.898, extra: 33.9, p95: 324, p99: 478 },
  { p: 0.1, still: 0.806, extra: 72.2, p95: 410, p99: 810 },
] as const;

describe("one segment each way", () => {
  const N = 400_000;
  it.each(ONE_SEGMENT)("at a loss of $p", ({ p, still: measured, extra: stalled, p95, p99 }) => {
    const times = ascending(exchanges({ loss: percent(p) }, { request: 100, answer: 100 }, N, 1000));
    const still = shareOf(times, (time) => time < RTT + 60);
    const extra = mean(times) - RTT;
    const theory = (2 * G * p * (1 - p)) / (1 - 2 * p);
    console.log(
      `${percent(p)}: no stall ${shown(still)} (theory ${shown((1 - p) ** 2)}, kernel ${measured}), ` +
        `extra ${shown(extra)} (theory ${shown(theory)}, kernel ${stalled}), ` +
        `p95 ${shown(quantile(times, 0.95))} (kernel ${p95}), p99 ${shown(quantile(times, 0.99))} (kernel ${p99})`,
    );
    expect(Math.abs(still - (1 - p) ** 2)).toBeLessThan(threeSigma((1 - p) ** 2, N) + 0.001);
    expect(extra / theory).toBeGreaterThan(0.95);
    expect(extra / theory).toBeLessThan(1.35);
    expect(Math.abs(extra / stalled - 1)).toBeLessThan(0.15);
    if (p <= 0.02) expect(shareOf(times, (time) => time > RTT + 60 && time < RTT + 0.8 * G)).toBe(0);
  });
});

describe("10 kB answers", () => {
  // The measurement does not say how many each connection carried: some dozens, and many.
  for (const perConnection of [50, 1000]) {
    for (const congestion of ["reno", "cubic"] as const) {
      it.each(ANSWERS_10_KB)(`${congestion}, ${perConnection} on each, at a loss of $p`, (kernel) => {
        const raw = { loss: percent(kernel.p), congestion };
        const times = exchanges(raw, { request: 100, answer: 10_000 }, 100_000, perConnection);
        const share = shareOf(times, (time) => time < 1.5 * RTT);
        console.log(
          `${percent(kernel.p)} ${congestion} ${perConnection}: mean ${shown(mean(times))} (kernel ${kernel.mean}), ` +
            `share in one RTT ${shown(share)} (kernel ${kernel.share})`,
        );
        expect(Math.abs(mean(times) / kernel.mean - 1)).toBeLessThan(0.15);
        if (congestion === "reno" && perConnection === 50)
          expect(Math.abs(share - kernel.share)).toBeLessThan(0.08);
      });
    }
  }
});

describe("bulk", () => {
  for (const congestion of ["reno", "cubic", "none"] as const) {
    it.each(BULK)(`${congestion} at a loss of $p`, (kernel) => {
      const time = congestion === "none" ? 5000 : 300_000;
      const rate = bulk(kernel.p, congestion, 4, time);
      const off = rate / kernel[congestion] - 1;
      console.log(
        `${percent(kernel.p)} ${congestion}: ${shown(rate)} Mbit/s (kernel ${kernel[congestion]}, ${shown(100 * off)} %)`,
      );
      // `none` stands for BBR as far as it does not collapse; it has no idea of a rate, and only the window bounds it.
      expect(Math.abs(off)).toBeLessThan({ reno: 0.15, cubic: 0.4, none: 1 }[congestion]);
    });
  }
});
