import { describe, expect, it } from "vitest";
import { StreamBench } from "../../../support/stream-bench.js";

describe("slow_headers", () => {
  it("lets a byte through at once, and the others a gap apart", () => {
    const bench = new StreamBench();
    bench.place("slow_headers", { gap: "100ms" });
    bench.send("downstream", 4);
    bench.settle();
    expect(bench.transcript()).toEqual([
      "0 downstream 1",
      "100 downstream 1",
      "200 downstream 1",
      "300 downstream 1",
    ]);
    expect(bench.intact("downstream")).toBe(true);
    expect(bench.placed[0]?.armed.counts).toEqual({ slowed: 4 });
  });

  it("begins anew with the next head, and makes up for no pause", () => {
    const bench = new StreamBench();
    bench.place("slow_headers", { gap: "100ms" });
    bench.send("downstream", 2);
    bench.clock.advance(1_000);
    bench.send("downstream", 2);
    bench.settle();
    expect(bench.transcript()).toEqual([
      "0 downstream 1",
      "100 downstream 1",
      "1000 downstream 1",
      "1100 downstream 1",
    ]);
  });

  it("keeps the end behind the last byte", () => {
    const bench = new StreamBench();
    bench.place("slow_headers", { gap: "1s" });
    bench.send("downstream", 2);
    bench.end("downstream");
    bench.settle();
    expect(bench.transcript()).toEqual(["0 downstream 1", "1000 downstream 1", "1000 downstream end"]);
  });

  it("keeps its pace where the timer is coarse", () => {
    const bench = new StreamBench();
    bench.place("slow_headers", { gap: "100us" });
    bench.send("downstream", 101);
    bench.settle();
    expect(bench.written.at(-1)?.at).toBeCloseTo(10, 6);
  });

  it("hands over what is left when it is taken out", () => {
    const bench = new StreamBench();
    const placed = bench.place("slow_headers", { gap: "1s" });
    bench.send("downstream", 50);
    bench.remove(placed);
    expect(bench.intact("downstream")).toBe(true);
    expect(bench.received("downstream")).toHaveLength(50);
  });
});
