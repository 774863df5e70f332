import { describe, expect, it } from "vitest";
import { fieldOf } from "../../../../src/faults/messages.js";
import { ExchangeBench, answerIn, type Outcome } from "../../../support/exchange-bench.js";
import { typeNamed } from "../../../support/stream-bench.js";

const JWT = "Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJib3QtNyJ9.AbCdEfGhIjKlMnOp0123";

const play = (bench: ExchangeBench, token: string | null = JWT): Outcome =>
  bench.play({
    fields:
      token === null
        ? [["Host", "h"]]
        : [
            ["Host", "h"],
            ["Authorization", token],
          ],
  });

const challenge = (outcome: Outcome): string | undefined =>
  fieldOf(answerIn(outcome.verdict).head.fields, "www-authenticate");

describe("unauthorized", () => {
  it.each([
    ["expired", 'Bearer realm="api", error="invalid_token", error_description="The access token expired"'],
    ["invalid", 'Bearer realm="api", error="invalid_token", error_description="The access token is invalid"'],
    [
      "revoked",
      'Bearer realm="api", error="invalid_token", error_description="The access token was revoked"',
    ],
    ["missing", 'Bearer realm="api"'],
  ])("answers 401 with a challenge after RFC 6750: %s", (mode, expected) => {
    const bench = new ExchangeBench("unauthorized", { mode });
    const outcome = play(bench);
    expect(outcome).toMatchObject({ met: "answer", upstream: null });
    expect(answerIn(outcome.verdict).head).toMatchObject({ status: 401, reason: "Unauthorized" });
    expect(challenge(outcome)).toBe(expected);
    const body = JSON.parse(answerIn(outcome.verdict).body.toString()) as { error: string };
    expect(body.error).toBe(mode === "missing" ? "unauthorized" : "invalid_token");
    expect(bench.counts).toEqual({ refused: 1 });
  });

  it("calls 403 what it is, and Basic what it is", () => {
    const forbidden = new ExchangeBench("unauthorized", { status: 403, body: "no" });
    expect(challenge(play(forbidden))).toContain('error="insufficient_scope"');
    const { head, body } = answerIn(play(forbidden).verdict);
    expect([body.toString(), fieldOf(head.fields, "content-type")]).toEqual([
      "no",
      "text/plain; charset=utf-8",
    ]);
    expect(challenge(play(new ExchangeBench("unauthorized", {}), "Basic dTpw"))).toBe('Basic realm="api"');
  });

  it("lets each token be good for a time from its first use on, and a new one begin anew", () => {
    const bench = new ExchangeBench("unauthorized", { after: "5m" });
    expect(play(bench, "Bearer one").met).toBe("passed");
    bench.clock.advance(299_999);
    expect(play(bench, "Bearer one").met).toBe("passed");
    bench.clock.advance(1);
    expect(play(bench, "Bearer one").met).toBe("answer");
    expect(play(bench, "Bearer two").met).toBe("passed");
    expect(play(bench, "Bearer one").met).toBe("answer");
    expect(bench.armed.details["refused"]).toEqual({ mode: "expired", status: 401, token_age_ms: 300_000 });
  });

  it("leaves requests without a token alone", () => {
    const bench = new ExchangeBench("unauthorized", {});
    expect(play(bench, null)).toMatchObject({ met: "passed" });
    expect(bench.counts).toEqual({});
  });

  it("spoils a token on the way, alike in length and kind, so that the server itself refuses", () => {
    const bench = new ExchangeBench("unauthorized", { how: "spoil", mode: "invalid" });
    const outcome = play(bench);
    expect(outcome.met).toBe("passed");
    const sent = fieldOf(outcome.upstream?.fields ?? [], "authorization") ?? "";
    expect(sent).toMatch(/^Bearer eyJhbGciOiJIUzI1NiJ9\.eyJzdWIiOiJib3QtNyJ9\.[\w-]{20}$/u);
    expect(sent).not.toBe(JWT);
    expect([...sent.slice(-16)].every((letter, at) => letter !== JWT.slice(-16)[at])).toBe(true);
    expect(outcome.upstream?.fields.map(([name]) => name)).toEqual(["Host", "Authorization"]);
    expect(bench.armed.details["spoilt"]).toEqual({ mode: "invalid", token_age_ms: 0 });
  });

  it.each(["Bearer x", "Bearer ==", "opaque", "Bearer "])("spoils %j, whatever it looks like", (token) => {
    const bench = new ExchangeBench("unauthorized", { how: "spoil", mode: "invalid" });
    expect(fieldOf(play(bench, token).upstream?.fields ?? [], "authorization")).not.toBe(token);
  });

  it("takes it out where it is to be missing", () => {
    const bench = new ExchangeBench("unauthorized", { how: "spoil", mode: "missing", after: "1s" });
    expect(play(bench).upstream?.fields).toHaveLength(2);
    bench.clock.advance(1_000);
    expect(play(bench).upstream?.fields).toEqual([["Host", "h"]]);
    expect(bench.counts).toEqual({ spoilt: 1 });
  });

  it("tells no token to anybody", () => {
    for (const raw of [{}, { how: "spoil", mode: "invalid" }]) {
      const bench = new ExchangeBench("unauthorized", raw);
      const { verdict } = play(bench);
      const said = JSON.stringify([bench.armed.details, verdict]);
      expect(said).not.toContain("eyJ");
      expect(said).not.toContain("AbCd");
    }
  });

  it("remembers ten thousand tokens, and counts those it had to forget", () => {
    const bench = new ExchangeBench("unauthorized", { after: "1h" });
    for (let bot = 0; bot < 10_002; bot++) play(bench, `Bearer ${bot}`);
    expect(bench.armed.evicted).toBe(2);
  });

  it("refuses to make what only an issuer can make", () => {
    const { params, check } = typeNamed("unauthorized");
    const mistake = (raw: object): string | undefined =>
      check?.({ params: params.parse(raw), narrowed: false })?.path;
    expect(mistake({ how: "spoil" })).toBe("mode");
    expect(mistake({ how: "spoil", mode: "revoked" })).toBe("mode");
    expect(mistake({ how: "spoil", mode: "invalid", body: "x" })).toBe("body");
    expect(mistake({ how: "spoil", mode: "missing" })).toBeUndefined();
    expect(params.safeParse({ status: 200 }).success).toBe(false);
  });
});
