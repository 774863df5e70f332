import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../../../src/core/clock.js";
import { Armed, StreamBench } from "../../../support/stream-bench.js";

describe("blackhole", () => {
  it("forwards nothing, holds the sender up, and delivers everything with the end when it goes", () => {
    const bench = new StreamBench();
    const placed = bench.place("blackhole", {});
    bench.send("upstream", 100);
    bench.send("downstream", 50);
    bench.end("downstream");
    bench.clock.advance(3_600_000);
    expect(bench.transcript()).toEqual([]);
    expect(bench.paused).toEqual({ upstream: true, downstream: true });
    bench.remove(placed);
    expect(bench.transcript()).toEqual([
      "3600000 upstream 100",
      "3600000 downstream 50",
      "3600000 downstream end",
    ]);
    expect(bench.paused).toEqual({ upstream: false, downstream: false });
  });

  it("holds the sender up with its first bytes", () => {
    const bench = new StreamBench();
    bench.place("blackhole", {});
    bench.send("upstream", 1);
    bench.send("downstream", 1);
    expect(bench.paused).toEqual({ upstream: true, downstream: true });
  });

  it("keeps to its direction", () => {
    const bench = new StreamBench();
    bench.place("blackhole", {}, { direction: "upstream" });
    bench.send("upstream", 100);
    bench.send("downstream", 50);
    expect(bench.transcript()).toEqual(["0 downstream 50"]);
  });

  it("holds a share of the connections, drawn once for both directions", () => {
    const clock = new VirtualClock();
    const armed = new Armed("blackhole", { part: "30%" }, clock);
    const n = 4000;
    let hit = 0;
    for (let ordinal = 0; ordinal < n; ordinal++) {
      const bench = new StreamBench({ clock });
      bench.put(armed, { ordinal });
      bench.send("upstream", 1);
      bench.send("downstream", 1);
      expect(bench.paused.upstream).toBe(bench.paused.downstream);
      if (bench.paused.upstream) hit++;
    }
    expect(Math.abs(hit - n * 0.3)).toBeLessThan(3 * Math.sqrt(n * 0.3 * 0.7));
    expect(armed.counts["held"]).toBe(hit);
  });

  it("counts a connection that it catches only when the share is raised", () => {
    const bench = new StreamBench();
    const placed = bench.place("blackhole", { part: "0%" });
    expect(placed.armed.counts).toEqual({});
    bench.assign(placed, { part: "100%" });
    expect(placed.armed.counts).toEqual({ held: 1 });
  });

  it("lets go, and takes hold, when the share is assigned anew", () => {
    const bench = new StreamBench();
    const placed = bench.place("blackhole", { part: "100%" });
    bench.send("upstream", 10);
    bench.assign(placed, { part: "0%" });
    expect(bench.transcript()).toEqual(["0 upstream 10"]);
    bench.assign(placed, { part: "100%" });
    bench.send("upstream", 10);
    expect(bench.transcript()).toEqual(["0 upstream 10"]);
    expect(placed.armed.counts).toEqual({ held: 1 });
  });
});
