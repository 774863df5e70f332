import { describe, expect, it } from "vitest";
import { PoolBench } from "../../../support/pool-bench.js";
import { typeNamed, type Raw } from "../../../support/stream-bench.js";

const draining = (raw: Raw): PoolBench => new PoolBench("drain", raw);

describe("drain", () => {
  it("refuses new connections, lets open ones finish, and cuts them after the grace", () => {
    const bench = draining({ targets: ["a"], after: "5s", grace: "10s" });
    expect(bench.timeline(20_000)).toEqual(["5000 a down"]);
    expect(bench.reach("a")).toEqual({ do: "refuse" });
    expect(bench.told).toEqual(["5000 drain a", "15000 cut a"]);
    expect(bench.wakes).toEqual([0, 5_000, 15_000]);
    expect(bench.clock.idle).toBe(true);
  });

  it("drains all at once, or one after the other over a time, in the order of their names", () => {
    const at = (raw: Raw): string[] => {
      const bench = draining({ grace: "1h", ...raw });
      return bench.timeline(40_000, 5);
    };
    expect(at({})).toEqual(["0 a down", "0 b down", "0 c down"]);
    expect(at({ over: "30s" })).toEqual(["0 a down", "10000 b down", "20000 c down"]);
    expect(at({ over: "20s", targets: ["c", "a"], after: "1s" })).toEqual(["1000 c down", "11000 a down"]);
  });

  it("tells when each begins and when each is cut, once", () => {
    const bench = draining({ over: "30s", grace: "5s" });
    bench.clock.advance(1_000_000);
    bench.wake();
    expect(bench.armed.counts).toEqual({ began: 3, cut: 3, ended: 3 });
    expect(bench.armed.details).toEqual({
      began: { upstream: "a", grace_ms: 5_000 },
      cut: { upstream: "a" },
      ended: { upstream: "a" },
    });
  });

  it("leaves the choice to the balancer, which has not heard", () => {
    expect(draining({}).choose()).toBe("a b c");
  });

  it("goes by new times when they are given", () => {
    const bench = draining({ targets: ["a"], after: "5s", grace: "1h" });
    bench.clock.advance(6_000);
    bench.assign({ targets: ["a"], after: "5s", grace: "2s" });
    bench.clock.advance(10_000);
    expect(bench.told).toEqual(["5000 drain a", "6000 drain a", "7000 cut a"]);
  });

  it("says what it does, and acts on the whole pool or not at all", () => {
    const { params, check, explain } = typeNamed("drain");
    expect(explain(params.parse({}))).toBe(
      "drains all upstreams, refusing new connections and cutting open ones after 30s of grace",
    );
    expect(explain(params.parse({ targets: ["a", "b"], after: "5s", over: "20s", grace: "10s" }))).toBe(
      "drains a and b after 5s, one after the other over 20s, refusing new connections and cutting open ones after 10s of grace",
    );
    expect(check?.({ params: params.parse({}), narrowed: true })?.path).toBe("match");
  });
});
