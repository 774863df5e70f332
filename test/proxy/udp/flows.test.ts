/** The flows of a UDP proxy: when they end, how many there may be, where they go, and what becomes of them when things change. */
import { afterEach, describe, expect, it } from "vitest";
import { Resolver } from "../../../src/proxy/upstream/resolver.js";
import { fault, Lab, timeLab, turns, until } from "../../support/lab.js";
import { startTinyDns } from "../../support/tiny-dns.js";
import { deadUdpPort, udpEcho, udpEnd, udpProxy, type UdpEnd } from "../../support/udp-lab.js";

let lab: Lab;
afterEach(async () => {
  await lab.close();
});

const clients = (count: number): Promise<UdpEnd[]> =>
  Promise.all(Array.from({ length: count }, () => udpEnd(lab)));

describe("a flow", () => {
  it("is over when nothing was sent either way for the idle time-out, and not before", async () => {
    const { lab: made, time } = timeLab();
    lab = made;
    const server = await udpEnd(lab);
    const proxy = await udpProxy(lab, server.port, { idleTimeout: 30_000 });
    const client = await udpEnd(lab);
    client.send("a", proxy);
    await server.received(1);
    time.advance(29_999);
    const upstreamPort = server.from[0]?.port ?? 0;
    server.send("still here", { address: { port: upstreamPort } });
    await client.received(1);
    time.advance(29_999);
    expect(proxy.stats.connectionsActive).toBe(1);
    time.advance(1);
    expect(proxy.stats.connectionsActive).toBe(0);
    expect(lab.context.slots.taken).toBe(0);
    client.send("b", proxy);
    await server.received(2);
    expect(server.from[1]?.port).not.toBe(upstreamPort);
    expect(proxy.stats.connectionsTotal).toBe(2);
  });

  it("is not idle as long as a fault holds some of it", async () => {
    const { lab: made, time } = timeLab();
    lab = made;
    const server = await udpEnd(lab);
    const proxy = await udpProxy(lab, server.port, { idleTimeout: 1_000 });
    lab.use([fault("latency", { delay: "10s" }, { directions: "both" })]);
    const client = await udpEnd(lab);
    client.send("late", proxy);
    await until(() => proxy.tally.received.upstream === 1);
    time.advance(10_000);
    expect(await server.received(1)).toEqual(["late"]);
    time.advance(1_999);
    expect(proxy.stats.connectionsActive).toBe(0);
    expect(time.idle).toBe(true);
  });

  it("follows the upstream's name when its address changes and its TTL has run out", async () => {
    const { lab: made, time } = timeLab();
    lab = made;
    const dns = await startTinyDns({ "jobs.test": [{ type: "A", address: "127.0.0.1", ttl: 10 }] });
    lab.onEnd(() => void dns.close());
    const resolver = new Resolver({ clock: time, servers: [dns.server] });
    lab.onEnd(() => {
      resolver.close();
    });
    Object.assign(lab.context, { resolver });
    const first = await udpEnd(lab, "127.0.0.1");
    const second = await udpEnd(lab, "127.0.0.2", first.port);
    const proxy = await udpProxy(lab, first.port, { upstream: { host: "jobs.test", port: first.port } });
    const client = await udpEnd(lab);
    client.send("one", proxy);
    client.send("two", proxy);
    expect(await first.received(2)).toEqual(["one", "two"]);
    dns.zone.set("jobs.test", [{ type: "A", address: "127.0.0.2", ttl: 10 }]);
    time.advance(5_000);
    client.send("three", proxy);
    expect(await first.received(3)).toEqual(["one", "two", "three"]);
    time.advance(6_000);
    // This one finds out that it is time to ask, and the next that there is another answer.
    client.send("four", proxy);
    await until(() => first.count + second.count === 4);
    await until(() => dns.questions.filter((question) => question.startsWith("A ")).length >= 2);
    await turns(50);
    client.send("five", proxy);
    await until(() => second.texts.includes("five"));
    expect(proxy.stats.connectionsTotal).toBe(1);
  });

  it("loses what was sent to a name that cannot be resolved, and counts it", async () => {
    const { lab: made, time } = timeLab();
    lab = made;
    const dns = await startTinyDns({});
    lab.onEnd(() => void dns.close());
    const resolver = new Resolver({ clock: time, servers: [dns.server] });
    lab.onEnd(() => {
      resolver.close();
    });
    Object.assign(lab.context, { resolver });
    const proxy = await udpProxy(lab, 9, { upstream: { host: "nobody.test", port: 9 } });
    const client = await udpEnd(lab);
    for (let n = 0; n < 100; n++) client.send("a", proxy);
    await until(() => proxy.tally.lost.unresolved === 100);
    expect(lab.facts.of("connection_failed")).toHaveLength(1);
    expect(lab.facts.of("connection_failed")[0]).toMatchObject({ reason: "upstream_unresolved" });
  });
});

