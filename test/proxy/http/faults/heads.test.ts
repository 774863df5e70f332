/** http_headers, http_malformed and slow_headers on the wire, and what unchanged clients say of broken answers. */
import { request } from "node:http";
import { afterEach, describe, expect, it } from "vitest";
import type { VirtualClock } from "../../../../src/core/clock.js";
import type { HttpProxy } from "../../../../src/proxy/http/proxy.js";
import { fault, turns, until } from "../../../support/lab.js";
import {
  answerTo,
  chunked,
  get,
  httpTimeLab,
  ok,
  post,
  said,
  type HttpLab,
  type Script,
  type ScriptedServer,
} from "../../../support/http-lab.js";

let lab: HttpLab;
let time: VirtualClock;
let proxy: HttpProxy;
let server: ScriptedServer;

async function setUp(script: Script = () => ok("hello")): Promise<void> {
  ({ lab, time } = httpTimeLab());
  server = await lab.scripted(script);
  proxy = await lab.http(server.port);
}

afterEach(async () => {
  expect(lab.facts.of("mistake")).toEqual([]);
  await lab.close();
});

describe("http_headers", () => {
  const ODD =
    "HTTP/1.1 200 Fine  indeed\r\nx-one:1\r\nSet-Cookie: a=1\r\nX-TWO:   spaced   \r\nset-cookie: b=2\r\n" +
    "Content-Length: 2\r\nRetry-After: 7\r\nX-Empty:\r\n\r\nok";

  it("takes fields out, sets and renames them, and leaves the order, the case and the rest alone", async () => {
    await setUp(() => ODD);
    lab.use([
      fault("http_headers", {
        remove: ["retry-after"],
        set: { "x-one": "uno", "X-New": "here" },
        rename: { "set-cookie": "X-Was-Cookie" },
      }),
    ]);
    const answer = await lab.ask(proxy, get("/a"));
    expect(answer.raw).toBe(
      "HTTP/1.1 200 Fine  indeed\r\nx-one: uno\r\nX-Was-Cookie: a=1\r\nX-TWO:   spaced   \r\nX-Was-Cookie: b=2\r\n" +
        "Content-Length: 2\r\nX-Empty:\r\nX-New: here\r\n\r\nok",
    );
    expect(server.requests[0]?.raw).toBe(get("/a"));
  });

  it("keeps the bytes of a head in which it finds nothing to do", async () => {
    await setUp(() => ODD);
    lab.use([fault("http_headers", { remove: ["x-absent"] })]);
    expect((await lab.ask(proxy, get("/a"))).raw).toBe(ODD);
    expect(lab.facts.hits()).toEqual([]);
  });

  it("changes requests, with their bodies as they were", async () => {
    await setUp();
    lab.use([
      fault(
        "http_headers",
        { set: { "X-Forwarded-For": "10.0.0.1" }, remove: ["idempotency-key"] },
        { directions: "upstream" },
      ),
    ]);
    const client = lab.client(proxy);
    client.write(post("/a", "body", ["Idempotency-Key: 1", "X-Last: 1"]));
    expect((await answerTo(client)).raw).toBe(ok("hello"));
    client.write(
      `POST /b HTTP/1.1\r\nHost: jobs.test\r\nTransfer-Encoding: chunked\r\n\r\n${chunked(["a", "bc"])}`,
    );
    await until(() => server.requests.length === 2);
    expect(server.requests.map(({ raw }) => raw)).toEqual([
      post("/a", "body", ["X-Last: 1", "X-Forwarded-For: 10.0.0.1"]),
      "POST /b HTTP/1.1\r\nHost: jobs.test\r\nTransfer-Encoding: chunked\r\n" +
        `X-Forwarded-For: 10.0.0.1\r\n\r\n${chunked(["a", "bc"])}`,
    ]);
  });

  it("acts both ways, and on HTTP/1.0", async () => {
    await setUp(() => "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok");
    lab.use([fault("http_headers", { set: { "X-Via": "1" } }, { directions: "both" })]);
    const answer = await lab.ask(proxy, "GET /a HTTP/1.0\r\nHost: jobs.test\r\n\r\n");
    expect(answer.raw).toBe("HTTP/1.0 200 OK\r\nContent-Length: 2\r\nX-Via: 1\r\n\r\nok");
    expect(server.requests[0]?.raw).toBe("GET /a HTTP/1.0\r\nHost: jobs.test\r\nX-Via: 1\r\n\r\n");
  });

  it("leaves interim answers alone", async () => {
    await setUp(() => `HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${ok("hello")}`);
    lab.use([fault("http_headers", { set: { link: "none" } })]);
    const client = lab.client(proxy);
    client.write(get("/a"));
    await said(client, "hello");
    expect(client.text).toBe(`HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${ok("hello", ["link: none"])}`);
  });
});

/** What Node's own client makes of one answer: an error code, or the body. */
function node(port: number): Promise<string> {
  return new Promise((resolve) => {
    const asked = request({ host: "127.0.0.1", port, path: "/a", agent: false }, (answer) => {
      answer.setEncoding("latin1").on("data", () => undefined);
      answer.on("end", () => {
        resolve("complete");
      });
      answer.on("error", (error: NodeJS.ErrnoException) => {
        resolve(error.code ?? "");
      });
    });
    asked.on("error", (error: NodeJS.ErrnoException) => {
      resolve(error.code ?? "");
    });
    asked.end();
  });
}

