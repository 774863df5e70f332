/** What is no HTTP on an HTTP proxy: TLS and HTTP/2 pass as opaque bytes, framing with two meanings is refused or relayed as it is told. */
import { connect as connectTls, createServer as createTlsServer } from "node:tls";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { CERTIFICATE, KEY } from "../../support/certificate.js";
import { answerTo, get, HttpLab, ok, said } from "../../support/http-lab.js";
import { fault, turns, until } from "../../support/lab.js";
import { httpTimeLab } from "../../support/http-lab.js";
import { codeOf } from "../../tls/alert-codes.js";

let lab: HttpLab;
afterEach(async () => {
  await lab.close();
});

const PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

describe("another protocol on an HTTP proxy", () => {
  for (const [protocol, bytes] of [
    ["tls", "\x16\x03\x01\0\x05hello"],
    ["h2", PREFACE],
  ] as const) {
    for (const how of ["in one piece", "byte by byte"] as const) {
      it(`is relayed as it is, and told once: ${protocol} ${how}`, async () => {
        lab = new HttpLab();
        const upstream = await lab.upstream();
        const proxy = await lab.http(upstream.port);
        const client = lab.client(proxy);
        if (how === "in one piece") client.write(Buffer.from(bytes, "latin1"));
        else
          for (const byte of bytes) {
            client.write(Buffer.from(byte, "latin1"));
            await turns(2);
          }
        const peer = await upstream.next();
        await peer.received(bytes.length);
        expect(peer.text).toBe(bytes);
        peer.write("\0\x01answer");
        await said(client, "answer");
        client.write(get("/not-http"));
        await said(peer, "/not-http");
        client.fin();
        expect(await peer.ended).toBe("fin");
        peer.write("bye");
        peer.fin();
        expect(await client.ended).toBe("fin");
        expect(client.text).toBe("\0\x01answerbye");
        await until(() => proxy.stats.connectionsActive === 0);
        expect(lab.facts.of("opaque_connection")).toMatchObject([{ proxy: "jobs", connection: 1, protocol }]);
        expect(lab.facts.of("connection_failed")).toEqual([]);
        expect(proxy.exchanges.requests).toBe(0);
      });
    }
  }

  it("is a real TLS session from end to end", async () => {
    lab = new HttpLab();
    const server = createTlsServer({ cert: CERTIFICATE, key: KEY }, (socket) => socket.end(ok("secret")));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    lab.onEnd(() => server.close());
    const proxy = await lab.http((server.address() as AddressInfo).port);
    const client = connectTls({
      port: proxy.address.port,
      host: "127.0.0.1",
      ca: CERTIFICATE,
      servername: "jobs.test",
    });
    let text = "";
    client.on("data", (chunk: Buffer) => (text += chunk.toString()));
    client.write(get("/"));
    await once(client, "end");
    client.end();
    expect(text).toContain("secret");
  });

  it("is acted on by a fault that comes while nothing is said", async () => {
    lab = new HttpLab();
    const upstream = await lab.upstream();
    const proxy = await lab.http(upstream.port);
    const client = lab.client(proxy);
    client.write(PREFACE);
    const peer = await upstream.next();
    await peer.received(PREFACE.length);
    lab.use([fault("truncate", { after: "0B", then: "reset" })]);
    expect(await client.ended).toBe("reset");
    expect(await peer.ended).toBe("reset");
  });

  it.each([
    ["refuse", "fin"],
    ["reset", "reset"],
  ])("ends as its upstream is reached: %s by a %s", async (down, end) => {
    lab = new HttpLab();
    const upstream = await lab.upstream();
    const proxy = await lab.http(upstream.port);
    lab.use([fault("flap", { targets: ["*"], down, pattern: ["down 1h", "up 1h"] })]);
    const client = lab.client(proxy);
    client.write(PREFACE);
    expect(await client.ended).toBe(end);
    expect(upstream.accepted).toEqual([]);
    client.fin();
    await until(() => proxy.stats.connectionsActive === 0);
  });

  it("is acted on by byte faults, and passes on when they are taken away", async () => {
    const timed = httpTimeLab();
    ({ lab } = timed);
    const upstream = await lab.upstream();
    const proxy = await lab.http(upstream.port);
    const client = lab.client(proxy);
    client.write(PREFACE);
    const peer = await upstream.next();
    await peer.received(PREFACE.length);
    lab.use([fault("latency", { delay: "1s" })]);
    peer.write("late");
    await until(() => lab.context.budget.held === 4);
    timed.time.advance(999);
    await turns();
    expect(client.length).toBe(0);
    timed.time.advance(1);
    await client.received(4);
    peer.write("held");
    await until(() => lab.context.budget.held === 4);
    lab.heal();
    await client.received(8);
    expect(client.text).toBe("lateheld");
    expect(lab.facts.of("fault_total")).toMatchObject([
      { fault: "latency", connection: 1, effects: { delayed: 2 } },
    ]);
  });
});

