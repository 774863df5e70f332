import { describe, expect, it } from "vitest";
import { PoolBench } from "../../../support/pool-bench.js";
import { typeNamed } from "../../../support/stream-bench.js";

const skewed = (weights: Record<string, number>, seed?: number): PoolBench =>
  new PoolBench("skew", { weights }, seed === undefined ? {} : { seed });

describe("skew", () => {
  it("gives each member its share of the choices", () => {
    const bench = skewed({ a: 70, b: 25, c: 5 });
    const n = 20_000;
    const chosen: Record<string, number> = { a: 0, b: 0, c: 0 };
    for (let i = 0; i < n; i++) {
      const name = bench.choose({ bot: `bot-${i % 50}` });
      chosen[name] = (chosen[name] ?? 0) + 1;
    }
    const expected: Record<string, number> = { a: 0.7 * n, b: 0.25 * n, c: 0.05 * n };
    const chiSquare = Object.entries(expected).reduce(
      (sum, [name, of]) => sum + (chosen[name]! - of) ** 2 / of,
      0,
    );
    // n = 20000, two degrees of freedom: above 13.8 with a chance of 0.1 %.
    expect(chiSquare).toBeLessThan(13.8);
    expect(Object.keys(chosen)).toHaveLength(3);
    expect(bench.armed.counts).toEqual({ chosen: n });
  });

  it("gives 1 to those not named, and never chooses those of weight 0", () => {
    const bench = skewed({ a: 0, b: 3 });
    const n = 8_000;
    const chosen = Array.from({ length: n }, () => bench.choose());
    expect(chosen).not.toContain("a");
    // p = 3/4: 3 sigma = 3 * sqrt(0.75 * 0.25 * 8000) = 116.2.
    expect(Math.abs(chosen.filter((name) => name === "b").length - 0.75 * n)).toBeLessThan(116.2);
    expect(bench.choose({}, ["a"])).toBe("");
    expect(bench.choose({}, [])).toBe("");
  });

  it("chooses only among those that are left, in proportion", () => {
    const bench = skewed({ a: 98, b: 1, c: 1 });
    const n = 5_000;
    const chosen = Array.from({ length: n }, () => bench.choose({}, ["b", "c"]));
    // p = 1/2: 3 sigma = 3 * sqrt(5000 / 4) = 106.1.
    expect(Math.abs(chosen.filter((name) => name === "b").length - n / 2)).toBeLessThan(106.1);
    expect(chosen).not.toContain("a");
  });

  it("draws for each bot by itself: the same for the same seed, whatever the others do", () => {
    const alone = skewed({ a: 5 }, 3);
    const among = skewed({ a: 5 }, 3);
    const other = skewed({ a: 5 }, 4);
    const of = (bench: PoolBench, others: number): string[] =>
      Array.from({ length: 100 }, (_, i) => {
        for (let j = 0; j < (others * i) % 5; j++) bench.choose({ bot: `other-${j}` });
        return bench.choose({ bot: "x" });
      });
    const expected = of(alone, 0);
    expect(of(among, 3)).toEqual(expected);
    expect(of(other, 0)).not.toEqual(expected);
  });

  it("takes names that objects have anyway for what they are", () => {
    const bench = new PoolBench("skew", { weights: { b: 1 } }, { names: ["constructor", "b"] });
    expect(new Set(Array.from({ length: 50 }, () => bench.choose()))).toEqual(new Set(["constructor", "b"]));
  });

  it("acts on the whole pool, or not at all", () => {
    const { check, params } = typeNamed("skew");
    const parsed = params.parse({ weights: { a: 1 } });
    expect(check?.({ params: parsed, narrowed: true })?.path).toBe("match");
    expect(check?.({ params: parsed, narrowed: false })).toBeUndefined();
  });
});
