/** What holds for a proxy as a whole: limits, budgets, drain and stop, who a bot is, and mistakes that stay small. */
import { Buffer } from "node:buffer";
import { afterEach, describe, expect, it } from "vitest";
import { codedBytes, isCoded } from "../../support/coded-bytes.js";
import { fault, Lab, timeLab, turns, until, type LabOptions } from "../../support/lab.js";
import { careless, PLACES, throwing } from "../../support/test-faults.js";

let lab: Lab;
const open = (options?: LabOptions): Lab => (lab = new Lab(options));

afterEach(() => lab.close());

describe("limits", () => {
  it("turns away with an RST what a proxy has no room for, says so once, and has room again later", async () => {
    const upstream = await open().upstream();
    const proxy = await lab.proxy(upstream.port, { connections: 2 });
    const first = await lab.through(proxy, upstream);
    await lab.through(proxy, upstream);
    for (let n = 0; n < 5; n++) expect(await lab.client(proxy).ended).toBe("reset");
    expect(lab.facts.of("limit_reached")).toEqual([
      { kind: "limit_reached", proxy: "jobs", limit: "connections", value: 2 },
    ]);
    expect(proxy.stats.errors.get("connection_limit")).toBe(5);
    first.client.rst();
    await until(() => proxy.stats.connectionsActive === 1);
    await lab.through(proxy, upstream);
    expect(await lab.client(proxy).ended).toBe("reset");
    expect(lab.facts.of("limit_reached").length).toBe(2);
  });

  it("calls whom it turns away by the address that it calls those by whom it lets in", async () => {
    const upstream = await open().upstream();
    // A port of both families, at which IPv4 clients arrive as ::ffff:127.0.0.1.
    const proxy = await lab.proxy(upstream.port, { connections: 0, listen: { host: "", port: 0 } });
    expect(await lab.client(proxy).ended).toBe("reset");
    expect(lab.facts.of("connection_failed")).toMatchObject([
      { reason: "connection_limit", client: "127.0.0.1" },
    ]);
  });

  it("holds the daemon's own limit over all proxies together, and gives places back however a connection ends", async () => {
    const upstream = await open({ connections: 3 }).upstream();
    const a = await lab.proxy(upstream.port, { name: "a" });
    const b = await lab.proxy(await lab.deadPort(), { name: "b" });
    await lab.through(a, upstream);
    await lab.through(a, upstream);
    // Refused by the upstream, reset by a fault, left by the client: each gives its place back.
    const refused = lab.client(b);
    expect(await refused.ended).toBe("fin");
    refused.fin();
    await until(() => lab.context.slots.taken === 2);
    await lab.through(a, upstream);
    expect(await lab.client(b).ended).toBe("reset");
    lab.use([fault("reset")]);
    await until(() => lab.context.slots.taken === 0);
    lab.heal();
    const last = await lab.through(a, upstream);
    last.client.rst();
    await until(() => lab.context.slots.taken === 0);
  });
});

describe("the budget for held bytes", () => {
  it("pauses those who hold when it is used up, leaves the others alone, and goes on when it is relieved", async () => {
    const timed = timeLab({ held: 200_000 });
    lab = timed.lab;
    const upstream = await lab.upstream();
    const slow = await lab.proxy(upstream.port, { name: "slow" });
    const quick = await lab.proxy(upstream.port, { name: "quick" });
    lab.use([fault("latency", { delay: "60s" }, { proxies: ["slow"] })]);
    const held = [await lab.through(slow, upstream), await lab.through(slow, upstream)];
    const size = 2_000_000;
    for (const { peer } of held) peer.write(codedBytes(0, size));
    await until(() => lab.context.budget.exhausted);
    await turns(100);
    // Over the limit by one read for each who holds, and no more.
    expect(lab.context.budget.heldPeak).toBeLessThanOrEqual(200_000 + 2 * 65_536);
    const other = await lab.through(quick, upstream);
    other.peer.write(codedBytes(0, size));
    await other.client.received(size);
    while (held.some(({ client }) => client.length < size)) {
      timed.time.advance(60_000);
      await turns(5);
    }
    for (const { client } of held) expect(isCoded(0, client.bytes)).toBe(true);
    expect(lab.context.budget.held).toBe(0);
  });

  it("is given back when connections die with bytes held", async () => {
    const timed = timeLab();
    lab = timed.lab;
    const upstream = await lab.upstream();
    const proxy = await lab.proxy(upstream.port);
    lab.use([fault("latency", { delay: "60s" })]);
    const { client, peer } = await lab.through(proxy, upstream);
    peer.write(Buffer.alloc(10_000));
    await until(() => lab.context.budget.held === 10_000);
    client.rst();
    await until(() => proxy.stats.connectionsActive === 0);
    expect(lab.context.budget.held).toBe(0);
    expect(timed.time.idle).toBe(true);
  });
});