describe("a flood of flows", () => {
  it("drives out those that nobody answered, and none that is in use", async () => {
    lab = new Lab();
    const server = await udpEnd(lab);
    const proxy = await udpProxy(lab, server.port, { connections: 3 });
    const [talking, ...silent] = await clients(8);
    if (talking === undefined) return;
    talking.send("hello", proxy);
    await server.received(1);
    const flow = { address: { port: server.from[0]?.port ?? 0 } };
    server.send("answer", flow);
    await talking.received(1);
    for (const [n, client] of silent.entries()) {
      client.send("flood", proxy);
      await server.received(n + 2);
    }
    expect(proxy.stats).toMatchObject({ connectionsTotal: 8, connectionsActive: 3 });
    expect([lab.context.slots.taken, lab.context.flows.taken]).toEqual([0, 3]);
    expect(lab.facts.of("limit_reached")).toHaveLength(1);
    server.send("still there", flow);
    expect(await talking.received(2)).toEqual(["answer", "still there"]);
  });

  it("that a server answers drives out the flow that has been silent for longest, and counts it", async () => {
    lab = new Lab({ flows: 2 });
    const server = await udpEcho(lab);
    const proxy = await udpProxy(lab, server.port);
    const [one, two, three] = await clients(3);
    for (const client of [one, two]) {
      client?.send("mine", proxy);
      await client?.received(1);
    }
    one?.send("again", proxy);
    expect(await one?.received(2)).toEqual(["mine", "again"]);
    three?.send("new", proxy);
    expect(await three?.received(1)).toEqual(["new"]);
    expect(proxy.stats.errors.get("connection_limit")).toBe(1);
    expect(proxy.tally.lost.flow_limit).toBe(0);
    // The first has spoken since, so that the second had to go: its next datagram begins another flow.
    one?.send("still", proxy);
    await one?.received(3);
    expect(proxy.stats.connectionsTotal).toBe(3);
    two?.send("back", proxy);
    expect(await two?.received(2)).toEqual(["mine", "back"]);
    expect(proxy.stats).toMatchObject({ connectionsTotal: 4, connectionsActive: 2 });
  });

  it("takes no place of TCP, and of another proxy none while it has the most itself", async () => {
    lab = new Lab({ flows: 4, connections: 1 });
    const server = await udpEcho(lab);
    const flooded = await udpProxy(lab, server.port);
    const quiet = await udpProxy(lab, server.port);
    const flood = await clients(8);
    for (const client of flood) {
      client.send("flood", flooded);
      await client.received(1);
    }
    expect(flooded.stats.connectionsActive).toBe(4);
    expect(lab.context.slots.take()).toBe(true);
    const [one, two] = await clients(2);
    for (const client of [one, two]) {
      client?.send("mine", quiet);
      expect(await client?.received(1)).toEqual(["mine"]);
    }
    for (const client of await clients(8)) {
      client.send("flood", flooded);
      await client.received(1);
    }
    expect([flooded.stats.connectionsActive, quiet.stats.connectionsActive]).toEqual([2, 2]);
    expect(lab.context.flows.taken).toBe(4);
    one?.send("again", quiet);
    await one?.received(2);
    expect(quiet.stats.connectionsTotal).toBe(2);
  });
});

