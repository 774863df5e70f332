import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../../../src/core/clock.js";
import { Armed, StreamBench } from "../../../support/stream-bench.js";

const lastAt = (bench: StreamBench): number => bench.written.at(-1)?.at ?? NaN;

describe("bandwidth", () => {
  it("takes 480 ms, give or take 10, for 480 KB at 1000 KB/s", () => {
    const bench = new StreamBench();
    bench.place("bandwidth", { rate: "1000kB/s" });
    bench.saturate("downstream", 480_000);
    bench.settle();
    expect(bench.received("downstream")).toHaveLength(480_000);
    expect(bench.intact("downstream")).toBe(true);
    expect(Math.abs(lastAt(bench) - 480)).toBeLessThanOrEqual(10);
  });

  it.each(["10kB/s", "100kB/s", "3MB/s", "100MB/s"])("keeps %s within one percent", (rate) => {
    const bench = new StreamBench();
    const { armed } = bench.place("bandwidth", { rate });
    const perSecond = armed.params["rate"] as number;
    bench.saturate("downstream", perSecond * 2);
    bench.settle();
    expect(bench.received("downstream")).toHaveLength(perSecond * 2);
    expect(lastAt(bench) / 2000).toBeGreaterThan(0.99);
    expect(lastAt(bench) / 2000).toBeLessThan(1.01);
  });

  it("keeps its rate although timers come a millisecond late", () => {
    class LateClock extends VirtualClock {
      override at(when: number, run: () => void): ReturnType<VirtualClock["at"]> {
        return super.at(when === this.now() ? when : when + 1, run);
      }
    }
    const bench = new StreamBench({ clock: new LateClock() });
    // Without a burst that could make up for it.
    bench.place("bandwidth", { rate: "20MB/s", burst: "0B" });
    bench.saturate("downstream", 40_000_000);
    bench.settle();
    expect(lastAt(bench) / 2000).toBeGreaterThan(0.99);
    expect(lastAt(bench) / 2000).toBeLessThan(1.01);
  });

  it("is smooth: no 10 ms bring more than 15 ms are worth", () => {
    const bench = new StreamBench();
    bench.place("bandwidth", { rate: "1MB/s" });
    bench.saturate("downstream", 500_000);
    bench.settle();
    const windows = new Map<number, number>();
    for (const { at, what } of bench.written) {
      if (!(what instanceof Buffer)) continue;
      const window = Math.floor(at / 10);
      windows.set(window, (windows.get(window) ?? 0) + what.length);
    }
    expect(Math.max(...windows.values())).toBeLessThanOrEqual(15_000);
  });

  it("slows the sender down instead of piling up bytes", () => {
    const bench = new StreamBench();
    bench.place("bandwidth", { rate: "10kB/s" });
    bench.saturate("downstream", 10_000_000);
    let most = 0;
    for (let i = 0; i < 200; i++) {
      bench.clock.advance(50);
      most = Math.max(most, bench.pumps.downstream.held);
    }
    expect(most).toBeLessThanOrEqual(2 * 65_536);
    expect(bench.sent.downstream).toBeLessThan(300_000);
  });

  it("stalls at a rate of zero, keeps the data, and goes on when the rate is assigned", () => {
    const bench = new StreamBench();
    const placed = bench.place("bandwidth", { rate: "0B/s" });
    bench.send("downstream", 5000);
    bench.end("downstream");
    bench.clock.advance(60_100);
    expect(bench.transcript()).toEqual([]);
    bench.assign(placed, { rate: "1MB/s" });
    bench.settle();
    expect(bench.received("downstream")).toHaveLength(5000);
    // The time at the old rate earned nothing.
    expect(bench.transcript().at(-1)).toBe("60105 downstream end");
  });

  it("stalls on the way when zero is assigned", () => {
    const bench = new StreamBench();
    const placed = bench.place("bandwidth", { rate: "1MB/s" });
    bench.send("downstream", 60_000);
    bench.clock.advance(20);
    bench.assign(placed, { rate: "0B/s" });
    const received = bench.received("downstream").length;
    bench.clock.advance(10_000);
    expect(bench.received("downstream")).toHaveLength(received);
    expect(received).toBeGreaterThanOrEqual(20_000);
    expect(received).toBeLessThanOrEqual(25_000);
  });

  it("does not make those who wait at 100 MB/s wait on a huge slice at 10 kB/s", () => {
    const bench = new StreamBench();
    const placed = bench.place("bandwidth", { rate: "100MB/s" });
    bench.saturate("downstream", 50_000_000);
    bench.clock.advance(100);
    bench.assign(placed, { rate: "10kB/s" });
    const before = bench.received("downstream").length;
    bench.clock.advance(1000);
    expect(bench.received("downstream").length - before).toBeGreaterThanOrEqual(9_900);
    expect(bench.received("downstream").length - before).toBeLessThanOrEqual(10_100);
  });

  it("follows a ramp from nothing to 1 MB/s: half of it in all", () => {
    const bench = new StreamBench();
    const { armed } = bench.place("bandwidth", { rate: "0B/s", burst: "0B" });
    Object.defineProperty(armed.params, "rate", { get: () => Math.min(1, bench.clock.now() / 4000) * 1e6 });
    bench.saturate("downstream", 100_000_000);
    bench.clock.advance(4000);
    expect(bench.received("downstream").length / 2_000_000).toBeGreaterThan(0.99);
    expect(bench.received("downstream").length / 2_000_000).toBeLessThan(1.01);
  });

  it("lets a burst leave at once, and again after a pause", () => {
    const bench = new StreamBench();
    bench.place("bandwidth", { rate: "10kB/s", burst: "20kB" });
    bench.send("downstream", 25_000);
    expect(bench.received("downstream")).toHaveLength(20_000);
    bench.clock.advance(501);
    expect(bench.received("downstream")).toHaveLength(25_000);
    bench.clock.advance(1000);
    bench.send("downstream", 25_000);
    expect(bench.received("downstream").length).toBeGreaterThanOrEqual(35_000);
    expect(bench.received("downstream").length).toBeLessThanOrEqual(35_100);
  });

  it("shares one bucket among a proxy's connections, evenly, and separately by direction", () => {
    const clock = new VirtualClock();
    const armed = new Armed("bandwidth", { rate: "1MB/s", shared: "proxy" }, clock, "both");
    const benches = [0, 1, 2, 3].map(() => new StreamBench({ clock }));
    benches.forEach((bench, ordinal) => {
      bench.put(armed, { ordinal });
      bench.saturate("downstream", 5_000_000);
      bench.saturate("upstream", 5_000_000);
    });
    clock.advance(1000);
    for (const direction of ["upstream", "downstream"] as const) {
      const shares = benches.map((bench) => bench.received(direction).length);
      const sum = shares.reduce((total, share) => total + share, 0);
      expect(sum / 1e6).toBeGreaterThan(0.99);
      expect(sum / 1e6).toBeLessThan(1.02);
      for (const share of shares) expect(share / sum).toBeCloseTo(0.25, 1);
    }
  });

  it("gives each connection a bucket of its own by default", () => {
    const clock = new VirtualClock();
    const armed = new Armed("bandwidth", { rate: "1MB/s" }, clock);
    const benches = [0, 1].map(() => new StreamBench({ clock }));
    benches.forEach((bench, ordinal) => {
      bench.put(armed, { ordinal });
      bench.saturate("downstream", 5_000_000);
    });
    clock.advance(1000);
    for (const bench of benches) expect(bench.received("downstream").length).toBeGreaterThan(990_000);
  });

  it("hands over what it holds when it is taken out, and gives the booking back", () => {
    const clock = new VirtualClock();
    const armed = new Armed("bandwidth", { rate: "10kB/s", shared: "proxy" }, clock);
    const first = new StreamBench({ clock });
    const second = new StreamBench({ clock });
    const placed = first.put(armed);
    second.put(armed);
    first.send("downstream", 50_000);
    first.end("downstream");
    first.remove(placed);
    expect(first.received("downstream")).toHaveLength(50_000);
    expect(first.transcript().at(-1)).toBe("0 downstream end");
    second.send("downstream", 1000);
    second.settle();
    expect(lastAt(second)).toBeLessThanOrEqual(100);
  });
});
