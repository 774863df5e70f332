/** The dashboard's calls over real HTTP: the stream and its differences, leases and their ends, traces, and what is refused. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { liveState, liveTick } from "../../src/admin/live-answers.js";
import { STUCK_MS } from "../../src/admin/live-feed.js";
import type { ExchangeTrace, LiveState, LiveTick, Verdict } from "../../src/live/contract.js";
import { LEASE_MS, LINGER_MS, SEEN_PER_BOT, SEEN_PER_SECOND, TICK_MS } from "../../src/live/limits.js";
import type { HttpProxySpec } from "../../src/proxy/http/spec.js";
import { AdminLab } from "../admin/admin-lab.js";
import { messageAt, ok } from "../support/http-lab.js";
import { Client, fault, profile, request, turns, until } from "../support/lab.js";

let here: AdminLab;
let asked: string[];

beforeEach(async () => {
  here = await AdminLab.open();
  asked = [];
  const port = await here.lab.server((socket) => {
    const peer = new Client(socket);
    let from = 0;
    socket.on("data", () => {
      for (let next = messageAt(peer.text, from); next !== null; next = messageAt(peer.text, from)) {
        from = next.end;
        asked.push(next.head);
        peer.write(ok("done"));
      }
    });
    socket.on("end", () => socket.end());
  });
  const spec: HttpProxySpec = {
    ...here.proxySpec("web"),
    protocol: "http",
    upstream: { host: "127.0.0.1", port },
    tls: null,
    identify: [{ by: "header", name: "x-bot" }],
    salt: "salt",
    persona: "plain",
    faultHeader: false,
    ambiguous: "reject",
    headTimeout: 60_000,
    headBytes: 65_536,
  };
  await here.proxySet.add(spec, "file");
});
afterEach(async () => {
  here.live.close();
  await here.close();
});

/** One request on a connection of its own; answers when it has been answered, or cut off. */
async function ask(
  path: string,
  bot = "b1",
  fields: readonly string[] = [],
  method = "POST",
): Promise<Client> {
  const client = here.lab.client(here.proxySet.find("web").proxy);
  const lines = [`${method} ${path} HTTP/1.1`, "Host: x", `X-Bot: ${bot}`, "Content-Length: 0", ...fields];
  client.write(`${lines.join("\r\n")}\r\n\r\n`);
  await until(() => client.end !== null || messageAt(client.text, 0) !== null);
  client.fin();
  await turns();
  return client;
}

/** A reader of the stream, with what it has read as JSON. */
class Page {
  readonly client: Client;

  constructor(query = "") {
    this.client = here.lab.client(here.port);
    this.client.write(`GET /live${query} HTTP/1.0\r\n\r\n`);
  }

