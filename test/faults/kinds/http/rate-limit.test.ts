import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../../../src/core/clock.js";
import { Random, drawKey } from "../../../../src/core/random.js";
import { fieldOf } from "../../../../src/faults/messages.js";
import { ExchangeBench, answerIn, type RequestSketch } from "../../../support/exchange-bench.js";

const met = (bench: ExchangeBench, sketch: RequestSketch = {}): string => bench.play(sketch).met;

/** The Retry-After of a refusal. */
function told(bench: ExchangeBench): string {
  const { verdict } = bench.play();
  return fieldOf(answerIn(verdict).head.fields, "retry-after") ?? "none";
}

describe("rate_limit", () => {
  it("allows the limit at once, and refuses more before the upstream sees it", () => {
    const bench = new ExchangeBench("rate_limit", { limit: 3, window: "1s" });
    expect([1, 2, 3].map(() => met(bench))).toEqual(["passed", "passed", "passed"]);
    const fourth = bench.play();
    expect(fourth).toMatchObject({ met: "answer", upstream: null });
    expect(answerIn(fourth.verdict).head).toMatchObject({ status: 429, reason: "Too Many Requests" });
    expect(bench.counts).toEqual({ limited: 1 });
    expect(bench.armed.details["limited"]).toEqual({ free_in_ms: 333.333 });
  });

  it("gives requests back evenly over the window, and saves no more than the burst", () => {
    const bench = new ExchangeBench("rate_limit", { limit: 10, window: "1s", burst: 2 });
    bench.clock.advance(60_000);
    expect([1, 2, 3].map(() => met(bench))).toEqual(["passed", "passed", "answer"]);
    bench.clock.advance(100);
    expect([1, 2].map(() => met(bench))).toEqual(["passed", "answer"]);
  });

  it.each([
    ["bot", { bot: "other" }],
    ["client", { client: "10.0.0.9" }],
    ["route", { route: "GET /other" }],
  ])("keeps a quota for each %s", (per, other) => {
    const bench = new ExchangeBench("rate_limit", { limit: 1, window: "1m", per });
    expect(met(bench)).toBe("passed");
    expect(met(bench, other)).toBe("passed");
    expect([met(bench), met(bench, other)]).toEqual(["answer", "answer"]);
  });

  it("keeps one quota for a whole proxy", () => {
    const bench = new ExchangeBench("rate_limit", { limit: 1, window: "1m", per: "proxy" });
    expect(met(bench, { bot: "a", client: "10.0.0.1", route: "x" })).toBe("passed");
    expect(met(bench, { bot: "b", client: "10.0.0.2", route: "y" })).toBe("answer");
  });

  it.each([
    [1, "1s"],
    [3, "1s"],
    [7, "60s"],
    [1, "1500ms"],
    [1000, "1h"],
  ])("tells a time that holds: who waits exactly that long is served (%d in %s)", (limit, window) => {
    const random = new Random(
      drawKey({ seed: 1, activation: "", phase: "", pass: 0, fault: "", proxy: "", bot: "" }),
      0,
      1,
    );
    const bench = new ExchangeBench("rate_limit", { limit, window });
    let refusals = 0;
    for (let round = 0; round < 3_000; round++) {
      bench.clock.advance(random.between(0, 3));
      const { verdict } = bench.play();
      if (verdict.do === "pass") continue;
      refusals++;
      bench.clock.advance(1000 * Number(fieldOf(answerIn(verdict).head.fields, "retry-after")));
      expect(met(bench)).toBe("passed");
    }
    expect(refusals).toBeGreaterThan(10);
    expect(bench.counts).toEqual({ limited: refusals });
  });

  it("holds too where it tells a date, whose seconds are whole", () => {
    const bench = new ExchangeBench(
      "rate_limit",
      { limit: 1, window: "5s", retry_after: "date" },
      { clock: new VirtualClock(Date.UTC(2026, 10, 22, 20, 18, 14, 700)) },
    );
    expect(met(bench)).toBe("passed");
    expect(told(bench)).toBe("Sun, 22 Nov 2026 20:18:20 GMT");
    bench.clock.advance(5_300);
    expect(met(bench)).toBe("passed");
    expect(bench.counts).toEqual({ limited: 1 });
  });

  it("rounds seconds up, and tells at least one", () => {
    const bench = new ExchangeBench("rate_limit", { limit: 1, window: "2500ms" });
    bench.play();
    expect(told(bench)).toBe("3");
    bench.clock.advance(2_498);
    expect(told(bench)).toBe("1");
  });

  it("counts clients that came back before their time, each bot for itself", () => {
    const bench = new ExchangeBench("rate_limit", { limit: 1, window: "10s", per: "proxy" });
    bench.play({ bot: "a" });
    bench.play({ bot: "a" });
    bench.clock.advance(4_000);
    bench.play({ bot: "other" });
    expect(bench.counts).toEqual({ limited: 2 });
    bench.play({ bot: "a" });
    expect(bench.counts).toEqual({ limited: 3, early: 1 });
    expect(bench.armed.details["early"]).toEqual({ early_ms: 6_000 });
  });

  it("tells no time where it is told not to, and then nobody is early", () => {
    const bench = new ExchangeBench("rate_limit", { limit: 1, window: "10s", retry_after: "none" });
    bench.play();
    expect(told(bench)).toBe("none");
    expect(told(bench)).toBe("none");
    expect(bench.counts).toEqual({ limited: 2 });
  });

  it("serves a client that was told a second and whose timer was a millisecond early", () => {
    const bench = new ExchangeBench("rate_limit", { limit: 1, window: "1s" });
    bench.play();
    expect(told(bench)).toBe("1");
    bench.clock.advance(999);
    expect(met(bench)).toBe("passed");
    // What was lent is given back: nobody gains from coming early all the time.
    let passed = 0;
    for (let at = 0; at < 1_000; at++) {
      bench.clock.advance(999);
      if (met(bench) === "passed") passed++;
    }
    expect(passed).toBeLessThanOrEqual(999);
  });

  it("allows the exact share over a long time, however the requests fall", () => {
    const bench = new ExchangeBench("rate_limit", { limit: 50, window: "1s", burst: 5 });
    let passed = 0;
    for (let at = 0; at < 30_000; at++) {
      if (met(bench) === "passed") passed++;
      bench.clock.advance(1);
    }
    // 5 to begin with, and 50 a second for 29.999 s; one lent at most.
    expect(passed).toBeGreaterThanOrEqual(5 + 1_499);
    expect(passed).toBeLessThanOrEqual(5 + 1_500);
  });

  it.each([
    [
      "draft-ietf-ratelimit",
      [
        ["RateLimit-Policy", '"default";q=4;w=10'],
        ["RateLimit", '"default";r=3;t=3'],
      ],
    ],
    [
      "x-ratelimit",
      [
        ["X-RateLimit-Limit", "4"],
        ["X-RateLimit-Remaining", "3"],
        ["X-RateLimit-Reset", "4"],
      ],
    ],
    ["none", []],
  ])("tells what is left on answers that pass: %s", (headers, lines) => {
    const bench = new ExchangeBench("rate_limit", { limit: 4, window: "10s", headers });
    const fields = bench.play({}, { fields: [["Date", "x"]] }).client?.fields;
    expect(fields).toEqual([["Date", "x"], ...lines]);
  });

  it("tells it on refusals as well", () => {
    const bench = new ExchangeBench("rate_limit", {
      limit: 1,
      window: "10s",
      headers: "draft-ietf-ratelimit",
    });
    bench.play();
    expect(answerIn(bench.play().verdict).head.fields).toContainEqual(["RateLimit", '"default";r=0;t=10']);
  });

  it("decides once for each exchange, however often it is asked", () => {
    const bench = new ExchangeBench("rate_limit", { limit: 1, window: "10s" });
    const { fault } = bench.begin();
    expect([fault.request?.().do, fault.request?.().do]).toEqual(["pass", "pass"]);
    const refused = bench.begin().fault;
    expect(refused.request?.()).toBe(refused.request?.());
    expect(bench.counts).toEqual({ limited: 1 });
  });

  it("heeds a limit that is raised", () => {
    const bench = new ExchangeBench("rate_limit", { limit: 1, window: "10s" });
    bench.play();
    expect(met(bench)).toBe("answer");
    bench.armed.assign({ limit: 100, window: "10s" });
    bench.clock.advance(100);
    expect(met(bench)).toBe("passed");
  });

  it("remembers ten thousand, and counts those it had to forget", () => {
    const bench = new ExchangeBench("rate_limit", { limit: 1, window: "1h" });
    for (let bot = 0; bot < 10_003; bot++) bench.play({ bot: `b${bot}` });
    expect(bench.armed.evicted).toBe(3);
    expect(met(bench, { bot: "b10002" })).toBe("answer");
    expect(met(bench, { bot: "b0" })).toBe("passed");
  });
});
