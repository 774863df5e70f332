import { describe, expect, it } from "vitest";
import { ExchangeBench, answerIn } from "../../../support/exchange-bench.js";
import { typeNamed } from "../../../support/stream-bench.js";

describe("lost_request", () => {
  it.each(["reset", "close", "hang"])("keeps the request from the upstream, and then: %s", (then) => {
    const bench = new ExchangeBench("lost_request", { then });
    const outcome = bench.play({ method: "POST", body: '{"job":1}' }, { status: 201 });
    expect(outcome.met).toBe(then);
    expect(outcome.upstream).toBeNull();
    expect(bench.counts).toEqual({ lost: 1 });
  });

  it("says what lost_response says, so that nobody can tell the two apart", () => {
    for (const params of [
      { then: "status", persona: "nginx" },
      { then: "status", status: 504 },
    ]) {
      const request = answerIn(new ExchangeBench("lost_request", params).play().verdict);
      const response = answerIn(new ExchangeBench("lost_response", params).play().verdict);
      expect(request).toEqual(response);
    }
  });

  it("counts once, however often it is asked, and heeds an update while it hangs", () => {
    const bench = new ExchangeBench("lost_request", { then: "hang" });
    const { fault } = bench.begin();
    expect(fault.request?.()).toEqual({ do: "hang" });
    bench.armed.assign({ then: "close" });
    expect(fault.request?.()).toEqual({ do: "close" });
    expect(bench.counts).toEqual({ lost: 1 });
  });

  it("takes a status and a persona where it answers only", () => {
    const { params, check } = typeNamed("lost_request");
    const mistake = (raw: object): string | undefined =>
      check?.({ params: params.parse(raw), narrowed: false })?.path;
    expect(mistake({ status: 502 })).toBe("status");
    expect(mistake({ then: "close", persona: "nginx" })).toBe("persona");
    expect(mistake({ then: "status", status: 502, persona: "nginx" })).toBeUndefined();
  });
});
