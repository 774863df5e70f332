/** Ends that cross one another: what each side did, what the exchange was, and who may still hear of what. */
import { afterEach, describe, expect, it } from "vitest";
import type { HttpProxy } from "../../../src/proxy/http/proxy.js";
import type { Client } from "../../support/lab.js";
import { answerTo, get, HttpLab, httpTimeLab, ok, said } from "../../support/http-lab.js";
import { fault, turns, until } from "../../support/lab.js";

let lab: HttpLab;
afterEach(async () => {
  await lab.close();
});

async function free(proxy: HttpProxy): Promise<void> {
  await until(() => proxy.stats.connectionsActive === 0);
  expect(lab.context.slots.taken).toBe(0);
  expect(lab.facts.of("mistake")).toEqual([]);
}

const UPGRADE = get("/ws", ["Connection: Upgrade", "Upgrade: websocket"]);
const CONNECT = "CONNECT db:5432 HTTP/1.1\r\nHost: db:5432\r\n\r\n";
const SWITCHING = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
const ESTABLISHED = "HTTP/1.1 200 Connection Established\r\n\r\n";

/** One exchange is over, and the server has ended the idle connection. */
async function idleAndEnded(proxy: HttpProxy, next: () => Promise<Client>): Promise<Client> {
  const client = lab.client(proxy);
  client.write(get("/1"));
  const peer = await next();
  await said(peer, "/1");
  peer.write(ok("one"));
  await said(client, "one");
  peer.fin();
  expect(await client.ended).toBe("fin");
  return client;
}

describe("a client that was told the end", () => {
  it("is forwarded nothing that it begins afterwards, meets an RST, and leaves nothing behind", async () => {
    lab = new HttpLab();
    const upstream = await lab.upstream();
    const proxy = await lab.http(upstream.port);
    const client = await idleAndEnded(proxy, () => upstream.next());
    client.write(get("/2"));
    await client.broken();
    await free(proxy);
    expect(upstream.accepted).toHaveLength(1);
    expect(upstream.accepted[0]?.text).toBe(get("/1"));
    expect(proxy.exchanges.requests).toBe(1);
  });

  it("is given its place back although it does nothing more", async () => {
    const timed = httpTimeLab();
    ({ lab } = timed);
    const upstream = await lab.upstream();
    const proxy = await lab.http(upstream.port);
    await idleAndEnded(proxy, () => upstream.next());
    timed.time.advance(1_000);
    await free(proxy);
  });

  it("gets an end that was held behind bytes, and nothing it says meanwhile is forwarded", async () => {
    const timed = httpTimeLab();
    ({ lab } = timed);
    const upstream = await lab.upstream();
    const proxy = await lab.http(upstream.port);
    lab.use([fault("latency", { delay: "5s" }, { directions: "downstream" })]);
    const client = lab.client(proxy);
    client.write(get("/1"));
    const peer = await upstream.next();
    await said(peer, "/1");
    peer.write(ok("one"));
    peer.fin();
    await until(() => lab.context.budget.held > 0);
    await turns();
    client.write(get("/2"));
    await turns();
    timed.time.advance(5_000);
    await said(client, "one");
    timed.time.advance(1_000);
    await free(proxy);
    expect(upstream.accepted).toHaveLength(1);
    expect(peer.text).toBe(get("/1"));
  });
});

