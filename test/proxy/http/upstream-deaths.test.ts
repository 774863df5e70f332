/** Upstreams that die in each state of an exchange: one clean fact, an end that the client can tell from a whole answer, and nothing left behind. */
import { afterEach, describe, expect, it } from "vitest";
import type { HttpProxy } from "../../../src/proxy/http/proxy.js";
import type { VirtualClock } from "../../../src/core/clock.js";
import type { HttpLab } from "../../support/http-lab.js";
import { answersTo, answerTo, get, httpTimeLab, ok, post, said } from "../../support/http-lab.js";
import { turns, until } from "../../support/lab.js";

let lab: HttpLab;
let time: VirtualClock;
const open = (): HttpLab => {
  ({ lab, time } = httpTimeLab());
  return lab;
};
afterEach(async () => {
  await lab.close();
});

const CHUNKED = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
/** What the upstream has said when it dies, and in what state that leaves the exchange. */
const STATES: Readonly<Record<string, string>> = {
  "before its head": "",
  "in its head": "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Cut: of",
  "behind an interim answer": "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n",
  "behind its head": "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
  "in mid-body": "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n123",
  "behind a head of chunks": CHUNKED,
  "in the size of a chunk": `${CHUNKED}5\r\nhello\r\n1`,
  "in a chunk": `${CHUNKED}5\r\nhe`,
  "between a chunk and its CRLF": `${CHUNKED}5\r\nhello`,
  "before its trailers": `${CHUNKED}5\r\nhello\r\n0\r\n`,
  "in its trailers": `${CHUNKED}5\r\nhello\r\n0\r\nX-Sum: 1\r`,
};
/** Without an end of its own, a body is whole when the connection ends in order. */
const LASTING = "HTTP/1.1 200 OK\r\n\r\nas long as it lasts";

async function nothingLeft(proxy: HttpProxy): Promise<void> {
  await until(() => proxy.stats.connectionsActive === 0);
  expect(lab.context.slots.taken).toBe(0);
  expect(lab.context.budget.held).toBe(0);
  expect(time.idle).toBe(true);
  expect(lab.facts.of("mistake")).toEqual([]);
}

