/** DNS faults on the names of upstreams: what clients of tcp and http proxies see, and that it costs nothing when off. */
import { afterEach, describe, expect, it } from "vitest";
import { HttpLab } from "../../support/http_lab.js";
import { VirtualClock } from "../../../src/core/clock.js";
import { fault, turns, until } from "../../support/lab.js";

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
    const { reason, text } = await lab.facts.first("connection_failed");
    expect([reason, text]).toEqual([
      "upstream_unresolved",
      "cannot resolve 127.0.0.1: there is no such name",
    ]);
    const [hit] = lab.facts.of("fault_hit");
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
    expect(lab.facts.of("connection_failed")[0]?.text).toContain("no DNS server answered in time");
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
    expect(lab.facts.of("connection_failed")[0]?.reason).toBe("upstream_refused");
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

it("asks the resolver directly while no such fault is in force, or only one of dns proxies", async () => {
  const upstream = await lab.upstream();
  const proxy = await lab.proxy(upstream.port);
  lab.use([fault("dns_rcode")]);
  await lab.through(proxy, upstream);
  expect(lab.facts.of("fault_hit")).toEqual([]);
  expect(proxy.faults).toEqual([]);
});
