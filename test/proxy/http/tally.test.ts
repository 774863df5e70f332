import { describe, expect, it } from "vitest";
import { DURATION_BUCKETS, ExchangeTally } from "../../../src/proxy/http/tally.js";

describe("a tally of exchanges", () => {
  it("counts by method and by what the client saw, each by itself", () => {
    const tally = new ExchangeTally();
    tally.clientDone("GET", 200, 1);
    tally.clientDone("GET", 200, 1);
    tally.clientDone("GET", 404, 1);
    tally.clientDone("POST", null, 1);
    expect(tally.responses()).toEqual([
      ["GET", "200", 2],
      ["GET", "404", 1],
      ["POST", "none", 1],
    ]);
  });

  it("counts what no list has as other", () => {
    const tally = new ExchangeTally();
    for (const method of ["BREW", "get", "constructor", "__proto__", ""]) tally.clientDone(method, 200, 1);
    for (const status of [0, 1, 99, 600, 999, 1e9, -1]) tally.upstreamAnswered(status, 1);
    for (const status of [100, 599]) tally.upstreamAnswered(status, 1);
    expect(tally.responses()).toEqual([["other", "200", 5]]);
    expect(tally.upstreamResponses()).toEqual([
      ["other", 7],
      ["100", 1],
      ["599", 1],
    ]);
  });

  it("puts durations into the bucket whose bound they do not exceed", () => {
    const tally = new ExchangeTally();
    const bounds = DURATION_BUCKETS.map((seconds) => seconds * 1_000);
    for (const bound of bounds) tally.clientDone("GET", 200, bound);
    tally.clientDone("GET", 200, 60_001);
    expect(tally.clientDurations.buckets).toEqual(new Array(bounds.length + 1).fill(1));
    expect(tally.clientDurations.sum).toBeCloseTo((bounds.reduce((a, b) => a + b) + 60_001) / 1_000, 9);
    expect(tally.upstreamDurations.buckets).toEqual(new Array(bounds.length + 1).fill(0));
  });

  it("counts requests to upstreams apart from their answers", () => {
    const tally = new ExchangeTally();
    tally.upstreamSent();
    tally.upstreamSent();
    tally.upstreamAnswered(200, 20);
    expect([tally.upstreamRequests, tally.upstreamResponses()]).toEqual([2, [["200", 1]]]);
    expect(tally.upstreamDurations.sum).toBe(0.02);
  });
});