describe("a client that has ended its side", () => {
  it("keeps no place when its upstream says more than it was asked for", async () => {
    lab = new HttpLab();
    const upstream = await lab.upstream();
    const proxy = await lab.http(upstream.port);
    const client = lab.client(proxy);
    client.write(get("/").replace("GET", "HEAD"));
    client.fin();
    const peer = await upstream.next();
    expect(await peer.ended).toBe("fin");
    peer.write(ok("no body was asked for"));
    await free(proxy);
  });

  it("keeps none in the middle of an upload that was answered, when the rest of what came cannot be read", async () => {
    lab = new HttpLab();
    const upstream = await lab.upstream();
    const proxy = await lab.http(upstream.port);
    const client = lab.client(proxy);
    client.write("POST / HTTP/1.1\r\nHost: jobs.test\r\nContent-Length: 10\r\n\r\n12345");
    client.fin();
    const peer = await upstream.next();
    expect(await peer.ended).toBe("fin");
    peer.write(`${ok("early")}and more`);
    await free(proxy);
  });

  it("keeps none behind a request that a fault holds, when its upstream ends", async () => {
    const timed = httpTimeLab();
    ({ lab } = timed);
    const upstream = await lab.upstream();
    const proxy = await lab.http(upstream.port);
    lab.use([fault("http_delay", { delay: "1h" }, { match: [], when: { skip: 1 } })]);
    const client = lab.client(proxy);
    client.write(get("/1"));
    const peer = await upstream.next();
    await said(peer, "/1");
    client.write(get("/2"));
    await until(() => lab.facts.hits().length === 1);
    client.fin();
    await turns();
    peer.fin();
    expect(await client.ended).toBe("fin");
    await free(proxy);
    expect(lab.facts.of("exchange_over")).toMatchObject([{ exchange: { path: "/2" }, end: "client_left" }]);
  });

  it.each([
    ["CONNECT", CONNECT],
    ["an Upgrade", UPGRADE],
  ])("is heard by a server that has not answered %s", async (_, request) => {
    lab = new HttpLab();
    const upstream = await lab.upstream();
    const proxy = await lab.http(upstream.port);
    const client = lab.client(proxy);
    client.write(request);
    const peer = await upstream.next();
    await peer.received(request.length);
    client.socket.destroy();
    expect(await peer.ended).toBe("fin");
    peer.fin();
    await free(proxy);
    expect(lab.facts.of("connection_failed")).toEqual([]);
  });

  describe.each([
    ["CONNECT", CONNECT],
    ["an Upgrade", UPGRADE],
    ["an Upgrade with a body", UPGRADE.replace(/\r\n$/, "Content-Length: 2\r\n\r\nhi")],
  ])("before %s was sent on", (_, request) => {
    it("is heard by its server behind the request, when there was no connection to that yet", async () => {
      lab = new HttpLab();
      const upstream = await lab.upstream();
      const proxy = await lab.http(upstream.port);
      const client = lab.client(proxy);
      client.write(request);
      client.fin();
      const peer = await upstream.next();
      expect(await peer.ended).toBe("fin");
      expect(peer.text).toBe(request);
      peer.fin();
      await free(proxy);
    });

    it.each(["the first", "behind another"])(
      "is heard by its server behind the request, when a fault held that: %s",
      async (place) => {
        const timed = httpTimeLab();
        ({ lab } = timed);
        const upstream = await lab.upstream();
        const proxy = await lab.http(upstream.port);
        const client = lab.client(proxy);
        if (place !== "the first") {
          client.write(get("/1"));
          const peer = await upstream.next();
          await said(peer, "/1");
          peer.write(ok("one"));
          await said(client, "one");
        }
        lab.use([fault("http_delay", { delay: "5s" })]);
        client.write(request);
        client.fin();
        await until(() => lab.facts.hits().length === 1);
        await turns();
        expect(upstream.accepted[0]?.text ?? "").not.toContain(request);
        timed.time.advance(5_000);
        const peer = upstream.accepted[0] ?? (await upstream.next());
        expect(await peer.ended).toBe("fin");
        expect(peer.text.endsWith(request)).toBe(true);
        peer.fin();
        await free(proxy);
      },
    );
  });
});

describe("an answer that a fault of the bytes swallows while the connection lives on", () => {
  it.each([
    ["in the middle of its body", 40, 200],
    ["in the middle of its head", 10, null],
  ])("%s is told as cut, with the status that the client saw", async (_, after, seen) => {
    lab = new HttpLab();
    const { port } = await lab.scripted(() => ok("0123456789"));
    const proxy = await lab.http(port);
    lab.use([fault("truncate", { after: `${after}B`, then: "hang" }, { directions: "downstream" })]);
    const client = lab.client(proxy);
    client.write(get("/x"));
    await until(() => lab.facts.of("exchange_over").length === 1);
    await client.received(after);
    expect(client.text).toBe(ok("0123456789").slice(0, after));
    expect(lab.facts.of("exchange_over")).toMatchObject([{ end: "cut", client_status: seen }]);
    client.rst();
    await free(proxy);
  });
});

describe("a tunnel that a fault ended before its client saw that it was accepted", () => {
  it("is not told as complete", async () => {
    lab = new HttpLab();
    const upstream = await lab.upstream();
    const proxy = await lab.http(upstream.port);
    lab.use([fault("truncate", { after: "10B", then: "reset" }, { directions: "downstream" })]);
    const client = lab.client(proxy);
    client.write(CONNECT);
    const peer = await upstream.next();
    await peer.received(CONNECT.length);
    peer.write(ESTABLISHED);
    await free(proxy);
    expect(lab.facts.of("exchange_over")).toMatchObject([{ end: "cut", client_status: null }]);
  });
});