  #events(name: string): unknown[] {
    return [...this.client.text.matchAll(new RegExp(`event: ${name}\\ndata: (.*)\\n\\n`, "gu"))].map(
      ([, data = ""]) => JSON.parse(data) as unknown,
    );
  }

  async state(): Promise<LiveState> {
    await until(() => this.#events("state").length === 1);
    return liveState.parse(this.#events("state")[0]) as unknown as LiveState;
  }

  get ticks(): LiveTick[] {
    return this.#events("tick").map((tick) => liveTick.parse(tick) as unknown as LiveTick);
  }

  /** The n-th, while time goes on. */
  async tick(n: number): Promise<LiveTick> {
    while (this.ticks.length < n) {
      here.clock.advance(TICK_MS);
      await turns(5);
    }
    return this.ticks[n - 1] as LiveTick;
  }

  async leave(): Promise<void> {
    this.client.rst();
    await until(() => here.live.readers === 0);
  }
}

async function quarters(n: number): Promise<void> {
  for (let quarter = 0; quarter < n; quarter++) {
    here.clock.advance(TICK_MS);
    await turns(3);
  }
}

describe("GET /live", () => {
  it("tells of a crowd some bots, and each of them with all of its links", async () => {
    const page = new Page();
    await page.state();
    const { watcher } = here.lab.watch;
    for (let bot = 0; bot < 300; bot++)
      for (const proxy of ["jobs", "web"]) watcher?.dealings(proxy, `bot-${bot}`).begins(here.clock.now());
    const { bots, links } = await page.tick(1);
    expect([bots?.rows.length, bots?.more, links?.rows.length, links?.more]).toEqual([200, 100, 400, 200]);
    const told = (links?.rows ?? []).map(({ bot, proxy }) => `${bot} ${proxy}`).sort();
    const due = (bots?.rows ?? []).flatMap(({ id }) => [`${id} jobs`, `${id} web`]).sort();
    expect(told).toEqual(due);
  });

  it("tells what the fleet has on from what somebody here has", async () => {
    const { fleet } = here.control;
    here.control.activate([{ what: { profile: "restart" } }], "add");
    const mark = { identity: "7", lasts: 60_000, words: [] };
    const moments = { startsAt: here.clock.now(), endsAt: here.clock.now() + 60_000 };
    const input = { what: { profile: "slow" } };
    fleet.apply(fleet.checked([{ id: "slow", input, library: here.library, mark, ...moments }]));
    const state = await new Page().state();
    expect(state.active.rows.map(({ id, fleet: isFleets }) => [id, isFleets])).toEqual([
      ["restart", false],
      ["slow", true],
    ]);
  });

  it("gives the whole picture, then what is different, and nothing while nothing is", async () => {
    const page = new Page();
    const state = await page.state();
    expect(state.proxies.rows.map(({ id, plane }) => [id, plane])).toEqual([
      ["jobs", "tcp"],
      ["web", "http"],
    ]);
    expect(state.upstreams.rows.map(({ id, state: how }) => [id, how])).toEqual([
      ["jobs/main", "up"],
      ["web/main", "up"],
    ]);
    expect([state.bots, state.active, state.exchanges]).toEqual([
      { rows: [], more: 0 },
      { rows: [], more: 0 },
      undefined,
    ]);
    await quarters(8);
    expect(page.ticks).toEqual([]);
    await ask("/v1/a");
    const tick = await page.tick(1);
    expect(tick.bots?.rows).toMatchObject([
      { id: "b1", exchanges: 1, failed: 0, hits: 0, silent_since: null },
    ]);
    expect(tick.links?.rows).toMatchObject([{ bot: "b1", proxy: "web", total: 1 }]);
    expect(tick.upstreams?.rows.map(({ id }) => id)).toEqual(["web/main"]);
    expect(tick.exchanges).toBeUndefined();
    expect(tick.active).toBeUndefined();
  });

  it("has what is on with its phases and hits, and its end; marks stand beside", async () => {
    const page = new Page();
    await page.state();
    await here.call("PUT", "/active", { body: '{"profile": "restart", "ttl": "1m"}' });
    const on = await page.tick(1);
    expect(on.active?.rows).toMatchObject([
      {
        id: "restart",
        ends_at: 26_000,
        phase: { name: "calm", index: 0, count: 3, began_at: 1_000, ends_at: 11_000 },
      },
    ]);
    expect(on.bands?.rows.map(({ activation, phase, until: end }) => [activation, phase, end])).toEqual([
      ["restart", null, null],
      ["restart", "calm", null],
    ]);
    await here.call("POST", "/journal/marks", { body: '{"text": "<script>"}' });
    expect((await page.tick(2)).bands?.rows).toMatchObject([{ mark: "<script>" }]);
    await here.call("DELETE", "/active");
    const off = await page.tick(3);
    expect(off.active).toMatchObject({ rows: [], gone: ["restart"] });
    expect(off.bands?.rows.map(({ until: end }) => end === null)).toEqual([false, false]);
  });

  it("brings exchanges to those who ask for them, each when it is new or has changed", async () => {
    const plain = new Page();
    await plain.state();
    await ask("/v1/before");
    const page = new Page("?exchanges=true");
    expect((await page.state()).exchanges).toEqual([]);
    await ask("/v1/a");
    const tick = await page.tick(1);
    expect(tick.exchanges).toMatchObject([{ path: "/v1/a", pending: false, client_side: { status: 200 } }]);
    const another = new Page("?exchanges=true");
    const { exchanges, exchanges_since: since, now } = await another.state();
    expect(exchanges).toMatchObject([{ path: "/v1/a" }]);
    // Since the first of them asked, not since this one did.
    expect(since).toBeLessThan(now);
    expect((await plain.state()).exchanges_since).toBeUndefined();
    expect(plain.ticks.every(({ exchanges }) => exchanges === undefined)).toBe(true);
  });

  it("says of a bot that it is silent when it has a connection open and says nothing", async () => {
    const page = new Page();
    await page.state();
    const client = here.lab.client(here.proxySet.find("web").proxy);
    client.write("GET /v1/a HTTP/1.1\r\nHost: x\r\nX-Bot: quiet\r\n\r\n");
    await until(() => messageAt(client.text, 0) !== null);
    await quarters(24);
    const last = page.ticks.flatMap(({ bots }) => bots?.rows ?? []).at(-1);
    expect(last).toMatchObject({ id: "quiet", open: 1, pending: 0 });
    expect(last?.silent_since).toBe(last?.last_at);
  });

  it("drops a reader that takes nothing, and keeps the others", async () => {
    const page = new Page();
    await page.state();
    const stuck = here.lab.client(here.port, undefined, { reading: false });
    stuck.write("GET /live HTTP/1.0\r\n\r\n");
    await until(() => here.live.readers === 2);
    // Each tick has all params of what is on: more than sockets hold between two programs of one machine.
    const by = "x".repeat(200_000);
    for (let n = 0; n < 60 && here.live.readers === 2; n++) {
      await here.call("POST", "/journal/marks", {
        body: JSON.stringify({ text: `${n} ${by.slice(0, 900)}` }),
      });
      const large = profile([], [], { profile: `p${n}`, params: { by } });
      here.lab.plan.replace([request(large, { seed: n })]);
      await quarters(1);
      if (n === 40) here.clock.advance(STUCK_MS + 1);
    }
    await until(() => here.live.readers === 1);
    expect(page.client.end).toBeNull();
  });
});

describe("watching", () => {
  it("is over when the last reader has left: nobody in the data path's way, no timer, nothing kept", async () => {
    expect([here.lab.watch.watcher, here.live.watching]).toEqual([null, false]);
    const idle = here.clock.waiting;
    const page = new Page("?exchanges=true");
    await page.state();
    await ask("/v1/a");
    expect(here.lab.watch.watcher).not.toBeNull();
    await page.leave();
    // A page that goes from view to view comes back to the same numbers.
    const again = new Page("?exchanges=true");
    expect((await again.state()).exchanges).toHaveLength(1);
    await again.leave();
    await quarters(LINGER_MS / TICK_MS + 1);
    expect([here.lab.watch.watcher, here.live.watching]).toEqual([null, false]);
    expect(here.clock.waiting).toBe(idle);
    const later = new Page("?exchanges=true");
    const state = await later.state();
    expect([state.exchanges, state.bots.rows, state.totals.seen]).toEqual([[], [], 0]);
  });

  it("costs an exchange nothing that began before it, and does not break on one", async () => {
    here.lab.use([fault("http_delay", { delay: "1s" })]);
    const client = here.lab.client(here.proxySet.find("web").proxy);
    client.write("GET /v1/a HTTP/1.1\r\nHost: x\r\nX-Bot: b\r\n\r\n");
    await until(() => here.lab.facts.of("fault_hit").length > 0);
    const page = new Page("?exchanges=true");
    await page.state();
    here.clock.advance(1_000);
    await until(() => messageAt(client.text, 0) !== null);
    await page.leave();
    expect((await here.get("/exchanges")).json.exchanges).toEqual([]);
  });

  it("is leased by a call for 30 s, and by the next for 30 more", async () => {
    const first = (await here.get("/exchanges")).json;
    expect(first).toMatchObject({ exchanges: [], rank: 0, kept_since: first.now });
    await ask("/v1/a");
    await quarters((LEASE_MS - 1_000) / TICK_MS);
    const second = (await here.get("/exchanges?since=0")).json;
    expect(second.exchanges).toMatchObject([{ path: "/v1/a" }]);
    expect((await here.get(`/exchanges?since=${second.rank}`)).json.exchanges).toEqual([]);
    await quarters(LEASE_MS / TICK_MS + 1);
    expect(here.live.watching).toBe(false);
    expect((await here.get("/exchanges")).json.exchanges).toEqual([]);
  });

  it("tells a reader who was away for longer than it was kept all that is new to him", async () => {
    await here.get("/exchanges");
    await ask("/v1/a");
    await ask("/v1/b");
    await quarters(1);
    const { rank } = (await here.get("/exchanges?since=0")).json;
    await quarters(LEASE_MS / TICK_MS + 1);
    expect(here.live.watching).toBe(false);
    // Somebody else has it begin again.
    await here.get("/exchanges");
    await ask("/v1/c");
    await quarters(1);
    const again = (await here.get(`/exchanges?since=${rank}`)).json;
    expect(again.exchanges).toMatchObject([{ path: "/v1/c" }]);
    expect((await here.get(`/exchanges?since=${again.rank}`)).json.exchanges).toEqual([]);
  });

  it("takes a rank that it never gave out for one of the daemon before", async () => {
    await here.get("/exchanges");
    await ask("/v1/a");
    await quarters(1);
    const all = (await here.get("/exchanges?since=5000")).json;
    expect(all.exchanges).toMatchObject([{ path: "/v1/a" }]);
    expect((await here.get(`/exchanges?since=${all.rank}`)).json.exchanges).toEqual([]);
  });

  it("sees so many in a second, and of one bot so many, and counts the others", async () => {
    await here.get("/exchanges");
    const client = here.lab.client(here.proxySet.find("web").proxy);
    const send = (bot: string, count: number): void => {
      client.write(`GET /v1/a HTTP/1.1\r\nHost: x\r\nX-Bot: ${bot}\r\n\r\n`.repeat(count));
    };
    for (const [bot, count] of [
      ["loud", 60],
      ["b2", 50],
      ["b3", 50],
      ["b4", 50],
      ["b5", 5],
    ] as const) {
      const before = asked.length;
      send(bot, count);
      await until(() => asked.length === before + count);
    }
    await until(() => client.text.split("HTTP/1.1 200").length === 216);
    const { left_out: left, exchanges } = (await here.get("/exchanges?limit=4000")).json;
    expect(exchanges).toHaveLength(SEEN_PER_SECOND);
    expect(exchanges.filter(({ bot }: { bot: string }) => bot === "loud")).toHaveLength(SEEN_PER_BOT);
    expect(left).toEqual({ rate: 5, bot: 10 });
    expect((await here.get("/exchanges?bot=b2&limit=3")).json.exchanges).toHaveLength(3);
  });
});

describe("GET /exchanges/{proxy}/{id}", () => {
  const trace = async (id: number): Promise<ExchangeTrace> =>
    (await here.get(`/exchanges/web/${id}`)).json as ExchangeTrace;
  const said = ({ verdicts }: ExchangeTrace): string[] => verdicts.map(({ text }) => text);

  it("says of each fault why it hit, or did not", async () => {
    await here.get("/exchanges");
    here.lab.use(
      [
        fault("http_headers", { set: { "x-a": "1" } }, { name: "all" }),
        fault(
          "http_status",
          { status: 503 },
          { name: "others", match: [{ path: ["/v2/**"], method: ["POST"] }] },
        ),
        fault("http_status", { status: 503 }, { name: "third", when: { every: 3 } }),
        fault("http_status", { status: 503 }, { name: "rare", when: { probability: 0.0001 } }),
        fault("http_status", { status: 503 }, { name: "spared", except: [{ bot: ["b1"] }] }),
        fault("http_status", { status: 503 }, { name: "skipped", when: { skip: 5, per: "bot" } }),
        fault("http_status", { status: 503 }, { name: "only", when: { only: [4, 9] } }),
        fault("http_headers", { set: { "x-b": "1" } }, { name: "once", when: { count: 1 } }),
        fault("http_status", { status: 503 }, { name: "elsewhere", proxies: ["jobs"] }),
        fault("http_status", { status: 418 }, { name: "late", match: [{ status: ["500"] }] }),
        fault(
          "http_status",
          { status: 503 },
          { name: "secret", match: [{ header: { authorization: ["Bearer t0p"] } }] },
        ),
      ],
      { seed: 1, phases: [] },
    );
    await ask("/v1/a");
    await ask("/v1/a", "b1", ["Authorization: Bearer n0ne"]);
    const found = await trace(2);
    const by = Object.fromEntries(found.verdicts.map((one): [string, Verdict] => [one.fault, one]));
    expect(Object.entries(by).map(([name, { outcome, text }]) => [name, outcome, text])).toEqual([
      ["all", "hit", "hit"],
      ["others", "no_match", "not hit: path is /v1/a, wanted /v2/**"],
      ["third", "not_due", "not hit: every 3rd, and this was number 2"],
      ["rare", "not_drawn", expect.stringMatching(/^not hit: drawn 0\.\d{3}, not below 0\.01%$/u)],
      ["spared", "excepted", "not hit: except spares it, as bot is b1"],
      ["skipped", "not_due", "not hit: the first 5 of each bot are skipped, and this was number 2"],
      ["only", "not_due", "not hit: only number 4, 9, and this was number 2"],
      ["once", "spent", "not hit: at most 1, and 1 had been hit by then"],
      ["secret", "no_match", "not hit: header.authorization is (masked), wanted (masked)"],
      ["late", "no_match", "not hit: status is 200, wanted 500"],
      ["elsewhere", "not_in_force", "not in force here then: it is for jobs"],
    ]);
    expect(by["rare"]?.draw?.drawn).toBeGreaterThan(0.0001);
    expect(by["all"]?.acts).toMatchObject([{ fault: "all" }]);
    expect(found.request).toMatchObject({ same: true, in: { line: "POST /v1/a HTTP/1.1" } });
    expect(found.request?.in?.fields).toContainEqual(["Authorization", "(masked)"]);
    expect(found.answer).toMatchObject({ same: false, changed: ["x-a"], in: { line: "HTTP/1.1 200 OK" } });
    expect(JSON.stringify(found)).not.toMatch(/t0p|n0ne/u);
    expect(found.again).toHaveProperty("test");
    expect(await said(await trace(1))).toContain("hit: at most 1, and 1 had been hit by then");
  });

  it("does not know what nobody watched, but what the journal has and what names say", async () => {
    here.lab.use([
      fault("lost_response", { then: "reset" }, { name: "lost", match: [{ path: ["/v1/*/done"] }] }),
      fault("http_status", { status: 503 }, { name: "never", match: [{ path: ["/v2"] }] }),
      fault("http_status", { status: 503 }, { name: "hidden", match: [{ header: { "x-team": ["a"] } }] }),
    ]);
    await ask("/v1/7/done");
    const found = await trace(1);
    expect(found).toMatchObject({ exchange: null, source: "journal", request: null, answer: null });
    expect(found.missing).toContain("nobody was watching");
    expect(found.verdicts.map(({ fault: name, outcome, recomputed }) => [name, outcome, recomputed])).toEqual(
      [
        ["lost", "hit", false],
        ["never", "no_match", true],
        ["hidden", "unknown", false],
      ],
    );
    expect(found.journal.map(({ kind }) => kind)).toEqual(["fault_hit", "exchange_over"]);
  });

  it.each([
    ["/exchanges/nobody/1", 404, "SQ_PROXY_NOT_FOUND", "known"],
    ["/exchanges/web/99", 404, "SQ_EXCHANGE_NOT_FOUND", "GET /exchanges keeps"],
    ["/exchanges/web/..%2f..%2fetc", 400, "SQ_BAD_PARAM", null],
    ["/exchanges/web/0", 400, "SQ_BAD_PARAM", null],
    ["/exchanges/web/c", 400, "SQ_BAD_PARAM", null],
    ["/exchanges?proxy=nobody", 404, "SQ_PROXY_NOT_FOUND", "known"],
    ["/exchanges?limit=0", 400, "SQ_BAD_PARAM", null],
    ["/exchanges?limit=4001", 400, "SQ_BAD_PARAM", null],
    ["/exchanges?since=-1", 400, "SQ_BAD_PARAM", null],
    ["/live?exchanges=perhaps", 400, "SQ_BAD_PARAM", null],
    ["/findings?bots=a", 400, "SQ_BAD_PARAM", null],
  ])("refuses %s: %i", async (path, status, code, hint) => {
    const answer = await here.get(path);
    expect([answer.status, answer.json.code]).toEqual([status, code]);
    if (hint !== null) expect(answer.json.hint).toContain(hint);
  });

  it("draws again what nobody watched where draws are by a key that the journal has, to the same numbers", async () => {
    here.lab.use([
      fault(
        "http_status",
        { status: 503 },
        { name: "some", when: { probability: 0.5 }, draw: { by: "path" } },
      ),
      fault(
        "http_headers",
        { set: { a: "b" } },
        { name: "many", draw: { by: "header:x-key" }, when: { probability: 0.9 } },
      ),
    ]);
    const count = 5;
    const askAll = async (): Promise<void> => {
      for (let n = 1; n <= count; n++) {
        await ask(`/v1/${n}`, "b1", ["x-key: k"]);
        // The log of this lab is none: it may have nothing left out to tell of.
        here.clock.advance(1_100);
      }
    };
    await askAll();
    const past = await Promise.all(Array.from({ length: count }, (_, n) => trace(n + 1)));
    await here.get("/exchanges");
    await askAll();
    const seen = await Promise.all(Array.from({ length: count }, (_, n) => trace(count + n + 1)));
    const of = (traces: readonly ExchangeTrace[], name: string) =>
      traces.map(({ verdicts }) => {
        const { outcome, draw, text } = verdicts.find(({ fault: one }) => one === name) as Verdict;
        return { outcome, draw, text };
      });
    expect(of(past, "some")).toEqual(of(seen, "some"));
    expect(new Set(of(past, "some").map(({ outcome }) => outcome))).toEqual(new Set(["hit", "not_drawn"]));
    expect(
      past.every(({ verdicts }) =>
        verdicts.some(({ fault: name, recomputed }) => name === "some" && recomputed),
      ),
    ).toBe(true);
    // Where the other one answered, it had nothing to act on, and is not in the journal.
    const many = of(past, "many").map((one, n) => [one, of(seen, "many")[n]]);
    const told = many.filter(([one]) => one?.outcome === "hit");
    expect(told.length).toBeGreaterThan(0);
    for (const [one, other] of told) expect(one).toEqual(other);
  });

  it.each<[string, Parameters<typeof fault>[2], string]>([
    ["by the number of its bot's", { when: { probability: 0.000_001 } }, "squall draws lists all of them"],
    [
      "by a header",
      { when: { probability: 0.000_001 }, draw: { by: "header:x-key" } },
      "the header x-key that it is drawn by is not in the journal",
    ],
    [
      "of each attempt",
      { when: { probability: 0.000_001 }, draw: { by: "path", attempt: true } },
      "which attempt with its key",
    ],
    ["not at all, but counted", { when: { every: 3 } }, "which of those that match this was"],
    [
      "not at all, with a match on what is not kept",
      { match: [{ header: { "x-a": ["b"] } }] },
      "has not all that match asks for",
    ],
  ])(
    "says why it is not known whether a fault that draws %s was against one that nobody watched",
    async (_, options, why) => {
      here.lab.use([
        fault("http_status", { status: 503 }, { name: "rare", ...options }),
        fault("http_headers", { set: { a: "b" } }, { name: "known" }),
      ]);
      await ask("/v1/a", "b1", ["x-key: k"]);
      const { verdicts } = await trace(1);
      expect(verdicts.find(({ fault: name }) => name === "rare")).toMatchObject({
        outcome: "unknown",
        text: expect.stringContaining(why) as string,
      });
    },
  );

  it("is where an answer says it is, though nobody watched: what the journal knows", async () => {
    const { spec } = here.proxySet.find("web").proxy;
    await here.proxySet.add({ ...(spec as HttpProxySpec), name: "told", faultHeader: true }, "file");
    here.lab.use([fault("http_status", { status: 503 }, { name: "busy" })]);
    const client = here.lab.client(here.proxySet.find("told").proxy);
    client.write("GET /v1/a HTTP/1.1\r\nHost: x\r\nX-Bot: b1\r\n\r\n");
    await until(() => messageAt(client.text, 0) !== null);
    const [, place] = /^x-squall-exchange: (.*)\r$/mu.exec(client.text) ?? [];
    expect(here.live.watching).toBe(false);
    const trace = (await here.get(`/exchanges/${place}`)).json as ExchangeTrace;
    expect(trace).toMatchObject({ source: "journal", verdicts: [{ fault: "busy", outcome: "hit" }] });
    expect(trace.missing).toContain("nobody was watching");
    expect((await here.get(`/ui/exchanges/${place}`, { unchecked: true })).status).toBe(200);
  });

  it("gives text of a client's as it was, as JSON, with an end", async () => {
    await here.get("/exchanges");
    const path = `/<script>alert(1)</script>${"%E2%80%AE"}/${"x".repeat(3_000)}`;
    await ask(path, "<img src=x onerror=alert(1)>");
    const answer = await here.get("/exchanges");
    expect(answer.headers["content-type"]).toContain("application/json");
    expect(answer.json.exchanges[0].path).toHaveLength(1_025);
    expect(answer.json.exchanges[0].path.startsWith("/<script>")).toBe(true);
  });
});