describe("coming to an end", () => {
  it("drains: accepts nobody any more and waits for those who are there", async () => {
    const timed = timeLab();
    lab = timed.lab;
    const upstream = await lab.upstream();
    const proxy = await lab.proxy(upstream.port);
    const { client, peer } = await lab.through(proxy, upstream);
    const { port } = proxy.address;
    let closed: number | null = null;
    const drained = proxy.drain(timed.time.now() + 10_000).then((count) => (closed = count));
    expect(await lab.client(port).ended).toEqual({ error: "ECONNREFUSED" });
    client.write("one more");
    await peer.received(8);
    expect(closed).toBeNull();
    client.fin();
    peer.fin();
    await drained;
    expect(closed).toBe(0);
    expect(timed.time.idle).toBe(true);
  });

  it("drains: closes at the deadline those who would not go, and says how many", async () => {
    const timed = timeLab();
    lab = timed.lab;
    const upstream = await lab.upstream();
    const proxy = await lab.proxy(upstream.port);
    const ends = [await lab.through(proxy, upstream), await lab.through(proxy, upstream)];
    const drained = proxy.drain(timed.time.now() + 10_000);
    timed.time.advance(10_000);
    expect(await drained).toBe(2);
    for (const { client, peer } of ends) {
      await client.ended;
      await peer.ended;
    }
    expect(proxy.stats.connectionsActive).toBe(0);
  });

  it("stops: closes connections in every state, and keeps no timer", async () => {
    const timed = timeLab();
    lab = timed.lab;
    const upstream = await lab.upstream();
    const proxy = await lab.proxy(upstream.port);
    const silent = await lab.proxy(await lab.silentPort(), { name: "silent" });
    const behind = await lab.proxy(upstream.port, { name: "behind", proxyProtocol: "accept" });
    const flowing = await lab.through(proxy, upstream);
    lab.use([
      fault("latency", { delay: "60s" }),
      fault("accept_delay", { delay: "1h" }, { proxies: ["jobs"] }),
      fault("cut", { after: "1h" }),
    ]);
    flowing.peer.write("held");
    await until(() => lab.context.budget.held === 4);
    const clients = [flowing.client, lab.client(proxy), lab.client(silent), lab.client(behind)];
    await until(() => lab.context.slots.taken === 4);
    await turns();
    for (const stopping of [proxy, silent, behind]) stopping.stop();
    for (const client of clients) await client.ended;
    await flowing.peer.ended;
    await until(() => lab.context.slots.taken === 0);
    expect(lab.context.budget.held).toBe(0);
    expect(timed.time.idle).toBe(true);
    expect(lab.facts.of("proxy_stopped").length).toBe(3);
  });

  it("gives the port back when it has stopped", async () => {
    const upstream = await open().upstream();
    const proxy = await lab.proxy(upstream.port);
    const { port } = proxy.address;
    await lab.through(proxy, upstream);
    proxy.stop();
    lab.plan.detach("jobs", false);
    const again = await lab.proxy(upstream.port, { listen: { host: "127.0.0.1", port } });
    expect(again.address.port).toBe(port);
    await lab.through(again, upstream);
  });
});

/** What a balancer that speaks version 2 of the PROXY protocol puts in front: TCP over IPv4. */
function version2(address: string): Buffer {
  const head = Buffer.from("0d0a0d0a000d0a515549540a2111000c", "hex");
  return Buffer.concat([
    head,
    Buffer.from(address.split(".").map(Number)),
    Buffer.from([10, 0, 0, 1, 0x30, 0x39, 0, 80]),
  ]);
}

