import { describe, expect, it } from "vitest";
import {
  ANSWERS_10_KB,
  BULK,
  G,
  RTT,
  bulk,
  exchanges,
  mean,
  percent,
  shareOf,
  threeSigma,
} from "../../../support/loss-tables.js";
import { LossyLink } from "../../../support/lossy-link.js";
import { StreamBench, typeNamed, type Raw } from "../../../support/stream-bench.js";
import { sample, scaled } from "../../../support/scope.js";

describe("packet_loss", () => {
  it("adds half of the round trip to each direction, and nothing without one", () => {
    const bench = new StreamBench();
    bench.place("packet_loss", { loss: "0%", rtt: "50ms" }, { live: true });
    bench.send("upstream", 10);
    bench.send("downstream", 20);
    bench.end("downstream");
    bench.settle();
    expect(bench.transcript()).toEqual(["25 upstream 10", "25 downstream 20", "25 downstream end"]);
    const bare = new StreamBench();
    bare.place("packet_loss", { loss: "0%" }, { live: true });
    bare.send("upstream", 10);
    expect(bare.transcript()).toEqual(["0 upstream 10"]);
  });

  it("adds up with latency and bandwidth", () => {
    const bench = new StreamBench();
    bench.place("bandwidth", { rate: "10kB/s", burst: "0B" });
    bench.place("packet_loss", { loss: "0%", rtt: "50ms" }, { live: true });
    bench.place("latency", { delay: "100ms" });
    bench.send("downstream", 1000);
    bench.settle();
    expect(bench.written.at(-1)?.at).toBeCloseTo(100 + 25 + 100, 6);
    expect(bench.intact("downstream")).toBe(true);
  });

  it("delivers every byte in order, whatever is lost", () => {
    for (const raw of [
      { loss: "30%", rtt: "20ms" },
      { loss: "10%", burst: 5, rtt: "20ms", congestion: "reno" },
      { loss: "20%", congestion: "none" },
    ] as Raw[]) {
      const bench = new StreamBench();
      bench.place("packet_loss", raw, { live: true });
      bench.saturate("downstream", 1_000_000);
      bench.saturate("upstream", 300_000, 777);
      bench.settle(100_000_000);
      for (const direction of ["upstream", "downstream"] as const) {
        expect(bench.received(direction)).toHaveLength(bench.sent[direction]);
        expect(bench.intact(direction)).toBe(true);
        expect(bench.transcript(direction).at(-1)).toMatch(/end$/u);
      }
      expect(bench.failures).toEqual([]);
    }
  });

  it("holds no more than its window and a chunk", () => {
    const bench = new StreamBench();
    bench.place("packet_loss", { loss: "100%", rtt: "50ms", window: "64KiB" }, { live: true });
    bench.saturate("downstream", 10_000_000);
    bench.clock.advance(10_000);
    expect(bench.paused.downstream).toBe(true);
    expect(bench.pumps.downstream.held).toBeLessThan(2 * 65_536);
  });

  it("tells what it emulated, and counts it by kind", () => {
    const bench = new StreamBench();
    const { armed } = bench.place("packet_loss", { loss: "100%", rtt: "50ms", tick: "0ms" }, { live: true });
    bench.send("downstream", 100);
    bench.clock.advance(G * 4);
    expect(armed.details["lost"]).toEqual({ emulated: "segment lost", at: 0, transmission: 1 });
    expect(armed.details["probed"]).toEqual({
      emulated: "segment lost, retransmission timeout 250 ms, attempt 1",
      at: 0,
    });
    expect(armed.details["timed_out"]).toEqual({
      emulated: "segment lost, retransmission timeout 250 ms, attempt 2",
      at: 0,
    });
    expect(armed.counts).toEqual({ lost: 4, probed: 1, timed_out: 2 });
    expect(typeNamed("packet_loss").entries).toBe(16);
  });

  it("gives up in the end, and resets the connection", () => {
    const bench = new StreamBench();
    const raw = { loss: "100%", rtt: "50ms", give_up: "5s", tick: "0ms" };
    const { armed } = bench.place("packet_loss", raw, { live: true });
    bench.send("downstream", 100);
    bench.settle();
    expect(bench.ended).toEqual({ how: "reset", at: 8000 });
    expect(armed.counts["gave_up"]).toBe(1);
  });

  it("hands over all that it holds when it is taken away, at once and in order", () => {
    const bench = new StreamBench();
    const placed = bench.place("packet_loss", { loss: "100%", rtt: "50ms" }, { live: true });
    bench.send("downstream", 100_000);
    bench.end("downstream");
    bench.clock.advance(1000);
    expect(bench.written).toEqual([]);
    bench.remove(placed);
    expect(bench.received("downstream")).toHaveLength(100_000);
    expect(bench.intact("downstream")).toBe(true);
    expect(bench.transcript().at(-1)).toBe("1000 downstream end");
  });

  it("lets the next retransmission through when the losses stop", () => {
    const bench = new StreamBench();
    const raw = { loss: "100%", rtt: "50ms", tick: "0ms" };
    const placed = bench.place("packet_loss", raw, { live: true });
    bench.send("downstream", 100);
    bench.clock.advance(300);
    bench.assign(placed, { ...raw, loss: "0%" });
    bench.settle();
    expect(bench.transcript()).toEqual(["525 downstream 100"]);
  });

  it("loses nothing, acknowledgements included, in a direction that it does not act in", () => {
    const bench = new StreamBench();
    const raw = { loss: "100%", rtt: "50ms" };
    const { stages } = bench.place("packet_loss", raw, { direction: "upstream", live: true });
    expect([...stages.keys()]).toEqual(["upstream"]);
    bench.send("downstream", 100);
    bench.settle(100);
    expect(bench.transcript()).toEqual(["0 downstream 100"]);
  });

  it("gives the same again for the same seed, and other losses to another connection", () => {
    const times = (ordinal: number): number[] => {
      const link = new LossyLink({ loss: "5%", rtt: "50ms" }, { ordinal });
      return Array.from({ length: 200 }, () => link.exchange(100, 10_000));
    };
    expect(times(1)).toEqual(times(1));
    expect(times(1)).not.toEqual(times(2));
  });

  it("refuses what the kernel cannot do, and what does not go together", () => {
    const mistake = (raw: Raw): string | undefined => {
      const type = typeNamed("packet_loss");
      return type.check?.({ params: type.params.parse({ loss: "5%", ...raw }), narrowed: false })?.message;
    };
    expect(mistake({})).toBeUndefined();
    expect(mistake({ engine: "model" })).toBeUndefined();
    expect(mistake({ engine: "kernel" })).toBeUndefined();
    expect(mistake({ engine: "kernel", leg: "upstream" })).toBeUndefined();
    expect(mistake({ engine: "kernel", rtt: "50ms", congestion: "reno" })).toBe(
      "the kernel knows no rtt or congestion: take the model, or leave it to auto",
    );
    expect(mistake({ good_for: "10s" })).toBe("good_for and bad_for go together: give both or neither");
    expect(mistake({ good_for: "10s", bad_for: "1s", burst: 2 })).toMatch(/but not both$/u);
  });

  it("explains itself", () => {
    const type = typeNamed("packet_loss");
    const explain = (raw: Raw): string => type.explain(type.params.parse(raw));
    expect(explain({ loss: "5%", burst: 4, rtt: "50ms" })).toBe(
      "emulates a path that loses 5% of the segments in bursts of 4 on average, with a round trip of 50ms: half of it is added to each direction",
    );
    expect(
      explain({ loss: "1%", good_for: "15s", bad_for: "300ms", timing: "fixed", congestion: "reno" }),
    ).toBe(
      "emulates a path that loses 1% of the segments for 15s, then 100% for 300ms, and adds no delay of its own, congestion control reno",
    );
  });
});

