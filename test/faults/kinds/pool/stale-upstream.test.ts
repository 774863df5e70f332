import { describe, expect, it } from "vitest";
import { PoolBench } from "../../../support/pool-bench.js";
import { typeNamed, type Raw } from "../../../support/stream-bench.js";

const stale = (raw: Raw, seed = 1): PoolBench =>
  new PoolBench("stale_upstream", { target: "b", ...raw }, { seed });

describe("stale_upstream", () => {
  it("sends everybody to the dead one, also when health checks have taken it out", () => {
    const bench = stale({});
    expect(bench.choose()).toBe("b");
    expect(bench.choose({}, ["a", "c"])).toBe("b");
    expect(bench.armed.counts).toEqual({ sent: 2 });
    expect(bench.armed.details["sent"]).toEqual({ upstream: "b" });
  });

  it.each([
    ["refuse", "refuse"],
    ["hang", "hang"],
    ["reset", "reset"],
  ])("with gives: %s, reaching it gives %s, and the others are well", (gives, verdict) => {
    const bench = stale({ gives });
    expect(bench.reach("b").do).toBe(verdict);
    expect(bench.reach("a").do).toBe("pass");
    expect(bench.armed.counts).toEqual({ failed: 1 });
  });

  it("hears of it after its time, and then all is as the balancer wants it", () => {
    const bench = stale({ for: "30s" });
    bench.clock.advance(29_999);
    expect([bench.choose(), bench.reach("b").do]).toEqual(["b", "refuse"]);
    bench.clock.advance(1);
    expect([bench.choose(), bench.reach("b").do]).toEqual(["a b c", "pass"]);
    expect(bench.choose({}, ["a"])).toBe("a");
  });

  it("sends the stated share there, and the others anywhere else", () => {
    const bench = stale({ share: "30%" });
    const n = 6_000;
    const chosen = Array.from({ length: n }, (_, i) => bench.choose({ bot: `b${i % 7}` }));
    expect(new Set(chosen)).toEqual(new Set(["b", "a c"]));
    // p = 0.3: 3 sigma = 3 * sqrt(0.3 * 0.7 * 6000) = 106.5.
    expect(Math.abs(chosen.filter((name) => name === "b").length - 0.3 * n)).toBeLessThan(106.5);
  });

  it("draws for each bot by itself, the same for the same seed", () => {
    const of = (bench: PoolBench, others: boolean): string =>
      Array.from({ length: 60 }, () => {
        if (others) bench.choose({ bot: "y" });
        return bench.choose({ bot: "x" });
      }).join("|");
    const expected = of(stale({ share: "50%" }), false);
    expect(of(stale({ share: "50%" }), true)).toBe(expected);
    expect(of(stale({ share: "50%" }, 2), false)).not.toBe(expected);
  });

  it("leaves a pool alone that has no such member", () => {
    const bench = stale({ target: "z" });
    expect(bench.choose()).toBe("a b c");
  });

  it("says what it does, and acts on the whole pool or not at all", () => {
    const { params, check, explain } = typeNamed("stale_upstream");
    const told = (raw: Raw): string => explain(params.parse({ target: "b", ...raw }));
    expect(told({})).toBe("sends everybody to b, which refuses");
    expect(told({ share: "5%", gives: "hang", for: "1m" })).toBe(
      "sends 5% of choices to b, which never responds, for 1m",
    );
    expect(check?.({ params: params.parse({ target: "b" }), narrowed: true })?.path).toBe("match");
  });
});
