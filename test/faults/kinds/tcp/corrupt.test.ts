import { describe, expect, it } from "vitest";
import { codedBytes } from "../../../support/coded-bytes.js";
import { StreamBench } from "../../../support/stream-bench.js";

const bitsOf = (byte: number): number => byte.toString(2).replaceAll("0", "").length;

/** Positions and the bits flipped there. */
function hits(bench: StreamBench): { at: number; mask: number }[] {
  const got = bench.received("downstream");
  const meant = codedBytes(0, got.length);
  const found: { at: number; mask: number }[] = [];
  got.forEach((byte, at) => {
    const mask = byte ^ (meant[at] ?? 0);
    if (mask !== 0) found.push({ at, mask });
  });
  return found;
}

function run(rate: string, total: number, chunk: number, bits = 1, seed = 1): StreamBench {
  const bench = new StreamBench();
  bench.place("corrupt", { rate, bits }, { seed });
  for (let sent = 0; sent < total; sent += chunk) bench.send("downstream", Math.min(chunk, total - sent));
  return bench;
}

describe("corrupt", () => {
  it.each([
    ["0.1%", 0.001],
    ["1%", 0.01],
    ["30%", 0.3],
  ])("hits %s of the bytes, within three sigma", (rate, share) => {
    const n = 1_000_000;
    const bench = run(rate, n, 1460);
    const found = hits(bench);
    expect(bench.received("downstream")).toHaveLength(n);
    expect(Math.abs(found.length - n * share)).toBeLessThanOrEqual(3 * Math.sqrt(n * share * (1 - share)));
    expect(bench.placed[0]?.armed.counts["corrupted"]).toBe(found.length);
    expect(bench.placed[0]?.armed.details["corrupted"]).toEqual({ at_byte: found[0]?.at });
  });

  it("hits nothing at 0 % and everything at 100 %", () => {
    expect(hits(run("0%", 50_000, 1000))).toEqual([]);
    expect(hits(run("100%", 50_000, 1000))).toHaveLength(50_000);
  });

  it("hits the same bytes however the stream is cut into chunks", () => {
    const whole = hits(run("0.5%", 200_000, 200_000, 3));
    expect(whole.length).toBeGreaterThan(900);
    for (const chunk of [1, 7, 1460, 65_536]) expect(hits(run("0.5%", 200_000, chunk, 3))).toEqual(whole);
  });

  it("leaves gaps that are geometric: memoryless, with hits on neighbours too", () => {
    const found = hits(run("10%", 500_000, 4096)).map(({ at }) => at);
    const gaps = found.slice(1).map((at, i) => at - (found[i] ?? 0) - 1);
    const n = gaps.length;
    for (const k of [0, 1, 5, 20]) {
      const p = 0.1 * 0.9 ** k;
      const seen = gaps.filter((gap) => gap === k).length;
      expect(Math.abs(seen - n * p)).toBeLessThan(4 * Math.sqrt(n * p * (1 - p)));
    }
  });

  it.each([1, 2, 5, 8])("flips exactly %i bits of a byte that it hits, any of them alike", (bits) => {
    const found = hits(run("10%", 200_000, 1460, bits));
    expect(found.every(({ mask }) => bitsOf(mask) === bits)).toBe(true);
    const n = found.length;
    const p = bits / 8;
    for (let bit = 0; bit < 8; bit++) {
      const times = found.filter(({ mask }) => mask & (1 << bit)).length;
      expect(Math.abs(times - n * p)).toBeLessThanOrEqual(4 * Math.sqrt(n * p * (1 - p)));
    }
  });

  it("never writes into a chunk that it was given, and passes on unharmed ones as they are", () => {
    const bench = new StreamBench();
    const placed = bench.place("corrupt", { rate: "100%" });
    const chunk = Buffer.from("hello");
    bench.pumps.downstream.data(chunk);
    expect(chunk.toString()).toBe("hello");
    expect(bench.received("downstream").toString()).not.toBe("hello");
    bench.assign(placed, { rate: "0%" });
    bench.pumps.downstream.data(chunk);
    expect(bench.written.at(-1)?.what).toBe(chunk);
  });

  it("follows a rate that changes on the way", () => {
    const bench = new StreamBench();
    const placed = bench.place("corrupt", { rate: "1%" });
    // Changing so often that most gaps reach over several changes.
    for (let i = 0; i < 8000; i++) {
      bench.assign(placed, { rate: i % 2 === 0 ? "1%" : "10%" });
      bench.send("downstream", 50);
    }
    const found = hits(bench);
    const low = found.filter(({ at }) => Math.floor(at / 50) % 2 === 0).length;
    expect(Math.abs(low - 2000)).toBeLessThan(4 * Math.sqrt(2000));
    expect(Math.abs(found.length - low - 20_000)).toBeLessThan(4 * Math.sqrt(20_000));
  });
});
