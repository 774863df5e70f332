import { describe, expect, it } from "vitest";
import { StreamBench, type Raw } from "../../../support/stream-bench.js";

describe("latency", () => {
  it("delays each chunk, and the end, by the time", () => {
    const bench = new StreamBench();
    const { armed } = bench.place("latency", { delay: "200ms" });
    bench.send("downstream", 10);
    bench.clock.advance(50);
    bench.send("downstream", 20);
    bench.end("downstream");
    bench.settle();
    expect(bench.transcript()).toEqual(["200 downstream 10", "250 downstream 20", "250 downstream end"]);
    expect(armed.counts).toEqual({ delayed: 2 });
    expect(armed.delays).toEqual([200, 200]);
  });

  it("does not reorder, whatever the jitter", () => {
    const bench = new StreamBench();
    bench.place("latency", { delay: "100ms", jitter: "100ms" });
    for (let i = 0; i < 500; i++) {
      bench.send("downstream", 13);
      bench.clock.advance(1);
    }
    bench.settle();
    expect(bench.received("downstream")).toHaveLength(6500);
    expect(bench.intact("downstream")).toBe(true);
  });

  it("does not limit throughput within its window", () => {
    const bench = new StreamBench();
    bench.place("latency", { delay: "100ms" });
    for (let i = 0; i < 100; i++) {
      bench.send("downstream", 65_536);
      expect(bench.paused.downstream).toBe(false);
      bench.clock.advance(1);
    }
    bench.settle();
    expect(bench.written.at(-1)?.at).toBe(199);
  });

  it("slows the sender down when the window is full", () => {
    const bench = new StreamBench();
    bench.place("latency", { delay: "100ms", window: "64KiB" });
    bench.send("downstream", 65_536);
    expect(bench.paused.downstream).toBe(true);
    bench.clock.advance(100);
    expect(bench.paused.downstream).toBe(false);
  });

  it("adds up with another one", () => {
    const bench = new StreamBench();
    bench.place("latency", { delay: "100ms" });
    bench.place("latency", { delay: "30ms" });
    bench.send("downstream", 1);
    bench.settle();
    expect(bench.transcript()).toEqual(["130 downstream 1"]);
  });

  it("works out anew what is under way when it is assigned", () => {
    const bench = new StreamBench();
    const placed = bench.place("latency", { delay: "100ms" });
    bench.send("downstream", 1);
    bench.clock.advance(50);
    bench.assign(placed, { delay: "200ms" });
    bench.send("downstream", 2);
    bench.settle();
    expect(bench.transcript()).toEqual(["200 downstream 1", "250 downstream 2"]);
    const shorter: Raw = { delay: "10ms" };
    bench.send("downstream", 3);
    bench.clock.advance(20);
    bench.assign(placed, shorter);
    expect(bench.transcript().at(-1)).toBe("270 downstream 3");
  });

  it("samples a ramp when the chunk arrives, and leaves what is held alone", () => {
    const bench = new StreamBench();
    const { armed } = bench.place("latency", { delay: "0ms" });
    Object.defineProperty(armed.params, "delay", { get: () => 1000 - bench.clock.now() });
    bench.send("downstream", 1);
    bench.clock.advance(999);
    bench.send("downstream", 2);
    bench.settle();
    expect(bench.transcript()).toEqual(["1000 downstream 1", "1000 downstream 2"]);
  });
});
