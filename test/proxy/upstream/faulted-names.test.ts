/** DNS faults on the names of upstreams: what clients of tcp and http proxies see, and that it costs nothing when off. */
import { afterEach, describe, expect, it } from "vitest";
import { HttpLab } from "../../support/http-lab.js";
import { VirtualClock } from "../../../src/core/clock.js";
import { fault, profile, turns, until } from "../../support/lab.js";
import { PoolLab } from "../../support/pool-lab.js";
import { udpEcho, udpEnd, udpProxy } from "../../support/udp-lab.js";

const ON = { on: "upstream" };
let time = new VirtualClock(1_000);
let lab = new HttpLab({ clock: time });
afterEach(async () => {
  await lab.close();
  time = new VirtualClock(1_000);
  lab = new HttpLab({ clock: time });
});

const GET = "GET / HTTP/1.1\r\nhost: x\r\n\r\n";

async function ok(): Promise<number> {
  return lab.server((socket) => {
    socket.on("data", () => socket.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"));
  });
}

describe("a tcp proxy", () => {
  it("closes its clients when the name is not there, an address counting as one", async () => {
    const proxy = await lab.proxy(await lab.echo());
    lab.use([fault("dns_rcode", { rcode: "nxdomain", ...ON })]);
    expect(await lab.client(proxy).ended).toBe("fin");
    const [hit] = lab.facts.of("fault_hit");
    // Whoever the name was looked up for is named, and nothing failed without a fault's doing.
    expect([hit?.bot, hit?.connection]).toEqual(["127.0.0.1", 1]);
    expect([proxy.errors.size, lab.facts.of("connection_failed")]).toEqual([0, []]);
    expect(hit?.query).toEqual({ name: "127.0.0.1", type: "A", transport: "internal" });
  });

  it("resets them if told so", async () => {
    const proxy = await lab.proxy(await lab.echo());
    lab.use([fault("dns_rcode", { ...ON, as: "reset" })]);
    expect(await lab.client(proxy).ended).toBe("reset");
  });

  it("keeps them waiting for five seconds where nobody answers", async () => {
    const proxy = await lab.proxy(await lab.echo(), { dialTimeout: 60_000 });
    lab.use([fault("dns_drop", ON)]);
    const client = lab.client(proxy);
    await client.connected;
    await until(() => lab.facts.of("fault_hit").length === 1);
    time.advance(4_999);
    await turns();
    expect(client.end).toBeNull();
    time.advance(1);
    expect(await client.ended).toBe("fin");
    expect(lab.facts.of("connection_failed")).toEqual([]);
  });

  it("lets them hang beyond its own time-out, and goes on when the fault goes", async () => {
    const upstream = await lab.upstream();
    const proxy = await lab.proxy(upstream.port, { dialTimeout: 1_000 });
    lab.use([fault("dns_rcode", { ...ON, as: "hang" })]);
    const client = lab.client(proxy);
    await until(() => lab.facts.of("fault_hit").length === 1);
    await turns();
    time.advance(100_000);
    await turns();
    expect(client.end).toBeNull();
    lab.heal();
    const peer = await upstream.next();
    client.write("hello");
    expect((await peer.received(5)).toString()).toBe("hello");
  });

  it("dials what the answer says", async () => {
    const upstream = await lab.upstream();
    // Nobody listens at the other address.
    const proxy = await lab.proxy(upstream.port);
    lab.use([fault("dns_answer", { ...ON, mode: "fixed", ips: ["127.0.0.1"] })]);
    await lab.through(proxy, upstream);
    lab.use([fault("dns_answer", { ...ON, mode: "fixed", ips: ["127.0.0.9"] })]);
    expect(await lab.client(proxy).ended).toBe("fin");
    expect(lab.facts.of("fault_hit").at(-1)).toMatchObject({ effect: "answered", connection: 2 });
    expect(lab.facts.of("connection_failed")).toEqual([]);
  });

  it("waits as long as the answer is delayed", async () => {
    const upstream = await lab.upstream();
    const proxy = await lab.proxy(upstream.port);
    lab.use([fault("dns_delay", { ...ON, delay: "2s" })]);
    lab.client(proxy);
    await until(() => lab.facts.of("fault_hit").length === 1);
    time.advance(1_999);
    await turns();
    expect(upstream.accepted).toHaveLength(0);
    time.advance(1);
    await upstream.next();
  });

  it("forgets a look-up whose client has left", async () => {
    const proxy = await lab.proxy(await lab.echo());
    lab.use([fault("dns_rcode", { ...ON, as: "hang" })]);
    const client = lab.client(proxy);
    await until(() => lab.facts.of("fault_hit").length === 1);
    client.rst();
    await until(() => proxy.stats.connectionsActive === 0);
    lab.heal();
    await turns();
    expect(lab.facts.of("connection_failed").filter(({ reason }) => reason.startsWith("upstream"))).toEqual(
      [],
    );
  });
});

describe("an http proxy", () => {
  it("answers as it does when it finds no upstream", async () => {
    const proxy = await lab.http(await ok(), { persona: "nginx" });
    lab.use([fault("dns_rcode", ON)]);
    const client = lab.client(proxy);
    client.write(GET);
    expect((await client.received(40)).toString("latin1")).toMatch(
      /^HTTP\/1\.1 502 Bad Gateway\r\nServer: nginx/u,
    );
  });

  it("answers the status and in the words that it is told, and the connection lives on", async () => {
    const proxy = await lab.http(await ok());
    lab.use([fault("dns_rcode", { ...ON, as: "status", status: 503, persona: "envoy" })]);
    const client = lab.client(proxy);
    client.write(GET);
    await until(() => client.text.includes("no healthy upstream"));
    expect(client.text).toMatch(/^HTTP\/1\.1 503 Service Unavailable\r\n/u);
    lab.heal();
    const before = client.length;
    client.write(GET);
    await client.received(before + 10);
    expect(client.text.slice(before)).toMatch(/^HTTP\/1\.1 200 OK/u);
  });
});

describe("a udp proxy", () => {
  it("fails new flows while the name is not there, and lets those that have an upstream be", async () => {
    const server = await udpEcho(lab);
    const proxy = await udpProxy(lab, server.port);
    const [old, young] = [await udpEnd(lab), await udpEnd(lab)];
    old.send("before", proxy);
    await old.received(1);
    lab.use([fault("dns_rcode", { rcode: "nxdomain", ...ON })]);
    young.send("lost", proxy);
    await until(() => lab.facts.of("fault_hit").length === 1);
    await turns();
    // It is the fault's doing, and no failure of the upstream's.
    expect([proxy.tally.lost.unresolved, lab.facts.of("connection_failed")]).toEqual([0, []]);
    expect(lab.facts.of("fault_hit")[0]?.query).toEqual({
      name: "127.0.0.1",
      type: "A",
      transport: "internal",
    });
    old.send("during", proxy);
    expect(await old.received(2)).toEqual(["before", "during"]);
    lab.heal();
    young.send("after", proxy);
    expect(await young.received(1)).toEqual(["after"]);
    expect(server.texts).toEqual(["before", "during", "after"]);
  });

  it("asks again every second at most, however many flows want to know", async () => {
    const proxy = await udpProxy(lab, (await udpEcho(lab)).port);
    const client = await udpEnd(lab);
    lab.use([fault("dns_rcode", ON)]);
    const lost = async (count: number): Promise<number> => {
      client.send("?", proxy);
      await until(() => proxy.tally.received.upstream === count);
      await turns();
      return lab.facts.of("fault_hit").length;
    };
    expect(await lost(1)).toBe(1);
    expect(await lost(2)).toBe(1);
    time.advance(1_000);
    expect(await lost(3)).toBe(2);
  });

  it("sends flows where the answer says, and back when the fault goes", async () => {
    const right = await udpEcho(lab);
    const elsewhere = await udpEnd(lab, "127.0.0.9", right.port);
    const proxy = await udpProxy(lab, right.port);
    const client = await udpEnd(lab);
    client.send("one", proxy);
    await right.received(1);
    lab.use([fault("dns_answer", { ...ON, mode: "fixed", ips: ["127.0.0.9"] })]);
    // The first may leave for where the flow was connected, while the name is looked up.
    client.send("two", proxy);
    await until(() => lab.facts.of("fault_hit").length === 1);
    await turns();
    client.send("three", proxy);
    expect((await elsewhere.received(1)).at(-1)).toBe("three");
    lab.heal();
    client.send("four", proxy);
    await until(() => right.texts.at(-1) === "four");
  });

  it("holds what is sent while a look-up hangs, and sends it when the fault goes", async () => {
    const server = await udpEcho(lab);
    const proxy = await udpProxy(lab, server.port);
    lab.use([fault("dns_rcode", { ...ON, as: "hang" })]);
    const client = await udpEnd(lab);
    for (const text of ["one", "two"]) client.send(text, proxy);
    await until(() => proxy.tally.received.upstream === 2 && lab.facts.of("fault_hit").length === 1);
    time.advance(50_000);
    await turns();
    expect(server.count).toBe(0);
    lab.heal();
    expect(await client.received(2)).toEqual(["one", "two"]);
  });

  it("gives up after five seconds what nobody answered for, which is the fault's doing and no loss", async () => {
    const server = await udpEcho(lab);
    const proxy = await udpProxy(lab, server.port);
    lab.use([fault("dns_drop", ON)]);
    const client = await udpEnd(lab);
    client.send("lost", proxy);
    await until(() => lab.facts.of("fault_hit").length === 1);
    time.advance(5_000);
    await turns();
    lab.heal();
    client.send("kept", proxy);
    expect(await client.received(1)).toEqual(["kept"]);
    expect(server.count).toBe(1);
    expect(Object.values(proxy.tally.lost).every((lost) => lost === 0)).toBe(true);
  });
});

it("takes a member out of a pool whose name health checks do not find, and brings it back", async () => {
  const pool = new PoolLab();
  try {
    const health = { path: null, interval: 1_000, timeout: 500, fall: 2, rise: 1 };
    const proxy = await pool.tcp(["a"], { health });
    const state = (): string[] =>
      pool.lab.facts.of("upstream_changed").map(({ upstream, up, why }) => `${upstream} ${up} ${why}`);
    pool.use(profile([fault("dns_rcode", ON)]));
    while (pool.now < 1_500) await pool.passes(100);
    expect(state()).toEqual([expect.stringMatching(/^a false cannot resolve 127\.0\.0\.1: /u)]);
    pool.lab.heal();
    while (pool.now < 3_000) await pool.passes(100);
    expect(state()[1]).toMatch(/^a true /u);
    expect((await pool.greeted(proxy)).by).toBe("a");
  } finally {
    await pool.lab.close();
  }
});

it("asks the resolver directly while no such fault is in force, or only one of dns proxies", async () => {
  const upstream = await lab.upstream();
  const proxy = await lab.proxy(upstream.port);
  lab.use([fault("dns_rcode")]);
  await lab.through(proxy, upstream);
  expect(lab.facts.of("fault_hit")).toEqual([]);
  expect(proxy.faults).toEqual([]);
});
