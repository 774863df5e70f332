/** Peers that have gone where nobody listens to them, and servers that are silent: whose place is free again, and when. */
import { afterEach, describe, expect, it } from "vitest";
import type { VirtualClock } from "../../src/core/clock.js";
import { QUESTION_MAX_MS } from "../../src/proxy/http/departure.js";
import { DETACHED_MAX_MS } from "../../src/proxy/http/detached.js";
import type { HttpProxy } from "../../src/proxy/http/proxy.js";
import { KEEPALIVE_DEFAULT as LOOK_EVERY_MS } from "../../src/core/stream-options.js";
import type { TcpProxy } from "../../src/proxy/tcp/proxy.js";
import { get, httpTimeLab, ok, said, type HttpLab } from "../support/http-lab.js";
import { fault, turns, until, type Client, type Upstream } from "../support/lab.js";

const UPGRADE = get("/ws", ["Connection: Upgrade", "Upgrade: websocket"]);
const CONNECT = "CONNECT db:5432 HTTP/1.1\r\nHost: db:5432\r\n\r\n";

let lab: HttpLab;
let time: VirtualClock;
afterEach(async () => {
  await lab.close();
});

interface Scene {
  readonly proxy: HttpProxy | TcpProxy;
  readonly client: Client;
  readonly upstream: Upstream;
}

type Plane = "tcp" | "http" | "pool";

async function scene(plane: Plane): Promise<Scene> {
  ({ lab, time } = httpTimeLab({ keepalive: LOOK_EVERY_MS }));
  const upstream = await lab.upstream();
  const second = await lab.upstream();
  const members = [upstream, second].map(({ port }, n) => ({ name: `s${n}`, host: "127.0.0.1", port }));
  const pool = { members, balance: "round_robin" as const, health: null, eject: null, seed: 1 };
  const proxy =
    plane === "tcp"
      ? await lab.proxy(upstream.port)
      : await lab.http(upstream.port, plane === "pool" ? { pool } : {});
  return { proxy, client: lab.client(proxy), upstream };
}

/** All that is said is where it can get to. */
async function rest(): Promise<void> {
  await turns(20);
}

const nothing = (): void => undefined;

/** What a client has said before it ended its side, and what is heard of it then. */
const WAITING: readonly (readonly [what: string, plane: Plane, words: string, prepare: () => void])[] = [
  ["a stream", "tcp", "hello", nothing],
  ["an exchange", "http", get("/1"), nothing],
  ["an exchange of a pool", "pool", get("/1"), nothing],
  ["an upgrade", "http", UPGRADE, nothing],
  ["bytes behind an upgrade", "http", `${UPGRADE}bytes`, nothing],
  ["bytes behind a CONNECT", "http", `${CONNECT}bytes`, nothing],
  ["a request that waits for another's upstream", "pool", get("/1") + get("/2"), nothing],
  [
    "a request that a fault holds",
    "http",
    get("/1"),
    () => {
      lab.use([fault("http_delay", { delay: "1h" })]);
    },
  ],
];

describe("a client that ended its side, and has gone since, where a server is silent", () => {
  it.each(WAITING)("is noticed at the next look, with %s", async (_what, plane, words, prepare) => {
    const { proxy, client } = await scene(plane);
    prepare();
    client.write(words);
    client.fin();
    await rest();
    client.rst();
    await rest();
    expect(proxy.stats.connectionsActive).toBe(1);
    time.advance(LOOK_EVERY_MS);
    await until(() => proxy.stats.connectionsActive === 0);
    await rest();
    expect(lab.context.slots.taken).toBe(0);
    expect(lab.context.budget.held).toBe(0);
    expect(time.idle).toBe(true);
    expect(lab.facts.of("mistake")).toEqual([]);
  });

  it.each(WAITING)("is waited for as long as it is there, with %s", async (_what, plane, words, prepare) => {
    const { proxy, client } = await scene(plane);
    prepare();
    client.write(words);
    client.fin();
    await rest();
    time.advance(3 * LOOK_EVERY_MS);
    await rest();
    expect(proxy.stats.connectionsActive).toBe(1);
    expect(client.end).toBe(null);
  });
});

