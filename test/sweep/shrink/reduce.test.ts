/** Made-up programs made smaller: how many runs that takes, how exact it is, and what comes out where a program is not that simple. */
import { describe, expect, it } from "vitest";
import type { Try } from "../../../src/sweep/shrink/bench.js";
import { reduce, type ReduceOptions, type Reduced } from "../../../src/sweep/shrink/reduce.js";
import { passesNeeded } from "../../../src/sweep/shrink/rate.js";
import { scaled } from "../../support/scope.js";
import { drawsOf, failsOf, placesOf } from "./programs.js";

const HITS = 50;
const ALWAYS = { failed: 3, passed: 0 };

function reduceOf(tryRun: Try, options: Partial<ReduceOptions> = {}): Promise<Reduced> {
  return reduce({
    size: HITS,
    try: tryRun,
    rate: ALWAYS,
    alarm: 0.0005,
    levels: [],
    caps: { runs: 1_000, time: Infinity },
    now: () => 0,
    smaller: () => undefined,
    ...options,
  });
}

const CONFIRM = 3;
const mean = (numbers: readonly number[]): number =>
  numbers.reduce((sum, number) => sum + number, 0) / numbers.length;

describe("a program that fails each time", () => {
  it.each([
    [1, 8],
    [2, 15],
    [3, 22],
  ])("with %i causes among 50 hits takes at most %i runs, and 3 to confirm", async (count, most) => {
    const draws = drawsOf(1, `steady ${count}`);
    for (let number = 0; number < scaled(5, 200); number++) {
      const causes = placesOf(draws, count, HITS);
      const found = await reduceOf(failsOf(causes));
      expect(found).toMatchObject({ kept: causes, stopped: null, confirmed: { failed: 3, runs: 3 } });
      expect(found.runs).toBeLessThanOrEqual(most + CONFIRM);
    }
  });

  it("with more causes than three, or with all hits for causes, is made as small as it can be", async () => {
    for (const causes of [
      [0, 7, 20, 33, 48],
      [0, 1, 2, 3, 4, 5, 6, 7],
    ]) {
      const found = await reduceOf(failsOf(causes));
      expect(found.kept).toEqual(causes);
    }
    const all = Array.from({ length: 8 }, (_, index) => index);
    expect((await reduceOf(failsOf(all), { size: 8 })).kept).toEqual(all);
  });

  it("with thousands of hits is asked about in blocks first", async () => {
    const causes = [17, 2_303];
    const found = await reduceOf(failsOf(causes), { size: 3_000 });
    expect(found.kept).toEqual(causes);
    expect(found.runs).toBeLessThanOrEqual(40);
  });

  it("leaves out whole groups first", async () => {
    const groups = [0, 1].map((rest) => Array.from({ length: 25 }, (_, index) => 2 * index + rest));
    const sizes: number[] = [];
    const found = await reduceOf(failsOf([4]), { levels: [groups], smaller: (size) => sizes.push(size) });
    expect(found.kept).toEqual([4]);
    expect(sizes[0]).toBe(25);
    expect(sizes.at(-1)).toBe(1);
  });
});

describe("a program that fails in half of its runs", () => {
  const SHARE = 0.5;
  it.each([
    [1, 25],
    [2, 50],
    [3, 75],
  ])("with %i causes among 50 hits takes at most %i runs in the mean", async (count, most) => {
    const draws = drawsOf(1, `flaky ${count}`);
    const cases = scaled(4, 200);
    const runs: number[] = [];
    let exact = 0;
    for (let number = 0; number < cases; number++) {
      const causes = placesOf(draws, count, HITS);
      const known = Array.from({ length: 10 }, () => draws.chance(SHARE)).filter(Boolean).length;
      const rate = { failed: Math.max(1, known), passed: 10 - Math.max(1, known) };
      const found = await reduceOf(failsOf(causes, SHARE, draws), { rate });
      runs.push(found.runs - CONFIRM);
      if (found.kept.join() === causes.join()) exact++;
      // What is kept has all causes, whatever else it has.
      expect(found.kept).toEqual(expect.arrayContaining(causes));
    }
    expect(mean(runs)).toBeLessThanOrEqual(most * (cases < 200 ? 1.5 : 1));
    expect(exact / cases).toBeGreaterThanOrEqual(cases < 200 ? 0.75 : 0.97);
  });

  it("is run ten times first where nobody has said how often it fails", async () => {
    const draws = drawsOf(3, "rate");
    const found = await reduceOf(failsOf([9], SHARE, draws), { rate: null });
    expect(found.kept).toEqual([9]);
    expect(found.rate.failed + found.rate.passed).toBe(10);
  });
});

describe("a program of which less may fail though more does not", () => {
  it("is made 1-minimal by delta debugging", async () => {
    // Fails with hits 10 and 30, unless hit 20 is there without hit 21.
    const odd: Try = (kept) => {
      const has = (hit: number): boolean => kept.includes(hit);
      const alike = has(10) && has(30) && (!has(20) || has(21));
      return Promise.resolve({ alike, other: null });
    };
    expect((await reduceOf(odd)).kept).toEqual([10, 30]);
  });
});

describe("what else may come out", () => {
  it("nothing to make smaller: what does not fail again is handed back as it is", async () => {
    const found = await reduceOf(failsOf([HITS]), { rate: null });
    expect(found).toMatchObject({ reproduced: false, stopped: null, runs: 10 });
    expect(found.kept).toHaveLength(HITS);
  });

  it("another failure is no failure of this kind, and is told", async () => {
    const slips: Try = (kept) => {
      const alike = kept.includes(40) && kept.includes(3);
      return Promise.resolve({ alike, other: !alike && kept.includes(3) ? "FAILED exit 2" : null });
    };
    const found = await reduceOf(slips);
    expect(found.kept).toEqual([3, 40]);
    expect([...found.others.keys()]).toEqual(["FAILED exit 2"]);
    expect(found.others.get("FAILED exit 2")).toContain(3);
  });

  it("at the cap the smallest so far is answered, and why no more was tried", async () => {
    const found = await reduceOf(failsOf([5, 45]), { caps: { runs: 4, time: Infinity } });
    expect(found).toMatchObject({ stopped: "runs", runs: 4, reproduced: true });
    expect(found.kept.length).toBeLessThan(HITS);
    expect(found.kept).toEqual(expect.arrayContaining([5, 45]));
    let now = 0;
    const late = await reduceOf(failsOf([5, 45]), { caps: { runs: 99, time: 50 }, now: () => (now += 20) });
    expect(late.stopped).toBe("time");
  });

  it("an interrupt ends it as a cap does; what the harness cannot do is thrown", async () => {
    const abort: Try = () => Promise.reject(new DOMException("interrupted by SIGINT", "AbortError"));
    expect(await reduceOf(abort)).toMatchObject({ stopped: "interrupted" });
    await expect(reduceOf(() => Promise.reject(new Error("setup failed")))).rejects.toThrow("setup failed");
  });
});

describe("how often a failure must not show", () => {
  it.each([
    [0.9, 2, 2],
    [0.5, 5, 7],
    [0.3, 9, 13],
    [0.2, 14, 21],
    [0.1, 29, 44],
    [1, 1, 1],
  ])("one that shows in %f of the runs: %i for 5 %%, %i for 1 %%", (share, few, many) => {
    expect(passesNeeded(share, 0.05)).toBe(few);
    expect(passesNeeded(share, 0.01)).toBe(many);
  });
});
