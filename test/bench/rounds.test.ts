/** The order in which the benchmarks measure, and what becomes of those that are not here or do not work. */
import { describe, expect, it } from "vitest";
import { bench, type Lane, type Results } from "../support/bench.js";

const { interleave } = await bench("lib/rounds.mjs");
const { heldBack } = await bench("cases/throughput.mjs");

const quiet = (rounds: number, warmUp = 0) => ({ rounds, warmUp, seconds: 1, log: () => undefined });

/** Lanes that write down when they were measured, and for how long. */
function lanes(...names: string[]): { order: string[]; list: Lane[] } {
  const order: string[] = [];
  const list = names.map((name) => ({
    name,
    measure: (seconds: number) => {
      order.push(`${name}${String(seconds)}`);
      return Promise.resolve({ rate: order.length });
    },
  }));
  return { order, list };
}

describe("rounds", () => {
  it("measure everybody once, and turn the order round every other time", async () => {
    const { order, list } = lanes("a", "b", "c");
    await interleave(quiet(3), list);
    expect(order.join(" ")).toBe("a1 b1 c1 c1 b1 a1 a1 b1 c1");
  });

  it("begin after a warm-up that does not count", async () => {
    const { order, list } = lanes("a", "b");
    const results = await interleave(quiet(1, 7), list);
    expect(order.join(" ")).toBe("a7 b7 a1 b1");
    expect(results.values("a", "rate")).toEqual([3]);
  });

  it("go on without one that fails, and say why in its row and in what is claimed of it", async () => {
    const { list } = lanes("a", "b");
    let turns = 0;
    const flaky = {
      name: "flaky",
      measure: () => (turns++ < 1 ? Promise.resolve({ rate: 1 }) : Promise.reject(new Error("it broke"))),
    };
    const results = await interleave(quiet(3), [...list, flaky]);
    expect(turns).toBe(2);
    expect(results.values("a", "rate")).toHaveLength(3);
    expect(results.row({ lane: "flaky", key: "rate", unit: "x" })).toMatchObject({
      values: [],
      median: null,
      failed: "it broke",
    });
    expect(results.atLeast(1, "a", "flaky")).toMatchObject({
      verdict: null,
      value: null,
      reason: "flaky failed: it broke",
    });
    expect(results.atLeast(0, "a", "b")).toMatchObject({ verdict: "met" });
  });

  it("are kept with all that was measured, those of a lane that failed later as well", async () => {
    const { list } = lanes("a");
    let kept: Results | undefined;
    let turns = 0;
    const flaky = {
      name: "flaky",
      measure: () => (turns++ < 1 ? Promise.resolve({ rate: 5, cost: 6 }) : Promise.reject(new Error("no"))),
    };
    await interleave({ ...quiet(2), keep: (results) => (kept = results) }, [...list, flaky]);
    expect(kept?.all()).toEqual({ a: [{ rate: 1 }, { rate: 2 }], flaky: [{ rate: 5, cost: 6 }] });
  });

  it("leave out one that is not here, and say so", async () => {
    const { order, list } = lanes("a");
    const results = await interleave(quiet(1), [...list, { name: "peer", missing: "peer is not on PATH" }]);
    expect(order).toEqual(["a1"]);
    expect(results.row({ lane: "peer", key: "rate", unit: "x" })).toMatchObject({
      missing: "peer is not on PATH",
    });
    for (const claim of [
      results.atLeast(2, "a", "peer"),
      results.atMost(2, "ms", "peer", { key: "rate" }),
      results.never("connections", "peer", { key: "rate" }),
    ]) {
      expect(claim).toMatchObject({ verdict: null, reason: "peer is not on PATH" });
    }
  });
});

describe("a proxy is held back", () => {
  const apart = { placement: { proxy: "0", rest: "1" } };
  const free = { placement: { reason: "nothing is pinned" } };

  it("when it had time left and a load or a server had none", () => {
    expect(heldBack({ proxy: 0.8, server: 0.2, load: 0.99 }, free)).toBe(true);
    expect(heldBack({ proxy: 0.8, server: 0.99, load: 0.2 }, free)).toBe(true);
    expect(heldBack({ proxy: 0.8, server: 0.6, load: 0.6 }, free)).toBe(false);
  });

  it("when server and load share one processor and used it up together", () => {
    expect(heldBack({ proxy: 0.8, server: 0.5, load: 0.48 }, apart)).toBe(true);
    expect(heldBack({ proxy: 0.8, server: 0.5, load: 0.4 }, apart)).toBe(false);
    expect(
      heldBack({ proxy: 0.8, server: 0.5, load: 0.48 }, { placement: { proxy: "0", rest: "1,2" } }),
    ).toBe(false);
  });

  it("never when it was busy itself, or nobody knows", () => {
    expect(heldBack({ proxy: 0.99, server: 0.99, load: 0.99 }, apart)).toBe(false);
    expect(heldBack({ proxy: null, server: 0.99, load: 0.99 }, apart)).toBe(false);
    expect(heldBack({ proxy: 0.5, server: null, load: 0.99 }, apart)).toBe(false);
  });
});