describe("who a bot is", () => {
  it.each([
    ["version 1", Buffer.from("PROXY TCP4 203.0.113.7 10.0.0.1 12345 80\r\n")],
    ["version 2", version2("203.0.113.7")],
  ])("is told by a PROXY header of %s, whose bytes go no further", async (_, header) => {
    const upstream = await open().upstream();
    const proxy = await lab.proxy(upstream.port, { proxyProtocol: "accept" });
    lab.use([fault("half_open", {}, { match: [{ client: ["203.0.113.0/24"] }], directions: "upstream" })]);
    const client = lab.client(proxy);
    // In portions, and with the first bytes of the stream in the same segment as its end.
    client.write(header.subarray(0, 5));
    await turns();
    client.write(Buffer.concat([header.subarray(5), Buffer.from("hello")]));
    const peer = await upstream.next();
    await peer.received(5);
    expect(peer.text).toBe("hello");
    client.fin();
    const hit = await lab.facts.first("fault_hit");
    expect(hit.bot).toBe("203.0.113.7");
  });

  it("is closed for a client that says something else, or nothing in time, with the reason", async () => {
    const timed = timeLab();
    lab = timed.lab;
    const upstream = await lab.upstream();
    const proxy = await lab.proxy(upstream.port, { proxyProtocol: "accept" });
    const rude = lab.client(proxy);
    rude.write("GET / HTTP/1.1\r\n\r\n");
    await rude.ended;
    const silent = lab.client(proxy);
    await until(() => lab.context.slots.taken === 1);
    await turns();
    timed.time.advance(5_000);
    await silent.ended;
    const failures = lab.facts.of("connection_failed");
    expect(failures.map(({ reason, connection }) => [reason, connection])).toEqual([
      ["proxy_header", 1],
      ["proxy_header", 2],
    ]);
    expect(failures[1]!.text).toBe("no PROXY protocol header within 5000 ms");
    expect(lab.context.slots.taken).toBe(0);
    expect(timed.time.idle).toBe(true);
    expect(upstream.accepted).toEqual([]);
  });

  it("keeps connections apart whose headers come late, and counts them against the limit", async () => {
    const upstream = await open().upstream();
    const proxy = await lab.proxy(upstream.port, { proxyProtocol: "accept", connections: 2 });
    lab.use([fault("half_open", {}, { directions: "upstream" })]);
    const clients = [lab.client(proxy), lab.client(proxy)];
    await until(() => proxy.stats.connectionsTotal === 2);
    expect(await lab.client(proxy).ended).toBe("reset");
    for (const client of clients) {
      client.write("PROXY UNKNOWN\r\n");
      client.fin();
    }
    await lab.facts.nth("fault_hit", 2);
    expect(lab.facts.of("fault_hit").map(({ connection }) => connection)).toEqual([1, 2]);
  });

  it("is not known if all come from one address: said once, loudly", async () => {
    const upstream = await open().upstream();
    const proxy = await lab.proxy(upstream.port);
    for (let n = 0; n < 60; n++) await lab.through(proxy, upstream);
    expect(lab.facts.of("bots_unidentified")).toEqual([
      { kind: "bots_unidentified", proxy: "jobs", client: "127.0.0.1" },
    ]);
  });

  it("is known well enough if they come from several", async () => {
    const upstream = await open().upstream();
    const proxy = await lab.proxy(upstream.port);
    for (let n = 0; n < 60; n++) {
      lab.client(proxy, `127.0.0.${2 + (n % 2)}`);
      await upstream.next();
    }
    expect(lab.facts.of("bots_unidentified")).toEqual([]);
  });
});

describe("a mistake in a fault", () => {
  it.each(PLACES)("in %s costs its connection and nothing else", async (place) => {
    const timed = timeLab({ types: [throwing] });
    lab = timed.lab;
    const upstream = await lab.upstream();
    const proxy = await lab.proxy(upstream.port);
    const bystander = await lab.through(proxy, upstream, { localAddress: "127.0.0.2" });
    const onlyOne = { match: [{ client: ["127.0.0.1"] }] };
    lab.use([
      // A hold first, so that the mistake happens in a timer and not under anybody's eyes.
      fault("accept_delay", { delay: "1s" }, onlyOne),
      { ...fault("half_open", {}, onlyOne), type: "test_throwing", name: "oops", params: { in: place } },
    ]);
    const client = lab.client(proxy);
    client.write("x");
    await until(() => proxy.stats.connectionsActive === 2);
    await turns();
    timed.time.advance(1_000);
    if (place !== "accepted") await upstream.next();
    await turns();
    timed.time.advance(100);
    if (place === "end" || place === "released") client.fin();
    await turns();
    if (place === "release" || place === "released") lab.heal();
    const mistake = await lab.facts.first("mistake");
    expect(String(mistake.error)).toBe(`Error: a mistake in ${place}`);
    expect(mistake.where).toBe("connection 2");
    expect(await client.ended).toBe("reset");
    await until(() => proxy.stats.connectionsActive === 1);
    expect(proxy.stats.errors.get("internal")).toBe(1);
    bystander.client.write("still here");
    await bystander.peer.received(10);
    lab.heal();
    expect(timed.time.idle).toBe(true);
  });

  it("in what it gives back at the end does not keep the connection on the books", async () => {
    const upstream = await open({ types: [throwing] }).upstream();
    const proxy = await lab.proxy(upstream.port);
    lab.use([{ ...fault("half_open"), type: "test_throwing", name: "oops", params: { in: "released" } }]);
    const { client, peer } = await lab.through(proxy, upstream);
    client.fin();
    peer.fin();
    await lab.facts.first("mistake");
    await until(() => proxy.stats.connectionsActive === 0);
    expect(lab.context.slots.taken).toBe(0);
  });

  it("in its book-keeping is found out at the first byte that is missing", async () => {
    const upstream = await open({ types: [careless] }).upstream();
    const proxy = await lab.proxy(upstream.port);
    lab.use([
      {
        ...fault("half_open"),
        type: "test_careless",
        name: "careless",
        params: {},
        directions: "downstream",
      },
    ]);
    const { client, peer } = await lab.through(proxy, upstream);
    peer.write("abc");
    expect(await client.ended).toBe("reset");
    const { error } = await lab.facts.first("mistake");
    expect(String(error)).toContain("a stage lost count: 3 in + 0 inserted, 2 out + 0 dropped + 0 held");
  });
});
