/** What is plotted above the lanes. */
import { describe, expect, it } from "vitest";
import { KEPT_MS, Ledger } from "../../../src/ui/lanes/ledger.js";
import { seriesOf } from "../../../src/ui/lanes/series.js";
import { brokenOne, entry } from "./entries.js";

describe("the plots above the lanes", () => {
  it("count what began in each step, of a second, and nothing in one that is not over", () => {
    const ledger = new Ledger();
    ledger.take([entry(100, 10), entry(150, 10), brokenOne(1_600, 10, "reset")], 3_000);
    const series = seriesOf(ledger, { from: 0, until: 3_000, live: false }, 6, 2_300);
    expect(series.at).toEqual([0, 500, 1_000, 1_500, 2_000, 2_500]);
    expect(series.rate).toEqual([4, 0, 0, 2, null, null]);
    expect(series.bad).toEqual([0, 0, 0, 2, null, null]);
  });

  it("know nothing of what nobody saw, in narrow windows and in wide ones, until it is forgotten", () => {
    const ledger = new Ledger();
    ledger.take([entry(100, 10)], 1_000);
    ledger.renew([entry(2_600, 10)], 3_000, { from: 1_100, until: 2_200 });
    const narrow = { from: 0, until: 3_000, live: false };
    expect(seriesOf(ledger, narrow, 6, 3_000).rate).toEqual([2, 0, null, null, null, 2]);
    const wide = { from: 0, until: 60_000, live: false };
    expect(seriesOf(ledger, wide, 60, 4_000).rate.slice(0, 5)).toEqual([1, null, null, 0, null]);
    ledger.renew([], 2_500 + KEPT_MS);
    expect(ledger.gaps).toEqual([]);
    ledger.renew([], 2_600 + KEPT_MS, { from: 5, until: 5 });
    expect(ledger.gaps).toEqual([]);
  });

  it("tell the median and the 95th of 100 to within a seventh, and nothing where nothing is over", () => {
    const ledger = new Ledger();
    ledger.take(
      [
        ...Array.from({ length: 90 }, (_, at) => entry(at, 20)),
        ...Array.from({ length: 10 }, (_, at) => entry(at, 400)),
      ],
      9_000,
    );
    ledger.take([entry(1_500, null)], 9_000);
    const { median, slow } = seriesOf(ledger, { from: 0, until: 2_000, live: false }, 2, 9_000);
    expect(median[0]).toBeGreaterThanOrEqual(20);
    expect(median[0]).toBeLessThan(20 * 1.16);
    expect(slow[0]).toBeGreaterThanOrEqual(400);
    expect(slow[0]).toBeLessThan(400 * 1.16);
    expect([median[1], slow[1]]).toEqual([null, null]);
  });

  it("are the same for wide windows, which are counted by the second", () => {
    const ledger = new Ledger();
    const entries = Array.from({ length: 600 }, (_, at) =>
      entry(at * 200, at % 7 === 0 ? null : 10, { id: String(at) }),
    );
    ledger.take(entries, 130_000);
    // Those that were open end, and are counted where they began.
    ledger.take(
      entries.filter(({ until }) => until === Infinity).map(({ id, from }) => entry(from, 10, { id })),
      130_000,
    );
    const { at, rate, median } = seriesOf(ledger, { from: 500, until: 120_500, live: false }, 60, 130_000);
    expect(at[1]).toBe(2_000);
    expect(rate.slice(0, 60)).toEqual(new Array(60).fill(5));
    expect(median.slice(0, 60).every((one) => one !== null && one >= 10 && one < 11.6)).toBe(true);
  });
});
