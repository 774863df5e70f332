import { describe, expect, it } from "vitest";
import { ExchangeBench } from "../../../support/exchange-bench.js";
import { typeNamed } from "../../../support/stream-bench.js";

const JOB = '{"id": 7, "note": "a, b: {c}", "tags": ["x", "y"]}';
const parses = (text: string | undefined): boolean => {
  try {
    JSON.parse(text ?? "");
    return true;
  } catch {
    return false;
  }
};

describe("http_body", () => {
  it("takes the whole payload away, honestly, whatever its size", () => {
    const bench = new ExchangeBench("http_body", { mode: "empty", limit: "0B" });
    expect(bench.play({}, { body: JOB }).client).toMatchObject({ body: "", end: "whole" });
    expect(bench.armed.details["changed"]).toEqual({ mode: "empty", bytes: 0 });
  });

  it("puts another payload there", () => {
    const bench = new ExchangeBench("http_body", { mode: "replace", with: "<html>" });
    expect(bench.play({}, { body: JOB }).client?.body).toBe("<html>");
    expect(bench.armed.details["changed"]).toEqual({ mode: "replace", bytes: 6, of: JOB.length });
  });

  it("pads a payload with spaces, and JSON stays the same JSON", () => {
    const bench = new ExchangeBench("http_body", { mode: "inflate", size: "100kB" });
    const body = bench.play({}, { body: JOB }).client?.body ?? "";
    expect(body).toHaveLength(100_000);
    expect(JSON.parse(body)).toEqual(JSON.parse(JOB));
    const large = "x".repeat(100_001);
    expect(bench.play({}, { body: large }).client?.body).toBe(large);
    expect(bench.counts).toEqual({ changed: 1 });
  });

  it.each(["garble_json", "cut_json"])(
    "leaves JSON that parses no more, by %s, at a place that is drawn",
    (mode) => {
      const bodies = [
        JOB,
        "[]",
        "{}",
        '"text, with: commas"',
        "12345",
        "null",
        "[1]  \n",
        `"${",".repeat(3000)}"`,
      ];
      const results = new Set<string>();
      const bench = new ExchangeBench("http_body", { mode });
      for (let round = 0; round < 40; round++) {
        for (const body of bodies) {
          const result = bench.play({}, { body }).client?.body ?? "";
          expect(parses(result), `${body} -> ${result}`).toBe(false);
          if (mode === "cut_json") expect(body.startsWith(result)).toBe(true);
          if (body === JOB) results.add(result);
        }
      }
      expect(results.size).toBeGreaterThan(5);
      expect(bench.counts).toEqual({ changed: 40 * bodies.length });
    },
  );

  it("draws the same again for the same seed", () => {
    const once = (): string[] => {
      const bench = new ExchangeBench("http_body", { mode: "garble_json" }, { seed: 5 });
      return [1, 2, 3].map(() => bench.play({}, { body: JOB }).client?.body ?? "");
    };
    expect(once()).toEqual(once());
  });

  it("has answers come plain, by taking Accept-Encoding out of the request", () => {
    const fields = [
      ["Host", "h"],
      ["Accept-Encoding", "gzip"],
      ["accept-encoding", "br"],
    ] as const;
    const sent = (raw: object, direction?: "upstream"): unknown =>
      new ExchangeBench("http_body", { ...raw }, direction && { direction }).play({ fields }).upstream
        ?.fields;
    expect(sent({ mode: "garble_json" })).toEqual([["Host", "h"]]);
    expect(sent({ mode: "empty" })).toEqual(fields);
    expect(sent({ mode: "garble_json" }, "upstream")).toEqual(fields);
  });

  it("leaves alone what is compressed all the same, what is no JSON, and what is too large", () => {
    const json = ["Content-Type", "application/problem+json; charset=utf-8"] as const;
    const bench = new ExchangeBench("http_body", { mode: "garble_json", limit: "10B" });
    const after = (fields: readonly (readonly [string, string])[], body: string): string | undefined =>
      bench.play({}, { fields, body }).client?.body;
    expect(after([json, ["Content-Encoding", "gzip"]], "{}")).toBe("{}");
    expect(after([["Content-Type", "text/html"]], "{}")).toBe("{}");
    expect(after([], "{}")).toBe("{}");
    expect(after([json], "[1,2,3,4,5,6]")).toBe("[1,2,3,4,5,6]");
    expect(bench.counts).toEqual({ encoded: 1, not_json: 2, too_large: 1 });
    expect(after([json, ["Content-Encoding", "identity"]], "[1]")).not.toBe("[1]");
  });

  it("works on requests where it is told to", () => {
    const bench = new ExchangeBench("http_body", { mode: "replace", with: "no" }, { direction: "upstream" });
    const { client, upstream } = bench.play({ method: "POST", body: JOB }, { body: JOB });
    expect([upstream?.body, client?.body]).toEqual(["no", JOB]);
    const encoded = bench.play({ method: "POST", body: JOB, fields: [["content-encoding", "br"]] });
    expect(encoded.upstream?.body).toBe(JOB);
    expect(bench.counts).toEqual({ changed: 1, encoded: 1 });
  });

  it("wants for each mode what that mode needs, and nothing else", () => {
    const { params, check } = typeNamed("http_body");
    const mistake = (raw: object): string | undefined =>
      check?.({ params: params.parse(raw), narrowed: false })?.path;
    expect(mistake({ mode: "replace" })).toBe("with");
    expect(mistake({ mode: "inflate" })).toBe("size");
    expect(mistake({ mode: "empty", with: "x" })).toBe("with");
    expect(mistake({ mode: "replace", with: "", size: "1B" })).toBe("size");
    expect(mistake({ mode: "replace", with: "" })).toBeUndefined();
  });
});
