/** What each toxic does to real traffic, without a look at the clock: times are either none or without end. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { codedBytes } from "../support/coded-bytes.js";
import { turns, until, type Client, type Upstream } from "../support/lab.js";
import { CompatLab } from "./compat-lab.js";

const HOUR = 3_600_000;

let here: CompatLab;
let upstream: Upstream;
let port: number;

beforeEach(async () => {
  here = await CompatLab.open();
  upstream = await here.lab.upstream();
  port = await here.proxy("p", upstream.port);
});

afterEach(() => here.close());

const both = (): Promise<{ client: Client; peer: Client }> => here.through(port, upstream);
const update = (toxic: string, body: object): Promise<unknown> =>
  here.json("POST", `/proxies/p/toxics/${toxic}`, body);

describe("latency", () => {
  it("holds what comes in its stream, lets the other by, and gives it out when it is taken away", async () => {
    const { client, peer } = await both();
    await here.toxic("p", { type: "latency", stream: "upstream", attributes: { latency: HOUR } });
    client.write("late");
    peer.write("in time");
    expect((await client.received(7)).toString()).toBe("in time");
    await turns();
    expect(peer.length).toBe(0);
    await here.untoxic("p", "latency_upstream");
    client.write(", and later");
    expect((await peer.received(15)).toString()).toBe("late, and later");
  });

  it("lets go at once when it is changed to nothing", async () => {
    const { client, peer } = await both();
    await here.toxic("p", { type: "latency", attributes: { latency: HOUR, jitter: 1_000 } });
    peer.write("held");
    await turns();
    expect(client.length).toBe(0);
    await update("latency_downstream", { attributes: { latency: 0, jitter: 0 } });
    expect((await client.received(4)).toString()).toBe("held");
  });
});

describe("bandwidth", () => {
  it("of 0, as Testcontainers cuts a connection, stalls both ways and loses not a byte when it is taken away", async () => {
    const { client, peer } = await both();
    const bytes = codedBytes(0, 5_000_000);
    await here.toxic("p", { name: "CUT_CONNECTION_DOWNSTREAM", type: "bandwidth", attributes: { rate: 0 } });
    await here.toxic("p", {
      name: "CUT_CONNECTION_UPSTREAM",
      type: "bandwidth",
      stream: "upstream",
      attributes: { rate: 0 },
    });
    client.write(bytes);
    peer.write(bytes);
    client.fin();
    await turns();
    expect([client.length, peer.length]).toEqual([0, 0]);
    await here.untoxic("p", "CUT_CONNECTION_DOWNSTREAM");
    expect((await client.received(bytes.length)).equals(bytes)).toBe(true);
    await turns();
    expect(peer.length).toBe(0);
    await here.untoxic("p", "CUT_CONNECTION_UPSTREAM");
    expect((await peer.received(bytes.length)).equals(bytes)).toBe(true);
    expect(await peer.ended).toBe("fin");
  });

  it("cuts connections that come while it is there as well, and so does a reset of everything mend them", async () => {
    await here.toxic("p", { type: "bandwidth", attributes: { rate: 0 } });
    const { client, peer } = await both();
    peer.write("hello");
    await turns();
    expect(client.length).toBe(0);
    expect((await here.ask("POST", "/reset")).status).toBe(204);
    expect((await client.received(5)).toString()).toBe("hello");
  });

  it("takes the largest number of any language for no limit", async () => {
    await here.toxic("p", { type: "bandwidth", attributes: { rate: 2_147_483_647 } });
    const { client, peer } = await both();
    peer.write(Buffer.alloc(1_000_000));
    await client.received(1_000_000);
  });
});

describe("slow_close", () => {
  it("keeps the end back, not the bytes, until it is taken away", async () => {
    await here.toxic("p", { type: "slow_close", attributes: { delay: HOUR } });
    const { client, peer } = await both();
    peer.write("bye");
    peer.fin();
    expect((await client.received(3)).toString()).toBe("bye");
    await turns();
    expect(client.end).toBeNull();
    await here.untoxic("p", "slow_close_downstream");
    expect(await client.ended).toBe("fin");
  });
});

describe("timeout", () => {
  it("closes the connection when its time is up, whatever flows", async () => {
    await here.toxic("p", { type: "timeout", attributes: { timeout: 5 } });
    const { client, peer } = await both();
    while (client.end === null) {
      if (peer.end === null) peer.write("x");
      await turns(1);
    }
    expect([client.end, client.length]).toEqual(["fin", 0]);
  });

  it("of 0 stops everything for good, and closes when it is taken away", async () => {
    const { client, peer } = await both();
    await here.toxic("p", { type: "timeout", attributes: { timeout: 0 } });
    peer.write("lost");
    await turns();
    expect([client.length, client.end]).toEqual([0, null]);
    await here.untoxic("p", "timeout_downstream");
    expect(await client.ended).toBe("fin");
    expect(client.length).toBe(0);
  });
});

describe("reset_peer", () => {
  it("resets a new connection", async () => {
    await here.toxic("p", { type: "reset_peer", attributes: { timeout: 0 } });
    const { client, peer } = await both();
    peer.write("x");
    expect(await client.ended).toBe("reset");
  });

  it("with a time lets nothing by before it", async () => {
    await here.toxic("p", { type: "reset_peer", attributes: { timeout: HOUR } });
    const { client, peer } = await both();
    client.write("a question");
    await peer.received(10);
    peer.write("an answer that nobody gets");
    await turns();
    expect([client.length, client.end]).toEqual([0, null]);
    await update("reset_peer_downstream", { attributes: { timeout: 0 } });
    expect(await client.ended).toBe("reset");
    await peer.broken();
    expect(peer.end).toBe("reset");
  });
});

describe("slicer", () => {
  it("keeps every byte in its place", async () => {
    await here.toxic("p", {
      type: "slicer",
      attributes: { average_size: 100, size_variation: 100, delay: 1 },
    });
    const { client, peer } = await both();
    const bytes = codedBytes(0, 20_000);
    peer.write(bytes);
    expect((await client.received(bytes.length)).equals(bytes)).toBe(true);
  });
});

describe("limit_data", () => {
  it("lets so many bytes by, exactly, and closes", async () => {
    await here.toxic("p", { type: "limit_data", attributes: { bytes: 1_000 } });
    const { client, peer } = await both();
    peer.write(codedBytes(0, 5_000));
    expect(await client.ended).toBe("fin");
    expect(client.bytes.equals(codedBytes(0, 1_000))).toBe(true);
  });
});

describe("limit_data before latency", () => {
  it("still lets so many bytes by: the end comes behind those that are late", async () => {
    await here.toxic("p", { type: "limit_data", attributes: { bytes: 1_000 } });
    await here.toxic("p", { type: "latency", attributes: { latency: 30 } });
    const { client, peer } = await both();
    peer.write(codedBytes(0, 5_000));
    expect(await client.ended).toBe("fin");
    expect(client.bytes.equals(codedBytes(0, 1_000))).toBe(true);
  });
});

describe("toxicity", () => {
  it.each([
    [0, 10],
    [1, 0],
    [-1, 10],
    [5, 0],
  ])("of %d spares %i of 10 connections", async (toxicity, spared) => {
    const echo = await here.proxy("echo", await here.lab.echo());
    await here.toxic("echo", { type: "latency", toxicity, attributes: { latency: HOUR } });
    const clients = Array.from({ length: 10 }, () => here.connect(echo));
    for (const client of clients) client.write("x");
    await until(() => clients.filter(({ length }) => length > 0).length >= spared);
    await turns();
    expect(clients.filter(({ length }) => length > 0)).toHaveLength(spared);
  });
});

describe("a proxy", () => {
  it("that is switched off closes its port and both ends of every connection, and keeps its toxics", async () => {
    await here.toxic("p", { type: "latency", attributes: { latency: 1 } });
    const pairs = [await both(), await both()];
    expect((await here.json("POST", "/proxies/p", { enabled: false })).toxics).toHaveLength(1);
    for (const { client, peer } of pairs) {
      await client.ended;
      await peer.ended;
    }
    expect(await here.connect(port).ended).toEqual({ error: "ECONNREFUSED" });
    expect((await here.json("POST", "/proxies/p", { enabled: true })).toxics).toHaveLength(1);
    await both();
  });

  it("whose upstream is down lets its clients in and shows them an end, not a reset", async () => {
    const dead = await here.proxy("dead", await here.lab.deadPort());
    const client = here.connect(dead);
    client.write("anybody there?");
    expect(await client.ended).toBe("fin");
    expect(client.length).toBe(0);
  });

  it("keeps its toxics over another address and another upstream", async () => {
    await here.toxic("p", { type: "bandwidth", stream: "upstream", attributes: { rate: 5 } });
    const moved = await here.json("POST", "/proxies/p", { listen: "127.0.0.1:0", upstream: "127.0.0.1:1" });
    expect(moved.toxics).toHaveLength(1);
    expect((await here.json("PATCH", "/proxies/p", { listen: "localhost:0" })).toxics).toHaveLength(1);
  });
});