describe("against theory: one segment each way on a warm connection", () => {
  const N = scaled(5_000, 20_000);
  const one = { request: 100, answer: 100 };
  it.each([0.01, 0.02, 0.05, 0.1])("at a loss of %d", (p) => {
    const times = exchanges({ loss: percent(p) }, one, N, 1000);
    const still = (1 - p) ** 2;
    expect(Math.abs(shareOf(times, (time) => time < RTT + 60) - still)).toBeLessThan(threeSigma(still, N));
    const extra = (2 * G * p * (1 - p)) / (1 - 2 * p);
    const ratio = (mean(times) - RTT) / extra;
    expect(ratio).toBeGreaterThan(0.95);
    expect(ratio).toBeLessThan(1.35);
    if (p > 0.02) return;
    // What tells loss from jitter: nothing lies between.
    expect(shareOf(times, (time) => time > RTT + 60 && time < RTT + 0.8 * G)).toBe(0);
  });
});

describe("against theory: new connections", () => {
  const N = scaled(1_000, 3_000);
  it.each([0.02, 0.1])(
    "delay their first byte by whole seconds, with the right shares, at a loss of %d",
    (p) => {
      const raw = { loss: percent(p), rtt: "50ms" };
      const gates: number[] = [];
      let still = 0;
      for (let ordinal = 0; ordinal < N; ordinal++) {
        const link = new LossyLink(raw, { ordinal, live: false });
        gates.push(link.gate);
        if (link.gate === RTT && link.exchange(100, 100) < RTT + 60) still++;
      }
      // The SYN or the answer to it, each with p; and a round trip for the one that gets through.
      const lost = 1 - (1 - p) ** 2;
      const schedule = [0, 1, 2, 3, 4, 5, 7];
      for (const [i, seconds] of schedule.entries()) {
        const expected = lost ** i * (1 - lost);
        const share = shareOf(gates, (gate) => gate === RTT + 1000 * seconds);
        // Shares of which only a few are expected are not normal: three more of them are still chance.
        expect(Math.abs(share - expected)).toBeLessThan(threeSigma(expected, N) + 3 / N);
      }
      expect(gates.every((gate) => (gate - RTT) % 1000 === 0)).toBe(true);
      const untouched = (1 - p) ** 4;
      expect(Math.abs(still / N - untouched)).toBeLessThan(threeSigma(untouched, N));
    },
  );

  it("are reset when no SYN is answered", () => {
    const link = new LossyLink({ loss: "100%" }, { live: false });
    expect(link.gate).toBe(131_000);
    expect(link.severed).toBe("reset");
    expect(link.armed.counts).toEqual({ syn_lost: 11, gave_up: 1 });
  });

  it("are dialled at once if handshakes are left out", () => {
    expect(new LossyLink({ loss: "100%", rtt: "50ms", handshake: false }, { live: false }).gate).toBe(0);
  });
});

describe("against the kernel", () => {
  it.each(ANSWERS_10_KB)("10 kB answers at a loss of $p", ({ p, mean: expected, share }) => {
    // Some dozens of messages each: what the window remembers has its effect, and the start has not been forgotten.
    const sizes = { request: 100, answer: 10_000 };
    const times = exchanges({ loss: percent(p), congestion: "reno" }, sizes, scaled(4_000, 10_000), 50);
    expect(Math.abs(mean(times) / expected - 1)).toBeLessThan(0.15);
    expect(Math.abs(shareOf(times, (time) => time < 1.5 * RTT) - share)).toBeLessThan(0.08);
  });

  it.each(sample(BULK, 2))("bulk with Reno at a loss of $p", ({ p, reno }) => {
    // Of n losses each halves the window: the rate errs by some 0.5 / sqrt(n), which is 4 % for the 190 at 0.1 %.
    expect(Math.abs(bulk(p, "reno", 4, 60_000) / reno - 1)).toBeLessThan(0.15);
  });
});