describe("a UDP proxy that changes", () => {
  it("refuses while it is down, as a machine does on which nobody listens, and comes back on the same port", async () => {
    lab = new Lab();
    const server = await udpEcho(lab);
    const proxy = await udpProxy(lab, server.port);
    const { port } = proxy.address;
    lab.use([fault("down")]);
    expect(proxy.state).toBe("closed by fault");
    const client = await udpEnd(lab);
    const refused = new Promise<string | undefined>((resolve) => {
      client.socket.on("error", (error: NodeJS.ErrnoException) => {
        resolve(error.code);
      });
    });
    await new Promise<void>((resolve) => {
      client.socket.connect(port, "127.0.0.1", resolve);
    });
    client.socket.send("anybody?");
    expect(await refused).toBe("ECONNREFUSED");
    lab.heal();
    await lab.facts.first("listener_opened");
    expect(proxy.address.port).toBe(port);
    client.socket.send("now?");
    expect(await client.received(1)).toEqual(["now?"]);
  });

  it("loses and counts answers that come while it is down, and keeps the flow", async () => {
    lab = new Lab();
    const server = await udpEnd(lab);
    const proxy = await udpProxy(lab, server.port);
    const client = await udpEnd(lab);
    client.send("question", proxy);
    await server.received(1);
    lab.use([fault("down")]);
    server.send("answer", { address: { port: server.from[0]?.port ?? 0 } });
    await until(() => proxy.tally.lost.closed === 1);
    lab.heal();
    await lab.facts.first("listener_opened");
    client.send("again", proxy);
    await server.received(2);
    expect(server.from[1]?.port).toBe(server.from[0]?.port);
  });

  it("sends flows of before on as they were when its upstream changes, and ends them at a restart", async () => {
    lab = new Lab();
    const [old, next] = [await udpEcho(lab), await udpEcho(lab)];
    const proxy = await udpProxy(lab, old.port);
    const [one, two] = await clients(2);
    one?.send("a", proxy);
    await one?.received(1);
    const spec = { ...proxy.spec, upstream: { host: "127.0.0.1", port: next.port } };
    await proxy.reconfigure(spec);
    one?.send("b", proxy);
    two?.send("c", proxy);
    await two?.received(1);
    await one?.received(2);
    expect([old.texts, next.texts]).toEqual([["a", "b"], ["c"]]);
    await proxy.restart(spec);
    one?.send("d", proxy);
    await one?.received(3);
    expect(next.texts).toEqual(["c", "d"]);
  });

  it("moves to another port, or stays where it is if that is taken", async () => {
    lab = new Lab();
    const server = await udpEcho(lab);
    const proxy = await udpProxy(lab, server.port);
    const before = proxy.address.port;
    const taken = { ...proxy.spec, listen: { host: "127.0.0.1", port: server.port } };
    await expect(proxy.reconfigure(taken)).rejects.toMatchObject({ code: "SQ_LISTEN_FAILED" });
    expect(proxy.address.port).toBe(before);
    const free = await deadUdpPort();
    await proxy.reconfigure({ ...proxy.spec, listen: { host: "127.0.0.1", port: free } });
    expect(proxy.address.port).toBe(free);
    const client = await udpEnd(lab);
    client.send("here", proxy);
    expect(await client.received(1)).toEqual(["here"]);
  });

  it("drains when nothing is held any more, or at the deadline, and takes no new flows meanwhile", async () => {
    const { lab: made, time } = timeLab();
    lab = made;
    const server = await udpEnd(lab);
    const proxy = await udpProxy(lab, server.port);
    lab.use([fault("latency", { delay: "1s" }, { directions: "both" })]);
    const [one, two] = await clients(2);
    one?.send("held", proxy);
    await until(() => proxy.tally.received.upstream === 1);
    const drained = proxy.drain(time.now() + 10_000);
    two?.send("too late", proxy);
    await until(() => proxy.tally.lost.flow_limit === 1);
    for (let step = 0; step < 21; step++) {
      time.advance(50);
      await turns(5);
    }
    expect(await drained).toBe(0);
    expect(server.texts).toEqual(["held"]);
    expect(proxy.stats.connectionsActive).toBe(0);
  });
});
