import { describe, expect, it } from "vitest";
import { StreamBench } from "../../../support/stream-bench.js";

describe("truncate", () => {
  it.each(["close", "reset"])("cuts at the exact byte, inside a chunk, with a %s", (then) => {
    const bench = new StreamBench();
    const { armed } = bench.place("truncate", { after: "100B", then });
    bench.send("downstream", 60);
    bench.clock.advance(5);
    bench.send("downstream", 60);
    expect(bench.transcript()).toEqual(["0 downstream 60", "5 downstream 40", `5 severed ${then}`]);
    expect(armed.counts).toEqual({ truncated: 1 });
    expect(armed.details["truncated"]).toEqual({ at_byte: 100 });
    expect(bench.unaccounted("downstream")).toBe(0);
    expect(bench.pumps.downstream.bytesDropped).toBe(20);
  });

  it("cuts as soon as the last byte that may pass has passed", () => {
    const bench = new StreamBench();
    bench.place("truncate", { after: "100B" });
    bench.send("downstream", 100);
    bench.settle();
    expect(bench.transcript()).toEqual(["0 downstream 100", "0 severed close"]);
  });

  it("ends a connection at once when nothing may pass", () => {
    const bench = new StreamBench();
    bench.place("truncate", { after: "0B", then: "reset" });
    bench.settle();
    expect(bench.transcript()).toEqual(["0 severed reset"]);
  });

  it.each(["byte", "end"])("waits for the next %s of a silent connection if it is told to", (what) => {
    const bench = new StreamBench();
    bench.place("truncate", { after: "0B", silent: "wait" });
    bench.send("upstream", 7);
    bench.clock.advance(60_000);
    if (what === "byte") bench.send("downstream", 3);
    else bench.end("downstream");
    expect(bench.transcript()).toEqual(["0 upstream 7", "60000 severed close"]);
  });

  it("waits for the next byte when an update says that enough has passed, and is told to wait", () => {
    const bench = new StreamBench();
    const placed = bench.place("truncate", { after: "1KiB", silent: "wait" });
    bench.send("downstream", 500);
    bench.assign(placed, { after: "0B", silent: "wait" });
    bench.clock.advance(5);
    bench.send("downstream", 1);
    expect(bench.transcript()).toEqual(["0 downstream 500", "5 severed close"]);
  });

  it("goes silent in its direction alone, end included, when it hangs", () => {
    const bench = new StreamBench();
    bench.place("truncate", { after: "10B", then: "hang" });
    bench.send("downstream", 50);
    bench.end("downstream");
    bench.send("upstream", 5);
    bench.clock.advance(60_000);
    expect(bench.transcript()).toEqual(["0 downstream 10", "0 upstream 5"]);
    expect(bench.unaccounted("downstream")).toBe(0);
  });

  it("resets a connection that lost bytes when it is taken away, and no other", () => {
    const lossy = new StreamBench();
    const placed = lossy.place("truncate", { after: "10B", then: "hang" });
    lossy.send("downstream", 50);
    lossy.remove(placed);
    expect(lossy.ended?.how).toBe("reset");

    const whole = new StreamBench();
    const spare = whole.place("truncate", { after: "10B", then: "hang" });
    whole.send("downstream", 10);
    whole.end("downstream");
    whole.remove(spare);
    expect(whole.transcript()).toEqual(["0 downstream 10", "0 downstream end"]);
  });

  it("lets a stream that is short enough end as it would have", () => {
    const bench = new StreamBench();
    bench.place("truncate", { after: "100B" });
    bench.send("downstream", 99);
    bench.end("downstream");
    bench.settle();
    expect(bench.transcript()).toEqual(["0 downstream 99", "0 downstream end"]);
  });

  it("counts each direction for itself", () => {
    const bench = new StreamBench();
    bench.place("truncate", { after: "10B", then: "hang" }, { direction: "both" });
    bench.send("upstream", 8);
    bench.send("downstream", 8);
    expect(bench.transcript()).toEqual(["0 upstream 8", "0 downstream 8"]);
  });

  it("stays silent once it is, whatever size it is given then", () => {
    const bench = new StreamBench();
    const placed = bench.place("truncate", { after: "10B", then: "hang" });
    bench.send("downstream", 20);
    bench.assign(placed, { after: "1MiB", then: "hang" });
    bench.send("downstream", 20);
    bench.end("downstream");
    expect(bench.transcript()).toEqual(["0 downstream 10"]);
    bench.assign(placed, { after: "1MiB", then: "reset" });
    expect(bench.ended?.how).toBe("reset");
  });

  it("cuts at once when an update says that enough has passed", () => {
    const bench = new StreamBench();
    const placed = bench.place("truncate", { after: "1KiB" });
    bench.send("downstream", 500);
    bench.assign(placed, { after: "100B" });
    expect(bench.transcript()).toEqual(["0 downstream 500", "0 severed close"]);
  });
});
