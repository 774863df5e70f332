import { describe, expect, it } from "vitest";
import { z } from "zod";
import { LANE, Random, drawKey } from "../../src/core/random.js";
import { NamedDraws } from "../../src/faults/draws.js";
import {
  rhythmMistake,
  rhythmParams,
  rhythmsOf,
  type Outage,
  type Rhythm,
  type RhythmParams,
} from "../../src/faults/rhythm.js";

const schema = z.object(rhythmParams);
const POOL = ["a", "b", "c", "d"].map((name) => ({ name }));
const START = 1_000.25;

const parsed = (raw: Record<string, unknown>): RhythmParams => schema.parse(raw);

function drawsOf(seed: number): NamedDraws {
  const name = { seed, activation: "a", phase: "", pass: 0, fault: "flap", proxy: "p", bot: "" };
  return new NamedDraws(new Random(drawKey(name), 0, LANE.subject));
}

function rhythms(raw: Record<string, unknown>, seed = 1): Map<string, Rhythm> {
  return rhythmsOf(POOL, parsed(raw), START, drawsOf(seed));
}

function rhythm(raw: Record<string, unknown>, seed = 1, name = "a"): Rhythm {
  const found = rhythms(raw, seed).get(name);
  if (!found) throw new Error(`no rhythm of ${name}`);
  return found;
}

/** The first outages, since the beginning. */
function outages(of: Rhythm, many: number): (readonly [number, number])[] {
  return Array.from({ length: many }, (_, number) => of.outage(number))
    .filter((outage): outage is Outage => outage !== null)
    .map(({ from, until }) => [from - START, until - START]);
}

const mistake = (raw: Record<string, unknown>): string | undefined => {
  const found = rhythmMistake(parsed(raw));
  return found && `${found.path}: ${found.message}`;
};

describe("a rhythm", () => {
  it("of period and duty is up for its share at first, and down for the rest", () => {
    expect(outages(rhythm({ period: "45s", duty: "60%" }), 3)).toEqual([
      [27_000, 45_000],
      [72_000, 90_000],
      [117_000, 135_000],
    ]);
    expect(outages(rhythm({ period: "1s" }), 1)).toEqual([[500, 1_000]]);
  });

  it("of a pattern goes over it again and again, and takes neighbours that are alike as one", () => {
    const of = rhythm({ pattern: ["up 5s", "down 100ms", "down 200ms", "up 500ms", "up 500ms", "down 1s"] });
    expect(outages(of, 4)).toEqual([
      [5_000, 5_300],
      [6_300, 7_300],
      [12_300, 12_600],
      [13_600, 14_600],
    ]);
  });

  it("may begin with down, ends after its cycles, and waits at first if it is told to", () => {
    expect(outages(rhythm({ pattern: ["down 300ms", "up 1500ms", "down 300ms"], count: 1 }), 9)).toEqual([
      [0, 300],
      [1_800, 2_100],
    ]);
    expect(outages(rhythm({ pattern: ["down 1s", "up 2s"], count: 2, settle: "10s" }), 9)).toEqual([
      [10_000, 11_000],
      [13_000, 14_000],
    ]);
  });

  it("that is never up is one outage, and one that is never down is none", () => {
    expect(outages(rhythm({ pattern: ["down 5s"] }), 2)).toEqual([[0, Infinity]]);
    expect(outages(rhythm({ period: "5s", duty: "0%", count: 3, phase: "same" }), 2)).toEqual([[0, 15_000]]);
    const never = rhythm({ period: "5s", duty: "100%" });
    expect([never.outage(0), never.during(START + 7), never.next(START)]).toEqual([null, null, Infinity]);
  });

  it("says of each moment what its outages say, in whatever order it is asked", () => {
    const raw = { pattern: ["up 40ms", "down 15ms", "up 30ms", "down 5ms"], jitter: "20ms", settle: "35ms" };
    const moments = Array.from({ length: 2_000 }, (_, at) => START + at - 100);
    const listed = Array.from({ length: 60 }, (_, number) => rhythm(raw).outage(number)!);
    const truth = moments.map((at) => listed.some(({ from, until }) => from <= at && at < until));
    const forward = rhythm(raw);
    expect(moments.map((at) => forward.during(at) !== null)).toEqual(truth);
    const backward = rhythm(raw);
    expect([...moments].reverse().map((at) => backward.during(at) !== null)).toEqual([...truth].reverse());
    const jumping = rhythm(raw);
    const order = moments.map((_, index) => (index * 769) % moments.length);
    expect(order.map((index) => jumping.during(moments[index]!) !== null)).toEqual(
      order.map((index) => truth[index]),
    );
  });

  it("names each edge as the next one, and is on its other side when that moment has come", () => {
    const of = rhythm({ period: "100ms", duty: "70%", jitter: "10ms", count: 50 });
    let at = START - 1;
    for (let number = 0; number < 50; number++) {
      const { from, until } = of.outage(number)!;
      expect(of.next(at)).toBe(from);
      expect(of.during(from)).toEqual({ from, until });
      expect(of.next(from)).toBe(until);
      expect(of.during(until)).toBeNull();
      at = until;
    }
    expect(of.next(at)).toBe(Infinity);
  });
});

