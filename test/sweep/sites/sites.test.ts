/** The sites of recorded traffic: which calls are one site, how steady they are, whom faults are aimed at, and what was seen there. */
import { describe, expect, it } from "vitest";
import { locate, type LocatedMap } from "../../../src/config/located.js";
import type { RunRecord, SeenExchange, SeenHandshake } from "../../../src/sweep/contract/record.js";
import type { HttpTraits, Site } from "../../../src/sweep/contract/site.js";
import { siteNames } from "../../../src/sweep/sites/names.js";
import { routesOfProfiles } from "../../../src/sweep/sites/profiles.js";
import { findSites } from "../../../src/sweep/sites/sites.js";
import { call } from "../../support/runs.js";
import { randomOf } from "../../support/scripted-traffic.js";

const NONE: RunRecord = { exchanges: [], connections: [], queries: [], flows: [], hits: [] };
const record = (exchanges: readonly SeenExchange[]): RunRecord => ({ ...NONE, exchanges });
const times = (n: number, ...calls: readonly SeenExchange[]): RunRecord[] =>
  Array.from({ length: n }, () => record(calls));

/** What eight bots do, each with jobs of its own. */
function traffic(bot: number): SeenExchange[] {
  const by = { bot: `bot-${bot}`, connection: bot };
  return [
    call(0, "POST /v1/bots", by),
    ...[1, 2, 3].flatMap((n) => {
      const job = 100 * bot + n;
      return [
        call(0, "GET /v1/jobs/next", { ...by, reused: true }),
        call(0, `GET /v1/files/report-${bot}-of-${n}.csv`, {
          ...by,
          response: { type: "text/csv", bytes: 900 },
        }),
        call(0, `PUT /v1/tenants/${NAMES[(bot + n) % NAMES.length] ?? ""}/usage`, by),
        call(0, `POST /v1/jobs/${job}/complete`, { ...by, request: { key: `k${job}`, authorized: true } }),
      ];
    }),
  ];
}

const NAMES = ["acme", "globex", "initech", "umbrella", "hooli", "stark", "wayne", "tyrell", "cyberdyne"];

/** The bots' calls among one another in an order that the seed draws; each bot keeps its own. */
function interleaved(seed: number): RunRecord {
  const random = randomOf(seed, "interleaved");
  const queues = [1, 2, 3, 4, 5, 6, 7, 8].map(traffic);
  const all: SeenExchange[] = [];
  for (;;) {
    const left = queues.filter((queue) => queue.length > 0);
    const next = left[random.integer(left.length)]?.shift();
    if (next === undefined) return record(all);
    all.push({ ...next, id: all.length + 1, at: 10 * all.length, over: 10 * all.length + 5 });
  }
}

const http = (sites: readonly Site[]): Extract<Site, { protocol: "http" }>[] =>
  sites.filter((site) => site.protocol === "http");

