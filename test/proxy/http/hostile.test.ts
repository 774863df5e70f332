/** Peers that mean no good: they are answered or cut off in bounded time and memory, and others do not notice. */
import { afterEach, describe, expect, it } from "vitest";
import type { HttpProxy } from "../../../src/proxy/http/proxy.js";
import { answerTo, get, HttpLab, httpTimeLab, ok, said } from "../../support/http-lab.js";
import { turns, until, type Client } from "../../support/lab.js";

let lab: HttpLab;
afterEach(async () => {
  await lab.close();
});

async function nothingLeft(proxy: HttpProxy): Promise<void> {
  await until(() => proxy.stats.connectionsActive === 0);
  expect(lab.context.slots.taken).toBe(0);
  expect(lab.context.budget.held).toBe(0);
  expect(lab.facts.of("mistake")).toEqual([]);
}

/** Writes the same again and again until the other side ends it or reads no more. */
async function flood(client: Client, bytes: string): Promise<number> {
  const piece = Buffer.from(bytes.repeat(Math.ceil(16_384 / bytes.length)), "latin1");
  let sent = 0;
  for (let stuck = 0; client.end === null && stuck < 200;) {
    if (client.socket.writableLength > 0) {
      stuck++;
    } else {
      stuck = 0;
      client.write(piece);
      sent += piece.length;
    }
    await turns(1);
  }
  return sent - client.socket.writableLength;
}

