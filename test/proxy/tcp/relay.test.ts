/** A TCP proxy without faults, or with ones that only wait: what goes in comes out, and every end finds its way. */
import { createHash, randomBytes } from "node:crypto";
import { Socket } from "node:net";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { TcpProxy } from "../../../src/proxy/tcp/proxy.js";
import { fault, Lab, timeLab, turns, until, type Client, type LabOptions } from "../../support/lab.js";
import { holdsConnected, swallowing } from "../../support/test-faults.js";

const MB = 1_000_000;
/** What Node keeps below a socket. */
interface Handle {
  setNoDelay(enable: boolean): number;
}
let lab: Lab;
const open = (options?: LabOptions): Lab => (lab = new Lab(options));

afterEach(async () => {
  vi.restoreAllMocks();
  await lab.close();
});

/** Writes as a polite sender does, a chunk at a time and never past the buffer; answers the digest of it all. */
async function send(from: Client, total: number): Promise<string> {
  const hash = createHash("sha256");
  for (let left = total; left > 0;) {
    const chunk = randomBytes(Math.min(left, 1 + Math.floor(Math.random() * 100_000)));
    left -= chunk.length;
    hash.update(chunk);
    if (!from.socket.write(chunk)) await new Promise((resolve) => from.socket.once("drain", resolve));
  }
  return hash.digest("hex");
}

const digest = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");

/** Writes until nobody has taken anything for a while; answers how much was taken. */
async function stuff(from: Client): Promise<number> {
  const chunk = Buffer.alloc(65_536);
  let taken = 0;
  for (let quiet = 0; quiet < 50; quiet++) {
    while (from.socket.writableLength < chunk.length) from.socket.write(chunk);
    const now = from.socket.bytesWritten - from.socket.writableLength;
    if (now !== taken) quiet = 0;
    taken = now;
    await turns(1);
  }
  return taken;
}

const idle = (proxy: TcpProxy): Promise<void> => until(() => proxy.stats.connectionsActive === 0);

describe("bytes", () => {
  it("relays megabytes both ways at once without changing one of them", async () => {
    const upstream = await open().upstream();
    const proxy = await lab.proxy(upstream.port);
    const { client, peer } = await lab.through(proxy, upstream);
    const [up, down] = await Promise.all([send(client, 20 * MB), send(peer, 30 * MB)]);
    expect(digest(await peer.received(20 * MB))).toBe(up);
    expect(digest(await client.received(30 * MB))).toBe(down);
    expect(proxy.stats.bytesIn).toEqual({ upstream: 20 * MB, downstream: 30 * MB });
    expect(proxy.stats.bytesOut).toEqual(proxy.stats.bytesIn);
    expect(lab.facts.of("fault_hit")).toEqual([]);
  });

  it("makes the sender wait for a reader that has stopped, and leaves the others alone", async () => {
    const upstream = await open().upstream();
    const proxy = await lab.proxy(upstream.port);
    const stopped = await lab.through(proxy, upstream, { reading: false });
    const taken = await stuff(stopped.peer);
    // What the proxy itself keeps: a write buffer's worth and a chunk. The rest is in the kernel's buffers.
    const inside = proxy.stats.bytesOut.downstream - proxy.stats.bytesIn.downstream;
    expect(inside).toBe(0);
    const pending = proxy.stats.bytesIn.downstream;
    await stuff(stopped.peer);
    expect(proxy.stats.bytesIn.downstream).toBe(pending);
    expect(pending).toBeLessThanOrEqual(taken);
    // Others go on meanwhile.
    const other = await lab.through(proxy, upstream);
    const [sent] = await Promise.all([send(other.peer, 5 * MB), other.client.received(5 * MB)]);
    expect(digest(other.client.bytes)).toBe(sent);
    // And once it reads, all of it comes.
    stopped.client.read();
    await stopped.client.received(taken);
  });

  it("keeps no more than a few chunks of a sender whose reader has stopped", async () => {
    const upstream = await open().upstream();
    const writes = vi.spyOn(Socket.prototype, "write");
    const proxy = await lab.proxy(upstream.port);
    const { peer } = await lab.through(proxy, upstream, { reading: false });
    await stuff(peer);
    const sinks = new Set(writes.mock.contexts as Socket[]);
    for (const sink of sinks) {
      if (sink === peer.socket) continue;
      expect(sink.writableLength).toBeLessThanOrEqual(sink.writableHighWaterMark + 65_536);
    }
    expect(sinks.size).toBe(2);
  });

  it("sends small writes at once on both sides", async () => {
    const upstream = await open().upstream();
    const proxy = await lab.proxy(upstream.port);
    const { _handle: handle } = lab.client(proxy).socket as unknown as { _handle: Handle };
    await upstream.next();
    await turns();
    const noDelay = vi.spyOn(Object.getPrototypeOf(handle) as Handle, "setNoDelay");
    const { client, peer } = await lab.through(proxy, upstream);
    // The test's own two sockets, and the proxy's two.
    expect(noDelay.mock.calls).toEqual([[true], [true], [true], [true]]);
    for (let round = 1; round <= 200; round++) {
      client.write("a");
      client.write("b");
      await peer.received(2 * round);
      peer.write("c");
      peer.write("d");
      await client.received(2 * round);
    }
    expect(client.text).toBe("cd".repeat(200));
  });
});

