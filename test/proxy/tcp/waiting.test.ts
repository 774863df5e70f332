/** Connections that are held before anybody is dialled: `accept_delay`, `connection_limit`, and what comes and goes meanwhile. */
import { afterEach, describe, expect, it } from "vitest";
import type { VirtualClock } from "../../../src/core/clock.js";
import type { TcpProxy } from "../../../src/proxy/tcp/proxy.js";
import { fault, timeLab, turns, until, type Client, type Lab, type Upstream } from "../../support/lab.js";

let lab: Lab;
let time: VirtualClock;
let upstream: Upstream;
let proxy: TcpProxy;

async function open(faults: Parameters<Lab["use"]>[0]): Promise<void> {
  ({ lab, time } = timeLab());
  upstream = await lab.upstream();
  proxy = await lab.proxy(upstream.port);
  lab.use(faults);
}

afterEach(() => lab.close());

/** A client that the proxy has accepted. */
async function arrive(localAddress?: string): Promise<Client> {
  const wanted = proxy.stats.connectionsTotal + 1;
  const client = lab.client(proxy, localAddress);
  await until(() => proxy.stats.connectionsTotal >= wanted);
  await turns();
  return client;
}

const idle = (): Promise<void> => until(() => proxy.stats.connectionsActive === 0);

describe("accept_delay", () => {
  it("accepts at once, dials when the delay is over, and loses nothing that was sent meanwhile", async () => {
    await open([fault("accept_delay", { delay: "500ms" })]);
    const client = await arrive();
    client.write("impatient");
    time.advance(499);
    await turns();
    expect(upstream.accepted.length).toBe(0);
    time.advance(1);
    const peer = await upstream.next();
    await peer.received(9);
    expect(peer.text).toBe("impatient");
  });

  it("dials at once when it is healed", async () => {
    await open([fault("accept_delay", { delay: "1h" })]);
    await arrive();
    lab.heal();
    await upstream.next();
    await turns();
    expect(time.idle).toBe(true);
  });

  it("counts the time already waited when the delay is made shorter or longer", async () => {
    await open([fault("accept_delay", { delay: "10s" })]);
    await arrive();
    time.advance(3_000);
    lab.change([fault("accept_delay", { delay: "4s" })]);
    time.advance(999);
    await turns();
    expect(upstream.accepted.length).toBe(0);
    time.advance(1);
    await upstream.next();
    await arrive();
    time.advance(3_000);
    lab.change([fault("accept_delay", { delay: "1s" })]);
    time.advance(0);
    await upstream.next();
  });

  it("adds up when there are two, and a fault that comes while it waits is asked as well", async () => {
    await open([
      fault("accept_delay", { delay: "1s" }),
      fault("accept_delay", { delay: "2s" }, { name: "accept_delay-2" }),
    ]);
    await arrive();
    time.advance(500);
    lab.change([
      fault("accept_delay", { delay: "1s" }),
      fault("accept_delay", { delay: "2s" }, { name: "accept_delay-2" }),
      fault("accept_delay", { delay: "4s" }, { name: "accept_delay-3" }),
    ]);
    time.advance(6_499);
    await turns();
    expect(upstream.accepted.length).toBe(0);
    time.advance(1);
    await upstream.next();
  });

  it("leaves live connections alone", async () => {
    await open([]);
    const { client, peer } = await lab.through(proxy, upstream);
    lab.use([fault("accept_delay", { delay: "1h" })]);
    client.write("x");
    await peer.received(1);
    expect(lab.facts.of("fault_hit")).toEqual([]);
  });

  it("notices a client that resets while it waits, and dials nobody for it", async () => {
    await open([fault("accept_delay", { delay: "1h" })]);
    const client = await arrive();
    client.write("never mind");
    await turns();
    client.rst();
    await idle();
    expect(time.idle).toBe(true);
    expect(upstream.accepted.length).toBe(0);
    expect(lab.context.slots.taken).toBe(0);
  });

  it("passes the FIN of a client on that had nothing to say while it waited", async () => {
    await open([fault("accept_delay", { delay: "1s" })]);
    const client = await arrive();
    client.fin();
    await turns();
    time.advance(1_000);
    const peer = await upstream.next();
    expect(await peer.ended).toBe("fin");
    peer.write("greeting");
    await client.received(8);
  });

  it("serves a client that has said FIN while it waited: it may only have finished its request", async () => {
    await open([fault("accept_delay", { delay: "1s" })]);
    const client = await arrive();
    client.write("request");
    client.fin();
    await turns();
    time.advance(1_000);
    const peer = await upstream.next();
    expect(await peer.ended).toBe("fin");
    expect(peer.text).toBe("request");
    peer.write("answer");
    peer.fin();
    expect(await client.ended).toBe("fin");
    expect(client.text).toBe("answer");
    await idle();
  });
});

