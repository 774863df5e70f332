/** Record mode: everything that goes through a proxy is told, with what a sweep must know of it, and nothing is where it is off. */
import { afterEach, describe, expect, it } from "vitest";
import type { VirtualClock } from "../../src/core/clock.js";
import type { Fact } from "../../src/core/events.js";
import type { HttpProxy } from "../../src/proxy/http/proxy.js";
import { address, dnsProxy, UdpClient } from "../support/dns-lab.js";
import {
  answerTo,
  chunked,
  get,
  httpTimeLab,
  ok,
  post,
  type HttpLab,
  type Script,
} from "../support/http-lab.js";
import { fault, Lab, timeLab, until } from "../support/lab.js";
import { udpEcho, udpEnd, udpProxy } from "../support/udp-lab.js";

let lab: Lab;
afterEach(async () => {
  await lab.close();
});

type Over = Extract<Fact, { kind: "exchange_over" }>;
const overs = (): Over[] => lab.facts.of("exchange_over");

describe("an exchange in record mode", () => {
  let time: VirtualClock;
  let http: HttpLab;

  async function ask(script: Script, ...requests: readonly string[]): Promise<readonly Over[]> {
    ({ lab: http, time } = httpTimeLab());
    lab = http;
    lab.facts.recording = true;
    const server = await http.scripted(script);
    const proxy = await http.http(server.port);
    const client = http.client(proxy);
    let from = 0;
    for (const request of requests) {
      client.write(request);
      from = (await answerTo(client, { from })).end;
      time.advance(10);
    }
    await until(() => overs().length === requests.length);
    return overs();
  }

  it("is told although no fault acted on it, with its sizes, and on one clock", async () => {
    const [first, second] = await ask(
      () => ok("welcome", ["Content-Type: Text/Plain; charset=utf-8"]),
      get("/a?b"),
      post("/jobs", "work"),
    );
    expect(first).toMatchObject({
      faults: [],
      exchange: { id: 1, method: "GET", path: "/a" },
      upstream_status: 200,
      client_status: 200,
      end: "complete",
      seen: {
        at: 1000,
        over: 1000,
        reused: false,
        forwarded: true,
        request: { bytes: 0, hash: null, type: null, key: null, authorized: false, operation: null },
        response: { bytes: 7, type: "text/plain", retry_after_ms: null },
      },
    });
    expect(second?.seen).toMatchObject({ at: 1010, reused: true, request: { bytes: 4 } });
    expect(second?.seen?.response?.hash).toBe(first?.seen?.response?.hash);
    expect(second?.seen?.request.hash).toMatch(/^[0-9a-f]{16}$/u);
  });

  it("has the same hash for the same body, however it is framed, and another for another", async () => {
    const framed = `POST /jobs HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n${chunked(["wo", "rk"])}`;
    const long = "x".repeat(6_000);
    const all = await ask(
      () => ok("done"),
      post("/jobs", "work"),
      framed,
      post("/jobs", "worn"),
      post("/jobs", long),
      post("/jobs", `${long}y`),
    );
    const [one, two, three, four, five] = all.map(({ seen }) => seen?.request.hash);
    expect(two).toBe(one);
    expect(new Set([one, three, four, five])).toHaveLength(4);
    expect(all.map(({ seen }) => seen?.request.bytes)).toEqual([4, 4, 4, 6_000, 6_001]);
  });

  it.each<[string, string[], string, string | null]>([
    ["X-Amz-Target", ["X-Amz-Target: Queue.Send"], "{}", "Queue.Send"],
    ["SOAPAction", ['SOAPAction: "urn:send"'], "<x/>", "urn:send"],
    [
      "a GraphQL operation",
      ["Content-Type: application/json"],
      '{"operationName":"Send","query":"{x}"}',
      "Send",
    ],
    [
      "a GraphQL query with a name",
      ["Content-Type: application/json"],
      '{"query":"mutation Send($x: I) {y}"}',
      "Send",
    ],
    [
      "a JSON-RPC method",
      ["Content-Type: application/json; charset=utf-8"],
      '{"jsonrpc":"2.0","method":"send"}',
      "send",
    ],
    ["JSON that is none of these", ["Content-Type: application/json"], '{"method":"send"}', null],
    ["what is no JSON", ["Content-Type: application/json"], '{"jsonrpc"', null],
  ])("names its operation: %s", async (_what, fields, body, operation) => {
    const [over] = await ask(() => ok(""), post("/api", body, fields));
    expect(over?.seen?.request.operation).toBe(operation);
  });

  it("knows a request again by its key, shows no key, and says whether it was authorized", async () => {
    const all = await ask(
      () => ok("", ["Retry-After: 3"]),
      post("/jobs", "a", ["Idempotency-Key: k-17", "X-Request-Id: 1"]),
      post("/jobs", "b", ["Idempotency-Key: k-17", "Authorization: Bearer t"]),
      post("/jobs?action=drop", "c", ["X-Request-Id: 1"]),
    );
    const [one, two, three] = all.map(({ seen }) => seen?.request);
    expect(one?.key).toBe(two?.key);
    expect(three?.key).not.toBe(one?.key);
    expect(JSON.stringify(all)).not.toContain("k-17");
    expect([one?.authorized, two?.authorized]).toEqual([false, true]);
    expect(three?.operation).toBe("drop");
    expect(all[0]?.seen?.response?.retry_after_ms).toBe(3_000);
  });

  it("has the upstream's answer where a fault lost it, and says where nothing was forwarded", async () => {
    ({ lab: http, time } = httpTimeLab());
    lab = http;
    lab.facts.recording = true;
    const server = await http.scripted(() => ok("carried out"));
    const proxy = await http.http(server.port);
    lab.use([
      fault("lost_response", { then: "reset" }),
      fault("http_status", { status: 503 }, { match: [{ path: ["/never"] }] }),
    ]);
    const client = http.client(proxy);
    client.write(post("/jobs", "work"));
    expect(await client.ended).toBe("reset");
    const other = http.client(proxy);
    other.write(get("/never"));
    await answerTo(other);
    await until(() => overs().length === 2);
    const [lost, kept] = overs().sort((a, b) => a.exchange.id - b.exchange.id);
    expect(lost).toMatchObject({
      client_status: null,
      faults: ["lost_response"],
      seen: { forwarded: true, response: { bytes: 11 } },
    });
    expect(lost?.seen?.response?.hash).not.toBeNull();
    expect(kept).toMatchObject({ client_status: 503, seen: { forwarded: false, response: null } });
  });

  it("is left out where it is off, and has nothing more to tell where a fault acted", async () => {
    ({ lab: http, time } = httpTimeLab());
    lab = http;
    const server = await http.scripted(() => ok("x"));
    const proxy = await http.http(server.port);
    const client = http.client(proxy);
    client.write(get("/a"));
    const { end } = await answerTo(client);
    lab.use([fault("latency", { delay: "0ms" }), fault("http_status", { status: 503 })]);
    client.write(get("/b"));
    await answerTo(client, { from: end });
    await until(() => overs().length === 1);
    expect(overs()[0]?.exchange.path).toBe("/b");
    expect(overs()[0]?.seen).toBeUndefined();
  });
});

