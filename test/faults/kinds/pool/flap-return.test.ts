/** How upstreams that flap come back: at once, or half-healthy for a while. */
import { describe, expect, it } from "vitest";
import { PoolBench, type PoolOptions } from "../../../support/pool-bench.js";
import type { Raw } from "../../../support/stream-bench.js";

const flapping = (raw: Raw, options?: PoolOptions): PoolBench => new PoolBench("flap", raw, options);

describe("flap, with a half-healthy return", () => {
  const raw = {
    targets: ["a"],
    pattern: ["down 1s", "up 60s"],
    count: 1,
    up: { ramp: "10s" },
    delay: "800ms",
  };

  it("is slow at first, and less and less so", () => {
    const bench = flapping(raw);
    bench.clock.advance(1_000);
    expect(bench.reach("a")).toEqual({ do: "hold", for: 800 });
    bench.clock.advance(2_500);
    expect(bench.reach("a")).toEqual({ do: "hold", for: 600 });
    bench.clock.advance(7_500);
    expect(bench.reach("a")).toEqual({ do: "pass" });
    const failing = flapping({ ...raw, up: { ramp: "10s", error_rate: "100%" } });
    failing.clock.advance(10_999);
    expect(failing.reach("a").do).toBe("answer");
    failing.clock.advance(1);
    expect(failing.reach("a").do).toBe("pass");
    expect(bench.reach("b")).toEqual({ do: "pass" });
  });

  it("answers the stated share with 503 while it returns, the same ones for the same seed", () => {
    const answers = (seed: number): boolean[] => {
      const bench = flapping({ ...raw, up: { ramp: "10s", error_rate: "20%" }, delay: "0ms" }, { seed });
      bench.clock.advance(1_000);
      return Array.from({ length: 4_000 }, () => bench.reach("a").do === "answer");
    };
    const failed = answers(1).filter(Boolean).length;
    // n = 4000, p = 0.2: 3 sigma = 3 * sqrt(0.2 * 0.8 * 4000) = 75.9.
    expect(Math.abs(failed - 800)).toBeLessThan(75.9);
    expect(answers(1)).toEqual(answers(1));
    expect(answers(1)).not.toEqual(answers(2));
  });

  it("has nothing to return from before the first outage", () => {
    const bench = flapping({ ...raw, settle: "5s" });
    bench.clock.advance(4_999);
    expect(bench.reach("a")).toEqual({ do: "pass" });
  });
});
