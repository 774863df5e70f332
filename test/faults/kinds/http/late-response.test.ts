import { describe, expect, it } from "vitest";
import { ExchangeBench } from "../../../support/exchange-bench.js";

describe("late_response", () => {
  it("gives the answer that long after it came, whoever is still there", () => {
    const bench = new ExchangeBench("late_response", { hold: "40s" });
    const outcome = bench.play({}, { status: 200, body: "{}" });
    expect(outcome).toMatchObject({ met: "passed", held: 40_000, dispatch: { copies: 0, detached: true } });
    expect(outcome.client?.body).toBe("{}");
    expect(bench.armed.details["late"]).toEqual({ true_status: 200, delay_ms: 40_000 });
    expect(bench.armed.delays).toEqual([40_000]);
  });

  it("does not hold back a failure", () => {
    const bench = new ExchangeBench("late_response", { hold: "40s" });
    expect(bench.play({}, { failed: "upstream_timeout" })).toMatchObject({ met: "failed", held: 0 });
    expect(bench.counts).toEqual({});
  });

  it("heeds an update while it holds, and counts once", () => {
    const bench = new ExchangeBench("late_response", { hold: "40s" });
    const { fault } = bench.begin();
    const answer = { status: 200, reason: "OK", header: () => undefined, fields: () => [] };
    expect(fault.response?.(answer)).toEqual({ do: "hold", for: 40_000 });
    bench.armed.assign({ hold: "1s" });
    expect(fault.response?.(answer)).toEqual({ do: "hold", for: 1_000 });
    expect(bench.counts).toEqual({ late: 1 });
  });
});
