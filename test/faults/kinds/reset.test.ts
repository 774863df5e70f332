import { describe, expect, it } from "vitest";
import { StreamBench } from "../../support/stream_bench.js";

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