describe("the ends", () => {
  it("passes a client's FIN on, and a late answer still arrives", async () => {
    const upstream = await open().upstream();
    const proxy = await lab.proxy(upstream.port);
    const { client, peer } = await lab.through(proxy, upstream);
    client.write("request");
    client.fin();
    expect(await peer.ended).toBe("fin");
    expect(peer.text).toBe("request");
    await turns();
    peer.write("late answer");
    await client.received(11);
    expect(client.end).toBeNull();
    peer.fin();
    expect(await client.ended).toBe("fin");
    expect(client.text).toBe("late answer");
    await idle(proxy);
  });

  it("passes an upstream's FIN on, and the client may go on sending", async () => {
    const upstream = await open().upstream();
    const proxy = await lab.proxy(upstream.port);
    const { client, peer } = await lab.through(proxy, upstream);
    peer.write("that was all");
    peer.fin();
    expect(await client.ended).toBe("fin");
    client.write("but I have more");
    await peer.received(15);
    client.fin();
    expect(await peer.ended).toBe("fin");
    await idle(proxy);
  });

  it.each(["client", "peer"] as const)("passes an RST of the %s on as an RST", async (who) => {
    const upstream = await open().upstream();
    const proxy = await lab.proxy(upstream.port);
    const ends = await lab.through(proxy, upstream);
    ends[who].rst();
    expect(await ends[who === "client" ? "peer" : "client"].ended).toBe("reset");
    await idle(proxy);
    expect(lab.facts.of("connection_failed").map(({ reason }) => reason)).toEqual([
      who === "client" ? "client_reset" : "upstream_reset",
    ]);
  });

  it.each(["client", "peer"] as const)("passes an RST of the %s on even after its FIN", async (who) => {
    const upstream = await open().upstream();
    const proxy = await lab.proxy(upstream.port);
    const ends = await lab.through(proxy, upstream);
    const other = ends[who === "client" ? "peer" : "client"];
    ends[who].write("x");
    ends[who].fin();
    expect(await other.ended).toBe("fin");
    // Whoever closes altogether answers further bytes with an RST.
    ends[who].rst();
    await other.broken();
    await idle(proxy);
  });

  it("lets go of both sides when a client that has said FIN is gone in the middle of a long answer", async () => {
    const upstream = await open().upstream();
    const proxy = await lab.proxy(upstream.port);
    const { client, peer } = await lab.through(proxy, upstream, { reading: false });
    client.fin();
    await peer.ended;
    await stuff(peer);
    client.rst();
    await peer.broken();
    await idle(proxy);
    expect(lab.context.slots.taken).toBe(0);
  });

  it("keeps an RST behind bytes that latency still holds", async () => {
    const timed = timeLab();
    lab = timed.lab;
    const upstream = await lab.upstream();
    const proxy = await lab.proxy(upstream.port);
    lab.use([fault("latency", { delay: "500ms" })]);
    const { client, peer } = await lab.through(proxy, upstream);
    peer.write("last words");
    await until(() => proxy.stats.bytesIn.downstream === 10);
    peer.rst();
    await lab.facts.first("connection_failed");
    timed.time.advance(499);
    await turns();
    expect([client.text, client.end]).toEqual(["", null]);
    timed.time.advance(1);
    expect(await client.ended).toBe("reset");
    expect(client.text).toBe("last words");
  });

  it("keeps a FIN behind bytes that latency still holds", async () => {
    const timed = timeLab();
    lab = timed.lab;
    const upstream = await lab.upstream();
    const proxy = await lab.proxy(upstream.port);
    lab.use([fault("latency", { delay: "500ms" }, { directions: "both" })]);
    const { client, peer } = await lab.through(proxy, upstream);
    client.write("last words");
    client.fin();
    await until(() => lab.context.budget.held === 10);
    await turns();
    expect([peer.text, peer.end]).toEqual(["", null]);
    timed.time.advance(500);
    expect(await peer.ended).toBe("fin");
    expect(peer.text).toBe("last words");
  });

  it("tells an RST from a FIN where it comes right behind the last bytes", async () => {
    ({ lab } = timeLab({ types: [swallowing] }));
    const upstream = await lab.upstream();
    const proxy = await lab.proxy(upstream.port);
    const swallow = {
      ...fault("half_open"),
      type: "test_swallowing",
      name: "swallow",
      directions: "downstream",
    } as const;
    // Bytes and RST are both there before the proxy reads either.
    lab.use([fault("blackhole"), swallow]);
    const { client, peer } = await lab.through(proxy, upstream);
    peer.write("last words");
    await turns();
    peer.rst();
    await turns();
    lab.change([swallow]);
    expect(await client.ended).toBe("reset");
    expect(client.socket.readableEnded).toBe(false);
    expect(proxy.stats.errors.get("upstream_reset")).toBe(1);
  });
});

