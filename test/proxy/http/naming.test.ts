/** `host` and `rewrite` of http proxies, as the server and the client see them on the wire. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { HttpProxy } from "../../../src/proxy/http/proxy.js";
import type { HttpProxySpec } from "../../../src/proxy/http/spec.js";
import { get, httpTimeLab, ok, type HttpLab } from "../../support/http-lab.js";
import { fault, until } from "../../support/lab.js";

let lab: HttpLab;
beforeEach(() => {
  ({ lab } = httpTimeLab());
});
afterEach(() => lab.close());

interface Server {
  readonly port: number;
  /** What it was sent, request by request. */
  readonly heads: string[];
  /** Fields of its answers. */
  fields: readonly string[];
}

async function server(): Promise<Server> {
  const heads: string[] = [];
  const one: { port: number; heads: string[]; fields: readonly string[] } = { port: 0, heads, fields: [] };
  one.port = await lab.server((socket) => {
    let text = "";
    socket.on("data", (chunk: Buffer) => {
      text += chunk.toString("latin1");
      for (let end = text.indexOf("\r\n\r\n"); end >= 0; end = text.indexOf("\r\n\r\n")) {
        heads.push(text.slice(0, end + 4));
        text = text.slice(end + 4);
        socket.write(ok("ok", one.fields));
      }
    });
  });
  return one;
}

/** The answer to one request, its head as text. */
async function answer(proxy: HttpProxy, request: string): Promise<string> {
  const client = lab.client(proxy);
  client.write(request);
  await until(() => client.text.endsWith("\r\n\r\nok") || client.end !== null);
  client.rst();
  return client.text;
}

const proxyOf = (port: number, spec: Partial<HttpProxySpec> = {}): Promise<HttpProxy> => lab.http(port, spec);

describe("host", () => {
  it("is the client's own, and its head the very bytes, where nothing else is said", async () => {
    const up = await server();
    const request = "GET http://other.test/x HTTP/1.1\r\nhOst:   a.test\r\nHost: b.test\r\n\r\n";
    await answer(await proxyOf(up.port), request);
    await answer(await proxyOf(up.port, { name: "named", host: "preserve", rewrite: ["location"] }), request);
    expect(up.heads).toEqual([request, request]);
  });

  it.each([
    ["upstream", (port: number) => `127.0.0.1:${port}`],
    ["api.example.com", () => "api.example.com"],
    ["api.example.com:8080", () => "api.example.com:8080"],
    ["[::1]:81", () => "[::1]:81"],
  ])("is %s where that is said, and all else stays as it was", async (host, sent) => {
    const up = await server();
    await answer(
      await proxyOf(up.port, { host }),
      "GET /x?y HTTP/1.1\r\nX-A:  1\r\nhOST: a.test\r\nb:2\r\n\r\n",
    );
    expect(up.heads).toEqual([`GET /x?y HTTP/1.1\r\nX-A:  1\r\nhOST: ${sent(up.port)}\r\nb:2\r\n\r\n`]);
  });

  it.each([
    ["GET http://a.test/x?y", "GET /x?y"],
    ["GET http://user:secret@a.test:81", "GET /"],
    ["GET HTTP://a.test?y", "GET /?y"],
    ["OPTIONS http://a.test", "OPTIONS *"],
    ["OPTIONS *", "OPTIONS *"],
  ])("goes before that of a target: %s becomes %s", async (line, sent) => {
    const up = await server();
    await answer(await proxyOf(up.port, { host: "b.test" }), `${line} HTTP/1.1\r\nHost: a.test\r\n\r\n`);
    expect(up.heads).toEqual([`${sent} HTTP/1.1\r\nHost: b.test\r\n\r\n`]);
  });

  it("is given to HTTP/1.0 that has none, and to HTTP/1.1 without one it is not, for the server to refuse", async () => {
    const up = await server();
    const proxy = await proxyOf(up.port, { host: "b.test" });
    const client = lab.client(proxy);
    client.write("GET / HTTP/1.0\r\n\r\n");
    await until(() => up.heads.length === 1);
    client.rst();
    await answer(proxy, "GET / HTTP/1.1\r\nx: y\r\n\r\n");
    expect(up.heads).toEqual(["GET / HTTP/1.0\r\nHost: b.test\r\n\r\n", "GET / HTTP/1.1\r\nx: y\r\n\r\n"]);
  });

  it("leaves the target of a tunnel as it is", async () => {
    const up = await server();
    const request = "CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\n\r\n";
    await answer(await proxyOf(up.port, { host: "upstream" }), request);
    expect(up.heads).toEqual([request]);
  });

  it("is that of the member of the pool that was chosen", async () => {
    const [one, two] = [await server(), await server()];
    const members = [
      { name: "a", host: "127.0.0.1", port: one.port },
      { name: "b", host: "localhost", port: two.port },
    ];
    const proxy = await proxyOf(one.port, {
      host: "upstream",
      pool: { members, balance: "round_robin", health: null, eject: null, seed: 0 },
    });
    const client = lab.client(proxy);
    for (let n = 1; n <= 4; n++) {
      client.write(get("/"));
      await until(() => one.heads.length + two.heads.length === n);
    }
    expect(one.heads.every((head) => head.includes(`Host: 127.0.0.1:${one.port}\r\n`))).toBe(true);
    expect(two.heads.every((head) => head.includes(`Host: localhost:${two.port}\r\n`))).toBe(true);
    expect([one.heads.length, two.heads.length]).toEqual([2, 2]);
  });

  it("is asked for by health checks", async () => {
    const up = await server();
    await proxyOf(up.port, {
      host: "b.test",
      pool: {
        members: [{ name: "a", host: "127.0.0.1", port: up.port }],
        balance: "first",
        health: { path: "/up", interval: 1_000, timeout: 500, fall: 1, rise: 1 },
        eject: null,
        seed: 0,
      },
    });
    (lab.clock as unknown as { advance(by: number): void }).advance(1);
    await until(() => up.heads.length === 1);
    expect(up.heads[0]).toContain("GET /up HTTP/1.1\r\nhost: b.test\r\n");
  });

  it("is the client's own for faults that match, and what they write goes up", async () => {
    const up = await server();
    const proxy = await proxyOf(up.port, { host: "b.test", identify: [{ by: "header", name: "host" }] });
    lab.use([
      fault(
        "http_headers",
        { set: { "x-hit": "yes" } },
        { directions: "upstream", match: [{ host: ["a.test"] }] },
      ),
    ]);
    await answer(proxy, "GET http://a.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n");
    expect(up.heads).toEqual(["GET / HTTP/1.1\r\nHost: b.test\r\nx-hit: yes\r\n\r\n"]);
    expect(lab.facts.of("fault_hit")[0]?.bot).toBe("a.test");
  });
});

