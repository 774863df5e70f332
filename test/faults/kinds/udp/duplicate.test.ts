/** `duplicate`: how many come more than once, and when. */
import { describe, expect, it } from "vitest";
import { fault } from "../../../support/lab.js";
import { DatagramBench } from "../../../support/datagram-bench.js";

describe("duplicate", () => {
  it("delivers its share twice, each copy right behind", () => {
    const [share, n] = [0.1, 50_000];
    const bench = new DatagramBench([fault("duplicate", { share: "10%" })]);
    const flow = bench.flow();
    for (let sent = 0; sent < n; sent++) flow.push(sent);
    const copies = flow.out.length - n;
    expect(Math.abs(copies / n - share)).toBeLessThan(3 * Math.sqrt((share * (1 - share)) / n));
    expect(bench.effects("duplicate")).toEqual({ duplicated: copies });
    expect(flow.texts).toEqual(flow.texts.toSorted((a, b) => Number(a) - Number(b)));
    expect(new Set(flow.texts).size).toBe(n);
  });

  it("delivers all of them as often as it is told, so far apart", () => {
    const bench = new DatagramBench([fault("duplicate", { copies: 3, gap: "20ms" })]);
    const flow = bench.flow();
    flow.push("a");
    bench.time.advance(100);
    expect(flow.texts).toEqual(["a", "a", "a", "a"]);
    expect(flow.times).toEqual([0, 20, 40, 60]);
  });

  it("sends each copy through the faults behind it by itself", () => {
    const bench = new DatagramBench([
      fault("duplicate", { copies: 9 }),
      fault("packet_loss", { loss: "50%" }),
    ]);
    const flow = bench.flow();
    for (let n = 0; n < 1_000; n++) flow.push(n);
    expect(Math.abs(flow.out.length / 10_000 - 0.5)).toBeLessThan(3 * Math.sqrt(0.25 / 10_000));
  });

  it("hands out at once the copies that are still to come when it is taken away", () => {
    const bench = new DatagramBench([fault("duplicate", { copies: 2, gap: "1s" })]);
    const flow = bench.flow();
    flow.push("a");
    bench.lab.heal();
    expect(flow.texts).toEqual(["a", "a", "a"]);
  });
});
