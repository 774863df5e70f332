/** Where a profile stands at a moment. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { positionAt, windowOf } from "../../src/plan/timeline.js";
import { liveParams, rampAt } from "../../src/plan/params.js";
import type { CompiledPhase, CompiledProfile } from "../../src/plan/value.js";
import { fault, profile, TYPES } from "../support/lab.js";

const phase = (name: string, lasts: number | null): CompiledPhase => ({
  phase: name,
  for: lasts,
  faults: [],
});
const of = (phases: readonly CompiledPhase[], repeat: number | "forever" = 1): CompiledProfile =>
  profile([], phases, { repeat });

/** `pass:phase until`, or what stands in its place. */
function at(what: CompiledProfile, now: number, startedAt = 0): string {
  const position = positionAt(what, startedAt, now);
  if (position === null || position === "finished") return String(position);
  return `${position.pass}:${what.phases[position.index]!.phase} ${position.startsAt}-${position.endsAt}`;
}

describe("a profile's position", () => {
  const three = [phase("calm", 20), phase("crash", 5), phase("warm", 10)];

  it("is none without phases", () => {
    expect(at(of([]), 1e9)).toBe("null");
  });

  it("goes through the phases, each from its first moment up to the next one's", () => {
    const once = of(three);
    expect([0, 19.9, 20, 24.9, 25, 34.9, 35].map((now) => at(once, now))).toEqual([
      "0:calm 0-20",
      "0:calm 0-20",
      "0:crash 20-25",
      "0:crash 20-25",
      "0:warm 25-35",
      "0:warm 25-35",
      "finished",
    ]);
  });

  it("starts where it was started, and is in its first phase before that", () => {
    expect(at(of(three), 1_020, 1_000)).toBe("0:crash 1020-1025");
    expect(at(of(three), 999, 1_000)).toBe("0:calm 1000-1020");
  });

  it("comes round as often as it is told to", () => {
    const twice = of(three, 2);
    expect([35, 59, 69.9, 70].map((now) => at(twice, now))).toEqual([
      "1:calm 35-55",
      "1:crash 55-60",
      "1:warm 60-70",
      "finished",
    ]);
  });

  it("comes round forever", () => {
    expect(at(of(three, "forever"), 35e9 + 21)).toBe("1000000000:crash 35000000020-35000000025");
  });

  it("stays in a last phase that has no end", () => {
    const open = of([phase("calm", 20), phase("storm", null)]);
    expect(at(open, 1e12)).toBe("0:storm 20-Infinity");
  });

  it("always has a next change after now, and reaches its end, whatever the numbers", () => {
    // A start and phases that rounding does not spare: followed from change to change, as the plan does it.
    const lasts = fc.double({ min: 0.001, max: 1_000, noNaN: true });
    const starts = fc.double({ min: 0, max: 1e9, noNaN: true });
    fc.assert(
      fc.property(
        fc.array(lasts, { minLength: 1, maxLength: 4 }),
        starts,
        fc.integer({ min: 1, max: 20 }),
        (some, start, repeat) => {
          const what = of(
            some.map((length, index) => phase(String(index), length)),
            repeat,
          );
          const seen: string[] = [];
          let now = start;
          for (let change = 0; change <= some.length * repeat + 1; change++) {
            const position = positionAt(what, start, now);
            if (position === "finished") break;
            if (position === null) throw new Error("a profile with phases has a position");
            expect(position.startsAt).toBeLessThanOrEqual(now);
            expect(position.endsAt).toBeGreaterThan(now);
            seen.push(`${position.pass}:${position.index}`);
            now = position.endsAt;
          }
          const all = Array.from({ length: repeat }, (_, pass) =>
            some.map((__, index) => `${pass}:${index}`),
          ).flat();
          expect(seen).toEqual(all);
        },
      ),
    );
  });
});

describe("a fault's window", () => {
  const windowed = fault("half_open", {}, { when: { after: 5, for: 10 } });

  it("opens after its time from the start of the phase, and closes again", () => {
    expect([100, 104.9, 105, 114.9, 115].map((now) => windowOf(windowed, 100, now))).toEqual([
      { open: false, changesAt: 105 },
      { open: false, changesAt: 105 },
      { open: true, changesAt: 115 },
      { open: true, changesAt: 115 },
      { open: false, changesAt: Infinity },
    ]);
  });

  it("is open all the time when nothing is said", () => {
    expect(windowOf(fault("half_open"), 100, 100)).toEqual({ open: true, changesAt: Infinity });
  });
});

describe("a ramp", () => {
  it("is linear over its phase and stays at its ends outside it", () => {
    let now = 0;
    const span = { startsAt: 1_000, endsAt: 2_000, now: () => now };
    const values = [0, 1_000, 1_250, 2_000, 9_000].map((moment) => {
      now = moment;
      return rampAt({ from: 800, to: 0 }, span);
    });
    expect(values).toEqual([800, 800, 600, 0, 0]);
  });

  it("moves behind the parameters, in whole bytes where it is a size", () => {
    let now = 0;
    const ramped = fault(
      "slicer",
      { size: "10B", gap: "1ms" },
      { ramps: { size: { from: 10, to: 20 }, gap: { from: 0, to: 5 } } },
    );
    const live = liveParams(ramped, TYPES.get("slicer")!, { startsAt: 0, endsAt: 100, now: () => now });
    now = 30;
    expect(live).toEqual({ size: 13, gap: 1.5, variation: 0 });
    now = 100;
    expect(live).toEqual({ size: 20, gap: 5, variation: 0 });
  });
});
