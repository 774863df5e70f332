/** http_status as a raw socket sees it, before and after the upstream did the work, beside what the upstream saw. */
import { afterEach, describe, expect, it } from "vitest";
import type { VirtualClock } from "../../../../src/core/clock.js";
import type { HttpProxy } from "../../../../src/proxy/http/proxy.js";
import { fault, turns, until } from "../../../support/lab.js";
import {
  answersTo,
  answerTo,
  get,
  httpTimeLab,
  ok,
  post,
  said,
  type HttpLab,
  type Script,
  type ScriptedServer,
} from "../../../support/http-lab.js";

const DATE = "Thu, 01 Jan 1970 00:00:01 GMT";

let lab: HttpLab;
let time: VirtualClock;
let proxy: HttpProxy;
let server: ScriptedServer;

async function setUp(script?: Script): Promise<void> {
  ({ lab, time } = httpTimeLab());
  server = await lab.scripted(script);
  proxy = await lab.http(server.port);
}

afterEach(async () => {
  await lab.close();
});

/** What balancers send, byte for byte, without the padding for browsers. */
const SPOKEN: readonly (readonly [persona: string, status: number, text: string])[] = [
  [
    "plain",
    503,
    `HTTP/1.1 503 Service Unavailable\r\ndate: ${DATE}\r\ncontent-type: text/plain; charset=utf-8\r\n` +
      "content-length: 24\r\n\r\n503 Service Unavailable\n",
  ],
  [
    "nginx",
    502,
    `HTTP/1.1 502 Bad Gateway\r\nServer: nginx\r\nDate: ${DATE}\r\nContent-Type: text/html\r\n` +
      "Content-Length: 150\r\nConnection: keep-alive\r\n\r\n" +
      "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n" +
      "<center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n",
  ],
  [
    "haproxy",
    503,
    "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 107\r\ncache-control: no-cache\r\n" +
      "content-type: text/html\r\n\r\n<html><body><h1>503 Service Unavailable</h1>\n" +
      "No server is available to handle this request.\n</body></html>\n",
  ],
  [
    "envoy",
    504,
    "HTTP/1.1 504 Gateway Timeout\r\ncontent-length: 24\r\ncontent-type: text/plain\r\n" +
      `date: ${DATE}\r\nserver: envoy\r\n\r\nupstream request timeout`,
  ],
  [
    "alb",
    503,
    `HTTP/1.1 503 Service Temporarily Unavailable\r\nServer: awselb/2.0\r\nDate: ${DATE}\r\n` +
      "Content-Type: text/html\r\nContent-Length: 162\r\nConnection: keep-alive\r\n\r\n" +
      "<html>\r\n<head><title>503 Service Temporarily Unavailable</title></head>\r\n<body>\r\n" +
      "<center><h1>503 Service Temporarily Unavailable</h1></center>\r\n</body>\r\n</html>\r\n",
  ],
];

