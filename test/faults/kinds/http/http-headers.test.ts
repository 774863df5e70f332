import { describe, expect, it } from "vitest";
import { ExchangeBench } from "../../../support/exchange-bench.js";
import { typeNamed } from "../../../support/stream-bench.js";

const fields = [
  ["Date", "now"],
  ["X-Job", "1"],
  ["Retry-After", "3"],
  ["x-job", "2"],
] as const;

describe("http_headers", () => {
  it("sets a field in the place of the first of its name, and new ones behind all", () => {
    const bench = new ExchangeBench("http_headers", { set: { "X-JOB": "9", "x-new": "" } });
    expect(bench.play({}, { fields }).client?.fields).toEqual([
      ["Date", "now"],
      ["X-JOB", "9"],
      ["Retry-After", "3"],
      ["x-new", ""],
    ]);
    expect(bench.armed.details["rewritten"]).toEqual({ direction: "downstream" });
  });

  it("removes all fields of a name, in any case", () => {
    const bench = new ExchangeBench("http_headers", { remove: ["x-job"] });
    expect(bench.play({}, { fields }).client?.fields).toEqual([
      ["Date", "now"],
      ["Retry-After", "3"],
    ]);
  });

  it("renames before it does anything else, and keeps place and value", () => {
    const bench = new ExchangeBench("http_headers", {
      rename: { "x-job": "X-Task", "retry-after": "x-gone" },
      remove: ["X-Gone"],
    });
    expect(bench.play({}, { fields }).client?.fields).toEqual([
      ["Date", "now"],
      ["X-Task", "1"],
      ["X-Task", "2"],
    ]);
  });

  it("acts on requests where it is told to, and on nothing else", () => {
    const bench = new ExchangeBench("http_headers", { remove: ["x-job"] }, { direction: "upstream" });
    const { client, upstream } = bench.play({ fields }, { fields });
    expect(upstream?.fields).toHaveLength(2);
    expect(client?.fields).toBe(fields);
    const both = new ExchangeBench("http_headers", { remove: ["x-job"] }, { direction: "both" });
    both.play({ fields }, { fields });
    expect(both.counts).toEqual({ rewritten: 2 });
  });

  it("counts nothing where nothing changed", () => {
    const bench = new ExchangeBench("http_headers", { remove: ["x-other"], set: { Date: "now" } });
    expect(bench.play({}, { fields }).client?.fields).toBe(fields);
    expect(bench.counts).toEqual({});
  });

  it("refuses fields that frame a message, having nothing to do, and doing both", () => {
    const { params, check } = typeNamed("http_headers");
    const mistake = (raw: object): string | undefined =>
      check?.({ params: params.parse(raw), narrowed: false })?.path;
    expect(mistake({})).toBe("set");
    for (const name of [
      "Content-Length",
      "transfer-encoding",
      "Connection",
      "Upgrade",
      "TE",
      "Trailer",
      "Keep-Alive",
    ]) {
      expect(mistake({ set: { [name]: "x" } })).toBe("set");
      expect(mistake({ remove: [name] })).toBe("remove");
      expect(mistake({ rename: { [name]: "x" } })).toBe("rename");
      expect(mistake({ rename: { x: name } })).toBe("rename");
    }
    expect(mistake({ set: { a: "1" }, remove: ["A"] })).toBe("remove");
    for (const raw of [{ set: {} }, { remove: [] }, { rename: { a: "b c" } }, { set: { "a\n": "b" } }])
      expect(params.safeParse(raw).success).toBe(false);
  });
});
