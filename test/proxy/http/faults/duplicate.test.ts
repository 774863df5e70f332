/** duplicate_request by the upstream's own record: how often, with which bytes, when and over which connection. */
import { afterEach, describe, expect, it } from "vitest";
import type { VirtualClock } from "../../../../src/core/clock.js";
import type { HttpProxy } from "../../../../src/proxy/http/proxy.js";
import { fault, turns, until } from "../../../support/lab.js";
import {
  answerTo,
  answersTo,
  chunked,
  get,
  httpTimeLab,
  ok,
  post,
  type HttpLab,
  type Script,
  type ScriptedServer,
} from "../../../support/http-lab.js";

let lab: HttpLab;
let time: VirtualClock;
let proxy: HttpProxy;
let server: ScriptedServer;

async function setUp(script: Script = ({ index }) => ok(`answer ${index}`)): Promise<void> {
  ({ lab, time } = httpTimeLab());
  server = await lab.scripted(script);
  proxy = await lab.http(server.port);
}

/** Lets what is due at this moment happen. */
async function now(): Promise<void> {
  await turns();
  time.advance(0);
  await turns();
}

async function heard(requests: number): Promise<void> {
  while (server.requests.length < requests) await now();
}

afterEach(async () => {
  expect(lab.facts.of("mistake")).toEqual([]);
  await lab.close();
});

const CHUNKED = `POST /chunks HTTP/1.1\r\nHost: jobs.test\r\nTransfer-Encoding: chunked\r\n\r\n${chunked(["one", "two"], "0\r\nX-Sum: 6\r\n\r\n")}`;

