import { describe, expect, it } from "vitest";
import { StreamBench } from "../../../support/stream-bench.js";

describe("cut", () => {
  it("cuts a busy connection when its time is up", () => {
    const bench = new StreamBench();
    const { armed } = bench.place("cut", { after: "1s" });
    for (let i = 0; i < 3; i++) {
      bench.send("downstream", 10);
      bench.clock.advance(400);
    }
    expect(bench.transcript()).toEqual([
      "0 downstream 10",
      "400 downstream 10",
      "800 downstream 10",
      "1000 severed reset",
    ]);
    expect(armed.details["cut"]).toEqual({ at_byte: 30, after: "1s" });
  });

  it("counts the bytes of both directions together, and cuts at the exact one", () => {
    const bench = new StreamBench();
    bench.place("cut", { after: "100B", then: "close" });
    bench.send("upstream", 70);
    bench.send("downstream", 50);
    expect(bench.transcript()).toEqual(["0 upstream 70", "0 downstream 30", "0 severed close"]);
    expect(bench.unaccounted("upstream")).toBe(0);
    expect(bench.unaccounted("downstream")).toBe(0);
  });

  it("goes silent in both directions when it hangs", () => {
    const bench = new StreamBench();
    bench.place("cut", { after: "100B", then: "hang" });
    bench.send("upstream", 70);
    bench.send("downstream", 50);
    bench.send("upstream", 50);
    bench.end("upstream");
    bench.clock.advance(60_000);
    expect(bench.transcript()).toEqual(["0 upstream 70", "0 downstream 30"]);
    expect(bench.placed[0]?.armed.counts).toEqual({ cut: 1 });
  });

  it("goes silent by time although no byte moves at that moment", () => {
    const bench = new StreamBench();
    bench.place("cut", { after: "1s", then: "hang" });
    bench.clock.advance(1000);
    bench.send("upstream", 5);
    expect(bench.transcript()).toEqual([]);
    expect(bench.placed[0]?.armed.counts).toEqual({ cut: 1 });
  });

  it("lets nothing by when its time is up but the timer is late", () => {
    const late = new StreamBench();
    const placed = late.place("cut", { after: "1s" }, { live: true });
    Object.defineProperty(placed.fault, "wakeAt", { value: Infinity });
    late.wake(placed);
    late.clock.advance(1500);
    late.send("downstream", 10);
    expect(late.transcript()).toEqual(["1500 severed reset"]);
  });

  it("resets what lost bytes when it is taken away, and lets the rest live", () => {
    const lossy = new StreamBench();
    const placed = lossy.place("cut", { after: "10B", then: "hang" });
    lossy.send("upstream", 11);
    lossy.remove(placed);
    expect(lossy.ended?.how).toBe("reset");
    const whole = new StreamBench();
    const spare = whole.place("cut", { after: "10B", then: "hang" });
    whole.send("upstream", 10);
    whole.remove(spare);
    whole.send("upstream", 10);
    expect(whole.transcript()).toEqual(["0 upstream 10", "0 upstream 10"]);
  });

  it("stays silent once it is, whatever extent it is given then", () => {
    const bench = new StreamBench();
    const placed = bench.place("cut", { after: "10B", then: "hang" });
    bench.send("upstream", 20);
    bench.assign(placed, { after: "1MiB", then: "hang" });
    bench.send("upstream", 20);
    bench.send("downstream", 20);
    bench.end("downstream");
    expect(bench.transcript()).toEqual(["0 upstream 10"]);
  });

  it("ends what hangs when it is told to end otherwise", () => {
    const bench = new StreamBench();
    const placed = bench.place("cut", { after: "1s", then: "hang" });
    bench.clock.advance(2000);
    bench.assign(placed, { after: "1m", then: "close" });
    expect(bench.transcript()).toEqual(["2000 severed close"]);
  });
});