describe("framing with two meanings", () => {
  const BOTH =
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";

  it("is refused with 400, which is counted, and nothing of it reaches the upstream", async () => {
    lab = new HttpLab();
    const server = await lab.scripted();
    const proxy = await lab.http(server.port);
    const client = lab.client(proxy);
    client.write(get("/") + BOTH + get("/never"));
    const answer = await answerTo(client);
    expect(await client.ended).toBe("fin");
    expect(client.text.slice(answer.end)).toMatch(
      /^HTTP\/1\.1 400 Bad Request\r\n[^]*connection: close\r\n/iu,
    );
    expect(server.requests.map(({ target }) => target)).toEqual(["/"]);
    expect(server.peers[0]?.text).toBe(get("/"));
    client.fin();
    await until(() => proxy.stats.connectionsActive === 0);
    expect(proxy.stats.errors.get("client_protocol")).toBe(1);
    expect(lab.facts.of("connection_failed")[0]?.text).toContain("RFC 9112 6.3");
  });

  it("is relayed unread where that is asked for, with all that follows", async () => {
    lab = new HttpLab();
    const upstream = await lab.upstream();
    const proxy = await lab.http(upstream.port, { ambiguous: "relay" });
    const client = lab.client(proxy);
    client.write(get("/") + BOTH + get("/more"));
    const peer = await upstream.next();
    const all = get("/") + BOTH + get("/more");
    await peer.received(all.length);
    expect(peer.text).toBe(all);
    peer.write(ok("one"));
    await said(client, "one");
    peer.write(`${ok("two")}junk`);
    await said(client, "twojunk");
    client.fin();
    peer.fin();
    await until(() => proxy.stats.connectionsActive === 0);
    expect(proxy.stats.errors.get("client_protocol")).toBe(1);
    expect(lab.facts.of("mistake")).toEqual([]);
  });

  it("is relayed unread behind answers that are still read, and changed by faults", async () => {
    lab = new HttpLab();
    const upstream = await lab.upstream();
    const proxy = await lab.http(upstream.port, { ambiguous: "relay" });
    lab.use([fault("http_headers", { set: { "x-fault": "yes" } }, { at: "response" })]);
    const client = lab.client(proxy);
    client.write(get("/") + BOTH);
    const peer = await upstream.next();
    await peer.received(get("/").length + BOTH.length);
    peer.write(`${ok("one")}${ok("two")}`);
    await said(client, "two");
    const first = await answerTo(client);
    expect(first.head.toLowerCase()).toContain("\r\nx-fault: yes\r\n");
    expect(client.text.slice(first.end)).toBe(ok("two"));
  });

  for (const [ambiguous, expected] of [
    ["reject", /^HTTP\/1\.1 502 /u],
    ["relay", /^HTTP\/1\.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!$/u],
  ] as const) {
    it(`of an answer is a 502 or passes as it is: ${ambiguous}`, async () => {
      lab = new HttpLab();
      const upstream = await lab.upstream();
      const proxy = await lab.http(upstream.port, { ambiguous });
      const client = lab.client(proxy);
      client.write(get("/"));
      const peer = await upstream.next();
      await peer.received(1);
      peer.write("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!");
      peer.fin();
      expect(await client.ended).toBe("fin");
      expect(client.text).toMatch(expected);
      client.fin();
      await until(() => proxy.stats.connectionsActive === 0);
      expect(proxy.stats.errors.get("upstream_protocol")).toBe(1);
    });
  }
});

