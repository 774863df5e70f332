/** The faults that keep state over exchanges: quotas, workers, tokens, caches, idle connections. */
import { afterEach, describe, expect, it } from "vitest";
import type { VirtualClock } from "../../../../src/core/clock.js";
import type { HttpProxy } from "../../../../src/proxy/http/proxy.js";
import { fault, turns, until, type Client } from "../../../support/lab.js";
import {
  answerTo,
  get,
  httpTimeLab,
  ok,
  post,
  type HttpLab,
  type RawMessage,
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
  proxy = await lab.http(server.port, { identify: [{ by: "header", name: "x-bot-id" }] });
}

const ask = (target: string, fields: readonly string[] = []): Promise<RawMessage> =>
  lab.ask(proxy, get(target, fields));
const statusOf = ({ head }: RawMessage): number => Number(head.slice(9, 12));
const fieldOf = ({ head }: RawMessage, name: string): string | undefined =>
  new RegExp(`^${name}: ?(.*)\\r$`, "imu").exec(head)?.[1];
const as = (bot: string): string[] => [`X-Bot-Id: ${bot}`];
const effects = (): string[] => lab.facts.of("fault_hit").map(({ effect }) => effect);

afterEach(async () => {
  expect(lab.facts.of("mistake")).toEqual([]);
  await lab.close();
});

describe("rate_limit", () => {
  it("answers 429 before the upstream sees the request, with a Retry-After that holds", async () => {
    await setUp();
    lab.use([fault("rate_limit", { limit: 2, window: "10s" })]);
    expect(statusOf(await ask("/a"))).toBe(200);
    expect(statusOf(await ask("/a"))).toBe(200);
    const refused = await ask("/a");
    expect(statusOf(refused)).toBe(429);
    expect(server.requests).toHaveLength(2);
    const wait = Number(fieldOf(refused, "retry-after"));
    expect(wait).toBe(5);
    time.advance(wait * 1000 - 100);
    expect(statusOf(await ask("/a"))).toBe(429);
    time.advance(100);
    expect(statusOf(await ask("/a"))).toBe(200);
    // The last one was told to wait for a whole second, and did not.
    expect(effects()).toEqual(["limited", "limited"]);
    expect(lab.facts.of("fault_spared").map(({ effect }) => effect)).toEqual(["early", "early"]);
    expect(server.requests).toHaveLength(3);
  });

  it("tells a date that holds as well", async () => {
    await setUp();
    lab.use([fault("rate_limit", { limit: 1, window: "90s", retry_after: "date" })]);
    await ask("/a");
    const refused = await ask("/a");
    const date = Date.parse(fieldOf(refused, "retry-after") ?? "");
    time.advance(date - time.wallTime());
    expect(statusOf(await ask("/a"))).toBe(200);
    expect(effects()).toEqual(["limited"]);
  });

  it("gives each bot, or each route, a quota of its own", async () => {
    await setUp();
    lab.use([fault("rate_limit", { limit: 1, window: "1h" })]);
    const statuses = async (asked: readonly (readonly [string, string])[]): Promise<number[]> => {
      const got: number[] = [];
      for (const [target, bot] of asked) got.push(statusOf(await ask(target, as(bot))));
      return got;
    };
    expect(
      await statuses([
        ["/a", "one"],
        ["/b", "one"],
        ["/a", "two"],
      ]),
    ).toEqual([200, 429, 200]);
    lab.use([
      fault(
        "rate_limit",
        { limit: 1, window: "1h", per: "route" },
        { match: [{ path: ["/jobs/:id", "/x"] }] },
      ),
    ]);
    expect(
      await statuses([
        ["/jobs/1", "one"],
        ["/jobs/2", "two"],
        ["/x", "one"],
      ]),
    ).toEqual([200, 429, 200]);
  });

  it.each([
    ["x-ratelimit", "X-RateLimit-Remaining", ["1", "0", "0"]],
    ["draft-ietf-ratelimit", "RateLimit", ['"default";r=1;t=30', '"default";r=0;t=60', '"default";r=0;t=60']],
  ])("tells on every answer what is left, in %s fields", async (headers, name, values) => {
    await setUp();
    lab.use([fault("rate_limit", { limit: 2, window: "1m", headers })]);
    const client = lab.client(proxy);
    const seen: (string | undefined)[] = [];
    for (let from = 0; seen.length < 3;) {
      client.write(get("/a"));
      const answer = await answerTo(client, { from });
      from = answer.end;
      seen.push(fieldOf(answer, name));
    }
    expect(seen).toEqual(values);
  });
});

