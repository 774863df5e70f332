import { describe, expect, it } from "vitest";
import {
  ExchangeBench,
  answerIn,
  type AnswerSketch,
  type RequestSketch,
} from "../../../support/exchange-bench.js";

const version = (n: number): AnswerSketch => ({
  fields: [
    ["Date", "x"],
    ["ETag", `"${n}"`],
  ],
  body: `{"v":${n}}`,
});

/** What a client sees: the body, and the Age if there is one. */
function seen(bench: ExchangeBench, n: number, sketch: RequestSketch = {}): string {
  const { verdict, client } = bench.play(sketch, version(n));
  if (verdict.do !== "answer") return client?.body ?? "";
  const age = verdict.head.fields.find(([name]) => name === "age")?.[1];
  return `${verdict.body.toString()} age ${String(age)}`;
}

describe("stale_response", () => {
  it("gives an earlier answer again once it is old enough, with the Age that it has", () => {
    const bench = new ExchangeBench("stale_response", { age: "30s" });
    expect(seen(bench, 1)).toBe('{"v":1}');
    bench.clock.advance(29_999);
    expect(seen(bench, 2)).toBe('{"v":2}');
    bench.clock.advance(2);
    expect(seen(bench, 3)).toBe('{"v":1} age 30');
    expect(bench.counts).toEqual({ stale: 1 });
    expect(bench.armed.details["stale"]).toEqual({ age_ms: 30_001, status: 200 });
  });

  it("gives the newest that is old enough", () => {
    const bench = new ExchangeBench("stale_response", { age: "30s" });
    seen(bench, 1);
    bench.clock.advance(10_000);
    seen(bench, 2);
    bench.clock.advance(29_000);
    expect(seen(bench, 3)).toBe('{"v":1} age 39');
    bench.clock.advance(1_000);
    expect(seen(bench, 4)).toBe('{"v":2} age 30');
  });

  it("gives whoever comes steadily what is at most a quarter older than it must be", () => {
    const bench = new ExchangeBench("stale_response", { age: "1s" });
    for (let at = 0; at < 100; at++) {
      expect(seen(bench, at)).toBe(`{"v":${at}}`);
      bench.clock.advance(9.9);
    }
    // The first is 1258 ms old by then, and the one kept a quarter of a second later, at 257.4, is just old enough.
    bench.clock.advance(268);
    const { verdict } = bench.play();
    expect(answerIn(verdict).body.toString()).toBe('{"v":26}');
  });

  it("keeps the answer of each bot and each target for itself", () => {
    const bench = new ExchangeBench("stale_response", { age: "0ms" });
    seen(bench, 1);
    expect(seen(bench, 2, { bot: "other" })).toBe('{"v":2}');
    expect(seen(bench, 3, { target: "/jobs?limit=2" })).toBe('{"v":3}');
    expect(seen(bench, 4)).toBe('{"v":1} age 0');
  });

  it("serves HEAD from what GET brought, and leaves other methods alone", () => {
    const bench = new ExchangeBench("stale_response", { age: "0ms" });
    bench.play({ method: "HEAD" });
    expect(bench.play({ method: "HEAD" }).met).toBe("passed");
    seen(bench, 1);
    expect(bench.play({ method: "HEAD" }).met).toBe("answer");
    for (const method of ["POST", "PUT", "DELETE"]) {
      expect(bench.play({ method, body: "x" }).met).toBe("passed");
      expect(bench.play({ method }).met).toBe("passed");
    }
  });

  it("keeps nothing but whole answers of status 200, without the fields that framed them", () => {
    const bench = new ExchangeBench("stale_response", { age: "0ms" });
    bench.play({}, { status: 500, body: "no" });
    bench.play({}, { status: 206, body: "part" });
    bench.play({}, { failed: "upstream_refused" });
    expect(
      bench.play(
        {},
        {
          fields: [
            ["Connection", "close"],
            ["Content-Length", "0"],
            ["X", "1"],
          ],
        },
      ).met,
    ).toBe("passed");
    expect(answerIn(bench.play().verdict).head.fields).toEqual([
      ["X", "1"],
      ["age", "0"],
    ]);
  });

  it("does not keep what is too large, and says so", () => {
    const bench = new ExchangeBench("stale_response", { age: "0ms", limit: "4B" });
    expect([seen(bench, 1), seen(bench, 2)]).toEqual(['{"v":1}', '{"v":2}']);
    expect(bench.counts).toEqual({ not_kept: 2 });
  });

  it("keeps so many bytes in all, and forgets what was longest not asked for", () => {
    const bench = new ExchangeBench("stale_response", { age: "0ms", memory: "20KiB" });
    const body = "x".repeat(5_000);
    const at = (n: number): string => bench.play({ target: `/${n}` }, { body }).met;
    for (const n of [1, 2, 3]) expect(at(n)).toBe("passed");
    expect(at(1)).toBe("answer");
    expect(at(4)).toBe("passed");
    expect(bench.armed.evicted).toBe(1);
    expect([at(1), at(3), at(4)]).toEqual(["answer", "answer", "answer"]);
    expect(at(2)).toBe("passed");
  });

  it("keeps the answers to a thousand requests", () => {
    const bench = new ExchangeBench("stale_response", { age: "0ms" });
    for (let n = 0; n < 1_005; n++) seen(bench, n, { target: `/${n}` });
    expect(bench.armed.evicted).toBe(5);
  });

  it("gives the same when it is asked again, and counts it once", () => {
    const bench = new ExchangeBench("stale_response", { age: "0ms" });
    seen(bench, 1);
    const { fault } = bench.begin();
    expect(fault.request?.()).toEqual(fault.request?.());
    expect(bench.counts).toEqual({ stale: 1 });
  });
});

