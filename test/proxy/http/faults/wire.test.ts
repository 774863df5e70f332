/** Byte faults on an HTTP proxy: they act on what goes over the wire for the exchanges that they hit, and for no other. */
import { afterEach, describe, expect, it } from "vitest";
import type { VirtualClock } from "../../../../src/core/clock.js";
import type { HttpProxy } from "../../../../src/proxy/http/proxy.js";
import type { CompiledFault } from "../../../../src/plan/value.js";
import { fault, turns, until, type Client } from "../../../support/lab.js";
import {
  answersTo,
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

const ANSWER = ok("0123456789");
const onHit = (
  type: string,
  params: Record<string, unknown>,
  rest: Partial<CompiledFault> = {},
): CompiledFault => fault(type, params, { match: [{ path: ["/hit"] }], ...rest });

async function setUp(script: Script = () => ANSWER): Promise<Client> {
  ({ lab, time } = httpTimeLab());
  server = await lab.scripted(script);
  proxy = await lab.http(server.port);
  return lab.client(proxy);
}

afterEach(async () => {
  expect(lab.facts.of("mistake")).toEqual([]);
  await lab.close();
});

describe("a byte fault with a match", () => {
  it("delays the answers of its path, and those behind them in order, but nothing before", async () => {
    const client = await setUp();
    lab.use([onHit("latency", { delay: "200ms" })]);
    client.write(get("/before") + get("/hit") + get("/after"));
    await until(() => server.requests.length === 3);
    await turns();
    expect(client.text).toBe(ANSWER);
    time.advance(199);
    await turns();
    expect(client.length).toBe(ANSWER.length);
    time.advance(1);
    expect((await answersTo(client, 3)).map(({ raw }) => raw)).toEqual([ANSWER, ANSWER, ANSWER]);
    await until(() => lab.facts.of("exchange_over").length === 1);
    expect(lab.facts.of("exchange_over")).toMatchObject([
      { exchange: { path: "/hit" }, client_ms: 200, end: "complete", faults: ["latency"] },
    ]);
    expect(proxy.exchanges.responses()).toEqual([["GET", "200", 3]]);
  });

  it("delays requests on their way", async () => {
    const client = await setUp();
    lab.use([onHit("latency", { delay: "200ms" }, { directions: "upstream" })]);
    client.write(post("/hit", "body"));
    await until(() => lab.facts.of("fault_hit").length === 1);
    await turns();
    expect(server.peers[0]?.length ?? 0).toBe(0);
    time.advance(200);
    expect((await answerTo(client)).raw).toBe(ANSWER);
  });

  it("tells both of two pipelined exchanges that were delayed", async () => {
    const client = await setUp();
    lab.use([onHit("latency", { delay: "200ms" })]);
    client.write(get("/hit") + get("/hit"));
    await until(() => server.requests.length === 2);
    await turns();
    time.advance(200);
    await answersTo(client, 2);
    await until(() => lab.facts.of("exchange_over").length === 2);
    expect(proxy.exchanges.responses()).toEqual([["GET", "200", 2]]);
  });

  it("counts an exchange whose client left while its last bytes were held", async () => {
    const client = await setUp();
    lab.use([onHit("latency", { delay: "1h" })]);
    client.write(get("/hit"));
    await until(() => lab.facts.of("fault_hit").length === 1);
    await turns();
    client.rst();
    await until(() => lab.facts.of("exchange_over").length === 1);
    expect(lab.facts.of("exchange_over")).toMatchObject([
      { upstream_status: 200, client_status: null, end: "client_left" },
    ]);
    expect(proxy.exchanges.responses()).toEqual([["GET", "none", 1]]);
  });

  it("limits the rate of its answers alone", async () => {
    const client = await setUp(({ target }) => (target === "/hit" ? ok("x".repeat(1_000)) : ANSWER));
    lab.use([onHit("bandwidth", { rate: "100B/s", burst: "10B" })]);
    client.write(get("/free"));
    const free = await answerTo(client);
    client.write(get("/hit"));
    const whole = free.end + ok("x".repeat(1_000)).length;
    await until(() => lab.facts.of("fault_hit").length === 1);
    time.advance(5_000);
    await turns();
    const half = client.length;
    expect(half - free.end).toBeGreaterThanOrEqual(500);
    expect(half - free.end).toBeLessThanOrEqual(511);
    for (let second = 0; second < 6; second++) {
      time.advance(1_000);
      await turns();
    }
    expect(client.length).toBe(whole);
  });

  it("corrupts its bytes, keeps their number, and leaves the next exchange whole", async () => {
    const client = await setUp();
    lab.use([onHit("corrupt", { rate: "100%" })]);
    client.write(get("/hit"));
    const { length } = await client.received(ANSWER.length);
    expect(length).toBe(ANSWER.length);
    expect([...client.text].every((character, at) => character !== ANSWER[at])).toBe(true);
    client.write(get("/free"));
    await said(client, ANSWER);
    expect(client.length).toBe(2 * ANSWER.length);
  });

  it("corrupts the payload only, if told, and the framing stays right", async () => {
    const chunks = `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${chunked(["01234", "56789"])}`;
    const client = await setUp(({ target }) => (target === "/hit" ? chunks : ANSWER));
    lab.use([onHit("corrupt", { rate: "100%" }, { at: "body" })]);
    client.write(get("/hit"));
    const hit = await answerTo(client);
    expect(hit.head).toBe(chunks.slice(0, hit.head.length));
    expect(hit.body).toHaveLength(10);
    expect([...hit.body].every((character, at) => character !== String(at))).toBe(true);
    client.write(get("/free"));
    expect((await answerTo(client, { from: hit.end })).raw).toBe(ANSWER);
  });

  it.each([
    ["close", "fin"],
    ["reset", "reset"],
  ])("truncates behind exactly so many bytes of the connection, then %s", async (then, end) => {
    const client = await setUp();
    lab.use([onHit("truncate", { after: "20B", then })]);
    client.write(get("/hit"));
    expect(await client.ended).toBe(end);
    client.fin();
    expect(client.text).toBe(ANSWER.slice(0, 20));
    await until(() => lab.facts.of("exchange_over").length === 1);
    expect(lab.facts.of("exchange_over")).toMatchObject([{ upstream_status: 200, end: "cut" }]);
  });

  it("truncates a body of each exchange anew", async () => {
    const client = await setUp(({ target }) => (target === "/hit" ? ok("0123") : ANSWER));
    lab.use([fault("truncate", { after: "5B", then: "reset" }, { at: "body" })]);
    client.write(get("/hit") + get("/hit"));
    const answers = await answersTo(client, 2);
    expect(answers.map(({ body }) => body)).toEqual(["0123", "0123"]);
    client.write(get("/long"));
    expect(await client.ended).toBe("reset");
    expect(client.text.slice(answers[1]?.end)).toBe(ANSWER.slice(0, -5));
  });

  it("slices its answers into small writes", async () => {
    const client = await setUp();
    lab.use([onHit("slicer", { size: "7B", gap: "10ms" })]);
    client.write(get("/hit"));
    for (let at = 7; at < ANSWER.length; at += 7) {
      await client.received(at);
      await turns(3);
      expect(client.length).toBe(at);
      time.advance(10);
    }
    expect((await answerTo(client)).raw).toBe(ANSWER);
  });
});

describe("a fault on whole connections", () => {
  it("resets connections in the middle of an exchange", async () => {
    const client = await setUp(() => undefined);
    client.write(get("/a"));
    await until(() => server.requests.length === 1);
    lab.use([fault("reset")]);
    expect(await client.ended).toBe("reset");
    await until(() => server.peers[0]?.end === "reset");
    await until(() => proxy.stats.connectionsActive === 0);
    expect(proxy.exchanges.responses()).toEqual([["GET", "none", 1]]);
  });

  it("cuts a busy connection behind so many bytes", async () => {
    const client = await setUp();
    lab.use([fault("cut", { after: "60B" }, { directions: "downstream" })]);
    client.write(get("/a") + get("/b"));
    await client.ended;
    expect(client.text).toBe((ANSWER + ANSWER).slice(0, 60));
  });

  it("holds everything back as a black hole, and lets it go when healed", async () => {
    const client = await setUp();
    lab.use([fault("blackhole")]);
    client.write(get("/a"));
    await turns(60);
    expect(client.length).toBe(0);
    lab.heal();
    expect((await answerTo(client)).raw).toBe(ANSWER);
  });

  it("kills idle connections between two exchanges", async () => {
    const client = await setUp();
    lab.use([fault("idle_kill", { after: "60s", how: "reset" })]);
    client.write(get("/a"));
    await answerTo(client);
    time.advance(59_999);
    client.write(get("/b"));
    await answersTo(client, 2);
    time.advance(59_999);
    await turns();
    expect(client.end).toBeNull();
    time.advance(1);
    expect(await client.ended).toBe("reset");
  });

  it("is down for everybody, and comes back", async () => {
    const client = await setUp();
    client.write(get("/a"));
    await answerTo(client);
    lab.use([fault("down", { existing: "close" })]);
    expect(await client.ended).toBe("fin");
    const refused = lab.client(proxy);
    await expect(refused.connected).rejects.toMatchObject({ code: "ECONNREFUSED" });
    lab.heal();
    await until(() => lab.facts.of("listener_opened").length === 1);
    expect((await lab.ask(proxy, get("/b"))).raw).toBe(ANSWER);
  });
});