describe("overload", () => {
  it("becomes slow with the load, works in order, and then sheds", async () => {
    await setUp();
    lab.use([fault("overload", { concurrency: 1, queue: 2, service_time: "50ms", persona: "nginx" })]);
    const clients: Client[] = [];
    for (let n = 0; n < 4; n++) {
      const client = lab.client(proxy);
      clients.push(client);
      client.write(get(`/${n}`));
      await until(() => lab.facts.of("fault_hit").length === n + 1);
    }
    expect(effects()).toEqual(["served", "queued", "queued", "shed"]);
    const shed = await answerTo(clients[3]!);
    expect(shed.head).toMatch(/^HTTP\/1\.1 503 Service Temporarily Unavailable\r\nServer: nginx\r\n/u);
    for (let n = 0; n < 3; n++) {
      time.advance(49);
      await turns();
      expect(server.requests).toHaveLength(n);
      time.advance(1);
      expect(statusOf(await answerTo(clients[n]!))).toBe(200);
      await turns();
    }
    expect(server.requests.map(({ target }) => target)).toEqual(["/0", "/1", "/2"]);
    await until(() => lab.facts.of("exchange_over").length === 4);
    expect(lab.facts.of("exchange_over").map(({ client_ms }) => client_ms)).toEqual([0, 50, 100, 150]);
  });

  it.each(["reset", "hang"])("turns away with a %s", async (on_full) => {
    await setUp(() => undefined);
    lab.use([fault("overload", { concurrency: 1, on_full })]);
    lab.client(proxy).write(get("/busy"));
    await until(() => server.requests.length === 1);
    const client = lab.client(proxy);
    client.write(get("/shed"));
    if (on_full === "reset") {
      expect(await client.ended).toBe("reset");
    } else {
      await until(() => effects().includes("shed"));
      time.advance(3_600_000);
      await turns();
      expect([client.length, client.end]).toEqual([0, null]);
    }
    expect(server.requests).toHaveLength(1);
  });

  it("frees the worker, and the place in the queue, of a client that leaves", async () => {
    await setUp(() => undefined);
    lab.use([fault("overload", { concurrency: 1, queue: 1 })]);
    const [working, waiting] = [lab.client(proxy), lab.client(proxy)];
    working.write(get("/working"));
    await until(() => server.requests.length === 1);
    waiting.write(get("/waiting"));
    await until(() => effects().includes("queued"));
    waiting.rst();
    await until(() => proxy.stats.connectionsActive === 1);
    const next = lab.client(proxy);
    next.write(get("/next"));
    await until(() => effects().length === 2);
    working.rst();
    await until(() => server.requests.length === 2);
    expect(server.requests[1]?.target).toBe("/next");
    expect(effects()).toEqual(["queued", "queued"]);
  });
});

