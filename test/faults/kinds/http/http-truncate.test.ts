import { describe, expect, it } from "vitest";
import { ExchangeBench } from "../../../support/exchange-bench.js";
import { typeNamed } from "../../../support/stream-bench.js";

const answer = { body: "0123456789" };

describe("http_truncate", () => {
  it.each([
    ["short", "short"],
    ["honest", "whole"],
    ["unterminated", "unterminated"],
  ])("lets so many bytes through, framed %s", (framing, end) => {
    const bench = new ExchangeBench("http_truncate", { after: "4B", framing });
    expect(bench.play({}, answer).client).toMatchObject({ body: "0123", end });
    expect(bench.armed.details["truncated"]).toEqual({ at_byte: 4, length: 10 });
  });

  it.each([
    ["0%", ""],
    ["35%", "012"],
    ["100%", "0123456789"],
  ])("lets %s of a known length through", (share, body) => {
    const bench = new ExchangeBench("http_truncate", { share });
    expect(bench.play({}, answer).client?.body).toBe(body);
    expect(bench.counts).toEqual(share === "100%" ? {} : { truncated: 1 });
  });

  it("knows no share of an unknown length, and leaves that whole", () => {
    const bench = new ExchangeBench("http_truncate", { share: "50%" });
    expect(bench.play({}, { ...answer, chunked: true }).client).toMatchObject({
      body: answer.body,
      end: "whole",
    });
    expect(bench.counts).toEqual({ unknown_length: 1 });
  });

  it("cuts an unknown length after so many bytes, and counts only what it cut", () => {
    const bench = new ExchangeBench("http_truncate", { after: "4B", framing: "unterminated" });
    expect(bench.play({}, { body: "0123", chunked: true }).client).toMatchObject({
      body: "0123",
      end: "whole",
    });
    expect(bench.counts).toEqual({});
    expect(bench.play({}, { body: "01234", chunked: true }).client).toMatchObject({
      body: "0123",
      end: "unterminated",
    });
    expect(bench.armed.details["truncated"]).toEqual({ at_byte: 4 });
  });

  it("leaves alone what is short enough, and the direction it is not told of", () => {
    const bench = new ExchangeBench("http_truncate", { after: "10B" });
    const { client, upstream } = bench.play({ method: "POST", body: "x".repeat(50) }, answer);
    expect(client?.body).toBe(answer.body);
    expect(upstream?.body).toHaveLength(50);
    expect(bench.counts).toEqual({});
  });

  it("cuts requests where it is told to", () => {
    const bench = new ExchangeBench("http_truncate", { after: "3B" }, { direction: "upstream" });
    const { client, upstream } = bench.play({ method: "POST", body: "abcdef" }, answer);
    expect(upstream).toMatchObject({ body: "abc", end: "short" });
    expect(client?.body).toBe(answer.body);
  });

  it("wants exactly one place to cut", () => {
    const { params, check } = typeNamed("http_truncate");
    const mistake = (raw: object): string | undefined =>
      check?.({ params: params.parse(raw), narrowed: false })?.path;
    expect(mistake({})).toBe("after");
    expect(mistake({ after: "1B", share: "5%" })).toBe("share");
    expect(mistake({ share: "0%" })).toBeUndefined();
  });
});