describe("http_malformed", () => {
  it.each([
    ["status_line", /^HTTP\/1\.1 OK fine\r\n/u, /^HPE_INVALID_STATUS$/u],
    ["header", /this is \0 no field/u, /^HPE_INVALID_HEADER_TOKEN$/u],
    ["chunk", /\r\n\r\nxyz\r\n/u, /^HPE_INVALID_CHUNK_SIZE$/u],
    ["length", /content-length: two/u, /^HPE_INVALID_CONTENT_LENGTH$/u],
    ["garbage", /^\0/u, /^HPE_INVALID_CONSTANT$|^HPE_/u],
    ["empty", /^$/u, /^ECONNRESET$/u],
  ] as const)("sends %s in place of the answer, and closes", async (mode, bytes, nodeError) => {
    await setUp();
    lab.use([fault("http_malformed", { mode })]);
    const client = lab.client(proxy);
    client.write(post("/a", "work"));
    expect(await client.ended).toBe("fin");
    client.fin();
    expect(client.text).toMatch(bytes);
    if (mode === "garbage") expect(client.length).toBe(256);
    expect(server.requests.map(({ body }) => body)).toEqual(["work"]);
    expect(lab.facts.of("fault_hit")[0]?.detail).toMatchObject({ mode, true_status: 200 });
    await until(() => lab.facts.of("exchange_over").length === 1);
    expect(lab.facts.of("exchange_over")).toMatchObject([
      { upstream_status: 200, client_status: null, end: "closed" },
    ]);
    expect(await node(proxy.address.port)).toMatch(nodeError);
  });

  it("does so before the upstream hears of it, if told", async () => {
    await setUp();
    lab.use([fault("http_malformed", { mode: "empty" }, { at: "before" })]);
    const client = lab.client(proxy);
    client.write(post("/a", "work"));
    expect(await client.ended).toBe("fin");
    expect(server.requests).toEqual([]);
  });

  it("comes in turn: the answers before it are whole", async () => {
    await setUp(() => undefined);
    lab.use([fault("http_malformed", { mode: "length" }, { at: "before", match: [{ path: ["/bad"] }] })]);
    const client = lab.client(proxy);
    client.write(get("/good") + get("/bad") + get("/never"));
    await until(() => server.requests.length === 1);
    await turns();
    server.peers[0]?.write(ok("good"));
    expect(await client.ended).toBe("fin");
    expect(client.text).toBe(
      `${ok("good")}HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: two\r\n\r\n{}`,
    );
    expect(server.requests).toHaveLength(1);
  });
});

describe("slow_headers", () => {
  it("lets an answer's head come byte by byte, and the body at once behind it", async () => {
    await setUp();
    lab.use([fault("slow_headers", { gap: "100ms" })]);
    const client = lab.client(proxy);
    client.write(get("/a"));
    const head = ok("hello").indexOf("\r\n\r\n") + 4;
    for (let byte = 1; byte < head; byte++) {
      await client.received(byte);
      await turns(3);
      expect(client.length).toBe(byte);
      time.advance(100);
    }
    expect((await answerTo(client)).raw).toBe(ok("hello"));
    expect(client.sizes.slice(0, head - 1)).toEqual(Array<number>(head - 1).fill(1));
    await until(() => lab.facts.of("exchange_over").length === 1);
    expect(lab.facts.of("fault_total")).toMatchObject([{ effects: { slowed: head } }]);
  });

  it("lets a request's head come byte by byte, and its body and the answer as they are", async () => {
    await setUp();
    lab.use([fault("slow_headers", { gap: "100ms" }, { directions: "upstream" })]);
    const client = lab.client(proxy);
    const asked = post("/a", "work");
    const head = asked.indexOf("\r\n\r\n") + 4;
    client.write(asked);
    await until(() => server.peers.length === 1);
    for (let byte = 1; byte < head; byte++) {
      await server.peers[0]?.received(byte);
      await turns(3);
      expect(server.peers[0]?.length).toBe(byte);
      time.advance(100);
    }
    expect((await answerTo(client)).raw).toBe(ok("hello"));
    expect(server.requests[0]?.raw).toBe(asked);
  });

  it("slows the heads of the exchanges that it hits, local answers too, and of no other", async () => {
    await setUp();
    lab.use([
      fault("http_status", { status: 503 }, { match: [{ path: ["/local"] }] }),
      fault("slow_headers", { gap: "1ms" }, { match: [{ path: ["/slow", "/local"] }] }),
    ]);
    const client = lab.client(proxy);
    client.write(get("/fast"));
    const fast = await answerTo(client);
    for (const target of ["/slow", "/local"]) {
      client.write(get(target));
      const { length } = client;
      await client.received(length + 1);
      await turns();
      expect(client.length).toBe(length + 1);
      time.advance(1_000);
      await turns();
    }
    client.write(get("/fast"));
    await said(client, `503 Service Unavailable\n${fast.raw}`);
  });

  it("hands over what it holds when it is healed", async () => {
    await setUp();
    lab.use([fault("slow_headers", { gap: "1h" })]);
    const client = lab.client(proxy);
    client.write(get("/a"));
    await client.received(1);
    lab.heal();
    expect((await answerTo(client)).raw).toBe(ok("hello"));
  });
});
