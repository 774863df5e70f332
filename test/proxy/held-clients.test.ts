/** Clients that leave, or stay, while a fault holds them before anything of theirs could be sent. */
import { afterEach, describe, expect, it } from "vitest";
import { get, HttpLab, ok } from "../support/http-lab.js";
import { fault, turns, until, type Client, type Upstream } from "../support/lab.js";
import type { HttpProxy } from "../../src/proxy/http/proxy.js";
import type { TcpProxy } from "../../src/proxy/tcp/proxy.js";

let lab: HttpLab;
afterEach(async () => {
  await lab.close();
});

type Proxy = HttpProxy | TcpProxy;

/** Faults that hold for good, and whether they do before an upstream is chosen or where it is reached. */
const HOLDS = [
  ["connection_limit", { max: 0, on_full: "hang" }, "gate"],
  ["flap", { targets: ["a"], down: "blackhole", pattern: ["down 1h", "up 1s"], count: 1 }, "reach"],
  ["stale_upstream", { target: "a", gives: "hang" }, "reach"],
] as const;

const PLANES = ["tcp", "http"] as const;

async function begin(plane: (typeof PLANES)[number]): Promise<{ proxy: Proxy; upstream: Upstream }> {
  lab = new HttpLab();
  const upstream = await lab.upstream();
  const members = [{ name: "a", host: "127.0.0.1", port: upstream.port }];
  const pool = { balance: "first" as const, health: null, eject: null, seed: 1, members };
  const spec = { pool, dialTimeout: 3_600_000 };
  const proxy = plane === "tcp" ? await lab.proxy(upstream.port, spec) : await lab.http(upstream.port, spec);
  return { proxy, upstream };
}

/** A client that has asked, and is held. */
async function held(proxy: Proxy, request: string): Promise<Client> {
  const client = lab.client(proxy);
  client.write(request);
  await until(() => lab.facts.hits().length > 0);
  await turns(20);
  return client;
}

const cases = PLANES.flatMap((plane) => HOLDS.map((hold) => [plane, ...hold] as const));

describe.each(cases)("on a %s proxy, a client that %s holds: %j", (plane, type, params, where) => {
  it.each(["fin", "close"] as const)(
    "and that leaves (%s) is sent nowhere when the fault goes",
    async (how) => {
      const { proxy, upstream } = await begin(plane);
      lab.use([fault(type, params)]);
      const client = await held(proxy, get("/jobs"));
      if (how === "fin") client.fin();
      else client.socket.destroy();
      // Of a connection that was not let in nothing could come any more; one that dials may be told that it failed.
      if (where === "gate") await until(() => proxy.stats.connectionsActive === 0);
      else await turns(40);
      expect(proxy.stats.connectionsActive).toBe(where === "gate" ? 0 : 1);
      lab.heal();
      await until(() => proxy.stats.connectionsActive === 0);
      await turns(40);
      expect(upstream.accepted.map(({ text }) => text).join("")).toBe("");
      expect(lab.context.slots.taken).toBe(0);
      expect(lab.facts.of("mistake")).toEqual([]);
      if (proxy.protocol === "http" && where === "reach")
        expect(lab.facts.of("exchange_over")).toMatchObject([{ client_status: null, end: "client_left" }]);
    },
  );

  it("and that resets gives its place back at once", async () => {
    const { proxy, upstream } = await begin(plane);
    lab.use([fault(type, params)]);
    const client = await held(proxy, get("/jobs"));
    client.rst();
    await until(() => proxy.stats.connectionsActive === 0);
    lab.heal();
    await turns(40);
    expect(upstream.accepted).toHaveLength(0);
    expect(lab.context.slots.taken).toBe(0);
  });

  it("and that waits is served with all it said when the fault goes", async () => {
    const { proxy, upstream } = await begin(plane);
    lab.use([fault(type, params)]);
    // More than is read of a client that nobody hears.
    const body = "0123456789".repeat(20_000);
    const request = `POST /jobs HTTP/1.1\r\nHost: jobs.test\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    const client = await held(proxy, request);
    lab.heal();
    const peer = await upstream.next();
    await peer.received(request.length);
    expect(peer.text).toBe(request);
    peer.write(ok("done"));
    await client.received(ok("done").length);
    expect(client.text).toBe(ok("done"));
  });
});

describe("a pipelined request that a fault holds for good behind another", () => {
  it("is given up once it is its turn, where the client has ended its side", async () => {
    lab = new HttpLab();
    const upstream = await lab.upstream();
    const proxy = await lab.http(upstream.port);
    lab.use([
      fault("overload", { concurrency: 1, on_full: "hang" }, { match: [{ path: ["/held"] }] }),
      fault("noop"),
    ]);
    const working = lab.client(proxy);
    working.write(get("/held"));
    const busy = await upstream.next();
    const client = lab.client(proxy);
    client.write(get("/first") + get("/held"));
    const peer = await upstream.next();
    await peer.received(get("/first").length);
    client.fin();
    await turns(20);
    peer.write(ok("one"));
    await client.received(ok("one").length);
    await until(() => proxy.stats.connectionsActive === 1);
    expect(await client.ended).toBe("fin");
    lab.heal();
    await turns(20);
    expect(peer.text).toBe(get("/first"));
    busy.rst();
  });
});
