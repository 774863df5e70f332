import { describe, expect, it } from "vitest";
import { StreamBench } from "../../../support/stream-bench.js";

describe("reset", () => {
  it.each([true, false])("resets at once, a connection that is open (%s) or new", (live) => {
    const bench = new StreamBench();
    const { armed } = bench.place("reset", {}, { live });
    expect(bench.transcript()).toEqual(["0 severed reset"]);
    expect(armed.counts).toEqual({ reset: 1 });
  });

  it("resets after a time since it took hold", () => {
    const bench = new StreamBench();
    bench.clock.advance(100);
    bench.place("reset", { after: "2s" }, { live: true });
    bench.clock.advance(10_000);
    expect(bench.transcript()).toEqual(["2100 severed reset"]);
  });

  it("resets after so many bytes of both directions, exactly", () => {
    const bench = new StreamBench();
    bench.place("reset", { after: "1KiB" });
    bench.send("upstream", 1000);
    bench.send("downstream", 24);
    expect(bench.transcript()).toEqual(["0 upstream 1000", "0 downstream 24", "0 severed reset"]);
  });

  it("resets at once when an update says so", () => {
    const bench = new StreamBench();
    const placed = bench.place("reset", { after: "1h" });
    bench.clock.advance(5);
    bench.assign(placed, {});
    expect(bench.transcript()).toEqual(["5 severed reset"]);
  });

  it("swallows what comes before, the end included, if it is told to", () => {
    const bench = new StreamBench();
    const { armed } = bench.place(
      "reset",
      { after: "2s", meanwhile: "swallow" },
      { direction: "downstream" },
    );
    bench.send("downstream", 10);
    bench.send("upstream", 20);
    bench.end("downstream");
    bench.clock.advance(5_000);
    expect(bench.transcript()).toEqual(["0 upstream 20", "2000 severed reset"]);
    expect(armed.counts).toEqual({ swallowed: 10, reset: 1 });
  });

  it.each(["byte", "end"])("waits for the first %s where the time counts from there", (what) => {
    const bench = new StreamBench();
    bench.place("reset", { after: "2s", since: "first_byte" }, { direction: "downstream" });
    bench.send("upstream", 5);
    bench.clock.advance(10_000);
    if (what === "byte") bench.send("downstream", 3);
    else bench.end("downstream");
    bench.clock.advance(10_000);
    expect(bench.transcript()).toEqual([
      "0 upstream 5",
      what === "byte" ? "10000 downstream 3" : "10000 downstream end",
      "12000 severed reset",
    ]);
  });

  it("resets at the first byte of its direction, which goes nowhere, where there is no time to wait", () => {
    const bench = new StreamBench();
    const { armed } = bench.place(
      "reset",
      { after: "0ms", since: "first_byte" },
      { direction: "downstream" },
    );
    bench.send("upstream", 5);
    bench.clock.advance(60_000);
    bench.send("downstream", 3);
    expect(bench.transcript()).toEqual(["0 upstream 5", "60000 severed reset"]);
    expect(armed.counts).toEqual({ reset: 1 });
  });

  it("waits for the first byte of a connection that was silent when its time became none", () => {
    const bench = new StreamBench();
    const placed = bench.place("reset", { after: "1h", since: "start" }, { direction: "downstream" });
    bench.clock.advance(5);
    bench.assign(placed, { after: "0ms", since: "first_byte" });
    bench.clock.advance(5);
    bench.send("downstream", 3);
    expect(bench.transcript()).toEqual(["10 severed reset"]);
  });

  it("resets a connection that it took bytes from, when it is taken away or told to let them by", () => {
    for (const change of ["removed", "assigned"]) {
      const bench = new StreamBench();
      const placed = bench.place("reset", { after: "1h", meanwhile: "swallow" });
      bench.send("downstream", 10);
      if (change === "removed") bench.remove(placed);
      else bench.assign(placed, { after: "1h" });
      bench.send("downstream", 10);
      expect(bench.transcript()).toEqual(["0 severed reset"]);
    }
  });
});
