/** Faults that slow, slice and spoil bytes, as a client reads them. */
import { randomBytes } from "node:crypto";
import { afterEach, describe, expect, it } from "vitest";
import type { VirtualClock } from "../../../src/core/clock.js";
import type { TcpProxy } from "../../../src/proxy/tcp/proxy.js";
import { codedBytes } from "../../support/coded-bytes.js";
import { fault, timeLab, turns, until, type Client, type Lab, type Upstream } from "../../support/lab.js";

let lab: Lab;
let time: VirtualClock;
let upstream: Upstream;
let proxy: TcpProxy;

afterEach(() => lab.close());

const AGES = ["live", "new"] as const;
async function under(
  age: (typeof AGES)[number],
  faults: Parameters<Lab["use"]>[0],
): Promise<{ client: Client; peer: Client }> {
  ({ lab, time } = timeLab());
  upstream = await lab.upstream();
  proxy = await lab.proxy(upstream.port);
  if (age === "new") lab.use(faults);
  const ends = await lab.through(proxy, upstream);
  if (age === "live") lab.use(faults);
  return ends;
}

/** Sends once everything before it has reached the proxy. */
async function arrive(
  from: Client,
  direction: "upstream" | "downstream",
  data: string | Buffer,
): Promise<void> {
  const wanted = proxy.stats.bytesIn[direction] + data.length;
  from.write(data);
  await until(() => proxy.stats.bytesIn[direction] >= wanted);
}

/** Lets time pass in steps, so that what falls due on the way is read on the way. */
async function pass(total: number, step: number): Promise<void> {
  for (let gone = 0; gone < total; gone += step) {
    time.advance(step);
    await turns(2);
  }
}

describe("latency", () => {
  it.each(AGES)("delivers each chunk of a %s connection when its time has come, in order", async (age) => {
    const { client, peer } = await under(age, [fault("latency", { delay: "200ms" })]);
    await arrive(peer, "downstream", "a");
    time.advance(150);
    await arrive(peer, "downstream", "b");
    time.advance(49);
    await turns();
    expect(client.text).toBe("");
    time.advance(1);
    await client.received(1);
    await turns();
    expect(client.text).toBe("a");
    time.advance(150);
    await client.received(2);
    expect(client.text).toBe("ab");
  });

  it("never reorders, however long the tail of its jitter", async () => {
    const { client, peer } = await under("live", [
      fault("latency", { delay: "50ms", jitter: "500ms", distribution: "pareto", window: "64KiB" }),
    ]);
    let sent = 0;
    while (sent < 20_000) {
      await arrive(peer, "downstream", codedBytes(sent, 100));
      sent += 100;
      time.advance(3);
    }
    time.advance(3_600_000);
    await client.received(sent);
    expect(client.bytes.equals(codedBytes(0, sent))).toBe(true);
  });

  it("adds up when there are two", async () => {
    const { client, peer } = await under("live", [
      fault("latency", { delay: "100ms" }),
      fault("latency", { delay: "200ms" }, { name: "latency-2" }),
    ]);
    await arrive(peer, "downstream", "x");
    await pass(299, 299);
    expect(client.text).toBe("");
    time.advance(1);
    await client.received(1);
  });

  it("slows the sender down at its window, and not before", async () => {
    const { client, peer } = await under("live", [fault("latency", { delay: "10s", window: "1MiB" })]);
    const data = randomBytes(8_000_000);
    peer.write(data);
    await until(() => lab.context.budget.held >= 1_048_576);
    await turns(100);
    // One read more than the window can be under way: what the sender feels is the kernel's buffer.
    expect(lab.context.budget.heldPeak).toBeLessThan(1_048_576 + 65_536 + 1);
    expect(client.length).toBe(0);
    while (client.length < data.length) await pass(10_000, 10_000);
    expect(client.bytes.equals(data)).toBe(true);
  });
});