describe("http_status before", () => {
  it.each(SPOKEN)("speaks as %s does, byte for byte, and keeps the connection (%i)", async (...spoken) => {
    const [persona, status, text] = spoken;
    await setUp();
    lab.use([fault("http_status", { status, persona }, { when: { every: 2 } })]);
    const client = lab.client(proxy);
    client.write(get("/1"));
    const first = await answerTo(client);
    client.write(get("/2"));
    const second = await answerTo(client, { from: first.end });
    expect(second.raw).toBe(text);
    client.write(get("/3"));
    expect((await answerTo(client, { from: second.end })).raw).toBe(ok("hello"));
    expect(server.requests.map(({ target }) => target)).toEqual(["/1", "/3"]);
    expect(server.peers).toHaveLength(1);
  });

  it("answers HEAD with the head alone, and the next answer begins right behind it", async () => {
    await setUp();
    lab.use([fault("http_status", { status: 503 }, { when: { count: 1 } })]);
    const client = lab.client(proxy);
    client.write("HEAD /a HTTP/1.1\r\nHost: jobs.test\r\n\r\n");
    const first = await answerTo(client, { head: true });
    client.write(get("/b"));
    const second = await answerTo(client, { from: first.end });
    expect(first.head).toContain("content-length: 24\r\n");
    expect(second.raw).toBe(ok("hello"));
  });

  it("gives 204 and 304 neither a body nor a length", async () => {
    await setUp();
    for (const status of [204, 304]) {
      lab.use([fault("http_status", { status })]);
      const client = lab.client(proxy);
      client.write(get("/a") + get("/b"));
      const answers = await answersTo(client, 2);
      for (const { head } of answers) {
        expect(head).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `, "u"));
        expect(head).not.toMatch(/content-length|transfer-encoding/iu);
      }
    }
    expect(server.requests).toEqual([]);
  });

  it("has the body, the fields and the Retry-After that it was given", async () => {
    await setUp();
    const headers = { "Content-Type": "application/problem+json", "X-Reason": "maintenance" };
    lab.use([
      fault("http_status", { status: 503, body: '{"error":"busy"}', headers, retry_after: "1500ms" }),
    ]);
    const answer = await lab.ask(proxy, get("/a"));
    expect(answer.body).toBe('{"error":"busy"}');
    expect(answer.head).toBe(
      `HTTP/1.1 503 Service Unavailable\r\ndate: ${DATE}\r\nContent-Type: application/problem+json\r\n` +
        "content-length: 16\r\nretry-after: 2\r\nX-Reason: maintenance\r\n\r\n",
    );
  });

  it("reads a small request body to its end, and keeps the connection", async () => {
    await setUp();
    lab.use([fault("http_status", { status: 503 }, { match: [{ method: ["POST"] }] })]);
    const client = lab.client(proxy);
    const [head = "", body = ""] = post("/a", "x".repeat(100_000)).split("\r\n\r\n");
    client.write(`${head}\r\n\r\n`);
    const first = await answerTo(client);
    client.write(body);
    client.write(get("/b"));
    const second = await answerTo(client, { from: first.end });
    expect(second.raw).toBe(ok("hello"));
    expect(server.requests.map(({ target }) => target)).toEqual(["/b"]);
  });

  it("closes behind the answer when the request body is too large to be read for nothing", async () => {
    await setUp();
    lab.use([fault("http_status", { status: 503 })]);
    const client = lab.client(proxy);
    client.write(post("/a", "x".repeat(4_000_000)));
    expect((await answerTo(client)).head).toContain("HTTP/1.1 503 ");
    expect(await client.ended).toBe("fin");
    await until(() => lab.facts.of("exchange_over").length === 1);
    expect(lab.facts.of("exchange_over")[0]).toMatchObject({ client_status: 503, upstream_status: null });
    expect(server.requests).toEqual([]);
  });

  it("answers a client that waits for 100 and closes, since nobody knows whether its body comes", async () => {
    await setUp();
    lab.use([fault("http_status", { status: 503 })]);
    const client = lab.client(proxy);
    client.write("POST /a HTTP/1.1\r\nHost: jobs.test\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
    const answer = await answerTo(client);
    expect(answer.head).toMatch(/^HTTP\/1\.1 503 /u);
    expect(answer.head).toContain("\r\nconnection: close\r\n");
    expect(await client.ended).toBe("fin");
  });

  it.each(["plain", "nginx", "alb"])(
    "says in the words of %s that it closes when the client wants that",
    async (persona) => {
      await setUp();
      lab.use([fault("http_status", { status: 503, persona })]);
      const client = lab.client(proxy);
      client.write(get("/a", ["Connection: close"]));
      const { head } = await answerTo(client);
      expect(head.match(/^connection:.*$/gimu)?.map((line) => line.toLowerCase())).toEqual([
        "connection: close",
      ]);
      expect(await client.ended).toBe("fin");
    },
  );

  it("keeps the order of pipelined requests: a local answer waits for the slow one before it", async () => {
    await setUp(() => undefined);
    lab.use([fault("http_status", { status: 503 }, { match: [{ path: ["/bad"] }] })]);
    const client = lab.client(proxy);
    client.write(get("/slow") + get("/bad") + get("/next"));
    await until(() => server.requests.length === 1);
    await turns();
    expect(client.length).toBe(0);
    server.peers[0]?.write(ok("slow"));
    const [first, second] = await answersTo(client, 2);
    expect([first?.body, second?.body]).toEqual(["slow", "503 Service Unavailable\n"]);
    await until(() => server.requests.length === 2);
    server.peers[0]?.write(ok("next"));
    expect((await answersTo(client, 3))[2]?.body).toBe("next");
    expect(server.requests.map(({ target }) => target)).toEqual(["/slow", "/next"]);
  });
});

describe("http_status after", () => {
  it("hides the true answer of work that was done, and the journal knows it", async () => {
    await setUp(({ method }) =>
      method === "POST" ? "HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}" : ok("next"),
    );
    lab.use([fault("http_status", { status: 502, persona: "nginx" }, { at: "after", when: { count: 1 } })]);
    const client = lab.client(proxy);
    client.write(post("/jobs", "work"));
    const first = await answerTo(client);
    expect(first.head).toMatch(/^HTTP\/1\.1 502 Bad Gateway\r\nServer: nginx\r\n/u);
    client.write(get("/next"));
    expect((await answerTo(client, { from: first.end })).raw).toBe(ok("next"));
    expect(server.requests.map(({ method, body }) => [method, body])).toEqual([
      ["POST", "work"],
      ["GET", ""],
    ]);
    expect(lab.facts.of("fault_hit")[0]?.detail).toEqual({ status: 502, true_status: 201 });
    expect(lab.facts.of("exchange_over")).toMatchObject([
      { upstream_status: 201, client_status: 502, faults: ["http_status"], end: "complete" },
    ]);
    expect(proxy.exchanges.responses()).toEqual([
      ["GET", "200", 1],
      ["POST", "502", 1],
    ]);
    expect(proxy.exchanges.upstreamResponses()).toEqual([
      ["200", 1],
      ["201", 1],
    ]);
  });

  it("lets the next exchange go on although the hidden answer is not at its end", async () => {
    await setUp(({ target }) =>
      target === "/endless" ? "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nbegins" : ok("next"),
    );
    lab.use([fault("http_status", { status: 503 }, { at: "after", match: [{ path: ["/endless"] }] })]);
    const client = lab.client(proxy);
    client.write(get("/endless"));
    const first = await answerTo(client);
    client.write(get("/next"));
    expect((await answerTo(client, { from: first.end })).raw).toBe(ok("next"));
    expect(server.peers).toHaveLength(2);
  });

  it("does not send the next request behind one that the upstream answered before its end", async () => {
    await setUp(() => undefined);
    lab.use([fault("http_status", { status: 503 }, { at: "after", match: [{ path: ["/upload"] }] })]);
    const client = lab.client(proxy);
    client.write("POST /upload HTTP/1.1\r\nHost: jobs.test\r\nContent-Length: 10\r\n\r\n12345");
    await until(() => server.peers[0]?.text.endsWith("12345") === true);
    server.peers[0]?.write("HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n");
    const first = await answerTo(client);
    expect(first.head).toMatch(/^HTTP\/1\.1 503 /u);
    client.write("67890" + get("/next"));
    await until(() => server.peers.some(({ text }) => text.includes("/next")));
    // A server that still waits for five bytes of the upload must not take the next request for them.
    expect(server.peers[0]?.text).not.toMatch(/12345GET/u);
    const heard = server.requests.find(({ target }) => target === "/next");
    heard?.peer.write(ok("next"));
    expect((await answerTo(client, { from: first.end })).raw).toBe(ok("next"));
  });

  it("passes a failure of the upstream on as it is: there is no answer to hide", async () => {
    await setUp(({ peer }) => {
      peer.fin();
      return undefined;
    });
    lab.use([fault("http_status", { status: 503 }, { at: "after" })]);
    const client = lab.client(proxy);
    client.write(get("/a"));
    expect(await client.ended).toBe("fin");
    expect(client.length).toBe(0);
    expect(lab.facts.hits()).toEqual([]);
  });

  it("hits only what the upstream answered with the status that is matched", async () => {
    await setUp(({ target }) =>
      target === "/sad" ? "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n" : ok("fine"),
    );
    lab.use([
      fault("http_status", { status: 500, body: "{}" }, { at: "after", match: [{ status: ["4xx"] }] }),
    ]);
    const client = lab.client(proxy);
    client.write(get("/fine") + get("/sad") + get("/fine"));
    const answers = await answersTo(client, 3);
    expect(answers.map(({ head }) => head.slice(9, 12))).toEqual(["200", "500", "200"]);
    expect(lab.facts.of("exchange_over")).toMatchObject([{ upstream_status: 404, client_status: 500 }]);
  });

  it("answers a 100-continue upload after the upstream has read it", async () => {
    await setUp();
    lab.use([fault("http_status", { status: 503 }, { at: "after" })]);
    // The server of this lab answers whole requests, so the 100 is written by hand.
    const client = lab.client(proxy);
    client.write("POST /a HTTP/1.1\r\nHost: jobs.test\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
    await until(() => server.peers.length === 1 && server.peers[0]?.text.includes("Expect") === true);
    server.peers[0]?.write("HTTP/1.1 100 Continue\r\n\r\n");
    await said(client, "HTTP/1.1 100 Continue\r\n\r\n");
    client.write("hello");
    await said(client, "503 Service Unavailable\n");
    expect(server.requests[0]?.body).toBe("hello");
    client.write(get("/b"));
    await said(client, "503 Service Unavailable\n");
    expect(time.now()).toBe(1_000);
  });
});
