import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  DURATION_PATTERN,
  RATE_PATTERN,
  RATIO_PATTERN,
  SIZE_PATTERN,
  formatDuration,
  formatRate,
  formatRatio,
  formatSize,
  parseDuration,
  parseRate,
  parseRatio,
  parseSize,
} from "../../src/core/units.js";

describe("durations", () => {
  it.each([
    ["50ms", 50],
    ["0ms", 0],
    ["1.5s", 1500],
    ["250us", 0.25],
    ["250µs", 0.25],
    ["250μs", 0.25],
    ["1m30s", 90_000],
    ["2min", 120_000],
    ["1h2m3s4ms", 3_723_004],
    ["365d", 31_536_000_000],
  ])("reads %s as %d ms", (text, millis) => {
    expect(parseDuration(text)).toBeCloseTo(millis, 9);
  });

  it.each([
    "",
    "50",
    "-50ms",
    "50 ms",
    "ms",
    "NaN",
    "Infinity",
    "1e3ms",
    "50MS",
    "1,5s",
    ".5s",
    "5.s",
    "50ms ",
    "50ms\n",
    `${"1s".repeat(40)}`,
  ])("refuses %j", (text) => {
    expect(parseDuration(text)).toBeNull();
  });

  it.each([
    [0, "0ms"],
    [0.05, "50us"],
    [1, "1ms"],
    [1500, "1.5s"],
    [90_000, "1m30s"],
    [65_250, "1m5.25s"],
    [119_999.9, "2m"],
    [3_725_400, "1h2m5s"],
    [86_400_000, "1d"],
    [Infinity, "for ever"],
  ])("writes %d ms as %s", (millis, text) => {
    expect(formatDuration(millis)).toBe(text);
  });
});

describe("sizes", () => {
  it.each([
    ["0B", 0],
    ["64KiB", 65_536],
    ["10kB", 10_000],
    ["10KB", 10_000],
    ["1.5MiB", 1_572_864],
    ["2 GB", 2e9],
    ["0.4B", 0],
  ])("reads %s as %d bytes", (text, bytes) => {
    expect(parseSize(text)).toBe(bytes);
  });

  it.each(["", "64", "64K", "64kb", "-1B", "1TB", "NaNB", "1  kB", "64KiB/s"])("refuses %j", (text) => {
    expect(parseSize(text)).toBeNull();
  });

  it("writes them in powers of two", () => {
    expect([0, 1, 1023, 1024, 65_536, 2 ** 30].map(formatSize)).toEqual([
      "0B",
      "1B",
      "1023B",
      "1KiB",
      "64KiB",
      "1GiB",
    ]);
  });
});

describe("rates", () => {
  it.each([
    ["1MB/s", 1e6],
    ["256kbit/s", 32_000],
    ["1KiB/s", 1024],
    ["8bit/s", 1],
    ["1.5 Gbit/s", 187_500_000],
    ["0B/s", 0],
  ])("reads %s as %d bytes per second", (text, rate) => {
    expect(parseRate(text)).toBe(rate);
  });

  it.each(["1MB", "1MBps", "1/s", "-1MB/s", "NaN", "1Mbit"])("refuses %j", (text) => {
    expect(parseRate(text)).toBeNull();
  });

  it("writes them in powers of ten", () => {
    expect([0, 999, 1000, 1.5e6, 1e9].map(formatRate)).toEqual([
      "0B/s",
      "999B/s",
      "1kB/s",
      "1.5MB/s",
      "1GB/s",
    ]);
  });
});

describe("shares", () => {
  it.each([
    ["0%", 0],
    ["5%", 0.05],
    ["0.01%", 0.0001],
    ["100%", 1],
    ["12.5 %", 0.125],
  ])("reads %s as %d", (text, share) => {
    expect(parseRatio(text)).toBeCloseTo(share, 12);
  });

  it.each(["5", "0.05", "101%", "100.001%", "-1%", "%", "NaN%"])("refuses %j", (text) => {
    expect(parseRatio(text)).toBeNull();
  });

  it("writes them in percent", () => {
    expect([0, 0.05, 0.0001, 1].map(formatRatio)).toEqual(["0%", "5%", "0.01%", "100%"]);
  });
});

describe("what is written", () => {
  const cases = [
    [formatDuration, parseDuration, 86_400_000, 5.1e-7],
    [formatSize, parseSize, 2 ** 40, 1],
    [formatRate, parseRate, 1e12, 5.1e-4],
    [formatRatio, parseRatio, 1, 5.1e-6],
  ] as const;

  it("reads back as the same, to the three places that are shown", () => {
    for (const [format, parse, max, least] of cases) {
      fc.assert(
        fc.property(fc.double({ min: 0, max, noNaN: true }), (value) => {
          const back = parse(format(value));
          expect(back).not.toBeNull();
          // Three places of the unit that was chosen, or of the smallest; sizes are whole bytes besides.
          expect(Math.abs((back ?? 0) - value)).toBeLessThanOrEqual(Math.max(value * 0.00051, least));
        }),
        { seed: 1, numRuns: 500 },
      );
    }
  });

  it("is accepted by the pattern that editors check with, exactly when it parses", () => {
    const patterns = [
      [DURATION_PATTERN, parseDuration],
      [SIZE_PATTERN, parseSize],
      [RATE_PATTERN, parseRate],
      [RATIO_PATTERN, parseRatio],
    ] as const;
    const text = fc
      .tuple(
        fc.constantFrom("1", "0", "1.5", "-1", ".5", "", "12"),
        fc.constantFrom("", " "),
        fc.constantFrom("ms", "us", "B", "KiB", "kb", "MB/s", "bit/s", "%", "s", "m", ""),
      )
      .map((parts) => parts.join(""));
    for (const [pattern, parse] of patterns) {
      const expression = new RegExp(pattern, "u");
      fc.assert(
        fc.property(text, (written) => {
          expect(expression.test(written)).toBe(parse(written) !== null);
        }),
        { seed: 1, numRuns: 1000 },
      );
    }
  });
});