describe("stale_response and who asks", () => {
  const mine = (n: number, fields: readonly (readonly [string, string])[] = []): AnswerSketch => ({
    fields,
    body: `{"of":${n}}`,
  });
  const asks = (bench: ExchangeBench, n: number, name: string, value: string, answer = mine(n)): string => {
    const { verdict, client } = bench.play({ fields: [[name, value]] }, answer);
    return verdict.do === "answer" ? verdict.body.toString() : (client?.body ?? "");
  };

  for (const name of ["Authorization", "cookie", "X-Api-Key", "Proxy-Authorization"]) {
    it(`gives nobody an answer that was for another ${name}, though they share an address`, () => {
      const bench = new ExchangeBench("stale_response", { age: "1s" });
      expect(asks(bench, 1, name, "a")).toBe('{"of":1}');
      bench.clock.advance(2_000);
      expect(asks(bench, 2, name, "b")).toBe('{"of":2}');
      expect(asks(bench, 3, name, "a")).toBe('{"of":1}');
    });
  }

  it("keeps no answer that sets a cookie: with the next who logs in it would be his session", () => {
    const bench = new ExchangeBench("stale_response", { age: "1s" });
    const login = (n: number): AnswerSketch => mine(n, [["Set-Cookie", `sid=${n}`]]);
    expect(asks(bench, 1, "Accept", "*/*", login(1))).toBe('{"of":1}');
    bench.clock.advance(2_000);
    expect(asks(bench, 2, "Accept", "*/*", login(2))).toBe('{"of":2}');
    expect(bench.counts).toEqual({ not_kept: 2 });
  });

  it("gives an answer again only to what it does not vary by", () => {
    const bench = new ExchangeBench("stale_response", { age: "1s" });
    const vary = (n: number): AnswerSketch => mine(n, [["Vary", "Accept-Encoding, X-Tenant"]]);
    expect(asks(bench, 1, "X-Tenant", "a", vary(1))).toBe('{"of":1}');
    bench.clock.advance(2_000);
    expect(asks(bench, 2, "X-Tenant", "b", vary(2))).toBe('{"of":2}');
    bench.clock.advance(100);
    expect(asks(bench, 3, "X-Tenant", "a", mine(3, [["Vary", "*"]]))).toBe('{"of":1}');
  });
});