describe("a peer that has gone", () => {
  it("is noticed at the next look where it was a server that had ended its side before", async () => {
    const { proxy, client, upstream } = await scene("tcp");
    client.write("hello");
    const server = await upstream.next();
    await said(server, "hello");
    server.fin();
    await rest();
    server.rst();
    await rest();
    expect(proxy.stats.connectionsActive).toBe(1);
    time.advance(LOOK_EVERY_MS);
    await until(() => proxy.stats.connectionsActive === 0);
  });

  it("is noticed at the next look where it was a client that nobody read from, since the server reads nothing", async () => {
    const { proxy, client, upstream } = await scene("tcp");
    const server = await upstream.next();
    server.socket.pause();
    const chunk = Buffer.alloc(1_048_576);
    const before = client.socket.bytesWritten;
    for (let sent = 0; sent < 64; sent++) client.write(chunk);
    expect(client.socket.bytesWritten).toBeGreaterThan(before);
    // What both kernels take is in them, and the proxy waits.
    await turns(200);
    client.rst();
    await turns(200);
    expect(proxy.stats.connectionsActive).toBe(1);
    time.advance(LOOK_EVERY_MS);
    await rest();
    // A peer that does not read is not waited for.
    time.advance(2_000);
    await until(() => proxy.stats.connectionsActive === 0);
  });
});

describe("a server that is silent, and cannot be told yet that its client has ended its side,", () => {
  const waits = [
    ["a minute, before bytes behind an Upgrade", "http", `${UPGRADE}bytes`, QUESTION_MAX_MS],
    ["a minute, before bytes behind a CONNECT", "http", `${CONNECT}bytes`, QUESTION_MAX_MS],
    ["ten minutes, before a request for another upstream", "pool", get("/1") + get("/2"), DETACHED_MAX_MS],
  ] as const;
  it.each(waits)("is waited for %s", async (_, plane, words, limit) => {
    const { proxy, client, upstream } = await scene(plane);
    client.write(words);
    const server = await upstream.next();
    client.fin();
    await rest();
    expect(server.end).toBe(null);
    time.advance(limit - 1);
    await rest();
    expect(proxy.stats.connectionsActive).toBe(1);
    expect(client.end).toBe(null);
    time.advance(1);
    expect(await client.ended).toBe("fin");
    expect(await server.ended).toBe("fin");
    time.advance(1_000);
    await until(() => proxy.stats.connectionsActive === 0);
    await rest();
    expect(time.idle).toBe(true);
    expect(lab.context.slots.taken).toBe(0);
    expect(lab.facts.of("mistake")).toEqual([]);
  });

  it("is waited for ten minutes, before an answer that a fault gives in its turn", async () => {
    const { proxy, client, upstream } = await scene("http");
    client.write(get("/1"));
    const server = await upstream.next();
    await said(server, "/1");
    lab.use([fault("http_status", { status: 503 })]);
    client.write(get("/2"));
    client.fin();
    await rest();
    expect(server.end).toBe(null);
    time.advance(DETACHED_MAX_MS - 1);
    await rest();
    expect(proxy.stats.connectionsActive).toBe(1);
    time.advance(1);
    expect(await client.ended).toBe("fin");
    expect(await server.ended).toBe("fin");
  });

  it("is given its minute from the answer before the Upgrade on", async () => {
    const { proxy, client, upstream } = await scene("http");
    client.write(`${get("/1")}${UPGRADE}bytes`);
    const server = await upstream.next();
    await said(server, "/ws");
    client.fin();
    await rest();
    time.advance(2 * QUESTION_MAX_MS);
    await rest();
    server.write(ok("one"));
    await said(client, "one");
    await rest();
    time.advance(QUESTION_MAX_MS - 1);
    await rest();
    expect(proxy.stats.connectionsActive).toBe(1);
    time.advance(1);
    expect(await client.ended).toBe("fin");
  });

  it("is waited for no longer once it has answered", async () => {
    const { proxy, client, upstream } = await scene("http");
    client.write(`${UPGRADE}${get("/2")}`);
    const server = await upstream.next();
    client.fin();
    await rest();
    server.write(ok("no"));
    await said(server, "/2");
    expect(await server.ended).toBe("fin");
    time.advance(QUESTION_MAX_MS);
    await rest();
    expect(client.end).toBe(null);
    server.write(ok("two"));
    server.fin();
    await said(client, "two");
    expect(await client.ended).toBe("fin");
    await until(() => proxy.stats.connectionsActive === 0);
  });
});
