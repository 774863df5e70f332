import { describe, expect, it } from "vitest";
import { ExchangeBench } from "../../../support/exchange-bench.js";

const MODES = ["status_line", "header", "chunk", "length", "garbage", "empty"];

function bytesOf(mode: string, seed = 1): Buffer {
  const { verdict } = new ExchangeBench("http_malformed", { mode }, { seed }).play();
  if (verdict.do !== "raw") throw new Error("raw bytes");
  return verdict.bytes;
}

describe("http_malformed", () => {
  it.each(MODES)("sends %s when the upstream has done the work", (mode) => {
    const bench = new ExchangeBench("http_malformed", { mode });
    const outcome = bench.play({ method: "POST", body: "x" }, { status: 201 });
    expect(outcome.met).toBe("raw");
    expect(outcome.upstream?.body).toBe("x");
    expect(bench.armed.details["malformed"]).toEqual({ mode, true_status: 201 });
  });

  it("sends it before anything is forwarded where it is told to", () => {
    const bench = new ExchangeBench("http_malformed", { mode: "empty" }, { at: "before" });
    expect(bench.play()).toMatchObject({ met: "raw", upstream: null });
    expect(bench.armed.details["malformed"]).toEqual({ mode: "empty" });
  });

  it("leaves a failure of the upstream what it is", () => {
    const bench = new ExchangeBench("http_malformed", { mode: "garbage" });
    expect(bench.play({}, { failed: "upstream_refused" }).met).toBe("failed");
    expect(bench.counts).toEqual({});
  });

  it("is wrong in the one way that the mode says", () => {
    expect(bytesOf("status_line").toString()).not.toMatch(/^HTTP\/1\.1 \d{3}/u);
    for (const mode of ["header", "chunk", "length"])
      expect(bytesOf(mode).toString()).toMatch(/^HTTP\/1\.1 200 OK\r\n/u);
    expect(bytesOf("header").toString("latin1")).toMatch(/\r\n[^:\r]*\0[^:\r]*\r\n/u);
    expect(bytesOf("chunk").toString()).toMatch(/chunked\r\n\r\nxyz\r\n/u);
    expect(bytesOf("length").toString()).toMatch(/content-length: two\r\n/u);
    expect(bytesOf("empty")).toHaveLength(0);
  });

  it("draws its garbage, the same for the same seed, and never the beginning of an answer", () => {
    expect(bytesOf("garbage", 3)).toEqual(bytesOf("garbage", 3));
    expect(bytesOf("garbage", 3)).not.toEqual(bytesOf("garbage", 4));
    for (let seed = 0; seed < 50; seed++) expect(bytesOf("garbage", seed)).toHaveLength(256);
    expect(bytesOf("garbage", 3)[0]).toBe(0);
  });

  it("sends the same bytes when it is asked again", () => {
    const bench = new ExchangeBench("http_malformed", { mode: "garbage" }, { at: "before" });
    const { fault } = bench.begin();
    expect(fault.request?.()).toBe(fault.request?.());
    expect(bench.counts).toEqual({ malformed: 1 });
  });
});