describe("unauthorized", () => {
  const token = (text: string): string[] => [`Authorization: Bearer ${text}`];

  it.each([
    [
      "expired",
      401,
      'Bearer realm="api", error="invalid_token", error_description="The access token expired"',
    ],
    [
      "invalid",
      401,
      'Bearer realm="api", error="invalid_token", error_description="The access token is invalid"',
    ],
    [
      "revoked",
      403,
      'Bearer realm="api", error="insufficient_scope", error_description="The access token was revoked"',
    ],
    ["missing", 401, 'Bearer realm="api"'],
  ])("refuses a token as %s with %i", async (mode, status, challenge) => {
    await setUp();
    lab.use([fault("unauthorized", { mode, status })]);
    const answer = await ask("/a", token("abc"));
    expect(statusOf(answer)).toBe(status);
    expect(fieldOf(answer, "www-authenticate")).toBe(challenge);
    expect(JSON.parse(answer.body)).toMatchObject({
      error_description: expect.stringContaining("oken") as string,
    });
    expect(server.requests).toEqual([]);
    expect(statusOf(await ask("/a"))).toBe(200);
  });

  it("lets a token be good for a time from its first use on, and a new one again", async () => {
    await setUp();
    lab.use([fault("unauthorized", { after: "5m" })]);
    expect(statusOf(await ask("/a", token("first")))).toBe(200);
    time.advance(299_999);
    expect(statusOf(await ask("/a", token("first")))).toBe(200);
    time.advance(1);
    expect(statusOf(await ask("/a", token("first")))).toBe(401);
    expect(statusOf(await ask("/a", token("second")))).toBe(200);
    expect(JSON.stringify(lab.facts.all)).not.toContain("first");
  });

  it("spoils the token on the way, so that the server itself refuses it", async () => {
    await setUp(({ head }) =>
      head.includes("Bearer secret123\r\n")
        ? ok("fine")
        : "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n",
    );
    lab.use([fault("unauthorized", { mode: "invalid", how: "spoil" }, { when: { skip: 1 } })]);
    expect(statusOf(await ask("/a", token("secret123")))).toBe(200);
    expect(statusOf(await ask("/a", token("secret123")))).toBe(401);
    expect(server.requests[1]?.raw).toBe(get("/a", token("frperg678")));
    expect(lab.facts.of("exchange_over")).toMatchObject([{ upstream_status: 401, client_status: 401 }]);
  });

  it("takes the token out", async () => {
    await setUp();
    lab.use([fault("unauthorized", { mode: "missing", how: "spoil" })]);
    await ask("/a", [...token("secret123"), "X-Last: 1"]);
    expect(server.requests[0]?.raw).toBe(get("/a", ["X-Last: 1"]));
  });
});

describe("stale_response", () => {
  it("gives an earlier answer of the same bot again when it is old enough, and the upstream is not asked", async () => {
    await setUp();
    lab.use([fault("stale_response", { age: "30s" })]);
    expect((await ask("/jobs", as("one"))).body).toBe("answer 0");
    time.advance(29_999);
    expect((await ask("/jobs", as("one"))).body).toBe("answer 1");
    time.advance(1);
    const stale = await ask("/jobs", as("one"));
    expect([stale.body, fieldOf(stale, "age")]).toEqual(["answer 0", "30"]);
    expect((await ask("/jobs", as("two"))).body).toBe("answer 2");
    expect((await ask("/other", as("one"))).body).toBe("answer 3");
    expect((await lab.ask(proxy, post("/jobs", "", as("one")))).body).toBe("answer 4");
    expect(server.requests).toHaveLength(5);
    expect(lab.facts.of("exchange_over")).toMatchObject([{ upstream_status: null, client_status: 200 }]);
  });

  it("keeps what came in chunks, and gives it a length; HEAD gets its head", async () => {
    await setUp(
      () => "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nETag: x\r\n\r\n3\r\nold\r\n0\r\n\r\n",
    );
    lab.use([fault("stale_response", { age: "1s" })]);
    await ask("/a");
    time.advance(1_000);
    const client = lab.client(proxy);
    client.write(get("/a"));
    const answer = await answerTo(client);
    expect(answer.raw).toBe("HTTP/1.1 200 OK\r\nETag: x\r\nage: 1\r\ncontent-length: 3\r\n\r\nold");
    client.write("HEAD /a HTTP/1.1\r\nHost: jobs.test\r\n\r\n");
    const head = await answerTo(client, { from: answer.end, head: true });
    expect(head.raw).toBe("HTTP/1.1 200 OK\r\nETag: x\r\nage: 1\r\ncontent-length: 3\r\n\r\n");
    expect(server.requests).toHaveLength(1);
  });
});

describe("keepalive_race", () => {
  it.each([
    ["close", "fin"],
    ["reset", "reset"],
  ])("ends an idle connection with a %s in the moment of the next request", async (how, end) => {
    await setUp();
    lab.use([fault("keepalive_race", { after: "5s", how })]);
    const client = lab.client(proxy);
    client.write(get("/first"));
    const first = await answerTo(client);
    time.advance(4_999);
    client.write(get("/busy"));
    const second = await answerTo(client, { from: first.end });
    time.advance(5_000);
    await turns();
    expect(client.end).toBeNull();
    client.write(post("/raced", "body"));
    expect(await client.ended).toBe(end);
    expect(client.length).toBe(second.end);
    expect(server.requests.map(({ target }) => target)).toEqual(["/first", "/busy"]);
    expect(lab.facts.of("fault_hit")).toMatchObject([{ effect: "raced", detail: { idle_ms: 5_000 } }]);
  });
});
