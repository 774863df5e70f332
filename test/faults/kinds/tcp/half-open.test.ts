import { describe, expect, it } from "vitest";
import { StreamBench } from "../../../support/stream-bench.js";

describe("half_open", () => {
  it.each(["fin", "reset"] as const)("keeps a %s to itself until it is taken away", (how) => {
    const bench = new StreamBench();
    const placed = bench.place("half_open", {});
    bench.send("downstream", 10);
    bench.end("downstream", how);
    bench.clock.advance(86_400_000);
    expect(bench.transcript()).toEqual(["0 downstream 10"]);
    expect(placed.armed.counts).toEqual({ withheld: 1 });
    bench.remove(placed);
    expect(bench.transcript()[1]).toBe(`86400000 downstream ${how === "fin" ? "end" : "reset"}`);
  });

  it("leaves the other direction working", () => {
    const bench = new StreamBench();
    bench.place("half_open", {});
    bench.end("upstream");
    bench.send("downstream", 10);
    expect(bench.transcript()).toEqual(["0 downstream 10"]);
  });
});