describe("an upstream behind TLS", () => {
  const INSECURE = { ca: null, insecure: true, servername: null };

  async function secured(seen: string[] = []): Promise<number> {
    const server = createTlsServer(
      { cert: CERTIFICATE, key: KEY, ALPNProtocols: ["h2", "http/1.1"] },
      (socket) => {
        seen.push(
          `${String(socket.alpnProtocol)} ${String((socket as { servername?: unknown }).servername)}`,
        );
        socket.on("error", () => undefined);
        socket.on("data", () => socket.write(ok("secure")));
      },
    );
    server.on("tlsClientError", () => undefined);
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    lab.onEnd(() => server.close());
    return (server.address() as AddressInfo).port;
  }

  it("is trusted by its own certificate, under the name that is given, and spoken to in HTTP/1.1", async () => {
    lab = new HttpLab();
    const seen: string[] = [];
    const proxy = await lab.http(await secured(seen), {
      tls: { ca: CERTIFICATE, insecure: false, servername: "jobs.test" },
    });
    const client = lab.client(proxy);
    client.write(get("/"));
    const first = await answerTo(client);
    client.write(get("/again"));
    expect((await answerTo(client, { from: first.end })).body).toBe("secure");
    expect(seen).toEqual(["http/1.1 jobs.test"]);
    client.rst();
    await until(() => proxy.stats.connectionsActive === 0);
  });

  it("is taken as it is where nothing is checked", async () => {
    lab = new HttpLab();
    const proxy = await lab.http(await secured(), { tls: INSECURE });
    expect((await lab.ask(proxy, get("/"))).body).toBe("secure");
  });

  for (const [what, tls] of [
    ["a certificate that nobody vouches for", { ca: null, insecure: false, servername: "jobs.test" }],
    ["a certificate of another name", { ca: CERTIFICATE, insecure: false, servername: "other.test" }],
  ] as const) {
    it(`is a 502 with ${what}`, async () => {
      lab = new HttpLab();
      const proxy = await lab.http(await secured(), { tls });
      expect((await lab.ask(proxy, get("/"))).head).toMatch(/^HTTP\/1\.1 502 /u);
      expect(lab.facts.of("connection_failed").map(({ reason }) => reason)).toEqual(["upstream_tls"]);
      await until(() => proxy.stats.connectionsActive === 0);
    });
  }

  it.each([
    ["tls", "\x16\x03\x01\0\x05hello", "\x15\x03\x01\0\x02\x02\x28"],
    ["h2", PREFACE, "\0\0\0\x04\0\0\0\0\0\0\0\x08\x07\0\0\0\0\0\0\0\0\0\0\0\0\r"],
  ])("is not handed %s, which is refused in its own words", async (_protocol, bytes, goodbye) => {
    lab = new HttpLab();
    const seen: string[] = [];
    const proxy = await lab.http(await secured(seen), { tls: INSECURE });
    const client = lab.client(proxy);
    client.write(Buffer.from(bytes, "latin1"));
    expect(await client.ended).toBe("fin");
    expect(client.text).toBe(goodbye);
    const [failed, ...others] = lab.facts.of("connection_failed");
    expect(failed).toMatchObject({ reason: "client_protocol", connection: 1 });
    expect(failed?.text).toMatch(/^refused: the client speaks .*(?:secure: true|tcp:\/\/ proxy)/u);
    expect(others).toEqual([]);
    expect(lab.facts.of("opaque_connection")).toEqual([]);
    expect(seen).toEqual([]);
    client.socket.destroy();
    await until(() => proxy.stats.connectionsActive === 0);
  });

  it("is told to a real TLS client as an alert", async () => {
    lab = new HttpLab();
    const proxy = await lab.http(await secured(), { tls: INSECURE });
    const session = connectTls({ port: proxy.address.port, host: "127.0.0.1", rejectUnauthorized: false });
    const [error] = (await once(session, "error")) as [NodeJS.ErrnoException];
    expect(error.code).toBe(codeOf("handshake_failure"));
  });

  it("is a 502 where it does not speak TLS, or closes at once", async () => {
    lab = new HttpLab();
    const plain = await lab.server((socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"));
    const gone = await lab.server((socket) => socket.destroy());
    for (const port of [plain, gone]) {
      const proxy = await lab.http(port, { name: `jobs-${port}`, tls: INSECURE });
      expect((await lab.ask(proxy, get("/"))).head).toMatch(/^HTTP\/1\.1 502 /u);
    }
    expect(lab.facts.of("connection_failed").map(({ reason }) => reason)).toEqual([
      "upstream_tls",
      "upstream_tls",
    ]);
  });
});
