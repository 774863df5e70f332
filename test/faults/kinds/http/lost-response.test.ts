import { describe, expect, it } from "vitest";
import { ExchangeBench, answerIn } from "../../../support/exchange-bench.js";
import { typeNamed } from "../../../support/stream-bench.js";

describe("lost_response", () => {
  it.each(["reset", "close", "hang"])("has the work done, and then: %s", (then) => {
    const bench = new ExchangeBench("lost_response", { then });
    const outcome = bench.play({ method: "POST", body: '{"job":1}' }, { status: 201 });
    expect(outcome.met).toBe(then);
    expect(outcome.upstream).toMatchObject({ method: "POST", body: '{"job":1}', end: "whole" });
    expect(bench.armed.details["lost"]).toEqual({ true_status: 201 });
  });

  it("has the upstream finish although the client may be gone", () => {
    const { dispatch } = new ExchangeBench("lost_response", {}).play();
    expect(dispatch).toMatchObject({ copies: 0, detached: true });
  });

  it("can say what a balancer says, where the work was done all the same", () => {
    const bench = new ExchangeBench("lost_response", { then: "status", persona: "nginx" });
    expect(answerIn(bench.play().verdict).head).toMatchObject({ status: 502, reason: "Bad Gateway" });
    const other = new ExchangeBench("lost_response", { then: "status", status: 504 });
    expect(answerIn(other.play().verdict).head.status).toBe(504);
  });

  it("never counts what was never given", () => {
    const bench = new ExchangeBench("lost_response", {});
    expect(bench.play({}, { failed: "upstream_refused" }).met).toBe("failed");
    expect(bench.counts).toEqual({});
  });

  it("counts once, however often it is asked, and heeds an update while it hangs", () => {
    const bench = new ExchangeBench("lost_response", { then: "hang" });
    const { fault } = bench.begin();
    const answer = { status: 200, reason: "OK", header: () => undefined, fields: () => [] };
    expect(fault.response?.(answer)).toEqual({ do: "hang" });
    bench.armed.assign({ then: "close" });
    expect(fault.response?.(answer)).toEqual({ do: "close" });
    expect(bench.counts).toEqual({ lost: 1 });
  });

  it("takes a status and a persona where it answers only", () => {
    const { params, check } = typeNamed("lost_response");
    const mistake = (raw: object): string | undefined =>
      check?.({ params: params.parse(raw), narrowed: false })?.path;
    expect(mistake({ then: "reset", status: 502 })).toBe("status");
    expect(mistake({ persona: "nginx" })).toBe("persona");
    expect(mistake({ then: "status", status: 502, persona: "nginx" })).toBeUndefined();
    expect(params.safeParse({ then: "status", status: 200 }).success).toBe(false);
  });
});
