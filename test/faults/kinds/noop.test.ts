import { describe, expect, it } from "vitest";
import { StreamBench } from "../../support/stream-bench.js";

describe("noop", () => {
  it("lets every chunk by at once and as it came, and counts those of its direction", () => {
    const bench = new StreamBench();
    const { armed } = bench.place("noop", {});
    bench.send("downstream", 10);
    bench.send("downstream", 20);
    bench.send("upstream", 30);
    bench.end("downstream");
    expect(bench.transcript()).toEqual([
      "0 downstream 10",
      "0 downstream 20",
      "0 upstream 30",
      "0 downstream end",
    ]);
    expect(bench.intact("downstream")).toBe(true);
    expect(armed.counts).toEqual({ passed: 2 });
  });

  it("leaves no trace when it is taken away", () => {
    const bench = new StreamBench();
    bench.remove(bench.place("noop", {}, { live: true }));
    bench.send("downstream", 10);
    expect(bench.transcript()).toEqual(["0 downstream 10"]);
    expect(bench.ended).toBeNull();
  });
});