describe("a head that does not come to its end", () => {
  it("is a 408 when the time is over, which begins with its first byte", async () => {
    const { lab: timed, time } = httpTimeLab();
    lab = timed;
    const server = await lab.scripted();
    const proxy = await lab.http(server.port, { headTimeout: 10_000 });
    const client = lab.client(proxy);
    await until(() => proxy.stats.connectionsActive === 1);
    time.advance(60_000);
    client.write(get("/"));
    const first = await answerTo(client);
    time.advance(60_000);
    await turns();
    expect(client.end).toBeNull();
    for (const byte of "GET / HT") {
      client.write(byte);
      await turns();
      time.advance(1_200);
    }
    await turns();
    expect(client.end).toBeNull();
    time.advance(400);
    expect(await client.ended).toBe("fin");
    expect(client.text.slice(first.end)).toMatch(
      /^HTTP\/1\.1 408 Request Time-?out\r\n[^]*connection: close\r\n/iu,
    );
    client.fin();
    await nothingLeft(proxy);
    expect(lab.facts.of("connection_failed").map(({ reason }) => reason)).toEqual(["client_slow_head"]);
    expect(time.idle).toBe(true);
  });

  it("may take its time when it comes in time, and so may a body", async () => {
    const { lab: timed, time } = httpTimeLab();
    lab = timed;
    const server = await lab.scripted(({ body }) => ok(body));
    const proxy = await lab.http(server.port, { headTimeout: 10_000 });
    const client = lab.client(proxy);
    client.write("POST / HTTP/1.1\r\nContent-Length: 4\r\n");
    await until(() => !time.idle);
    time.advance(9_999);
    client.write("\r\nbo");
    await until(() => time.idle);
    time.advance(60_000);
    client.write("dy");
    expect((await answerTo(client)).body).toBe("body");
  });

  it("gets its 408 behind the answers that are still to come, and nothing more is heard", async () => {
    const { lab: timed, time } = httpTimeLab();
    lab = timed;
    const upstream = await lab.upstream();
    const proxy = await lab.http(upstream.port, { headTimeout: 10_000 });
    const client = lab.client(proxy);
    client.write(`${get("/slow")}GET /late`);
    const peer = await upstream.next();
    await peer.received(1);
    await turns();
    time.advance(10_000);
    client.write(" HTTP/1.1\r\nHost: a\r\n\r\n");
    await turns();
    peer.write(ok("slow"));
    expect(await client.ended).toBe("fin");
    expect(client.text).toMatch(/slowHTTP\/1\.1 408 /u);
    expect(peer.text).not.toContain("late");
    client.fin();
    peer.fin();
    await nothingLeft(proxy);
  });

  for (const [what, bytes, status] of [
    ["a field without end", "x", 431],
    ["a field after the other", "a: b\r\n", 431],
    ["a target without end", "/", 431],
    ["empty lines without end", "\r\n", 431],
  ] as const) {
    it(`is refused at its limit: ${what}`, async () => {
      lab = new HttpLab();
      const server = await lab.scripted();
      const proxy = await lab.http(server.port);
      const client = lab.client(proxy);
      client.write(bytes === "/" ? "GET /" : bytes === "\r\n" ? "\r\n" : "GET / HTTP/1.1\r\nX: y");
      if (bytes === "a: b\r\n") client.write("\r\n");
      const sent = await flood(client, bytes);
      expect(await client.ended).toBe("fin");
      expect(client.text).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `, "u"));
      expect(sent).toBeLessThan(16_000_000);
      client.fin();
      await nothingLeft(proxy);
      expect(lab.facts.of("connection_failed").map(({ reason }) => reason)).toEqual(["client_protocol"]);
      expect(proxy.exchanges.responses()).toEqual([["other", String(status), 1]]);
      expect(server.peers).toHaveLength(0);
    });
  }
});

describe("a body that does not come to its end", () => {
  const chunks = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (const [what, begin, bytes, status] of [
    ["a chunk size of zeros", chunks, "0", 400],
    ["a chunk extension", `${chunks}5;a=`, "x", 400],
    ["a trailer section", `${chunks}0\r\nX: `, "x", 431],
    ["trailer after trailer", `${chunks}0\r\n`, "a: b\r\n", 431],
  ] as const) {
    it(`in the framing is refused at its limit, behind what was sent: ${what}`, async () => {
      lab = new HttpLab();
      const upstream = await lab.upstream();
      const proxy = await lab.http(upstream.port);
      const client = lab.client(proxy);
      client.write(begin);
      const peer = await upstream.next();
      await flood(client, bytes);
      peer.write(ok("what?"));
      expect(await client.ended).toBe("fin");
      expect(client.text).toMatch(new RegExp(`HTTP/1\\.1 ${status} `, "u"));
      expect(peer.length).toBeLessThan(200_000);
      client.fin();
      peer.fin();
      await nothingLeft(proxy);
      expect(lab.facts.of("connection_failed").map(({ reason }) => reason)).toEqual(["client_protocol"]);
    });
  }

  it("is held up where nobody reads it", async () => {
    lab = new HttpLab();
    const upstream = await lab.upstream({ reading: false });
    const proxy = await lab.http(upstream.port);
    const client = lab.client(proxy);
    client.write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9007199254740991\r\n\r\n");
    const sent = await flood(client, "x");
    // Kernels hold a few MB for each socket; the proxy adds next to nothing.
    expect(sent).toBeLessThan(64_000_000);
    const { bytesIn, bytesOut } = proxy.stats;
    expect(bytesIn.upstream).toBe(bytesOut.upstream);
    (await upstream.next()).rst();
    await nothingLeft(proxy);
  });
});

describe("a client that never reads", () => {
  it("stops its upstream, and the proxy holds next to nothing for it", async () => {
    lab = new HttpLab();
    const upstream = await lab.upstream();
    const proxy = await lab.http(upstream.port);
    const client = lab.client(proxy, undefined, { reading: false });
    client.write(get("/"));
    const peer = await upstream.next();
    peer.write("HTTP/1.1 200 OK\r\nContent-Length: 9007199254740991\r\n\r\n");
    const sent = await flood(peer, "x");
    expect(sent).toBeLessThan(64_000_000);
    const other = lab.client(proxy);
    other.write(get("/other"));
    const otherPeer = await upstream.next();
    otherPeer.write(ok("alive"));
    await said(other, "alive");
    other.rst();
    client.rst();
    await nothingLeft(proxy);
  });

  it("is not read from without end where it sends request upon request to a server that answers none", async () => {
    lab = new HttpLab();
    const upstream = await lab.upstream();
    const proxy = await lab.http(upstream.port);
    const client = lab.client(proxy);
    await flood(client, get("/"));
    expect(client.end).toBeNull();
    const waiting = proxy.exchanges.requests;
    expect(waiting).toBeLessThan(10_000);
    // It goes on as soon as answers come.
    const peer = await upstream.next();
    peer.write(ok("x").repeat(waiting));
    await until(() => proxy.exchanges.requests > waiting);
    peer.rst();
    await nothingLeft(proxy);
  });
});

describe("an upstream that means no good", () => {
  for (const [what, begin, bytes] of [
    ["a head without end", "HTTP/1.1 200 OK\r\nX: ", "x"],
    ["interim answers of no end", "HTTP/1.1 200 OK", "x"],
  ] as const) {
    it(`is a 502: ${what}`, async () => {
      lab = new HttpLab();
      const upstream = await lab.upstream();
      const proxy = await lab.http(upstream.port);
      const client = lab.client(proxy);
      client.write(get("/"));
      const peer = await upstream.next();
      peer.write(begin);
      await flood(peer, bytes);
      expect(await client.ended).toBe("fin");
      expect(client.text).toMatch(/^HTTP\/1\.1 502 /u);
      client.fin();
      await nothingLeft(proxy);
      expect(lab.facts.of("connection_failed").map(({ reason }) => reason)).toEqual(["upstream_protocol"]);
    });
  }

  it("that breaks its framing in mid-body is a reset, since so much has been passed on", async () => {
    lab = new HttpLab();
    const upstream = await lab.upstream();
    const proxy = await lab.http(upstream.port);
    const client = lab.client(proxy);
    client.write(get("/"));
    const peer = await upstream.next();
    peer.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
    await said(client, "hello");
    peer.write("no size\r\n");
    expect(await client.ended).toBe("reset");
    await nothingLeft(proxy);
    expect(lab.facts.of("connection_failed").map(({ reason }) => reason)).toEqual(["upstream_protocol"]);
  });
});