describe("connection_limit", () => {
  it("serves so many, lets so many wait, and gives places away in the order of arrival", async () => {
    await open([fault("connection_limit", { max: 2, queue: 3 })]);
    const names = ["a", "b", "c", "d", "e"];
    const clients: Client[] = [];
    for (const name of names) {
      const client = await arrive();
      client.write(name);
      clients.push(client);
    }
    const served: string[] = [];
    for (const [index, name] of names.entries()) {
      const peer = await upstream.next();
      await peer.received(1);
      served.push(peer.text);
      expect(peer.text).toBe(name);
      if (index === 0) continue;
      // Whoever is served first leaves first.
      const leaving = upstream.accepted[index - 1]!;
      await turns();
      expect(upstream.accepted.length).toBe(index + 1);
      leaving.rst();
    }
    expect(served).toEqual(names);
    expect(lab.facts.hits()).toEqual(Array(3).fill("connection_limit queued 127.0.0.1"));
  });

  it.each([
    ["refuse", "fin"],
    ["reset", "reset"],
    ["hang", null],
  ] as const)("does what on_full: %s says to those for whom there is no place", async (on_full, seen) => {
    await open([fault("connection_limit", { max: 1, on_full })]);
    await arrive();
    const first = await upstream.next();
    const second = await arrive();
    if (seen !== null) {
      expect(await second.ended).toBe(seen);
      return;
    }
    expect(second.end).toBeNull();
    // It hangs for good, also when there would be a place, until the fault goes.
    first.rst();
    await until(() => proxy.stats.connectionsActive === 1);
    await turns();
    expect(upstream.accepted.length).toBe(1);
    lab.heal();
    await upstream.next();
    expect(second.end).toBeNull();
  });

  it("seats those who wait when the limit is raised", async () => {
    await open([fault("connection_limit", { max: 1, queue: 10 })]);
    for (let n = 0; n < 5; n++) await arrive();
    expect(upstream.accepted.length).toBe(1);
    lab.change([fault("connection_limit", { max: 3, queue: 10 })]);
    await until(() => upstream.accepted.length === 3);
    await turns();
    expect(upstream.accepted.length).toBe(3);
    lab.heal();
    await until(() => upstream.accepted.length === 5);
  });

  it("counts connections that were there before it, and leaves them their place", async () => {
    await open([]);
    const ends = [await lab.through(proxy, upstream), await lab.through(proxy, upstream)];
    lab.use([fault("connection_limit", { max: 1, queue: 1 })]);
    const waiting = await arrive();
    expect(ends.map(({ client }) => client.end)).toEqual([null, null]);
    ends[0]!.client.rst();
    await until(() => proxy.stats.connectionsActive === 2);
    await turns();
    expect(upstream.accepted.length).toBe(2);
    ends[1]!.client.rst();
    await upstream.next();
    expect(waiting.end).toBeNull();
  });

  it("gives the place of one that waits and resets to the next", async () => {
    await open([fault("connection_limit", { max: 1, queue: 1, on_full: "reset" })]);
    await arrive();
    const impatient = await arrive();
    impatient.rst();
    await until(() => proxy.stats.connectionsActive === 1);
    const patient = await arrive();
    expect(patient.end).toBeNull();
    upstream.accepted[0]!.rst();
    await until(() => upstream.accepted.length === 2);
    expect(patient.end).toBeNull();
  });
});
