import { describe, expect, it } from "vitest";
import { StreamBench } from "../../../support/stream-bench.js";

describe("slow_close", () => {
  it("passes bytes at once and the end late", () => {
    const bench = new StreamBench();
    const { armed } = bench.place("slow_close", { delay: "2s" });
    bench.send("downstream", 10);
    bench.end("downstream");
    bench.clock.advance(1999);
    expect(bench.transcript()).toEqual(["0 downstream 10"]);
    bench.clock.advance(1);
    expect(bench.transcript()).toEqual(["0 downstream 10", "2000 downstream end"]);
    expect(armed.delays).toEqual([2000]);
  });

  it("holds an RST back like a FIN", () => {
    const bench = new StreamBench();
    bench.place("slow_close", { delay: "2s" });
    bench.end("upstream", "reset");
    bench.settle();
    expect(bench.transcript()).toEqual(["2000 upstream reset"]);
  });

  it("passes the end on when it is taken away, and at once when its time shrinks", () => {
    const gone = new StreamBench();
    const placed = gone.place("slow_close", { delay: "2s" });
    gone.end("downstream");
    gone.remove(placed);
    expect(gone.transcript()).toEqual(["0 downstream end"]);
    const shrunk = new StreamBench();
    const other = shrunk.place("slow_close", { delay: "2s" });
    shrunk.end("downstream");
    shrunk.clock.advance(100);
    shrunk.assign(other, { delay: "50ms" });
    expect(shrunk.transcript()).toEqual(["100 downstream end"]);
  });
});
