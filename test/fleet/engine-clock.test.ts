import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EngineClock } from "../../src/fleet/engine-clock.js";

/** The engine is ahead of the monotonic clock by so much. */
const AHEAD = 1_000_000;

function sample(sent: number, there: number, back: number, ahead = AHEAD) {
  return { sent, received: sent + there + back, engine: sent + there + ahead };
}

describe("the engine's clock", () => {
  it("is not known before anything was heard of it", () => {
    const clock = new EngineClock();
    expect([clock.offset(0), clock.engineTime(0), clock.when(0, 0), clock.notAfter(0, 0)]).toEqual([
      null,
      null,
      null,
      null,
    ]);
  });

  it("is known to half of the round trip, whichever way takes it, and ends are never late", () => {
    const trip = fc.record({
      wait: fc.double({ min: 0, max: 20_000, noNaN: true }),
      there: fc.double({ min: 0, max: 500, noNaN: true }),
      back: fc.double({ min: 0, max: 500, noNaN: true }),
    });
    fc.assert(
      fc.property(fc.array(trip, { minLength: 1, maxLength: 20 }), (trips) => {
        const clock = new EngineClock();
        let now = 0;
        for (const { wait, there, back } of trips) {
          const one = sample(now + wait, there, back);
          clock.add(one);
          now = one.received;
          const { offset, error } = clock.offset(now) ?? { offset: 0, error: 0 };
          expect(Math.abs(offset - AHEAD)).toBeLessThanOrEqual(error);
          expect(error).toBeLessThanOrEqual((there + back) / 2 + 1 + 1e-6);
          const end = now + AHEAD + 60_000;
          expect(clock.notAfter(end, now)).toBeLessThanOrEqual(now + 60_000);
          expect(clock.notAfter(end, now)).toBeGreaterThanOrEqual(now + 60_000 - 2 * error);
        }
      }),
    );
  });

  it("is the best of the last eight", () => {
    const clock = new EngineClock();
    clock.add(sample(0, 1, 1));
    for (let n = 1; n <= 7; n++) clock.add(sample(n * 10_000, 200, 0));
    expect(clock.offset(70_200)?.offset).toBe(AHEAD);
    clock.add(sample(80_000, 200, 0));
    expect(clock.offset(80_200)?.offset).toBe(AHEAD + 100);
  });

  it("is trusted less as time passes, by what clocks drift", () => {
    const clock = new EngineClock();
    clock.add(sample(0, 1, 1));
    expect(clock.offset(3_600_002)?.error).toBeCloseTo(2 + 360, 0);
  });

  it.each([60_000, -60_000])("that was set by %i ms is known as it is now by the next sample", (by) => {
    const clock = new EngineClock();
    for (let n = 0; n < 8; n++) clock.add(sample(n * 10_000, 1, 1));
    clock.add(sample(80_000, 100, 100, AHEAD + by));
    expect(clock.offset(80_200)?.offset).toBe(AHEAD + by);
  });

  it("is not known any better by a sample that cannot be", () => {
    const clock = new EngineClock();
    clock.add({ sent: 5, received: 4, engine: 0 });
    clock.add({ sent: 5, received: 6, engine: Number.NaN });
    expect(clock.offset(10)).toBe(null);
  });

  it("turns its moments into ours and back", () => {
    const clock = new EngineClock();
    clock.add(sample(0, 5, 5));
    expect(clock.when(clock.engineTime(123) ?? 0, 123)).toBe(123);
  });
});