describe("dialling", () => {
  it("closes the client politely when the upstream refuses", async () => {
    // On a clock that stands still, so that nothing but the client's own FIN can end it.
    ({ lab } = timeLab());
    const gone = await lab.deadPort();
    const proxy = await lab.proxy(gone);
    const client = lab.client(proxy);
    client.write("is anybody there?");
    expect(await client.ended).toBe("fin");
    const failed = await lab.facts.first("connection_failed");
    expect(failed.reason).toBe("upstream_refused");
    expect(proxy.stats.errors.get("upstream_refused")).toBe(1);
    client.fin();
    await idle(proxy);
  });

  it("gives up an upstream that does not answer when the time is over", async () => {
    const timed = timeLab();
    lab = timed.lab;
    const silent = await lab.silentPort();
    const proxy = await lab.proxy(silent, { dialTimeout: 5_000 });
    const client = lab.client(proxy);
    await until(() => proxy.stats.connectionsActive === 1);
    await turns();
    timed.time.advance(4_999);
    await turns();
    expect(client.end).toBeNull();
    timed.time.advance(1);
    expect(await client.ended).toBe("fin");
    const { reason, text } = await lab.facts.first("connection_failed");
    expect(reason).toBe("upstream_timeout");
    expect(text).toBe(`no connection to 127.0.0.1:${silent} within 5000 ms`);
  });

  it("does not let one dead upstream delay the connections of another proxy", async () => {
    const timed = timeLab();
    lab = timed.lab;
    const silent = await lab.silentPort();
    const dead = await lab.proxy(silent, { name: "dead" });
    const alive = await lab.proxy(await lab.echo(), { name: "alive" });
    const stuck = Array.from({ length: 20 }, () => lab.client(dead));
    await until(() => dead.stats.connectionsActive === 20);
    const client = lab.client(alive);
    client.write("hello");
    await client.received(5);
    expect(stuck.every(({ end }) => end === null)).toBe(true);
  });

  it("gives the dial up when the client resets meanwhile", async () => {
    const timed = timeLab();
    lab = timed.lab;
    const proxy = await lab.proxy(await lab.silentPort());
    const connects = vi.spyOn(Socket.prototype, "connect");
    const client = lab.client(proxy);
    await until(() => proxy.stats.connectionsActive === 1);
    await turns();
    // The client's own came first.
    const [, dialling] = connects.mock.contexts as Socket[];
    expect(dialling!.connecting).toBe(true);
    client.rst();
    await idle(proxy);
    expect(dialling!.destroyed).toBe(true);
    expect(timed.time.idle).toBe(true);
    expect(lab.context.slots.taken).toBe(0);
  });

  it("hands on what a client sent before the upstream was there", async () => {
    const upstream = await open().upstream();
    const proxy = await lab.proxy(upstream.port);
    const client = lab.client(proxy);
    const data = randomBytes(3 * MB);
    client.write(data);
    client.fin();
    const peer = await upstream.next();
    expect(await peer.ended).toBe("fin");
    expect(peer.bytes.equals(data)).toBe(true);
  });

  it("survives an upstream that dies at once", async () => {
    open();
    const port = await lab.server((socket) => socket.resetAndDestroy());
    const proxy = await lab.proxy(port);
    const clients = Array.from({ length: 30 }, () => lab.client(proxy));
    for (const client of clients) {
      client.write("hello");
      // An RST within the handshake counts as a refusal, a moment later it is passed on.
      expect(["fin", "reset"]).toContain(await client.ended);
      client.fin();
    }
    await idle(proxy);
  });

  it("survives an upstream that dies while the faults still hold the connection", async () => {
    const timed = timeLab({ types: [holdsConnected] });
    lab = timed.lab;
    const upstream = await lab.upstream();
    const proxy = await lab.proxy(upstream.port);
    lab.use([{ ...fault("half_open"), type: "test_holds_connected", name: "holds" }]);
    const client = lab.client(proxy);
    const peer = await upstream.next();
    await turns();
    peer.rst();
    expect(await client.ended).toBe("reset");
    await idle(proxy);
    expect(timed.time.idle).toBe(true);
  });
});