describe("bandwidth", () => {
  it.each(AGES)("gives a %s connection what its rate is worth, and no more", async (age) => {
    const { client, peer } = await under(age, [fault("bandwidth", { rate: "100kB/s" })]);
    const data = randomBytes(300_000);
    peer.write(data);
    await until(() => lab.context.budget.held > 65_536);
    for (let second = 1; second <= 2; second++) {
      await pass(1_000, 5);
      // 5 ms of burst at the beginning, and at most 5 ms that are booked but not yet due.
      expect(client.length).toBeGreaterThanOrEqual(second * 100_000 - 500);
      expect(client.length).toBeLessThanOrEqual(second * 100_000 + 500);
    }
    await pass(1_010, 5);
    await client.received(data.length);
    expect(client.bytes.equals(data)).toBe(true);
  });

  it("is felt by the sender: no more than its capacity and one read are taken in", async () => {
    const { peer } = await under("live", [fault("bandwidth", { rate: "1kB/s" })]);
    peer.write(Buffer.alloc(50_000_000));
    await turns(200);
    expect(proxy.stats.bytesIn.downstream).toBeLessThanOrEqual(65_536 + 65_536);
    expect(peer.socket.writableLength).toBeGreaterThan(0);
  });

  it("stalls at a rate of zero and keeps the data, also when the rate is given back", async () => {
    const { client, peer } = await under("live", [fault("bandwidth", { rate: "0B/s" })]);
    await arrive(peer, "downstream", "kept");
    await pass(3_600_000, 600_000);
    expect(client.text).toBe("");
    lab.change([fault("bandwidth", { rate: "1kB/s" })]);
    await pass(10, 1);
    await client.received(4);
  });

  it("shares one rate between the connections of a proxy, in turn", async () => {
    const first = await under("new", [fault("bandwidth", { rate: "100kB/s", shared: "proxy" })]);
    const others = [await lab.through(proxy, upstream), await lab.through(proxy, upstream)];
    const all = [first, ...others];
    for (const { peer } of all) peer.write(Buffer.alloc(200_000));
    await until(() => lab.context.budget.held > 3 * 65_536);
    await pass(3_000, 5);
    const shares = all.map(({ client }) => client.length);
    const sum = shares.reduce((a, b) => a + b, 0);
    // The three book 500 bytes in turn: 5 ms of burst over the rate, and a booking each that is not yet due.
    expect(sum).toBeGreaterThanOrEqual(300_000 - 2_000);
    expect(sum).toBeLessThanOrEqual(300_000 + 500);
    for (const share of shares) expect(Math.abs(share - sum / 3)).toBeLessThanOrEqual(2_000);
  });

  it("hands everything over at once when it is taken away", async () => {
    const { client, peer } = await under("live", [fault("bandwidth", { rate: "1B/s" })]);
    const data = randomBytes(1_000_000);
    peer.write(data);
    await until(() => lab.context.budget.held > 0);
    lab.heal();
    await client.received(data.length);
    expect(client.bytes.equals(data)).toBe(true);
    expect(time.idle).toBe(true);
  });
});

describe("slicer", () => {
  it.each(AGES)("cuts what a %s connection reads into writes of its size", async (age) => {
    const { client, peer } = await under(age, [
      fault("slicer", { size: "100B", variation: "30B", gap: "10ms" }),
    ]);
    const data = randomBytes(5_000);
    await arrive(peer, "downstream", data);
    for (let before = 0; client.length < data.length; time.advance(10)) {
      // One write at a time, so that the kernel does not join two.
      await until(() => client.length > before);
      before = client.length;
    }
    expect(client.bytes.equals(data)).toBe(true);
    const whole = client.sizes.slice(0, -1);
    expect(Math.min(...whole)).toBeGreaterThanOrEqual(70);
    expect(Math.max(...whole)).toBeLessThanOrEqual(130);
    expect(new Set(whole).size).toBeGreaterThan(1);
  });
});

describe("corrupt", () => {
  it.each(AGES)("flips its share of the bytes of a %s connection and keeps the length", async (age) => {
    const { client, peer } = await under(age, [fault("corrupt", { rate: "1%" })]);
    const size = 1_000_000;
    const data = codedBytes(0, size);
    peer.write(data);
    await client.received(size);
    await turns();
    expect(client.length).toBe(size);
    let hit = 0;
    for (const [at, byte] of client.bytes.entries()) {
      const flipped = byte ^ data[at]!;
      if (flipped === 0) continue;
      hit++;
      // One bit, and no more.
      expect(flipped & (flipped - 1)).toBe(0);
    }
    const book = [...lab.ledger.books()].find(({ labels }) => labels.fault === "corrupt")!;
    expect(book.effects["corrupted"]).toBe(hit);
    expect(Math.abs(hit / size - 0.01)).toBeLessThanOrEqual(3 * Math.sqrt((0.01 * 0.99) / size));
  });

  it("flips the same bytes for the same seed, however the stream was cut", async () => {
    const runs: Buffer[] = [];
    for (const portion of [1_000, 7_777]) {
      const { client, peer } = await under("new", [fault("corrupt", { rate: "1%" })]);
      const data = codedBytes(0, 100_000);
      for (let at = 0; at < data.length; at += portion) {
        await arrive(peer, "downstream", data.subarray(at, at + portion));
      }
      runs.push(await client.received(data.length));
      await lab.close();
    }
    expect(runs[0]!.equals(runs[1]!)).toBe(true);
    expect(runs[0]!.equals(codedBytes(0, 100_000))).toBe(false);
  });

  it("leaves the other direction alone", async () => {
    const { client, peer } = await under("live", [fault("corrupt", { rate: "100%" })]);
    const data = randomBytes(100_000);
    client.write(data);
    await peer.received(data.length);
    expect(peer.bytes.equals(data)).toBe(true);
  });
});