describe("the site of an exchange", () => {
  const bots = ["x", "y", "z"];
  /** The same every time, and in no order that anything depends on. */
  const calls = Array.from({ length: 60 }, (_, at) => ({
    bot: bots[(at * 7) % 3] ?? "",
    method: at % 4 === 3 ? "GET" : "POST",
    path: at % 5 === 4 ? "/v1/jobs/next" : `/v1/jobs/${at % 11}${at % 2 === 0 ? "/complete" : ""}`,
  }));

  async function run(http: HttpLab, proxy: HttpProxy): Promise<void> {
    const before = overs().length;
    const client = http.client(proxy);
    let from = 0;
    for (const { bot, method, path } of calls) {
      client.write(`${method} ${path} HTTP/1.1\r\nHost: x\r\nX-Bot: ${bot}\r\nContent-Length: 0\r\n\r\n`);
      from = (await answerTo(client, { from })).end;
    }
    client.fin();
    await until(() => overs().length === before + calls.length);
  }

  const sitesOf = (list: readonly Over[]): unknown[] =>
    list.map(({ bot, exchange: { site, nth } }) => [bot, site, nth]);

  it("is counted by bot, from 1, and anew with each activation and each heal", async () => {
    const { lab: http } = httpTimeLab();
    lab = http;
    lab.facts.recording = true;
    const server = await http.scripted(() => ok(""));
    const proxy = await http.http(server.port, { identify: [{ by: "header", name: "x-bot" }] });
    await run(http, proxy);
    const first = sitesOf(overs());
    const counted = new Map<string, number>();
    for (const [at, { bot, method, path }] of calls.entries()) {
      const site = `${method} ${path.replace(/jobs\/\d+/u, "jobs/:n")}`;
      const nth = (counted.get(`${bot} ${site}`) ?? 0) + 1;
      counted.set(`${bot} ${site}`, nth);
      expect(first[at]).toEqual([bot, site, nth]);
    }
    lab.heal();
    await run(http, proxy);
    expect(sitesOf(overs()).slice(calls.length)).toEqual(first);
  });

  it.each([
    ["a route of numbers", { method: ["POST"], path: ["/v1/jobs/:n/complete"] }],
    ["a pattern that knows a word as well", { method: ["GET"], path: ["/v1/jobs/:n"] }],
    ["a pattern of stars", { method: ["POST"], path: ["/v1/*/next"] }],
  ])("is what \`only\` counts by, with per: [bot, route]: %s", async (_what, match) => {
    const { lab: http } = httpTimeLab();
    lab = http;
    lab.facts.recording = true;
    const server = await http.scripted(() => ok(""));
    const proxy = await http.http(server.port, { identify: [{ by: "header", name: "x-bot" }] });
    await run(http, proxy);
    const only = [2, 3, 5];
    lab.use([
      fault("http_status", { status: 503 }, { match: [match], when: { only, per: ["bot", "route"] } }),
    ]);
    await run(http, proxy);
    const site = `${match.method[0] ?? ""} ${match.path[0] ?? ""}`;
    const later = overs().slice(calls.length);
    const hit = later.filter(({ faults }) => faults.length > 0);
    const meant = later.filter(
      (over) => over.exchange.site === site && only.includes(over.exchange.nth ?? 0),
    );
    expect(hit.length).toBeGreaterThan(3);
    expect(sitesOf(hit)).toEqual(sitesOf(meant));
    expect(lab.facts.of("fault_hit").map(({ exchange }) => [exchange?.site, exchange?.nth])).toEqual(
      hit.map(({ exchange }) => [exchange.site, exchange.nth]),
    );
  });
});