describe("sites", () => {
  it("are the same in 20 recordings of the same bots, however their calls fell among one another", () => {
    const lists = Array.from(
      { length: 20 },
      (_, seed) =>
        findSites([interleaved(3 * seed), interleaved(3 * seed + 1), interleaved(3 * seed + 2)]).list,
    );
    for (const list of lists) expect(list).toStrictEqual(lists[0]);
    expect(
      lists[0]?.map(({ id, steadiness, counts, bot }) => [id, steadiness, counts.join(), bot]),
    ).toStrictEqual([
      ["jobs bot-# POST /v1/bots", "stable", "1,1,1", "bot-1"],
      ["jobs bot-# GET /v1/files/*.csv", "stable", "3,3,3", "bot-1"],
      ["jobs bot-# POST /v1/jobs/:n/complete", "stable", "3,3,3", "bot-1"],
      ["jobs bot-# GET /v1/jobs/next", "stable", "3,3,3", "bot-1"],
      ["jobs bot-# PUT /v1/tenants/:x/usage", "stable", "3,3,3", "bot-1"],
    ]);
  });

  it("are wavering where counts differ, and rare where a run has none", () => {
    const poll = (n: number): SeenExchange[] => Array.from({ length: n }, (_, id) => call(id, "GET /next"));
    const { list } = findSites([
      record([...poll(2), call(9, "POST /once")]),
      record([...poll(4), call(9, "POST /once")]),
      record([...poll(3), call(9, "POST /once"), call(10, "POST /odd")]),
    ]);
    expect(list.map(({ id, steadiness, counts }) => [id, steadiness, counts])).toStrictEqual([
      ["jobs bot-# GET /next", "wavering", [2, 4, 3]],
      ["jobs bot-# POST /odd", "rare", [0, 0, 1]],
      ["jobs bot-# POST /once", "stable", [1, 1, 1]],
    ]);
  });

  it("are aimed at the first bot of the steadiest, and at all of a class whose names are new each time", () => {
    const of = (bot: string, n: number): SeenExchange[] =>
      Array.from({ length: n }, (_, id) => call(id, "GET /next", { bot }));
    const steady = findSites([
      record([...of("bot-10", 2), ...of("bot-9", 1)]),
      record([...of("bot-10", 2), ...of("bot-9", 3)]),
    ]);
    expect(steady.list.map(({ bot, bots, counts }) => [bot, bots, counts])).toStrictEqual([
      ["bot-10", ["bot-9", "bot-10"], [2, 2]],
    ]);
    const fresh = findSites([record(of("run-3f2a9c", 2)), record(of("run-77ab01", 2))]);
    expect(fresh.list.map(({ bot, botClass, counts }) => [bot, botClass, counts])).toStrictEqual([
      ["run-*", "run-#", [2, 2]],
    ]);
  });

  it("tell what was seen there", () => {
    const traits = (...calls: readonly SeenExchange[]): HttpTraits | undefined =>
      http(findSites(times(3, ...calls)).list)[0]?.traits;
    const plain: HttpTraits = {
      safe: false,
      authorized: false,
      keepAlive: false,
      reusedAt: null,
      body: 20,
      leastBody: 20,
      leastSent: 15,
      json: true,
      answers: 1,
      keyed: false,
      slowest: 5,
    };
    expect(traits(call(1, "POST /a"))).toStrictEqual(plain);
    expect(traits(call(1, "POST /a", { reused: true, over: 91 }))).toStrictEqual({
      ...plain,
      keepAlive: true,
      reusedAt: 1,
      slowest: 90,
    });
    expect(traits(call(1, "POST /a", { request: { key: "k", authorized: true } }))).toStrictEqual({
      ...plain,
      keyed: true,
      authorized: true,
    });
    expect(
      traits(call(1, "GET /a", { response: { type: "application/problem+json", bytes: 0 } })),
    ).toStrictEqual({
      ...plain,
      safe: true,
      body: 0,
      leastBody: 0,
      leastSent: 0,
    });
    expect(
      traits(call(1, "GET /a"), call(2, "GET /a", { response: { hash: "other", type: "text/html" } })),
    ).toStrictEqual({
      ...plain,
      leastSent: 0,
      safe: true,
      answers: 2,
    });
  });

  it("know the smallest body that can be cut, too", () => {
    const sizes = [0, 900, 30, 400].map((bytes, id) => call(id, "GET /a", { response: { bytes } }));
    expect(http(findSites(times(1, ...sizes)).list)[0]?.traits).toMatchObject({ body: 900, leastBody: 30 });
  });

  it("are told apart by operations where one route has several, and know their ordinals on it", () => {
    const ask = (id: number, operation: string | null): SeenExchange =>
      call(id, "POST /graphql", { request: { operation } });
    const { list } = findSites(
      times(
        2,
        ask(1, "Jobs"),
        ask(2, "Take"),
        ask(3, "Jobs"),
        call(4, "POST /one", { request: { operation: "Only" } }),
      ),
    );
    expect(
      http(list).map(({ id, operation, within, counts }) => [id, operation, within, counts]),
    ).toStrictEqual([
      ["jobs bot-# POST /graphql Jobs", "Jobs", [1, 3], [2, 2]],
      ["jobs bot-# POST /graphql Take", "Take", [2], [1, 1]],
      ["jobs bot-# POST /one", null, null, [1, 1]],
    ]);
  });

  it("leave out of a template what another is about", () => {
    const known = { given: ["/v1/jobs/:job"], described: [] };
    const words = [call(1, "GET /v1/jobs/next"), call(2, "GET /v1/jobs/17"), call(3, "GET /v1/tags/acme")];
    expect(
      http(findSites(times(1, ...words), known).list).map(({ template, except }) => [template, except]),
    ).toStrictEqual([
      ["/v1/jobs/:job", []],
      ["/v1/tags/acme", []],
    ]);
    expect(
      http(findSites(times(1, ...words)).list).map(({ template, except }) => [template, except]),
    ).toStrictEqual([
      ["/v1/jobs/:n", ["/v1/jobs/next"]],
      ["/v1/jobs/next", []],
      ["/v1/tags/acme", []],
    ]);
  });

  it("take the user's patterns before a description's, and those before what is inferred", () => {
    const { list, unusedRoutes } = findSites(
      times(1, call(1, "GET /v1/jobs/17/log"), call(2, "GET /v1/jobs/17"), call(3, "GET /b/4")),
      {
        given: ["/v1/jobs/:job/**", "/v0/**"],
        described: ["/v1/jobs/:id", "/v1/jobs/:id/log"],
      },
    );
    expect(http(list).map(({ template }) => template)).toStrictEqual([
      "/b/:n",
      "/v1/jobs/:id",
      "/v1/jobs/:job/**",
    ]);
    expect(unusedRoutes).toStrictEqual(["/v0/**"]);
  });

  it("take the patterns of profiles behind the user's own, and say nothing of those that are about other calls", () => {
    const { list, unusedRoutes } = findSites(
      times(1, call(1, "GET /a/first"), call(2, "GET /a/second/log"), call(3, "GET /a/third")),
      { given: ["/a/third"], profiles: ["/a/:name", "/a/:name/log", "/other/:id"], described: [] },
    );
    expect(http(list).map(({ template }) => template)).toStrictEqual([
      "/a/:name",
      "/a/:name/log",
      "/a/third",
    ]);
    expect(unusedRoutes).toStrictEqual([]);
  });

  it("know routes of profiles: patterns of one route, wherever a fault is aimed", () => {
    const profile = (value: unknown): { tree: LocatedMap } => {
      const tree = locate(value);
      if (tree.kind !== "map") throw new Error("no mapping");
      return { tree };
    };
    expect(
      routesOfProfiles([
        profile({
          profile: "own",
          faults: [
            {
              type: "http_status",
              match: { path: ["/v1/jobs/:id", "/v1/jobs/**"] },
              except: { path: "/v1/jobs/next" },
            },
            { type: "http_status", match: [{ path: "/static/app.*.js" }, { path: "/v1/jobs/17" }] },
            { type: "http_status", path: "/no/match", match: { path: "/v1/${what}/:id" } },
          ],
        }),
        profile({ profile: "phased", phases: [{ faults: [{ match: { path: "/v1/bots/*" } }] }] }),
      ]),
    ).toStrictEqual(["/v1/jobs/:id", "/v1/jobs/next", "/static/app.*.js", "/v1/bots/*"]);
  });

  it("take names that each run draws anew for values, however few they are", () => {
    const runOf = (...names: readonly string[]): RunRecord =>
      record(
        names.flatMap((name, id) => [
          call(id, `POST /v1/things/${name}/open`),
          call(id, "GET /v1/things/state"),
        ]),
      );
    const ids = (...runs: readonly RunRecord[]): string[] =>
      findSites(runs).list.map(({ id }) => id.replace("jobs bot-# ", ""));
    const drawn = ids(runOf("amber-fox", "grey-owl"), runOf("red-elk", "blue-jay"));
    expect(drawn).toStrictEqual(["POST /v1/things/:x/open", "GET /v1/things/state"]);
    // One run more has one name more: that may be a call that is rare.
    expect(ids(runOf("amber-fox"), runOf("amber-fox", "grey-owl"))).toContain(
      "POST /v1/things/amber-fox/open",
    );
    expect(ids(runOf("amber-fox", "grey-owl"))).toContain("POST /v1/things/grey-owl/open");
  });

  it("count what faults count: by bot and route, in the order in which requests came", () => {
    const first = call(30, "POST /v1/jobs/1/complete", { id: 1 });
    const other = call(10, "POST /v1/jobs/2/complete", { id: 2, bot: "bot-2" });
    const next = call(20, "GET /v1/jobs/next", { id: 3 });
    const second = call(5, "POST /v1/jobs/3/complete", { id: 4 });
    const seen = record([second, next, other, first]);
    const { calls } = findSites([seen]);
    const ordinals = calls.ordinals(seen);
    expect([first, other, next, second].map((one) => ordinals.get(one))).toStrictEqual([1, 1, 1, 2]);
  });

  it("are connections, flows and names as well", () => {
    const seen = { proxy: "queue", bot: "127.0.0.1", at: 0, over: 10, faults: [] };
    const query = { ...seen, proxy: "names", type: "A", transport: "udp", rcode: "NOERROR" };
    const run: RunRecord = {
      ...NONE,
      connections: [1, 2].map((connection) => ({
        ...seen,
        connection,
        bytes: { up: 10 * connection, down: 70 / connection },
        end: "client_closed",
        failure: null,
      })),
      flows: [{ ...seen, proxy: "stats", flow: 1, datagrams: { up: 4, down: 0 } }],
      queries: [
        { ...query, name: "jobs.example" },
        { ...query, name: "7f3a9c1b.jobs.example", type: "AAAA" },
        { ...query, name: "0d4e88aa.jobs.example", type: "AAAA", transport: "tcp" },
      ],
    };
    const { list } = findSites([run, run]);
    expect(list).toStrictEqual([
      {
        ...aim("dns names address A jobs.example", "names", [1, 1]),
        protocol: "dns",
        name: "jobs.example",
        type: "A",
        transport: "udp",
      },
      {
        ...aim("dns names address AAAA *.jobs.example", "names", [1, 1]),
        protocol: "dns",
        name: "*.jobs.example",
        type: "AAAA",
        transport: "udp",
      },
      {
        ...aim("dns names address AAAA *.jobs.example over tcp", "names", [1, 1]),
        protocol: "dns",
        name: "*.jobs.example",
        type: "AAAA",
        transport: "tcp",
      },
      { ...aim("tcp queue address", "queue", [2, 2]), protocol: "tcp", bytes: { up: 10, down: 35 } },
      { ...aim("udp stats address", "stats", [4, 4]), protocol: "udp", datagrams: { up: 4, down: 0 } },
    ]);
  });
});

