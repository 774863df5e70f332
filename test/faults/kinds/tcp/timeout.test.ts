import { describe, expect, it } from "vitest";
import { StreamBench } from "../../../support/stream-bench.js";

describe("timeout", () => {
  it("swallows everything and closes on time, however chatty the peers are", () => {
    const bench = new StreamBench();
    const { armed } = bench.place("timeout", { after: "1s" });
    for (let i = 0; i < 30; i++) {
      bench.send("upstream", 10);
      bench.send("downstream", 10);
      bench.clock.advance(50);
    }
    expect(bench.transcript()).toEqual(["1000 severed close"]);
    expect(armed.counts).toEqual({ swallowed: 400, closed: 1 });
    expect(bench.unaccounted("upstream")).toBe(0);
  });

  it("never closes without a time, and does not slow the sender down", () => {
    const bench = new StreamBench();
    bench.place("timeout", {});
    bench.send("upstream", 1_000_000);
    bench.end("upstream");
    bench.clock.advance(86_400_000);
    expect(bench.transcript()).toEqual([]);
    expect(bench.paused.upstream).toBe(false);
    expect(bench.pumps.upstream.held).toBe(0);
  });

  it("closes when it is taken away, even if it swallowed nothing", () => {
    const bench = new StreamBench();
    bench.remove(bench.place("timeout", {}));
    expect(bench.ended?.how).toBe("close");
  });

  it("closes at once when an update has made its time run out", () => {
    const bench = new StreamBench();
    const placed = bench.place("timeout", {});
    bench.clock.advance(500);
    bench.assign(placed, { after: "200ms" });
    expect(bench.transcript()).toEqual(["500 severed close"]);
  });

  it("keeps to its direction but closes both", () => {
    const bench = new StreamBench();
    bench.place("timeout", { after: "1s" }, { direction: "downstream" });
    bench.send("upstream", 10);
    bench.send("downstream", 10);
    bench.clock.advance(2000);
    expect(bench.transcript()).toEqual(["0 upstream 10", "1000 severed close"]);
  });

  it("waits for silence if it is told to, and then closes", () => {
    const bench = new StreamBench();
    const { armed } = bench.place("timeout", { after: "1s", since: "last_byte" });
    for (let i = 0; i < 30; i++) {
      bench.send("downstream", 10);
      bench.clock.advance(100);
    }
    bench.clock.advance(10_000);
    expect(bench.transcript()).toEqual(["3900 severed close"]);
    expect(armed.counts).toEqual({ swallowed: 300, closed: 1 });
  });
});
