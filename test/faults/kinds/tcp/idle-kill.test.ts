import { describe, expect, it } from "vitest";
import { StreamBench } from "../../../support/stream-bench.js";

describe("idle_kill", () => {
  it.each(["close", "reset"])("ends a connection with a %s when nothing has moved for the time", (how) => {
    const bench = new StreamBench();
    const { armed } = bench.place("idle_kill", { after: "1s", how });
    bench.clock.advance(600);
    bench.send("upstream", 10);
    bench.clock.advance(600);
    bench.send("downstream", 10);
    bench.clock.advance(5000);
    expect(bench.transcript()).toEqual(["600 upstream 10", "1200 downstream 10", `2200 severed ${how}`]);
    expect(armed.details["killed"]).toEqual({ idle_ms: 1000 });
  });

  it("silently stops forwarding, holds the senders up, and goes on when it is taken away", () => {
    const bench = new StreamBench();
    const placed = bench.place("idle_kill", { after: "1s", how: "silent" });
    bench.clock.advance(5000);
    bench.send("upstream", 10);
    bench.send("downstream", 20);
    bench.end("downstream");
    bench.clock.advance(5000);
    expect(bench.transcript()).toEqual([]);
    expect(bench.paused).toEqual({ upstream: true, downstream: true });
    bench.remove(placed);
    expect(bench.transcript()).toEqual(["10000 upstream 10", "10000 downstream 20", "10000 downstream end"]);
  });

  it("stays silent once the path is forgotten, whatever time it is given then", () => {
    const bench = new StreamBench();
    const placed = bench.place("idle_kill", { after: "1s", how: "silent" });
    bench.clock.advance(1000);
    bench.assign(placed, { after: "1h", how: "silent" });
    bench.send("upstream", 10);
    expect(bench.transcript()).toEqual([]);
    bench.assign(placed, { after: "1h", how: "reset" });
    expect(bench.ended?.how).toBe("reset");
  });

  it("is not saved by bytes that come before a late timer", () => {
    const bench = new StreamBench();
    const placed = bench.place("idle_kill", { after: "1s" });
    // Takes the timer away, as a busy event loop does.
    Object.defineProperty(placed.fault, "wakeAt", { value: Infinity, configurable: true });
    bench.wake(placed);
    Reflect.deleteProperty(placed.fault ?? {}, "wakeAt");
    bench.clock.advance(1500);
    bench.send("upstream", 10);
    bench.settle();
    expect(bench.transcript()).toEqual(["1500 severed close"]);
    expect(placed.armed.details["killed"]).toEqual({ idle_ms: 1500 });
  });

  it("counts the time from when it takes hold of a connection that is open", () => {
    const bench = new StreamBench();
    bench.clock.advance(10_000);
    bench.place("idle_kill", { after: "1s" }, { live: true });
    bench.clock.advance(5000);
    expect(bench.transcript()).toEqual(["11000 severed close"]);
  });
});