describe("an upstream that dies", () => {
  for (const [state, words] of Object.entries(STATES)) {
    for (const how of ["fin", "rst"] as const) {
      it(`${state} by ${how} is one fact, and the client sees the same`, async () => {
        const upstream = await open().upstream();
        const proxy = await lab.http(upstream.port);
        const other = lab.client(proxy);
        other.write(get("/other"));
        const otherPeer = await upstream.next();
        const client = lab.client(proxy);
        client.write(get("/"));
        const peer = await upstream.next();
        await peer.received(get("/").length);
        peer.write(words);
        await turns();
        if (how === "fin") peer.fin();
        else peer.rst();
        expect(await client.ended).toBe(how === "fin" ? "fin" : "reset");
        if (how === "fin") {
          // All that was said has come, a part of a head as well.
          expect(client.text).toBe(words);
          client.fin();
        }
        await turns();
        otherPeer.write(ok("alive"));
        await said(other, "alive");
        other.fin();
        otherPeer.fin();
        await nothingLeft(proxy);
        const facts = lab.facts.of("connection_failed");
        expect(facts.map(({ reason }) => reason)).toEqual([
          how === "fin" ? "upstream_closed" : "upstream_reset",
        ]);
        expect(proxy.exchanges.requests).toBe(2);
        expect(proxy.exchanges.responses().reduce((sum, [, , count]) => sum + count, 0)).toBe(2);
      });
    }
  }

  it("by fin behind a body that lasts as long as the connection has answered in whole", async () => {
    const upstream = await open().upstream();
    const proxy = await lab.http(upstream.port);
    const client = lab.client(proxy);
    client.write(get("/"));
    const peer = await upstream.next();
    peer.write(LASTING);
    peer.fin();
    expect(await client.ended).toBe("fin");
    expect(client.text).toBe(LASTING);
    client.fin();
    await nothingLeft(proxy);
    expect(lab.facts.of("connection_failed")).toEqual([]);
  });

  it("by RST behind a body that lasts as long as the connection has cut it", async () => {
    const upstream = await open().upstream();
    const proxy = await lab.http(upstream.port);
    const client = lab.client(proxy);
    client.write(get("/"));
    const peer = await upstream.next();
    peer.write(LASTING);
    await said(client, LASTING);
    peer.rst();
    expect(await client.ended).toBe("reset");
    await nothingLeft(proxy);
    expect(lab.facts.of("connection_failed").map(({ reason }) => reason)).toEqual(["upstream_reset"]);
  });

  for (const [state, words] of Object.entries(STATES).slice(0, 3)) {
    for (const how of ["fin", "rst"] as const) {
      it(`${state} by ${how} is a 502 in the words of a persona, and the next request finds a new one`, async () => {
        const upstream = await open().upstream();
        const proxy = await lab.http(upstream.port, { persona: "nginx" });
        const client = lab.client(proxy);
        client.write(get("/"));
        const peer = await upstream.next();
        await peer.received(get("/").length);
        peer.write(words);
        await turns();
        if (how === "fin") peer.fin();
        else peer.rst();
        const interim = words.startsWith("HTTP/1.1 103") ? words.length : 0;
        const answer = await answerTo(client, { from: interim });
        expect(answer.head).toMatch(/^HTTP\/1\.1 502 Bad Gateway\r\nServer: nginx/u);
        expect(answer.body).toContain("<center>nginx");
        client.write(get("/again"));
        const next = await upstream.next();
        await next.received(get("/again").length);
        next.write(ok("again"));
        await said(client, "again");
        client.fin();
        next.fin();
        await nothingLeft(proxy);
        expect(lab.facts.of("connection_failed").map(({ reason }) => reason)).toEqual([
          how === "fin" ? "upstream_closed" : "upstream_reset",
        ]);
        expect(proxy.exchanges.responses()).toEqual([
          ["GET", "200", 1],
          ["GET", "502", 1],
        ]);
      });
    }
  }

  for (const how of ["fin", "rst"] as const) {
    it(`by ${how} while a request's body is on its way leaves the client nothing to wait for`, async () => {
      const upstream = await open().upstream();
      const proxy = await lab.http(upstream.port);
      const client = lab.client(proxy);
      client.write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n12345");
      const peer = await upstream.next();
      await until(() => peer.text.endsWith("12345"));
      if (how === "fin") peer.fin();
      else peer.rst();
      expect(await client.ended).toBe(how === "fin" ? "fin" : "reset");
      client.fin();
      await nothingLeft(proxy);
    });

    it(`by ${how} between two requests ends the client's connection as well`, async () => {
      const upstream = await open().upstream();
      const proxy = await lab.http(upstream.port);
      const client = lab.client(proxy);
      client.write(get("/"));
      const peer = await upstream.next();
      await peer.received(1);
      peer.write(ok("hello"));
      await said(client, "hello");
      if (how === "fin") peer.fin();
      else peer.rst();
      expect(await client.ended).toBe(how === "fin" ? "fin" : "reset");
      client.fin();
      await nothingLeft(proxy);
      expect(lab.facts.of("connection_failed")).toHaveLength(how === "fin" ? 0 : 1);
    });
  }

  it("takes pipelined requests with it that it did not answer", async () => {
    const upstream = await open().upstream();
    const proxy = await lab.http(upstream.port);
    const client = lab.client(proxy);
    client.write(get("/1") + post("/2", "two") + get("/3"));
    const peer = await upstream.next();
    await said(peer, "GET /3");
    peer.write(ok("one"));
    await said(client, "one");
    peer.rst();
    expect(await client.ended).toBe("reset");
    await nothingLeft(proxy);
    expect(proxy.exchanges.responses()).toEqual([
      ["GET", "none", 1],
      ["GET", "200", 1],
      ["POST", "none", 1],
    ]);
  });
});