describe("a connection in record mode", () => {
  const over = async (): Promise<unknown> => {
    await lab.facts.first("connection_over");
    const [
      { end, failure, faults, seen } = { end: null, failure: null, faults: [], seen: { up: 0, down: 0 } },
    ] = lab.facts.of("connection_over");
    return [end, failure, faults, seen.up, seen.down];
  };

  async function connected() {
    const clocked = timeLab();
    lab = clocked.lab;
    lab.facts.recording = true;
    const upstream = await lab.upstream();
    const proxy = await lab.proxy(upstream.port);
    const client = lab.client(proxy);
    client.write("hello");
    const served = await upstream.next();
    await until(() => served.length === 5);
    served.write("hi");
    await until(() => client.length === 2);
    return { client, served, proxy };
  }

  it("is told with its bytes, and that its client ended it", async () => {
    const { client, served } = await connected();
    client.fin();
    await served.ended;
    served.fin();
    expect(await over()).toEqual(["client_closed", null, [], 5, 2]);
  });

  it("is told with an RST of either side, and with a FIN of the upstream", async () => {
    const first = await connected();
    first.client.rst();
    expect(await over()).toEqual(["client_reset", "client_reset", [], 5, 2]);
    await lab.close();
    const second = await connected();
    second.served.rst();
    expect(await over()).toEqual(["upstream_reset", "upstream_reset", [], 5, 2]);
    await lab.close();
    const third = await connected();
    third.served.fin();
    await third.client.ended;
    third.client.fin();
    expect(await over()).toEqual(["upstream_closed", null, [], 5, 2]);
  });

  it("is told with the fault that ended it, and with the end of its proxy", async () => {
    await connected();
    lab.use([fault("reset")]);
    expect(await over()).toEqual(["fault", null, ["reset"], 5, 2]);
    await lab.close();
    const { proxy } = await connected();
    proxy.stop();
    expect(await over()).toEqual(["stopped", null, [], 5, 2]);
  });

  it("is told with the fault although its client had ended its side before, and waited for the rest", async () => {
    const { client, served } = await connected();
    client.fin();
    await served.ended;
    lab.use([fault("reset")]);
    expect(await over()).toEqual(["fault", null, ["reset"], 5, 2]);
  });

  it("is told with what failed where there was no upstream", async () => {
    lab = timeLab().lab;
    lab.facts.recording = true;
    const client = lab.client(await lab.proxy(await lab.deadPort()));
    await client.ended;
    client.fin();
    expect(await over()).toEqual(["failed", "upstream_refused", [], 0, 0]);
  });

  it("is left out where it is off", async () => {
    const { client, served, proxy } = await connected();
    lab.facts.recording = false;
    client.fin();
    await served.ended;
    served.fin();
    await client.ended;
    await until(() => proxy.stats.connectionsActive === 0);
    expect(lab.facts.of("connection_over")).toEqual([]);
  });
});

