/** Tiny segments: what is held of them counts by the memory that it takes up, and takes up little where it can be copied together. */
import { describe, expect, it } from "vitest";
import type { Outlet } from "../../src/faults/contract/index.js";
import { ByteQueue } from "../../src/faults/byte-queue.js";
import { httpTimeLab } from "../support/http-lab.js";
import { fault, turns, until } from "../support/lab.js";

function outlet(took: Buffer[]): Outlet {
  return {
    now: 0,
    emit: (chunk) => took.push(chunk),
    drop: () => undefined,
    insert: () => undefined,
    end: () => undefined,
    sever: () => undefined,
  };
}

describe("a queue of bytes", () => {
  it("copies small chunks together, and gives every byte back in order", () => {
    const queue = new ByteQueue();
    const all: number[] = [];
    const took: Buffer[] = [];
    for (let n = 0; n < 20_000; n++) {
      const chunk = Buffer.alloc(n % 701 === 700 ? 600 : 1 + (n % 3), n & 255);
      all.push(...chunk);
      queue.add(chunk);
      if (n % 500 === 499) took.push(queue.take(113));
    }
    const before = took.length;
    queue.pour(outlet(took));
    expect(Buffer.concat(took).equals(Buffer.from(all))).toBe(true);
    expect(took.length - before).toBeLessThan(150);
    expect(queue.length).toBe(0);
  });
});

describe("the budget for held bytes", () => {
  it("counts what tiny segments under latency weigh, and gives all of it back", async () => {
    const { lab, time } = httpTimeLab();
    const upstream = await lab.upstream();
    const proxy = await lab.proxy(upstream.port);
    lab.use([fault("latency", { delay: "5m" }, { directions: "upstream" })]);
    const { client, peer } = await lab.through(proxy, upstream);
    const SEGMENTS = 400;
    for (let n = 0; n < SEGMENTS; n++) {
      client.write("x");
      await turns(1);
      time.advance(1);
    }
    await until(() => lab.context.budget.held > SEGMENTS);
    // Two may have come in one read now and then.
    expect(lab.context.budget.held).toBeGreaterThan(SEGMENTS * 100);
    time.advance(400_000);
    await peer.received(SEGMENTS);
    expect(lab.context.budget.held).toBe(0);
    await lab.close();
  });
});