describe("sites of TLS", () => {
  const hello = (connection: number, changes: Partial<SeenHandshake> = {}): SeenHandshake => ({
    proxy: "jobs",
    bot: "127.0.0.1",
    connection,
    at: connection,
    over: connection + 1,
    sni: "jobs.example",
    version: "TLSv1.3",
    problem: null,
    took: "accepted",
    faults: [],
    ...changes,
  });

  it("are handshakes by proxy and name, and calls that came over them say so", () => {
    const own = call(5, "GET /a", { connection: 1 });
    const plain = call(6, "GET /b", { connection: 9 });
    const handshakes = [
      hello(1, { bot: "bot-1" }),
      hello(2, { sni: null }),
      hello(3),
      hello(4, { proxy: "through", version: null, took: "undecided" }),
    ];
    const run: RunRecord = { ...NONE, exchanges: [own, plain], handshakes };
    const { list } = findSites([run, { ...run, handshakes: handshakes.slice(0, 2) }]);
    const told = list.flatMap((site) =>
      site.protocol === "tls" ? [[site.id, site.counts, site.steadiness, site.others, site.ended]] : [],
    );
    expect(told).toStrictEqual([
      ["tls jobs", [1, 1], "stable", ["jobs.example"], true],
      ["tls jobs jobs.example", [2, 1], "wavering", [], true],
      ["tls through jobs.example", [1, 0], "rare", [], false],
    ]);
    expect(list.filter(({ secure }) => secure === true).map(({ id }) => id)).toStrictEqual([
      "jobs bot-# GET /a",
    ]);
    expect([...siteNames(list).values()].filter((name) => name.includes("tls"))).toStrictEqual([
      "jobs tls",
      "jobs tls jobs.example",
      "through tls jobs.example",
    ]);
  });
});