describe("a query in record mode", () => {
  it("is told with its answer and its faults, each with its number", async () => {
    lab = new Lab();
    lab.facts.recording = true;
    const proxy = await dnsProxy(lab, { records: [address("a.test", "10.0.0.1")] });
    const client = await UdpClient.to(lab, proxy);
    await client.ask("a.test");
    lab.use([fault("dns_rcode", { rcode: "nxdomain" })]);
    await client.ask("b.test", "AAAA");
    await until(() => lab.facts.of("query_over").length === 2);
    expect(lab.facts.of("query_over")).toMatchObject([
      {
        bot: "127.0.0.1",
        query: { name: "a.test", type: "A", transport: "udp" },
        rcode: "NOERROR",
        faults: [],
      },
      { query: { name: "b.test", type: "AAAA" }, rcode: "NXDOMAIN", faults: ["dns_rcode"] },
    ]);
    const [one, two] = lab.facts.of("query_over");
    expect([one?.connection, two?.connection]).toEqual([1, 2]);
    expect(lab.facts.of("fault_hit")[0]?.connection).toBe(2);
    expect(one !== undefined && one.seen.over >= one.seen.at).toBe(true);
  });
});

describe("a flow in record mode", () => {
  it("is told when its proxy forgets it, over with its last datagram", async () => {
    const clocked = timeLab();
    lab = clocked.lab;
    lab.facts.recording = true;
    const server = await udpEcho(lab);
    const proxy = await udpProxy(lab, server.port);
    lab.use([fault("duplicate", {}, { directions: "upstream" })]);
    const client = await udpEnd(lab);
    client.send(Buffer.from("x"), proxy);
    await until(() => client.count === 2);
    clocked.time.advance(2_000);
    proxy.endFlows();
    expect(await lab.facts.first("flow_over")).toMatchObject({
      bot: "127.0.0.1",
      connection: 1,
      faults: ["duplicate"],
      seen: { at: 1000, over: 1000, up: 2, down: 2 },
    });
  });
});