describe("a request that was begun after its client had ended its side", () => {
  it("took no time, rather than less than none, when the client turns out to have left", async () => {
    const timed = httpTimeLab();
    ({ lab } = timed);
    const upstream = await lab.upstream();
    const proxy = await lab.http(upstream.port);
    lab.use([fault("http_delay", { delay: "5s" })]);
    const client = lab.client(proxy);
    client.write(get("/1") + get("/2"));
    await until(() => lab.facts.hits().length === 1);
    client.fin();
    await turns();
    timed.time.advance(5_000);
    const peer = await upstream.next();
    await said(peer, "/1");
    await until(() => lab.facts.hits().length === 2);
    client.socket.destroy();
    lab.heal();
    await said(peer, "/2");
    peer.write(ok("one") + ok("two"));
    await until(() => lab.facts.of("exchange_over").length === 2);
    peer.fin();
    timed.time.advance(1_000);
    await free(proxy);
    const over = lab.facts.of("exchange_over");
    expect(over.map(({ end }) => end)).toEqual(["client_left", "client_left"]);
    for (const { client_ms: millis } of over) expect(millis).toBeGreaterThanOrEqual(0);
  });
});

describe("a server that closes without an answer", () => {
  for (const [what, request] of Object.entries({ Upgrade: UPGRADE, CONNECT, GET: get("/") }))
    it(`to ${what} leaves no place behind`, async () => {
      lab = new HttpLab();
      const upstream = await lab.upstream();
      const proxy = await lab.http(upstream.port);
      const client = lab.client(proxy);
      client.write(request);
      const peer = await upstream.next();
      await peer.received(request.length);
      peer.fin();
      expect(await client.ended).toBe("fin");
      client.fin();
      await free(proxy);
    });
});

describe("an answer that took the place of an accepted tunnel", () => {
  for (const [what, request, accepted] of [
    ["a CONNECT", CONNECT, ESTABLISHED],
    ["an Upgrade", UPGRADE, SWITCHING],
  ] as const)
    for (const [by, type, params] of [
      ["http_status", "http_status", { status: 503, at: "after" }],
      ["lost_response", "lost_response", { then: "status", status: 502 }],
    ] as const)
      for (const when of ["at once", "behind it"] as const)
        it(`of ${what} by ${by} is all that the client gets, whether the tunnel speaks ${when}`, async () => {
          lab = new HttpLab();
          const upstream = await lab.upstream();
          const proxy = await lab.http(upstream.port);
          const { at, ...rest } = { at: "", ...params };
          lab.use([fault(type, rest, at === "" ? {} : { at })]);
          const client = lab.client(proxy);
          client.write(request);
          const peer = await upstream.next();
          await peer.received(request.length);
          peer.write(when === "at once" ? `${accepted}220 smtp.test` : accepted);
          const answer = await answerTo(client);
          if (when === "behind it") peer.write("220 smtp.test");
          await peer.ended;
          lab.heal();
          client.write(get("/next"));
          const next = await upstream.next();
          await said(next, "/next");
          next.write(ok("next"));
          await said(client, "next");
          expect(client.text.slice(answer.end)).toBe(ok("next"));
          expect(lab.facts.of("opaque_connection")).toEqual([]);
          client.fin();
          next.fin();
          await free(proxy);
        });
});

describe("a tunnel", () => {
  it.each([
    ["connect", CONNECT, ESTABLISHED],
    ["websocket", UPGRADE, SWITCHING],
  ])("is told once, with its exchange: %s", async (protocol, request, accepted) => {
    lab = new HttpLab();
    const upstream = await lab.upstream();
    const proxy = await lab.http(upstream.port);
    const client = lab.client(proxy);
    client.write(request);
    const peer = await upstream.next();
    await peer.received(request.length);
    peer.write(accepted);
    await client.received(accepted.length);
    expect(lab.facts.of("opaque_connection")).toMatchObject([
      { proxy: "jobs", connection: 1, protocol, exchange: { id: 1 } },
    ]);
  });
});