const aim = (id: string, proxy: string, counts: readonly number[]): Omit<Site, "protocol"> => ({
  id,
  proxy,
  botClass: "address",
  bot: "127.0.0.1",
  bots: ["127.0.0.1"],
  steadiness: "stable",
  counts,
});

describe("names of sites", () => {
  it("are as short as they can be, and no two alike", () => {
    const { list } = findSites(
      times(
        1,
        ...[
          "POST /v1/jobs/1/complete",
          "GET /v1/jobs/1",
          "PUT /v1/jobs/1",
          "GET /v1/jobs",
          "GET /v1/files/1/log",
          "GET /v1/jobs/1/log",
          "GET /",
        ].map((what, id) => call(id, what)),
        call(9, "POST /v1/jobs/2/complete", { bot: "admin" }),
      ),
    );
    expect(Object.fromEntries(siteNames(list))).toStrictEqual({
      "jobs admin POST /v1/jobs/:n/complete": "jobs admin POST /v1/jobs/:n/complete",
      "jobs bot-# GET /": "/",
      "jobs bot-# GET /v1/files/:n/log": "get files/:n/log",
      "jobs bot-# GET /v1/jobs": "jobs",
      "jobs bot-# GET /v1/jobs/:n": "get jobs/:n",
      "jobs bot-# GET /v1/jobs/:n/log": "get jobs/:n/log",
      "jobs bot-# POST /v1/jobs/:n/complete": "jobs bot-# POST /v1/jobs/:n/complete",
      "jobs bot-# PUT /v1/jobs/:n": "put jobs/:n",
    });
  });
});
