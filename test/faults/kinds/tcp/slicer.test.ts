import { describe, expect, it } from "vitest";
import { StreamBench } from "../../../support/stream-bench.js";

describe("slicer", () => {
  it("cuts a chunk into writes of one size, a gap apart, the first at once", () => {
    const bench = new StreamBench();
    bench.place("slicer", { size: "4B", gap: "10ms" });
    bench.send("downstream", 10);
    bench.end("downstream");
    bench.settle();
    expect(bench.transcript()).toEqual([
      "0 downstream 4",
      "10 downstream 4",
      "20 downstream 2",
      "20 downstream end",
    ]);
    expect(bench.intact("downstream")).toBe(true);
  });

  it("keeps gaps of microseconds", () => {
    const bench = new StreamBench();
    bench.place("slicer", { size: "1B", gap: "50us" });
    bench.send("downstream", 5);
    bench.settle();
    expect(bench.written.map(({ at }) => Math.round(at * 1000))).toEqual([0, 50, 100, 150, 200]);
  });

  it("makes up for a late timer, but not for a pause of the sender", () => {
    const bench = new StreamBench();
    bench.place(
      "slicer",
      { size: "1B", gap: "1ms" },
      {
        around: (stage) => ({
          push: (chunk, out) => stage.push(chunk, out),
          end: (out) => stage.end?.(out),
          wake: (out) => stage.wake?.(out),
          release: (out) => stage.release(out),
          // A timer as coarse as 4 ms.
          get wakeAt() {
            return Math.ceil(stage.wakeAt / 4) * 4;
          },
          get held() {
            return stage.held;
          },
          get capacity() {
            return stage.capacity;
          },
        }),
      },
    );
    bench.send("downstream", 9);
    bench.settle();
    expect(bench.written.map(({ at }) => at)).toEqual([0, 4, 4, 4, 4, 8, 8, 8, 8]);
    bench.clock.advance(92);
    bench.send("downstream", 3);
    bench.settle();
    expect(bench.written.slice(9).map(({ at }) => at)).toEqual([100, 104, 104]);
  });

  it("writes all at once without a gap, in slices all the same", () => {
    const bench = new StreamBench();
    bench.place("slicer", { size: "4B" });
    bench.send("downstream", 9);
    expect(bench.transcript()).toEqual(["0 downstream 4", "0 downstream 4", "0 downstream 1"]);
  });

  it("cuts across the chunks that arrive", () => {
    const bench = new StreamBench();
    bench.place("slicer", { size: "4B", gap: "1ms" });
    for (let i = 0; i < 4; i++) bench.send("downstream", 3);
    bench.settle();
    expect(bench.transcript()).toEqual([
      "0 downstream 3",
      "1 downstream 4",
      "2 downstream 4",
      "3 downstream 1",
    ]);
    expect(bench.intact("downstream")).toBe(true);
  });

  it("varies sizes evenly between size - variation and size + variation", () => {
    const bench = new StreamBench();
    bench.place("slicer", { size: "10B", variation: "4B" });
    bench.send("downstream", 200_000);
    const sizes = new Map<number, number>();
    for (const { what } of bench.written.slice(0, -1))
      if (what instanceof Buffer) sizes.set(what.length, (sizes.get(what.length) ?? 0) + 1);
    expect([...sizes.keys()].sort((a, b) => a - b)).toEqual([6, 7, 8, 9, 10, 11, 12, 13, 14]);
    const n = [...sizes.values()].reduce((sum, times) => sum + times, 0);
    const sigma = Math.sqrt(n * (1 / 9) * (8 / 9));
    for (const times of sizes.values()) expect(Math.abs(times - n / 9)).toBeLessThan(4 * sigma);
  });

  it("refuses a variation as large as the size", () => {
    const { armed } = new StreamBench().place("slicer", { size: "10B", variation: "9B" });
    expect(armed.type.check?.({ params: armed.params, narrowed: false })).toBeUndefined();
    armed.assign({ size: "10B", variation: "10B" });
    expect(armed.type.check?.({ params: armed.params, narrowed: false })).toEqual({
      path: "variation",
      message: "must be less than size (10B), got 10B",
    });
  });

  it("keeps little: the sender is held up at 64 KiB", () => {
    const bench = new StreamBench();
    bench.place("slicer", { size: "1B", gap: "1s" });
    bench.saturate("downstream", 10_000_000);
    bench.clock.advance(100);
    expect(bench.pumps.downstream.held).toBeLessThanOrEqual(2 * 65_536);
    expect(bench.paused.downstream).toBe(true);
  });
});