describe("HTTP/2 by Upgrade", () => {
  it.each([
    [["Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABk"], []],
    [["Connection: keep-alive, Upgrade", "Upgrade: H2C"], ["Connection: keep-alive"]],
    [["Upgrade: h2c"], []],
    [
      ["Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c, websocket", "HTTP2-Settings: AA"],
      ["Connection: Upgrade", "Upgrade: websocket"],
    ],
    [
      ["Connection: Upgrade", "Upgrade: websocket"],
      ["Connection: Upgrade", "Upgrade: websocket"],
    ],
  ])("is not offered to the upstream: %j", async (fields, sent) => {
    lab = new HttpLab();
    const server = await lab.scripted();
    const proxy = await lab.http(server.port);
    const client = lab.client(proxy);
    client.write(get("/", [...fields, "X-Last: 1"]));
    await said(client, "hello");
    expect(server.peers[0]?.text).toBe(get("/", [...sent, "X-Last: 1"]));
    // Faults reach what follows.
    lab.use([fault("http_status", { status: 503 })]);
    client.write(get("/again"));
    await said(client, "503 Service Unavailable");
  });
});

const UNREADABLE = "HTTP/1.1 200 OK\ncontent-length: 2\n\nok";

describe("ambiguous: relay, and an answer that cannot be read", () => {
  it("relays both directions from there on, in a pool too: no fault on exchanges, no balancing", async () => {
    lab = new HttpLab();
    const odd = await lab.scripted(() => UNREADABLE);
    const decent = await lab.scripted(() => ok("decent"));
    const member = (name: string, port: number) => ({ name, host: "127.0.0.1", port });
    const proxy = await lab.http(odd.port, {
      ambiguous: "relay",
      pool: {
        members: [member("a", odd.port), member("b", decent.port)],
        balance: "round_robin",
        health: null,
        eject: null,
      } as never,
    });
    const client = lab.client(proxy);
    client.write(get("/0"));
    await client.received(UNREADABLE.length);
    lab.use([
      fault("http_status", { status: 503 }),
      fault("http_headers", { set: { "x-f": "1" } }, { directions: "upstream" }),
    ]);
    for (let request = 1; request < 4; request++) {
      client.write(get(`/${request}`));
      await client.received(UNREADABLE.length * (request + 1));
    }
    expect(client.text).toBe(UNREADABLE.repeat(4));
    expect(odd.peers[0]?.text).toBe([0, 1, 2, 3].map((n) => get(`/${n}`)).join(""));
    expect(decent.peers).toEqual([]);
    expect(lab.facts.hits()).toEqual([]);
    expect(lab.facts.of("opaque_connection")).toMatchObject([
      { protocol: "ambiguous", exchange: { path: "/0" } },
    ]);
    client.fin();
    await free(proxy);
  });

  it("sends on what a fault still held of the next request, and carries nothing out in its place", async () => {
    const timed = httpTimeLab();
    ({ lab } = timed);
    const upstream = await lab.upstream();
    const proxy = await lab.http(upstream.port, { ambiguous: "relay" });
    const client = lab.client(proxy);
    client.write(get("/0"));
    const peer = await upstream.next();
    await said(peer, "/0");
    lab.use([fault("http_status", { status: 503 })]);
    client.write(get("/1") + get("/2"));
    await until(() => lab.facts.hits().length === 1);
    peer.write(UNREADABLE);
    await said(peer, "/2");
    expect(peer.text).toBe(get("/0") + get("/1") + get("/2"));
    expect(client.text).toBe(UNREADABLE);
    peer.write("more");
    await said(client, "okmore");
    client.fin();
    peer.fin();
    await free(proxy);
  });
});