describe("jitter", () => {
  const raw = { period: "10s", duty: "80%", jitter: "2s" };

  it("moves each outage within its bounds, over the whole of them, and leaves it as long as it is", () => {
    const moved = outages(rhythm(raw), 4_000).map(([from, until], cycle) => {
      expect(until - from).toBeCloseTo(2_000, 6);
      return from - cycle * 10_000 - 8_000;
    });
    expect(Math.min(...moved)).toBeGreaterThanOrEqual(-2_000);
    expect(Math.max(...moved)).toBeLessThanOrEqual(2_000);
    // Uniform: the mean of n = 4000 lies within 3 sigma = 3 * 4000 / sqrt(12 n) = 54.8 ms of 0, and each half has half.
    const mean = moved.reduce((sum, by) => sum + by, 0) / moved.length;
    expect(Math.abs(mean)).toBeLessThan(54.8);
    // P(none of them within 10 ms of a bound) = (1 - 10 / 4000)^4000 < 0.005 %.
    expect(Math.min(...moved)).toBeLessThan(-1_990);
    expect(Math.max(...moved)).toBeGreaterThan(1_990);
  });

  it("is the same for the same seed, another for another seed, target or cycle", () => {
    expect(outages(rhythm(raw, 7), 50)).toEqual(outages(rhythm(raw, 7), 50));
    expect(outages(rhythm(raw, 7), 50)).not.toEqual(outages(rhythm(raw, 8), 50));
    const apart = { ...raw, phase: "staggered" };
    const shift = (name: string, later: number): number[] =>
      outages(rhythm(apart, 7, name), 20).map(([from], cycle) => from - cycle * 10_000 - later);
    expect(shift("a", 0)).not.toEqual(shift("b", 2_500));
    expect(new Set(shift("a", 0).map(Math.round)).size).toBeGreaterThan(15);
  });

  it("does not bring a first outage forward to before the beginning", () => {
    for (let seed = 0; seed < 30; seed++) {
      const [first] = outages(
        rhythm({ pattern: ["down 1s", "up 9s"], jitter: "4s", settle: "20s" }, seed),
        1,
      );
      expect(first?.[0]).toBeGreaterThanOrEqual(20_000);
      expect(first?.[0]).toBeLessThanOrEqual(24_000);
    }
  });
});

describe("the phases of several", () => {
  it("are the same, jitter included", () => {
    const all = [...rhythms({ period: "10s", duty: "80%", jitter: "2s" }).values()];
    for (const one of all) expect(outages(one, 20)).toEqual(outages(all[0]!, 20));
  });

  it("are staggered evenly over a cycle, in order", () => {
    const all = [...rhythms({ period: "10s", duty: "80%", phase: "staggered", count: 1 }).values()];
    expect(all.map((one) => outages(one, 5))).toEqual([
      [[8_000, 10_000]],
      [[10_500, 12_500]],
      [[13_000, 15_000]],
      [[15_500, 17_500]],
    ]);
  });

  it("are independent: each begins later by a drawn part of a cycle, and another member moves none of them", () => {
    const raw = { period: "10s", duty: "80%", phase: "independent" };
    const first = (seed: number): number[] =>
      [...rhythms(raw, seed).values()].map((one) => outages(one, 1)[0]![0]);
    const drawn = Array.from({ length: 500 }, (_, seed) => first(seed)).flat();
    expect(Math.min(...drawn)).toBeGreaterThanOrEqual(8_000);
    expect(Math.max(...drawn)).toBeLessThan(18_000);
    // n = 2000 uniform draws over 10 s: the mean within 3 sigma = 3 * 10000 / sqrt(12 * 2000) = 194 ms of 13 s.
    expect(Math.abs(drawn.reduce((sum, at) => sum + at, 0) / drawn.length - 13_000)).toBeLessThan(194);
    expect(first(1)).toEqual(first(1));
    const fewer = rhythmsOf(POOL.slice(2), parsed(raw), START, drawsOf(1));
    expect(outages(fewer.get("d")!, 3)).toEqual(outages(rhythm(raw, 1, "d"), 3));
  });
});

describe("what is wrong in a rhythm", () => {
  it.each([
    [{}, "period: is required: a duration such as 30s, or else a pattern"],
    [{ duty: "10%" }, "period: is required: a duration such as 30s, or else a pattern"],
    [{ period: "1s", pattern: ["up 1s"] }, "period: must not be given together with a pattern"],
    [{ duty: "1%", pattern: ["up 1s"] }, "duty: goes with a period: a pattern says itself how long it is up"],
    [
      { pattern: ["down 1s", "up 1s", "down 1s"] },
      "pattern: must not begin and end with down: each cycle would run into the next; say it as one span",
    ],
    [
      { pattern: ["up 1s", "down 9s"], jitter: "501ms" },
      "jitter: must be at most 500ms, half of the time between two cycles, got 501ms",
    ],
  ])("%j: %s", (raw, message) => {
    expect(mistake(raw)).toBe(message);
  });

  it.each([
    { pattern: ["up 1s", "down 9s"], jitter: "500ms" },
    { pattern: ["down 1s", "up 1s", "down 1s"], count: 1 },
    { pattern: ["down 1s"] },
    { period: "10ms", duty: "0%" },
  ])("and nothing is wrong with %j", (raw) => {
    expect(mistake(raw)).toBeUndefined();
  });

  it.each([
    [["sideways 5s"], 'expected a span such as `up 5s` or `down 300ms`, got "sideways 5s"'],
    [["up 5"], 'expected a span such as `up 5s` or `down 300ms`, got "up 5"'],
    [["up 5s "], 'expected a span such as `up 5s` or `down 300ms`, got "up 5s "'],
    [["down 10us"], "must be between 1ms and a year, got down 10us"],
    [["down 9000d"], "must be between 1ms and a year, got down 9000d"],
    [[], "expected at least one span, got none"],
    ["up 5s", 'expected a list such as [up 5s, down 300ms], got "up 5s"'],
  ])("pattern %j: %s", (pattern, message) => {
    expect(schema.safeParse({ pattern }).error?.issues[0]?.message).toBe(message);
  });
});