describe("an upstream that dies under pipelined requests", () => {
  it("is a 502 of a persona's to each that it did not answer, in order", async () => {
    const upstream = await open().upstream();
    const proxy = await lab.http(upstream.port, { persona: "nginx" });
    const client = lab.client(proxy);
    client.write(get("/1") + get("/2") + post("/3", "three"));
    const peer = await upstream.next();
    await said(peer, "three");
    peer.write(ok("one"));
    await said(client, "one");
    peer.fin();
    const [first, ...others] = await answersTo(client, 3);
    expect(first?.body).toBe("one");
    for (const { head } of others) expect(head).toMatch(/^HTTP\/1\.1 502 Bad Gateway/u);
    client.write(get("/4"));
    (await upstream.next()).write(ok("four"));
    await said(client, "four");
    client.fin();
    await turns();
    upstream.accepted[1]?.fin();
    await nothingLeft(proxy);
  });
});

describe("an upstream that cannot be reached", () => {
  it("is a 502 when nobody listens, and the body of the request is read", async () => {
    const proxy = await open().http(await lab.deadPort());
    const client = lab.client(proxy);
    client.write(post("/", "body"));
    const answer = await answerTo(client);
    expect(answer.head).toMatch(/^HTTP\/1\.1 502 Bad Gateway\r\n/u);
    client.write(get("/again"));
    expect((await answerTo(client, { from: answer.end })).head).toMatch(/^HTTP\/1\.1 502 /u);
    client.fin();
    await nothingLeft(proxy);
    expect(lab.facts.of("connection_failed").map(({ reason }) => reason)).toEqual([
      "upstream_refused",
      "upstream_refused",
    ]);
  });

  it("is a 502 to each of several pipelined requests, in order", async () => {
    const proxy = await open().http(await lab.deadPort());
    const client = lab.client(proxy);
    client.write(get("/1") + post("/2", "x".repeat(100_000)) + `HEAD /3 HTTP/1.1\r\nHost: a\r\n\r\n`);
    await until(() => client.text.split("HTTP/1.1 502").length === 4);
    client.fin();
    await nothingLeft(proxy);
  });

  it("is a 502 when its name is unknown", async () => {
    const proxy = await open().http(80, { upstream: { host: "nowhere.invalid", port: 80 } });
    const failing = lab.context.resolver;
    failing.resolve = () => Promise.reject(new Error("nobody knows it"));
    const answer = await lab.ask(proxy, get("/"));
    expect(answer.head).toMatch(/^HTTP\/1\.1 502 /u);
    await nothingLeft(proxy);
    expect(lab.facts.of("connection_failed").map(({ reason }) => reason)).toEqual(["upstream_unresolved"]);
  });

  for (const [persona, status] of [
    ["plain", 504],
    ["nginx", 504],
    ["haproxy", 503],
  ] as const) {
    it(`is a ${status} of ${persona}'s when it does not answer in time`, async () => {
      const proxy = await open().http(await lab.silentPort(), { persona });
      const client = lab.client(proxy);
      client.write(get("/"));
      await until(() => proxy.exchanges.requests === 1);
      await turns();
      time.advance(4_999);
      await turns();
      expect(client.text).toBe("");
      time.advance(1);
      const answer = await answerTo(client);
      expect(answer.head).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `, "u"));
      client.fin();
      await nothingLeft(proxy);
      expect(lab.facts.of("connection_failed").map(({ reason }) => reason)).toEqual(["upstream_timeout"]);
    });
  }

  it("is given up when the client leaves meanwhile", async () => {
    const proxy = await open().http(await lab.silentPort());
    const client = lab.client(proxy);
    client.write(get("/"));
    await until(() => proxy.exchanges.requests === 1);
    await turns();
    client.rst();
    await nothingLeft(proxy);
    expect(proxy.exchanges.responses()).toEqual([["GET", "none", 1]]);
  });
});
