import { describe, expect, it } from "vitest";
import { PoolBench } from "../../../support/pool-bench.js";
import { typeNamed, type Raw } from "../../../support/stream-bench.js";

const sticking = (raw: Raw, seed = 1): PoolBench => new PoolBench("stick", raw, { seed });

describe("stick, with mode: lost", () => {
  it("chooses anew for each choice, each member as often as the others", () => {
    const bench = sticking({ mode: "lost" });
    const n = 9_000;
    const chosen = Array.from({ length: n }, () => bench.choose({ bot: "x" }));
    const counts = ["a", "b", "c"].map((name) => chosen.filter((other) => other === name).length);
    const chiSquare = counts.reduce((sum, count) => sum + (count - n / 3) ** 2 / (n / 3), 0);
    // n = 9000, two degrees of freedom: above 13.8 with a chance of 0.1 %.
    expect(chiSquare).toBeLessThan(13.8);
  });

  it("tells when somebody lands elsewhere than the last time", () => {
    const bench = sticking({ mode: "lost" });
    const chosen = Array.from({ length: 200 }, () => bench.choose({ bot: "x" }));
    const moves = chosen.filter((name, index) => index > 0 && name !== chosen[index - 1]);
    expect(bench.armed.counts["moved"]).toBe(moves.length);
    const first = chosen.findIndex((name, index) => index > 0 && name !== chosen[index - 1]);
    expect(bench.armed.details["moved"]).toEqual({ upstream: chosen[first], before: chosen[first - 1] });
  });

  it("draws for each bot by itself, the same for the same seed", () => {
    const of = (bench: PoolBench, others: boolean): string =>
      Array.from({ length: 60 }, () => {
        if (others) bench.choose({ bot: "y" });
        return bench.choose({ bot: "x" });
      }).join("");
    const expected = of(sticking({ mode: "lost" }), false);
    expect(of(sticking({ mode: "lost" }), true)).toBe(expected);
    expect(of(sticking({ mode: "lost" }, 2), false)).not.toBe(expected);
  });

  it("leaves nobody where nobody is left", () => {
    expect(sticking({ mode: "lost" }).choose({}, [])).toBe("");
  });
});

describe("stick, with mode: stuck", () => {
  it("keeps each bot where it came first, and spreads different bots", () => {
    const bench = sticking({ mode: "stuck" });
    const places = Array.from({ length: 300 }, (_, i) => bench.choose({ bot: `b${i}` }));
    for (let round = 0; round < 3; round++) {
      expect(Array.from({ length: 300 }, (_, i) => bench.choose({ bot: `b${i}` }))).toEqual(places);
    }
    expect(new Set(places)).toEqual(new Set(["a", "b", "c"]));
    expect(bench.armed.counts).toEqual({ stuck: 900 });
  });

  it("gives nobody else to those whose upstream is down, and the same one again when it is back", () => {
    const bench = sticking({ mode: "stuck" });
    const first = bench.choose();
    const others = ["a", "b", "c"].filter((name) => name !== first);
    expect(bench.choose({}, others)).toBe("");
    expect(bench.choose()).toBe(first);
  });

  it("tells askers apart by bot or by client", () => {
    const by = (per: string): number => {
      const bench = sticking({ mode: "stuck", per });
      const chosen = Array.from({ length: 50 }, (_, i) =>
        bench.choose({ bot: `b${i}`, client: `10.0.0.${i % 2}` }),
      );
      return new Set(chosen.map((name, i) => `${i % 2} ${name}`)).size;
    };
    expect(by("client")).toBe(2);
    expect(by("bot")).toBe(6);
  });

  it("sends everybody to one if it is told to", () => {
    const bench = sticking({ mode: "stuck", to: "c" });
    expect(["x", "y", "z"].map((bot) => bench.choose({ bot }))).toEqual(["c", "c", "c"]);
    expect(bench.choose({}, ["a", "b"])).toBe("");
  });

  it("remembers so many, and counts those whom it forgot", () => {
    const bench = sticking({ mode: "stuck" });
    for (let i = 0; i < 10_100; i++) bench.choose({ bot: `b${i}` });
    // Both books of it: where each is, and whose turn it was.
    expect(bench.armed.evicted).toBe(200);
  });
});

describe("stick, as a description", () => {
  const { params, check, explain } = typeNamed("stick");

  it("refuses a place for a session that is lost, and to be narrowed", () => {
    const lost = params.parse({ mode: "lost", to: "a" });
    expect(check?.({ params: lost, narrowed: false })?.path).toBe("to");
    expect(check?.({ params: params.parse({ mode: "lost" }), narrowed: true })?.path).toBe("match");
  });

  it("says what it does", () => {
    expect(
      [{ mode: "lost" }, { mode: "stuck", per: "client" }, { mode: "stuck", to: "c" }].map((raw) =>
        explain(params.parse(raw)),
      ),
    ).toEqual([
      "forgets the session of each bot, and chooses an upstream anew each time",
      "keeps each client at the upstream that it got first, also while that is down",
      "sends everybody to c, also while that is down",
    ]);
  });
});