describe("rewrite: location", () => {
  async function rewritten(
    field: string,
    { request = get("/", []), ...spec }: Partial<HttpProxySpec> & { readonly request?: string } = {},
  ): Promise<string> {
    const up = await server();
    up.fields = [field.replaceAll("PORT", String(up.port))];
    const proxy = await proxyOf(up.port, { rewrite: ["location"], ...spec });
    const text = await answer(proxy, request);
    const name = field.split(":", 1)[0] ?? "";
    const line = text.split("\r\n").find((one) => one.startsWith(`${name}:`)) ?? "";
    return line.replaceAll(String(up.port), "PORT");
  }

  it.each([
    ["Location: http://127.0.0.1:PORT/x?y#z", "Location: http://jobs.test/x?y#z"],
    ["location: HTTP://127.0.0.1:PORT", "location: http://jobs.test"],
    ["Content-Location: //127.0.0.1:PORT/x", "Content-Location: //jobs.test/x"],
    // By a server that takes the Host that it got, and its own port.
    ["Location: http://jobs.test:PORT/x", "Location: http://jobs.test/x"],
    // What names somebody else, or nobody, stays.
    ["Location: http://jobs.test/x", "Location: http://jobs.test/x"],
    ["Location: /x", "Location: /x"],
    ["Location: http://127.0.0.1:1/x", "Location: http://127.0.0.1:1/x"],
    ["Location: https://127.0.0.1:PORT/x", "Location: https://127.0.0.1:PORT/x"],
    ["Location: http://127.0.0.1.evil.test:PORT/", "Location: http://127.0.0.1.evil.test:PORT/"],
    ["Location: mailto:x@127.0.0.1:PORT", "Location: mailto:x@127.0.0.1:PORT"],
    ["Link: <http://127.0.0.1:PORT/x>", "Link: <http://127.0.0.1:PORT/x>"],
  ])("makes of %s %s", async (field, seen) => {
    expect(await rewritten(field)).toBe(seen);
  });

  it("knows the name that requests went up with", async () => {
    const field = "Location: http://api.example.com/x";
    expect(await rewritten(field, { host: "api.example.com" })).toBe("Location: http://jobs.test/x");
    expect(await rewritten(field)).toBe(field);
  });

  it.each([
    ["GET http://a.test:81/ HTTP/1.1\r\nHost: jobs.test\r\n\r\n", "http://a.test:81/x"],
    ["GET / HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n", "http://[::1]:8080/x"],
    ["GET / HTTP/1.1\r\nHost: a.test\r\nX-Forwarded-Proto: https\r\n\r\n", "https://a.test/x"],
    ["GET / HTTP/1.1\r\n\r\n", "/x"],
    ["GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", "/x"],
  ])("gives the client the name that it asked by: %j", async (request, seen) => {
    expect(await rewritten("Location: http://127.0.0.1:PORT/x", { request })).toBe(`Location: ${seen}`);
  });

  it.each([
    ["a=b; Path=/; Domain=api.example.com; Secure", "jobs.test", "a=b; Path=/; Domain=jobs.test; Secure"],
    ["a=b; domain=.Example.com", "jobs.test", "a=b; Domain=jobs.test"],
    ["a=b; Domain=api.example.com; Path=/", "127.0.0.1:8080", "a=b; Path=/"],
    ["a=b; Domain=example.com", "jobs.example.com", "a=b; Domain=example.com"],
    ["a=b; Domain=other.test", "jobs.test", "a=b; Domain=other.test"],
    ["domain=api.example.com; Path=/", "jobs.test", "domain=api.example.com; Path=/"],
  ])("makes of the cookie %s, for %s, %s", async (value, host, seen) => {
    const request = `GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`;
    expect(await rewritten(`Set-Cookie: ${value}`, { host: "api.example.com", request })).toBe(
      `Set-Cookie: ${seen}`,
    );
  });

  it("is not done where it is not said", async () => {
    const field = "Location: http://127.0.0.1:PORT/x";
    expect(await rewritten(field, { rewrite: [], host: "upstream" })).toBe(field);
  });

  it("is done before faults see the answer", async () => {
    lab.use([fault("http_headers", { set: { "x-hit": "yes" } }, { directions: "downstream" })]);
    expect(await rewritten("Location: http://127.0.0.1:PORT/x")).toBe("Location: http://jobs.test/x");
  });
});