describe("duplicate_request", () => {
  it.each([
    ["without a body", get("/jobs", ["X-Odd:  two  spaces "])],
    ["with a body", post("/jobs", '{"id":1}')],
    ["with chunks and trailers", CHUNKED],
  ])(
    "sends a request %s three times, byte for byte, and the client sees the first answer",
    async (_, request) => {
      await setUp();
      lab.use([fault("duplicate_request", { times: 3 })]);
      const client = lab.client(proxy);
      client.write(request);
      const answer = await answerTo(client);
      await heard(3);
      await now();
      expect(server.requests.map(({ raw }) => raw)).toEqual([request, request, request]);
      expect(answer.raw).toBe(ok("answer 0"));
      expect(client.length).toBe(answer.raw.length);
      expect(server.peers).toHaveLength(3);
      await until(() => proxy.exchanges.upstreamResponses()[0]?.[1] === 3);
      expect(proxy.exchanges.upstreamRequests / proxy.exchanges.requests).toBe(3);
      expect(proxy.exchanges.responses()).toEqual([[request.slice(0, request.indexOf(" ")), "200", 1]]);
    },
  );

  it("sends copies over the same connection, one behind the other, and the next exchange gets its own answer", async () => {
    await setUp();
    lab.use([fault("duplicate_request", { times: 3, same_connection: true }, { when: { count: 1 } })]);
    const client = lab.client(proxy);
    client.write(post("/jobs", "body"));
    const first = await answerTo(client);
    await heard(3);
    client.write(get("/next"));
    const second = await answerTo(client, { from: first.end });
    expect([first.body, second.body]).toEqual(["answer 0", "answer 3"]);
    expect(server.requests.map(({ raw }) => raw)).toEqual([
      ...Array<string>(3).fill(post("/jobs", "body")),
      get("/next"),
    ]);
    expect(server.peers).toHaveLength(1);
  });

  it("keeps the gap between one and the next, whatever the answers take", async () => {
    await setUp(() => undefined);
    lab.use([fault("duplicate_request", { times: 3, gap: "50ms" })]);
    const client = lab.client(proxy);
    client.write(get("/jobs"));
    await until(() => server.requests.length === 1);
    await turns();
    time.advance(49);
    await turns(40);
    expect(server.requests).toHaveLength(1);
    time.advance(1);
    await heard(2);
    time.advance(49);
    await turns(40);
    expect(server.requests).toHaveLength(2);
    time.advance(1);
    await heard(3);
    server.requests[0]?.peer.write(ok("first"));
    expect((await answerTo(client)).body).toBe("first");
  });

  it("copies a body that came in many reads as it was", async () => {
    await setUp();
    lab.use([fault("duplicate_request")]);
    const body = Array.from({ length: 40_000 }, (_, n) => String(n)).join(" ");
    const client = lab.client(proxy);
    client.write(post("/large", body));
    await answerTo(client);
    await heard(2);
    // Not with toEqual: nobody wants to read how they differ.
    expect(server.requests.map((request) => request.body === body)).toEqual([true, true]);
  });

  it("tells of the first answer, whatever the copies are answered", async () => {
    await setUp(({ index }) =>
      index === 0 ? ok("done") : "HTTP/1.1 409 Conflict\r\nContent-Length: 0\r\n\r\n",
    );
    lab.use([fault("duplicate_request", { times: 3, gap: "50ms" })]);
    expect((await lab.ask(proxy, post("/jobs", "work"))).raw).toBe(ok("done"));
    time.advance(50);
    await until(() => proxy.exchanges.upstreamResponses().some(([code]) => code === "409"));
    time.advance(50);
    await until(() => lab.facts.of("exchange_over").length === 1);
    expect(lab.facts.of("exchange_over")).toMatchObject([{ upstream_status: 200, upstream_ms: 0 }]);
  });

  it("sends what is larger than the limit once, and says so", async () => {
    await setUp();
    lab.use([fault("duplicate_request", { limit: "1KiB" })]);
    const client = lab.client(proxy);
    client.write(post("/large", "x".repeat(2_000)));
    await answerTo(client);
    await now();
    time.advance(1_000);
    await now();
    expect(server.requests).toHaveLength(1);
    expect(lab.facts.spared()).toEqual(["duplicate_request too_large 127.0.0.1"]);
  });

  it("is told in the journal with what the client got, even if the copies come after the answer", async () => {
    await setUp();
    lab.use([fault("duplicate_request", { times: 3, gap: "50ms" })]);
    const client = lab.client(proxy);
    client.write(get("/jobs"));
    await answerTo(client);
    time.advance(50);
    await heard(2);
    time.advance(50);
    await heard(3);
    await until(() => lab.facts.of("exchange_over").length === 1);
    expect(lab.facts.of("exchange_over")).toMatchObject([
      { faults: ["duplicate_request"], upstream_status: 200, client_status: 200, client_ms: 0 },
    ]);
    expect(lab.facts.of("fault_total")).toMatchObject([{ effects: { duplicated: 2 } }]);
  });

  it("sends no copies any more when it is healed", async () => {
    await setUp();
    lab.use([fault("duplicate_request", { times: 3, gap: "50ms" })]);
    const client = lab.client(proxy);
    client.write(get("/jobs"));
    await answerTo(client);
    time.advance(50);
    await heard(2);
    lab.heal();
    time.advance(1_000);
    await now();
    expect(server.requests).toHaveLength(2);
    expect(lab.facts.of("fault_hit")).toHaveLength(1);
  });

  it("leaves no timer behind when its proxy stops, and tells the exchange", async () => {
    await setUp();
    lab.use([fault("duplicate_request", { times: 3, gap: "1h" })]);
    await lab.ask(proxy, get("/jobs"));
    proxy.stop();
    await turns();
    expect(time.next - time.now()).toBeGreaterThan(3_600_000);
    expect(server.requests).toHaveLength(1);
    expect(proxy.exchanges.responses()).toEqual([["GET", "200", 1]]);
  });

  it("sends its copies although the client has left", async () => {
    await setUp(() => undefined);
    lab.use([fault("duplicate_request", { times: 2, gap: "50ms" })]);
    const client = lab.client(proxy);
    client.write(post("/jobs", "work"));
    await until(() => server.requests.length === 1);
    client.rst();
    await until(() => proxy.stats.connectionsActive === 0);
    time.advance(50);
    await heard(2);
    expect(server.requests[1]?.raw).toBe(post("/jobs", "work"));
    for (const { peer } of server.requests) peer.write(ok("done"));
    await until(() => server.peers.every(({ end }) => end !== null));
  });

  it("keeps the answers of pipelined requests apart", async () => {
    await setUp(({ target, index }) => ok(`${target} ${index}`));
    lab.use([fault("duplicate_request", { same_connection: true }, { match: [{ path: ["/b"] }] })]);
    const client = lab.client(proxy);
    client.write(get("/a") + get("/b") + get("/c"));
    const answers = await answersTo(client, 3);
    await heard(4);
    expect(answers.map(({ body }) => body.split(" ")[0])).toEqual(["/a", "/b", "/c"]);
    expect(server.requests.map(({ target }) => target).sort()).toEqual(["/a", "/b", "/b", "/c"]);
  });
});
