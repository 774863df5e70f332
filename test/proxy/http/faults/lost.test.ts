/** The faults after which the upstream has done what the client does not know of, by the upstream's own record. */
import type { Socket } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import type { VirtualClock } from "../../../../src/core/clock.js";
import type { HttpProxy } from "../../../../src/proxy/http/proxy.js";
import { fault, turns, until } from "../../../support/lab.js";
import {
  answerTo,
  answersTo,
  get,
  httpTimeLab,
  ok,
  post,
  type HttpLab,
  type Script,
  type ScriptedServer,
} from "../../../support/http-lab.js";

const CREATED = 'HTTP/1.1 201 Created\r\nContent-Length: 8\r\n\r\n{"id":7}';

let lab: HttpLab;
let time: VirtualClock;
let proxy: HttpProxy;
let server: ScriptedServer;

async function setUp(script: Script = () => CREATED): Promise<void> {
  ({ lab, time } = httpTimeLab());
  server = await lab.scripted(script);
  proxy = await lab.http(server.port);
}

afterEach(async () => {
  await lab.close();
});

const done = (): unknown[] => server.requests.map(({ method, target, body }) => [method, target, body]);
const over = (): unknown => lab.facts.of("exchange_over");

describe("lost_response", () => {
  it.each([
    ["reset", "reset"],
    ["close", "fin"],
  ])("lets the upstream work, and then the client sees a %s without a byte", async (then, end) => {
    await setUp();
    lab.use([fault("lost_response", { then })]);
    const client = lab.client(proxy);
    client.write(post("/jobs", "work"));
    expect(await client.ended).toBe(end);
    expect(client.length).toBe(0);
    expect(done()).toEqual([["POST", "/jobs", "work"]]);
    time.advance(500);
    client.fin();
    await until(() => lab.facts.of("exchange_over").length === 1);
    expect(over()).toMatchObject([
      {
        upstream_status: 201,
        client_status: null,
        faults: ["lost_response"],
        // Not the time for which its socket lingers.
        client_ms: 0,
        end: then === "reset" ? "reset" : "closed",
      },
    ]);
    expect(lab.facts.of("fault_hit")).toMatchObject([{ effect: "lost", detail: { true_status: 201 } }]);
    expect(proxy.exchanges.responses()).toEqual([["POST", "none", 1]]);
    expect(proxy.exchanges.upstreamResponses()).toEqual([["201", 1]]);
  });

  it.each([
    ["reset", "reset"],
    ["close", "fin"],
  ])(
    "lets the upstream say all of an answer that is still coming when the client sees a %s",
    async (then, end) => {
      ({ lab, time } = httpTimeLab());
      const seen: string[] = [];
      let upstream: Socket | undefined;
      const port = await lab.server((socket) => {
        upstream = socket;
        socket.on("end", () => seen.push("end")).on("error", () => seen.push("error"));
        socket.once("data", () => socket.write(CREATED.slice(0, -4)));
      });
      proxy = await lab.http(port);
      lab.use([fault("lost_response", { then })]);
      const client = lab.client(proxy);
      client.write(post("/jobs", "work"));
      expect(await client.ended).toBe(end);
      client.fin();
      await turns();
      seen.push("rest");
      upstream?.end(CREATED.slice(-4));
      await until(() => seen.length > 1);
      expect(seen).toEqual(["rest", "end"]);
    },
  );

  it.each(["before the answer", "behind it"])("lets go of a client that gives up, %s", async (when) => {
    await setUp();
    lab.use([fault("lost_response", { then: "hang" })]);
    const client = lab.client(proxy);
    client.write(post("/jobs", "{}"));
    if (when === "before the answer") client.fin();
    await until(() => lab.facts.of("fault_hit").length === 1);
    if (when === "behind it") client.fin();
    await until(() => proxy.stats.connectionsActive === 0);
    expect(client.text).toBe("");
    expect(done()).toEqual([["POST", "/jobs", "{}"]]);
    expect(over()).toMatchObject([{ upstream_status: 201, client_status: null, end: "client_left" }]);
  });

  it("hangs until it is healed, and then the answer comes after all", async () => {
    await setUp();
    lab.use([fault("lost_response", { then: "hang" })]);
    const client = lab.client(proxy);
    client.write(post("/jobs", "work") + get("/next"));
    await until(() => lab.facts.of("fault_hit").length === 1);
    time.advance(3_600_000);
    await turns();
    expect(client.length).toBe(0);
    expect(client.end).toBeNull();
    lab.heal();
    const [first, second] = await answersTo(client, 2);
    expect([first?.raw, second?.raw]).toEqual([CREATED, CREATED]);
    expect(done()).toHaveLength(2);
  });

  it("answers in the words of a balancer, and the connection lives on", async () => {
    await setUp();
    lab.use([
      fault("lost_response", { then: "status", status: 504, persona: "haproxy" }, { when: { count: 1 } }),
    ]);
    const client = lab.client(proxy);
    client.write(post("/jobs", "work"));
    const first = await answerTo(client);
    expect(first.head).toMatch(/^HTTP\/1\.1 504 Gateway Time-out\r\n/u);
    client.write(get("/next"));
    expect((await answerTo(client, { from: first.end })).raw).toBe(CREATED);
    expect(over()).toMatchObject([{ upstream_status: 201, client_status: 504, end: "complete" }]);
  });

  it.each(["rst", "fin"] as const)("goes on with the work when the client leaves with a %s", async (how) => {
    await setUp(() => undefined);
    lab.use([fault("lost_response")]);
    const client = lab.client(proxy);
    client.write(post("/jobs", "work"));
    await until(() => server.requests.length === 1);
    client[how]();
    await turns(40);
    const [peer] = server.peers;
    expect(peer?.end).toBeNull();
    peer?.write(CREATED);
    await until(() => lab.facts.of("exchange_over").length === 1);
    expect(over()).toMatchObject([
      { upstream_status: 201, client_status: null, end: how === "rst" ? "client_left" : "reset" },
    ]);
    await until(() => proxy.stats.connectionsActive === 0 && peer?.end !== null);
    expect(lab.facts.of("mistake")).toEqual([]);
  });

  it("sends on what byte faults still hold of the request when the client leaves", async () => {
    await setUp();
    lab.use([fault("latency", { delay: "200ms" }, { directions: "upstream" }), fault("lost_response")]);
    const client = lab.client(proxy);
    client.write(post("/jobs", "work"));
    await until(() => lab.facts.of("fault_hit").length === 1);
    await turns();
    client.rst();
    await turns(40);
    expect(server.requests).toEqual([]);
    time.advance(200);
    await until(() => proxy.stats.connectionsActive === 0);
    await until(() => lab.facts.of("exchange_over").length === 1);
    expect(done()).toEqual([["POST", "/jobs", "work"]]);
    expect(over()).toMatchObject([{ upstream_status: 201, client_status: null, end: "client_left" }]);
    await until(() => server.peers[0]?.end !== null);
    expect(lab.context.slots.taken).toBe(0);
  });

  it("loses large answers too, and reads them to their end so that the upstream is not stopped", async () => {
    let written = false;
    await setUp(({ peer }) => {
      peer.socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n${"x".repeat(3_000_000)}`, () => {
        written = true;
      });
      return undefined;
    });
    lab.use([fault("lost_response")]);
    const client = lab.client(proxy);
    client.write(get("/large"));
    expect(await client.ended).toBe("reset");
    await until(() => written);
    expect(over()).toMatchObject([{ upstream_status: 200, client_status: null }]);
  });

  it("cannot lose what was never given: without an answer it does nothing", async () => {
    await setUp(({ peer }) => {
      peer.fin();
      return undefined;
    });
    lab.use([fault("lost_response")]);
    const client = lab.client(proxy);
    client.write(get("/a"));
    expect(await client.ended).toBe("fin");
    expect(lab.facts.hits()).toEqual([]);
  });

  it("gives up on work whose request the client never finished", async () => {
    await setUp(() => undefined);
    lab.use([fault("lost_response")]);
    const client = lab.client(proxy);
    client.write("POST /jobs HTTP/1.1\r\nHost: jobs.test\r\nContent-Length: 10\r\n\r\nhalf ");
    await until(() => server.peers[0]?.text.endsWith("half ") === true);
    client.rst();
    await until(() => server.peers[0]?.end !== null);
    await until(() => proxy.stats.connectionsActive === 0);
  });

  it("ends in order for a client that ended in the middle of its request while the answer hangs", async () => {
    await setUp(() => undefined);
    lab.use([fault("lost_response", { then: "hang" })]);
    const client = lab.client(proxy);
    client.write("POST /jobs HTTP/1.1\r\nHost: jobs.test\r\nContent-Length: 10\r\n\r\nhalf ");
    await until(() => server.peers[0]?.text.endsWith("half ") === true);
    server.peers[0]?.write(CREATED.slice(0, -1));
    await until(() => lab.facts.of("fault_hit").length === 1);
    client.fin();
    expect(await client.ended).toBe("fin");
    expect(await server.peers[0]?.ended).toBe("fin");
    await until(() => proxy.stats.connectionsActive === 0);
  });

  it("is what every third completion of each bot gets, and no other exchange", async () => {
    ({ lab, time } = httpTimeLab());
    server = await lab.scripted(({ method }) => (method === "POST" ? CREATED : ok("{}")));
    proxy = await lab.http(server.port, { identify: [{ by: "header", name: "x-bot-id" }] });
    lab.use([
      fault(
        "lost_response",
        {},
        { match: [{ method: ["POST"], path: ["/jobs/:id/complete"] }], when: { every: 3, per: "bot" } },
      ),
    ]);
    const lost: string[] = [];
    for (let job = 1; job <= 6; job++) {
      for (const bot of ["a", "b"]) {
        const client = lab.client(proxy);
        client.write(get("/jobs", [`X-Bot-Id: ${bot}`]));
        await answerTo(client);
        client.write(post(`/jobs/${job}/complete`, "{}", [`X-Bot-Id: ${bot}`]));
        await until(() => client.end !== null || client.text.includes(CREATED));
        if (client.end !== null) lost.push(`${bot}${job}`);
        client.fin();
      }
    }
    expect(lost).toEqual(["a3", "b3", "a6", "b6"]);
    expect(server.requests.filter(({ method }) => method === "POST")).toHaveLength(12);
    await until(() => lab.facts.of("exchange_over").length === 4);
    for (const exchange of lab.facts.of("exchange_over"))
      expect(exchange).toMatchObject({ upstream_status: 201, client_status: null });
  });
});

describe("late_response", () => {
  it("holds the answer for so long, and then it comes whole", async () => {
    await setUp();
    lab.use([fault("late_response", { hold: "40s" })]);
    const client = lab.client(proxy);
    client.write(post("/jobs", "work"));
    await until(() => lab.facts.of("fault_hit").length === 1);
    time.advance(39_999);
    await turns();
    expect(client.length).toBe(0);
    time.advance(1);
    expect((await answerTo(client)).raw).toBe(CREATED);
    expect(over()).toMatchObject([{ upstream_status: 201, client_status: 201, client_ms: 40_000 }]);
  });

  it("has done the work for a client that gave up and tried again", async () => {
    await setUp();
    lab.use([fault("late_response", { hold: "40s" }, { when: { count: 1 } })]);
    const first = lab.client(proxy);
    first.write(post("/jobs", "work"));
    await until(() => lab.facts.of("fault_hit").length === 1);
    first.rst();
    await until(() => lab.facts.of("exchange_over").length === 1);
    expect((await lab.ask(proxy, post("/jobs", "work"))).raw).toBe(CREATED);
    expect(done()).toEqual([
      ["POST", "/jobs", "work"],
      ["POST", "/jobs", "work"],
    ]);
    expect(over()).toMatchObject([{ upstream_status: 201, client_status: null, end: "client_left" }]);
    time.advance(40_000);
    await until(() => proxy.stats.connectionsActive === 0);
  });
});

describe("http_delay", () => {
  it("keeps the request from the upstream until its time has come", async () => {
    await setUp();
    lab.use([fault("http_delay", { delay: "800ms" })]);
    const client = lab.client(proxy);
    client.write(get("/a"));
    await until(() => lab.facts.of("fault_hit").length === 1);
    time.advance(799);
    await turns();
    expect(server.requests).toEqual([]);
    time.advance(1);
    expect((await answerTo(client)).raw).toBe(CREATED);
    expect(lab.facts.of("fault_hit")[0]?.detail).toEqual({ delay_ms: 800 });
  });

  it("keeps the answer from the client, after the upstream did the work", async () => {
    await setUp();
    lab.use([fault("http_delay", { delay: "800ms" }, { at: "after" })]);
    const client = lab.client(proxy);
    client.write(post("/a", "work"));
    await until(() => lab.facts.of("fault_hit").length === 1);
    expect(done()).toEqual([["POST", "/a", "work"]]);
    time.advance(799);
    await turns();
    expect(client.length).toBe(0);
    time.advance(1);
    expect((await answerTo(client)).raw).toBe(CREATED);
  });

  it("adds up before and after, and lets a change of the delay reach who waits already", async () => {
    await setUp();
    const both = (delay: string) => [
      fault("http_delay", { delay }),
      fault("http_delay", { delay: "100ms" }, { at: "after", name: "later" }),
    ];
    lab.use(both("1h"));
    const client = lab.client(proxy);
    client.write(get("/a"));
    await until(() => lab.facts.of("fault_hit").length === 1);
    lab.change(both("200ms"));
    time.advance(200);
    await until(() => lab.facts.of("fault_hit").length === 2);
    time.advance(99);
    await turns();
    expect(client.length).toBe(0);
    time.advance(1);
    expect((await answerTo(client)).raw).toBe(CREATED);
    expect(over()).toMatchObject([{ client_ms: 300, upstream_ms: 0 }]);
  });

  it("lets go at once when it is healed, and of a client that leaves", async () => {
    await setUp();
    lab.use([fault("http_delay", { delay: "1h" })]);
    const leaving = lab.client(proxy);
    const staying = lab.client(proxy);
    leaving.write(get("/leaving"));
    staying.write(get("/staying"));
    await until(() => lab.facts.of("fault_hit").length === 2);
    leaving.rst();
    await until(() => proxy.stats.connectionsActive === 1);
    lab.heal();
    expect((await answerTo(staying)).raw).toBe(CREATED);
    expect(server.requests.map(({ target }) => target)).toEqual(["/staying"]);
  });
});