describe("a client that gives up", () => {
  for (const how of ["fin", "rst"] as const)
    it(`by ${how} while its answer is held has left, at the time at which it did`, async () => {
      const timed = httpTimeLab();
      ({ lab } = timed);
      const upstream = await lab.upstream();
      const proxy = await lab.http(upstream.port);
      lab.use([fault("http_delay", { delay: "5s" }, { at: "after" })]);
      const client = lab.client(proxy);
      client.write(get("/"));
      const peer = await upstream.next();
      await said(peer, "GET");
      peer.write(ok("late"));
      await until(() => lab.facts.hits().length === 1);
      await turns();
      timed.time.advance(1_000);
      // As a process does that closes its socket: whatever comes afterwards meets an RST of its kernel.
      if (how === "fin") client.socket.destroy();
      else client.rst();
      await turns();
      timed.time.advance(4_000);
      expect(await lab.facts.first("exchange_over")).toMatchObject({
        upstream_status: 200,
        client_status: null,
        client_ms: 1_000,
        end: "client_left",
      });
      expect(proxy.exchanges.responses()).toEqual([["GET", "none", 1]]);
      peer.fin();
      await free(proxy);
      expect(lab.facts.of("exchange_over")).toHaveLength(1);
    });

  it("only on one side gets its answer, and has it whole", async () => {
    const timed = httpTimeLab();
    ({ lab } = timed);
    const upstream = await lab.upstream();
    const proxy = await lab.http(upstream.port);
    lab.use([fault("http_delay", { delay: "5s" }, { at: "after" })]);
    const client = lab.client(proxy);
    client.write(get("/"));
    client.fin();
    const peer = await upstream.next();
    await said(peer, "GET");
    peer.write(ok("late"));
    peer.fin();
    await until(() => lab.facts.hits().length === 1);
    await turns();
    timed.time.advance(5_000);
    expect(await lab.facts.first("exchange_over")).toMatchObject({
      client_status: 200,
      client_ms: 5_000,
      end: "complete",
    });
    expect(await client.ended).toBe("fin");
    expect(client.text).toBe(ok("late"));
    await free(proxy);
  });

  for (const [what, words, status] of [
    ["a long poll", "", null],
    ["a stream of chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n", 200],
    ["a stream without a length", "HTTP/1.1 200 OK\r\n\r\ndata: 1\n\n", 200],
  ] as const)
    for (const server of ["fin", "rst"] as const)
      it(`${what} has left, whatever its server does about it (${server})`, async () => {
        lab = new HttpLab();
        const upstream = await lab.upstream();
        const proxy = await lab.http(upstream.port);
        lab.use([fault("latency", { delay: "0ms" })]);
        const client = lab.client(proxy);
        client.write(get("/events"));
        const peer = await upstream.next();
        await said(peer, "GET");
        if (words !== "") {
          peer.write(words);
          await client.received(words.length);
        }
        client.socket.destroy();
        await peer.ended;
        if (server === "fin") peer.fin();
        else peer.rst();
        await free(proxy);
        expect(lab.facts.of("connection_failed")).toEqual([]);
        expect(proxy.exchanges.responses()).toEqual([["GET", status === null ? "none" : "200", 1]]);
        for (const over of lab.facts.of("exchange_over"))
          expect(over).toMatchObject({ client_status: status, end: "client_left" });
      });
});

describe("healing", () => {
  it("sends no request that was held for good for a client that has ended its side", async () => {
    lab = new HttpLab();
    const upstream = await lab.upstream();
    const proxy = await lab.http(upstream.port);
    lab.use([fault("blackhole", {}, { directions: "both" })]);
    const client = lab.client(proxy);
    client.write(get("/"));
    const peer = await upstream.next();
    await until(() => lab.context.budget.held > 0);
    client.socket.destroy();
    await turns(40);
    expect(peer.end).toBeNull();
    lab.heal();
    await peer.ended;
    expect(peer.text).toBe("");
    peer.fin();
    await free(proxy);
    expect(proxy.exchanges.responses()).toEqual([["GET", "none", 1]]);
  });

  it.each([
    ["http_delay", { delay: "1h" }, {}],
    ["http_delay", { delay: "1h" }, { at: "after" }],
    ["late_response", { hold: "1h" }, {}],
    ["overload", { concurrency: 1, service_time: "1h" }, {}],
    ["latency", { delay: "1h" }, { directions: "downstream" }],
    ["latency", { delay: "1h" }, { directions: "upstream" }],
  ] as const)("tells an exchange that %s held: %j %j", async (type, params, rest) => {
    const timed = httpTimeLab();
    ({ lab } = timed);
    const server = await lab.scripted();
    const proxy = await lab.http(server.port);
    lab.use([fault(type, params, rest)]);
    const client = lab.client(proxy);
    client.write(get("/"));
    await until(() => lab.facts.hits().length > 0);
    await turns();
    lab.heal();
    await said(client, "hello");
    expect(await lab.facts.first("exchange_over")).toMatchObject({
      faults: [type],
      client_status: 200,
      end: "complete",
    });
    client.fin();
    await free(proxy);
    expect(lab.facts.of("exchange_over")).toHaveLength(1);
  });
});
