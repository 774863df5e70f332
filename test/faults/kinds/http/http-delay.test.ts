import { describe, expect, it } from "vitest";
import { ExchangeBench } from "../../../support/exchange-bench.js";

describe("http_delay", () => {
  it("holds a request before it is forwarded", () => {
    const bench = new ExchangeBench("http_delay", { delay: "500ms" });
    const { fault } = bench.begin();
    expect(fault.request?.()).toEqual({ do: "hold", for: 500 });
    expect(bench.play()).toMatchObject({ met: "passed", held: 500 });
    expect(bench.armed.details["delayed"]).toEqual({ delay_ms: 500 });
    expect(bench.armed.delays).toEqual([500, 500]);
  });

  it("holds the answer, and the upstream has done the work by then", () => {
    const bench = new ExchangeBench("http_delay", { delay: "500ms" }, { at: "after" });
    const { fault } = bench.begin();
    expect(fault.request?.()).toEqual({ do: "pass" });
    expect(bench.play()).toMatchObject({ met: "passed", held: 500 });
    expect(bench.counts).toEqual({ delayed: 1 });
  });

  it("does not hold back that there is no answer", () => {
    const bench = new ExchangeBench("http_delay", { delay: "500ms" }, { at: "after" });
    expect(bench.play({}, { failed: "upstream_refused" })).toMatchObject({ met: "failed", held: 0 });
    expect(bench.counts).toEqual({});
  });

  it("draws once for each exchange, and answers for the same luck when it is asked again", () => {
    const bench = new ExchangeBench("http_delay", { delay: "500ms", jitter: "100ms" });
    const { fault } = bench.begin();
    const first = fault.request?.();
    expect(fault.request?.()).toEqual(first);
    bench.armed.assign({ delay: "1500ms", jitter: "100ms" });
    const later = fault.request?.();
    if (first?.do !== "hold" || later?.do !== "hold") throw new Error("both hold");
    expect(later.for).toBeCloseTo(first.for + 1000, 9);
    expect(bench.counts).toEqual({ delayed: 1 });
    expect(bench.begin().fault.request?.()).not.toEqual(later);
  });
});
