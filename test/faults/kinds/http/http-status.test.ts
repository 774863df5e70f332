import { describe, expect, it } from "vitest";
import { ExchangeBench, answerIn, written } from "../../../support/exchange-bench.js";
import { typeNamed, type Raw } from "../../../support/stream-bench.js";

const mistake = (raw: Raw): string | undefined => {
  const type = typeNamed("http_status");
  const found = type.check?.({ params: type.params.parse(raw), narrowed: false });
  return found && `${found.path} ${found.message}`;
};

describe("http_status", () => {
  it("answers before anything is forwarded", () => {
    const bench = new ExchangeBench("http_status", { status: 503 });
    const outcome = bench.play();
    expect(outcome).toMatchObject({ met: "answer", upstream: null });
    expect(written(answerIn(outcome.verdict))).toBe(
      "HTTP/1.1 503 Service Unavailable\r\ndate: Thu, 01 Jan 1970 00:00:01 GMT\r\n" +
        "content-type: text/plain; charset=utf-8\r\ncontent-length: 24\r\n\r\n503 Service Unavailable\n",
    );
    expect(bench.armed.details["answered"]).toEqual({ status: 503 });
  });

  it("answers after the upstream did the work, and journals the true status", () => {
    const bench = new ExchangeBench("http_status", { status: 500 }, { at: "after" });
    const outcome = bench.play({ method: "POST", body: "{}" }, { status: 201 });
    expect(outcome.met).toBe("answer");
    expect(outcome.upstream?.body).toBe("{}");
    expect(bench.armed.details["answered"]).toEqual({ status: 500, true_status: 201 });
  });

  it("leaves a failure of the upstream what it is", () => {
    const bench = new ExchangeBench("http_status", { status: 500 }, { at: "after" });
    expect(bench.play({}, { failed: "upstream_reset" }).met).toBe("failed");
    expect(bench.counts).toEqual({});
  });

  it.each([
    ['{"code":"busy"}', "application/json"],
    [" [1]", "application/json"],
    ["<h1>no</h1>", "text/html; charset=utf-8"],
    ["später", "text/plain; charset=utf-8"],
  ])("labels a body of its own: %s", (body, type) => {
    const bench = new ExchangeBench("http_status", { status: 500, body, persona: "nginx" });
    const answer = answerIn(bench.play().verdict);
    expect(answer.body.toString()).toBe(body);
    expect(answer.head.fields).toEqual([
      ["Server", "nginx"],
      ["Date", "Thu, 01 Jan 1970 00:00:01 GMT"],
      ["Content-Type", type],
      ["Content-Length", String(Buffer.byteLength(body))],
      ["Connection", "close"],
    ]);
    expect(answer.close).toBe(true);
  });

  it("puts fields in the place of the persona's, or behind them, and rounds Retry-After up", () => {
    const bench = new ExchangeBench("http_status", {
      status: 503,
      persona: "haproxy",
      headers: { "Content-Type": "text/x", "x-request": "1" },
      retry_after: "1500ms",
    });
    expect(answerIn(bench.play().verdict).head.fields).toEqual([
      ["content-length", "107"],
      ["cache-control", "no-cache"],
      ["Content-Type", "text/x"],
      ["retry-after", "2"],
      ["x-request", "1"],
    ]);
  });

  it("gives the same answer when it is asked again, and counts it once", () => {
    const bench = new ExchangeBench("http_status", { status: 503 });
    const { fault } = bench.begin();
    const first = fault.request?.();
    bench.clock.advance(5_000);
    expect(fault.request?.()).toBe(first);
    expect(bench.counts).toEqual({ answered: 1 });
  });

  it("refuses what makes no sense", () => {
    expect(mistake({ status: 204, body: "x" })).toMatch(/^body must be empty/u);
    expect(mistake({ status: 500, headers: { "Content-Length": "3" } })).toMatch(
      /^headers must not have Content-Length/u,
    );
    expect(mistake({ status: 500, headers: { "Retry-After": "3" }, retry_after: "3s" })).toMatch(
      /^retry_after/u,
    );
    expect(mistake({ status: 204, body: "" })).toBeUndefined();
    for (const status of [100, 199, 600, 0])
      expect(typeNamed("http_status").params.safeParse({ status }).success).toBe(false);
    for (const value of ["a\r\nb: c", " padded", "\u{1f600}", "nul\0"])
      expect(typeNamed("http_status").params.safeParse({ status: 500, headers: { a: value } }).success).toBe(
        false,
      );
    for (const name of ["", "a b", "a:", "é"])
      expect(
        typeNamed("http_status").params.safeParse({ status: 500, headers: { [name]: "x" } }).success,
      ).toBe(false);
  });
});
