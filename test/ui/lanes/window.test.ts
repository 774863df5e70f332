/** The stretch of time that is looked at, and the marks of its axis. */
import { describe, expect, it } from "vitest";
import { KEPT_MS } from "../../../src/ui/lanes/ledger.js";
import {
  atTime,
  between,
  liveWindow,
  panned,
  SPAN_MIN,
  ticksOf,
  zoomed,
} from "../../../src/ui/lanes/window.js";

const NOW = 5_000_000;

describe("the window of time", () => {
  it("follows now while it is live, and stands still when it is not", () => {
    const live = liveWindow(NOW, 10_000);
    expect(atTime(live, NOW + 500).until - live.until).toBe(500);
    const past = panned(live, -1, NOW);
    expect(past.live).toBe(false);
    expect(atTime(past, NOW + 500)).toEqual(past);
  });

  it("is live again when it is moved to now", () => {
    const past = panned(liveWindow(NOW, 10_000), -0.5, NOW);
    expect(panned(past, 0.5, NOW).live).toBe(true);
    expect(panned(past, 5, NOW)).toMatchObject({ live: true, until: liveWindow(NOW, 10_000).until });
  });

  it("keeps what is pointed at where it is when it zooms", () => {
    const past = between(NOW - 60_000, NOW - 50_000, NOW);
    const near = zoomed(past, 0.5, NOW - 57_500, NOW);
    expect(near.until - near.from).toBeCloseTo(5_000);
    expect((NOW - 57_500 - near.from) / 5_000).toBeCloseTo(0.25);
  });

  it("stays within what is kept, and does not become too narrow", () => {
    const all = zoomed(liveWindow(NOW), 1_000, NOW, NOW);
    expect(all.until - all.from).toBeCloseTo(KEPT_MS * 1.02);
    expect(panned(all, -3, NOW).from).toBeCloseTo(all.from);
    const tiny = between(NOW - 100, NOW - 100, NOW);
    expect(tiny.until - tiny.from).toBe(SPAN_MIN);
    expect(between(NOW - 10 * KEPT_MS, NOW - 9 * KEPT_MS, NOW).from).toBeGreaterThanOrEqual(
      NOW - KEPT_MS * 1.02,
    );
  });

  it("has marks at round times of the day, no more than there is room for", () => {
    // The daemon's clock stood at 1000 when it was 14:00:00 UTC.
    const wall = Date.parse("2026-11-29T14:00:00Z") - 1_000;
    const labels = (from: number, until: number, most: number, zone = 0): string[] =>
      ticksOf({ from, until, live: false }, most, wall, zone).map(({ label }) => label);
    expect(labels(1_000, 61_000, 4)).toEqual(["14:00:00", "14:00:15", "14:00:30", "14:00:45", "14:01:00"]);
    expect(ticksOf({ from: 1_000, until: 61_000, live: false }, 4, wall, 0)[1]?.at).toBe(16_000);
    expect(labels(1_001, 1_039, 4, -60)).toEqual(["15:00:00.010", "15:00:00.020", "15:00:00.030"]);
    expect(labels(0, KEPT_MS, 5)).toEqual(["14:00", "14:02", "14:04", "14:06", "14:08"]);
  });
});
