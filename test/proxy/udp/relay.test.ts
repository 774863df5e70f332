/** What a UDP proxy passes on, over real sockets. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Lab, until } from "../../support/lab.js";
import { deadUdpPort, udpEcho, udpEnd, udpProxy } from "../../support/udp-lab.js";

let lab: Lab;
beforeEach(() => {
  lab = new Lab();
});
afterEach(async () => {
  await lab.close();
});

describe("a UDP proxy", () => {
  it("passes datagrams on and answers back, each as it was", async () => {
    const server = await udpEcho(lab);
    const proxy = await udpProxy(lab, server.port);
    const client = await udpEnd(lab);
    for (const text of ["one", "", "three"]) client.send(text, proxy);
    expect(await client.received(3)).toEqual(["one", "", "three"]);
    expect(server.texts).toEqual(["one", "", "three"]);
    // Answers come from the port that the client sent to.
    expect(client.from.map(({ port }) => port)).toEqual(Array(3).fill(proxy.address.port));
    expect(proxy.stats).toMatchObject({
      connectionsTotal: 1,
      connectionsActive: 1,
      bytesIn: { upstream: 8, downstream: 8 },
      bytesOut: { upstream: 8, downstream: 8 },
    });
    expect(proxy.tally.delivered).toEqual({ upstream: 3, downstream: 3 });
  });

  it("passes the largest datagram on", async () => {
    const server = await udpEcho(lab);
    const proxy = await udpProxy(lab, server.port);
    const client = await udpEnd(lab);
    const largest = Buffer.alloc(65_507, "x");
    client.send(largest, proxy);
    await client.received(1);
    expect(client.got[0]?.equals(largest)).toBe(true);
  });

  it("passes on what came from port 0, where no answer can go, and outlives the answer", async () => {
    const server = await udpEcho(lab);
    const proxy = await udpProxy(lab, server.port);
    // As the kernel hands it over; only a raw socket could send it.
    proxy.received(Buffer.from("no answer, please"), {
      address: "127.0.0.1",
      family: "IPv4",
      port: 0,
      size: 17,
    });
    await until(() => proxy.tally.lost.unsent === 1);
    expect(server.texts).toEqual(["no answer, please"]);
    const client = await udpEnd(lab);
    client.send("still there?", proxy);
    expect(await client.received(1)).toEqual(["still there?"]);
  });

  it.each([
    ["one address", "127.0.0.1", ["127.0.0.1"], "127.0.0.2"],
    ["all addresses", "", ["127.0.0.1", "::ffff:127.0.0.1", "127.0.0.9", "::1"], null],
  ])("does not talk to itself, whoever says that it should: at %s", async (_where, host, forged, other) => {
    const server = await udpEcho(lab);
    const proxy = await udpProxy(lab, server.port, { listen: { host, port: 0 } });
    const { port } = proxy.address;
    // As the kernel hands them over; only a raw socket could send them.
    for (const address of forged)
      proxy.received(Buffer.from("again"), { address, family: "IPv4", port, size: 5 });
    expect(proxy.tally.lost.forged).toBe(forged.length);
    expect(proxy.stats.connectionsTotal).toBe(0);
    // A client may well have the same port at another address, as servers of NTP have among themselves.
    const client = await udpEnd(lab, other ?? undefined, other === null ? 0 : port);
    client.send("hello", { address: { port, host: "127.0.0.1" } });
    expect(await client.received(1)).toEqual(["hello"]);
    expect(server.texts).toEqual(["hello"]);
  });

  it("keeps apart what belongs to different clients", async () => {
    const server = await udpEcho(lab);
    const proxy = await udpProxy(lab, server.port);
    const clients = await Promise.all([udpEnd(lab), udpEnd(lab), udpEnd(lab)]);
    for (let n = 0; n < 10; n++) clients.forEach((client, who) => client.send(`${who}/${n}`, proxy));
    for (const [who, client] of clients.entries())
      expect(await client.received(10)).toEqual(Array.from({ length: 10 }, (_, n) => `${who}/${n}`));
    expect(new Set(server.from.map(({ port }) => port)).size).toBe(3);
  });

  it("takes answers from nobody but the upstream", async () => {
    const server = await udpEnd(lab);
    const proxy = await udpProxy(lab, server.port);
    const client = await udpEnd(lab);
    client.send("question", proxy);
    await server.received(1);
    const flow = { address: { port: server.from[0]?.port ?? 0 } };
    const stranger = await udpEnd(lab);
    for (let n = 0; n < 20; n++) stranger.send("spoofed", flow);
    server.send("answer", flow);
    expect(await client.received(1)).toEqual(["answer"]);
    expect(proxy.tally.received.downstream).toBe(1);
  });

  it("speaks IPv6 to clients and IPv4 to the upstream, and the other way round", async () => {
    const [four, six] = [await udpEcho(lab), await udpEcho(lab, "::1")];
    const inside = await udpProxy(lab, four.port, { listen: { host: "::1", port: 0 } });
    const outside = await udpProxy(lab, six.port, {
      name: "other",
      upstream: { host: "::1", port: six.port },
    });
    const [client6, client4] = [await udpEnd(lab, "::1"), await udpEnd(lab)];
    client6.send("six to four", inside);
    client4.send("four to six", outside);
    expect(await client6.received(1)).toEqual(["six to four"]);
    expect(await client4.received(1)).toEqual(["four to six"]);
  });

  it("listens on all addresses of both families where no host is given", async () => {
    const server = await udpEcho(lab);
    const proxy = await udpProxy(lab, server.port, { listen: { host: "", port: 0 } });
    const [client6, client4] = [await udpEnd(lab, "::1"), await udpEnd(lab)];
    client6.send("six", proxy);
    client4.send("four", proxy);
    expect(await client6.received(1)).toEqual(["six"]);
    expect(await client4.received(1)).toEqual(["four"]);
  });

  it("counts what the upstream's machine refuses, tells it once a flow, and goes on when somebody listens", async () => {
    const port = await deadUdpPort();
    const proxy = await udpProxy(lab, port);
    const client = await udpEnd(lab);
    const refused = (): number => proxy.stats.errors.get("upstream_refused") ?? 0;
    for (let n = 1; n <= 3; n++) {
      client.send("anybody?", proxy);
      await until(() => refused() >= n);
    }
    const told = lab.facts.of("connection_failed");
    expect(told).toHaveLength(1);
    expect(told[0]).toMatchObject({ reason: "upstream_refused", client: "127.0.0.1" });
    const server = await udpEnd(lab, "127.0.0.1", port);
    server.answer = (payload, from) => {
      server.socket.send(payload, from.port, from.address);
    };
    client.send("now?", proxy);
    expect(await client.received(1)).toEqual(["now?"]);
    expect(proxy.stats.connectionsTotal).toBe(1);
  });

  it("throws SQ_LISTEN_FAILED for a port that is taken, and leaves nothing behind", async () => {
    const taken = await udpEnd(lab);
    await expect(udpProxy(lab, 1, { listen: { host: "127.0.0.1", port: taken.port } })).rejects.toMatchObject(
      { code: "SQ_LISTEN_FAILED", message: expect.stringContaining("listen udp") },
    );
  });
});
