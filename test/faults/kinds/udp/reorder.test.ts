/** `reorder`: how many are overtaken, by how many, and for how long they wait for it. */
import { describe, expect, it } from "vitest";
import { fault } from "../../../support/lab.js";
import { DatagramBench } from "../../../support/datagram-bench.js";

describe("reorder", () => {
  it("lets its share be overtaken by as many as it says, and no others", () => {
    const [share, by, n] = [0.02, 3, 50_000];
    const bench = new DatagramBench([fault("reorder", { share: "2%", by })]);
    const flow = bench.flow();
    for (let sent = 0; sent < n; sent++) flow.push(sent);
    bench.time.advance(1_000);
    const order = flow.texts.map(Number);
    expect(new Set(order).size).toBe(n);
    // Late are those behind a number that is higher than theirs.
    let highest = -1;
    const late = new Map<number, number>();
    for (const [at, number] of order.entries()) {
      if (number > highest) highest = number;
      else late.set(number, at);
    }
    expect(Math.abs(late.size / n - share)).toBeLessThan(3 * Math.sqrt((share * (1 - share)) / n));
    const [book] = [...bench.lab.ledger.books()];
    expect(book?.effects["overtaken"]).toBeGreaterThanOrEqual(late.size);
    for (const [number, at] of late) {
      const overtakers = order.slice(0, at).filter((other) => other > number && !late.has(other));
      expect(overtakers).toHaveLength(by);
    }
  });

  it("delivers right behind the last that overtook it", () => {
    const bench = new DatagramBench([fault("reorder", { share: "100%", by: 2 }, { when: { count: 1 } })]);
    // Only the first is the fault's at all, so nobody overtakes it, and its time runs out.
    const flow = bench.flow();
    for (const text of ["a", "b", "c"]) flow.push(text);
    expect(flow.texts).toEqual(["b", "c"]);
    bench.time.advance(100);
    expect(flow.texts).toEqual(["b", "c", "a"]);
    expect(flow.times).toEqual([0, 0, 100]);
  });

  it("lets the last of a flow go when nobody came to overtake it", () => {
    const bench = new DatagramBench([fault("reorder", { share: "100%", within: "30ms" })]);
    const flow = bench.flow();
    flow.push("a");
    bench.time.advance(10);
    flow.push("b");
    bench.time.advance(100);
    expect(flow.texts).toEqual(["a", "b"]);
    expect(flow.times).toEqual([30, 40]);
  });

  it("hands out in order what waits when it is taken away", () => {
    const bench = new DatagramBench([fault("reorder", { share: "100%", within: "10s" })]);
    const flow = bench.flow();
    for (const text of ["a", "b", "c"]) flow.push(text);
    expect(flow.out).toEqual([]);
    bench.lab.heal();
    expect(flow.texts).toEqual(["a", "b", "c"]);
  });
});
