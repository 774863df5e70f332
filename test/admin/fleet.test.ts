/** The calls about a fleet, each of them at an engine that is there, away, closed to this daemon, or contended for. */
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { until } from "../support/lab.js";
import { AdminLab, type AdminAnswer } from "./admin-lab.js";
import { FleetStandIn, memberPresence, type EngineState } from "./fleet-stand-in.js";

const FORM = "application/x-www-form-urlencoded";
let here: AdminLab;
let fleet: FleetStandIn;

beforeEach(async () => {
  fleet = new FleetStandIn();
  here = await AdminLab.open({ fleet });
});

afterEach(async () => {
  await here.close();
});

const BODY = '{"profile":"slow","ttl":"30m"}';

/** Each call that needs the engine. */
const CALLS: readonly (readonly [string, string, string | undefined])[] = [
  ["PUT", "/fleet/active", BODY],
  ["POST", "/fleet/active", BODY],
  ["DELETE", "/fleet/active", undefined],
  ["DELETE", "/fleet/active/slow", undefined],
  ["GET", "/fleet/daemons/node-2/status", undefined],
];

const ask = ([method, path, body]: (typeof CALLS)[number]): Promise<AdminAnswer> =>
  here.call(method, path, {
    ...(body === undefined ? {} : { body }),
    ...(path.includes("/daemons/") ? { unchecked: true } : {}),
  });

const REFUSALS: readonly (readonly [Exclude<EngineState, "up">, number, string])[] = [
  ["away", 503, "SQ_FLEET_AWAY"],
  ["forbidden", 403, "SQ_FLEET_FORBIDDEN"],
  ["conflict", 409, "SQ_FLEET_CONFLICT"],
  ["failed", 502, "SQ_FLEET_FAILED"],
];

describe("an engine that does not do it", () => {
  it.each(REFUSALS.flatMap(([state, status, code]) => CALLS.map((call) => ({ state, status, code, call }))))(
    "is told as $code: $state, $call.0 $call.1",
    async ({ state, status, code, call }) => {
      // No reading of the members ends in a conflict.
      if (state === "conflict" && call[1].includes("/daemons/")) return;
      fleet.state = state;
      const answer = await ask(call);
      expect(answer.status).toBe(status);
      expect(answer.json.code).toBe(code);
      expect(answer.json.error).toContain(`the engine is ${state}`);
    },
  );

  it("leaves GET /fleet an answer: how this daemon stands, and why there is no more", async () => {
    for (const [state] of REFUSALS) {
      fleet.state = state;
      const { status, json } = await here.get("/fleet");
      expect([status, json.members, json.me.daemon]).toEqual([200, null, "node-1"]);
      expect(json.connected).toBe(state !== "away");
      expect(json.problem).toBe(state === "away" ? "connect ECONNREFUSED" : `the engine is ${state}`);
    }
  });
});

describe("a journal that the engine does not take", () => {
  const TEXT = "the journal of node-1 is not sent to the fleet, and 3 entries wait: account out of storage";

  it("is told by GET /fleet and /status, with how much waits, while the engine is there", async () => {
    const told = async (): Promise<readonly unknown[]> => [
      (await here.get("/fleet")).json.warnings,
      (await here.get("/status")).json.fleet.warnings,
    ];
    expect(await told()).toEqual([[], []]);
    fleet.unsent = "account out of storage";
    expect(await told()).toEqual([[TEXT], [TEXT]]);
    // That it is away is what there is to say then.
    fleet.state = "away";
    expect(await told()).toEqual([[], []]);
  });
});

describe("a daemon without a fleet", () => {
  it("says so to each call, and to /status", async () => {
    await here.close();
    here = await AdminLab.open();
    for (const call of [...CALLS, ["GET", "/fleet", undefined] as const]) {
      const { status, json } = await ask(call);
      expect([status, json.code], call[1]).toEqual([404, "SQ_NO_FLEET"]);
    }
    expect((await here.get("/status")).json.fleet).toBeNull();
    expect((await here.get("/readyz")).json).toEqual({ ready: true });
  });
});

describe("a daemon that only follows", () => {
  it("shows the fleet, passes calls on, and switches nothing", async () => {
    fleet.control = false;
    for (const call of CALLS.slice(0, 4)) {
      const { status, json } = await ask(call);
      expect([status, json.code], call[1]).toEqual([403, "SQ_FLEET_FORBIDDEN"]);
      expect(json.hint).toContain("control: true");
    }
    expect((await here.get("/fleet")).json.control).toBe(false);
    expect(fleet.asked).toBeNull();
    expect(fleet.healed).toBeNull();
  });
});

describe("PUT /fleet/active", () => {
  const put = (body: string, type = "application/json"): Promise<AdminAnswer> =>
    here.call("PUT", "/fleet/active", { body, type });

  it("asks for what the body says, with a default for what it does not say", async () => {
    const { status, json } = await put(BODY);
    expect(status).toBe(200);
    expect(fleet.asked).toEqual({
      activations: [
        { profile: "slow", params: {}, ttl: 1_800_000, targets: { daemons: [], labels: {}, percent: 100 } },
      ],
      how: "replace",
      startsIn: 0,
      require: "all",
      wait: 8_000,
      orHeal: false,
      by: "somebody at node-1",
      why: null,
    });
    expect(json).toMatchObject({ serial: 13, met: false, healed: false });
    expect(json.daemons).toHaveLength(3);
  });

  it("takes form data, as curl -d sends it", async () => {
    await put(
      "profile=slow&ttl=30s&seed=8&params.by=10ms&proxies=jobs&mode=observe&daemons=node-*,b&labels.zone=eu-1&labels.n=7&percent=20&starts_in=2s&require=quorum&wait=1s&or_heal=true&by=ci&why=nightly",
      FORM,
    );
    expect(fleet.asked).toEqual({
      activations: [
        {
          profile: "slow",
          params: { by: "10ms" },
          ttl: 30_000,
          seed: 8,
          proxies: ["jobs"],
          mode: "observe",
          targets: { daemons: ["node-*", "b"], labels: { zone: "eu-1", n: "7" }, percent: 20 },
        },
      ],
      how: "replace",
      startsIn: 2_000,
      require: "quorum",
      wait: 1_000,
      orHeal: true,
      by: "ci",
      why: "nightly",
    });
  });

  it("takes several profiles, each with its own time and targets", async () => {
    const { status } = await here.call("POST", "/fleet/active", {
      body: "why: both\nactivations:\n  - { profile: slow, ttl: 1m, daemons: a }\n  - { profile: restart, ttl: 2m, labels: { zone: eu-1 } }\n",
      type: "text/yaml",
    });
    expect(status).toBe(200);
    expect(fleet.asked?.how).toBe("add");
    expect(fleet.asked?.why).toBe("both");
    expect(
      fleet.asked?.activations.map(({ profile, ttl, targets }) => [profile, ttl, targets.daemons]),
    ).toEqual([
      ["slow", 60_000, ["a"]],
      ["restart", 120_000, []],
    ]);
  });

  it.each([
    ['{"profile":"slow"}', "ttl: is required"],
    ['{"ttl":"1m"}', "profile: is required"],
    ['{"profile":"slow","ttl":30}', "ttl: expected a duration"],
    ['{"profile":"slow","ttl":"0s"}', "ttl: must be more than 0ms, got 0s"],
    ['{"profile":"slow","ttl":"1m","percent":120}', "percent: expected a number from 0 to 100, got 120"],
    [
      '{"profile":"slow","ttl":"1m","require":"most"}',
      'require: expected all, quorum, any or none, got "most"',
    ],
    ['{"profile":"slow","ttl":"1m","wait":"10m"}', "wait: must be at most 5m, got 10m"],
    ['{"profile":"slow","ttl":"1m","deamons":"a"}', 'deamons: unknown key (did you mean "daemons"?)'],
    ['{"profile":"slow","ttl":"1m","daemons":[]}', "daemons: expected at least one, got none"],
    ['{"profile":"slow","ttl":"1m","labels":"a"}', 'labels: expected a mapping, got "a"'],
    [
      '{"faults":[{"type":"down"}],"ttl":"1m"}',
      "faults: a fleet takes profiles, and these faults are in none",
    ],
    ['{"activations":[{"profile":"slow"}]}', "activations[0].ttl: is required"],
    ['{"activations":[{"profile":"slow","ttl":"1m","wait":"1s"}]}', "activations[0].wait: unknown key"],
    ["[]", "expected a mapping, got a list"],
  ])("refuses %s", async (body, message) => {
    const { status, json } = await put(body);
    expect([status, json.code]).toEqual([422, "SQ_INVALID_ACTIVATION"]);
    expect(
      JSON.stringify(
        json.details.map(
          ({ path, message: said, hint }: Record<string, string>) => `${path}: ${said} (${hint})`,
        ),
      ),
    ).toContain(JSON.stringify(message).slice(1, -1).replace(/\)$/u, ""));
    expect(fleet.asked).toBeNull();
  });
});

describe("DELETE /fleet/active", () => {
  it("heals all, or one, for whom and why", async () => {
    await here.call("DELETE", "/fleet/active");
    expect(fleet.healed).toEqual({ by: "somebody at node-1", why: null, wait: 8_000 });
    await here.call("DELETE", "/fleet/active/slow?by=ci&why=over&wait=1s");
    expect(fleet.healed).toEqual({ by: "ci", why: "over", wait: 1_000, id: "slow" });
    const { status, json } = await here.call("DELETE", "/fleet/active?wait=1h");
    expect([status, json.code]).toEqual([400, "SQ_BAD_PARAM"]);
  });
});

describe("GET /fleet", () => {
  it("shows this daemon, the plan and the others by name", async () => {
    await here.call("PUT", "/fleet/active", { body: BODY });
    const { json } = await here.get("/fleet");
    expect(json).toMatchObject({
      name: "staging",
      daemon: "node-1",
      control: true,
      connected: true,
      problem: null,
      joined: true,
      me: { daemon: "node-1", age_seconds: 0 },
      plan: { serial: 12, age_seconds: 1.5, by: "ci@build-7", why: "nightly", activations: [{ id: "slow" }] },
      time: "2026-03-01T14:03:07.120Z",
    });
    expect(
      json.members.map(({ daemon, age_seconds }: { daemon: string; age_seconds: number }) => [
        daemon,
        age_seconds,
      ]),
    ).toEqual([
      ["node-1", 0.1],
      ["node-2", 0.9],
      ["node-3", 4.2],
    ]);
  });
});

describe("/readyz and /status", () => {
  it("are ready when the daemon has joined, and say how it stands", async () => {
    fleet.joined = false;
    const before = await here.get("/readyz");
    expect([before.status, before.json.error]).toEqual([503, "joining the fleet staging"]);
    fleet.joined = true;
    expect((await here.get("/readyz")).json).toEqual({
      ready: true,
      fleet: "in the fleet staging: plan 12, applied",
    });
    fleet.problem = "permission denied";
    expect((await here.get("/readyz")).json.fleet).toBe(
      "in the fleet staging, but nats://nats-1:4222 refuses: permission denied",
    );
    fleet.state = "away";
    expect((await here.get("/readyz")).json.fleet).toBe(
      "alone: the engine of the fleet staging, nats://nats-1:4222, does not answer (connect ECONNREFUSED)",
    );
    expect((await here.get("/status")).json.fleet).toMatchObject({
      name: "staging",
      connected: false,
      joined: true,
      problem: "connect ECONNREFUSED",
      serial: 12,
      plan_age_seconds: 1.5,
    });
  });
});

describe("/fleet/daemons/NAME/…", () => {
  let other: AdminLab | null = null;
  let server: Server | null = null;

  afterEach(async () => {
    await other?.close();
    server?.closeAllConnections();
    server?.close();
    other = null;
    server = null;
  });

  /** A stranger at the place of node-2, and what it was asked. */
  async function stranger(
    answer: (
      headers: IncomingHttpHeaders,
      url: string,
      body: string,
    ) => { readonly head?: Record<string, string>; readonly text: string },
  ): Promise<void> {
    const made = createServer((request, response) => {
      let body = "";
      request.setEncoding("utf8").on("data", (part: string) => (body += part));
      request.on("end", () => {
        const { head = {}, text } = answer(request.headers, `${request.method} ${request.url}`, body);
        response.writeHead(207, head).end(text);
      });
    });
    server = made;
    await new Promise<void>((resolve) => made.listen(0, "127.0.0.1", resolve));
    const { port } = made.address() as AddressInfo;
    fleet.others = [{ presence: memberPresence("node-2", { admin: `http://127.0.0.1:${port}` }), age: 1 }];
  }

  const call = (
    method: string,
    path: string,
    ask: Parameters<AdminLab["call"]>[2] = {},
  ): Promise<AdminAnswer> => here.call(method, path, { ...ask, unchecked: true });

  it("passes calls of any method on to the daemon, and its answers back", async () => {
    other = await AdminLab.open();
    fleet.others = [{ presence: memberPresence("node-2", { admin: `http://${other.host}` }), age: 1 }];
    const put = await call("PUT", "/fleet/daemons/node-2/active", { body: '{"profile":"slow","seed":7}' });
    expect([put.status, put.json.activations[0].id]).toEqual([200, "slow"]);
    expect((await other.get("/active")).json).toEqual(put.json);
    expect((await here.get("/active")).json.activations).toEqual([]);
    const wrong = await call("PUT", "/fleet/daemons/node-2/active", { body: '{"profile":"slw"}' });
    expect([wrong.status, wrong.json.code]).toEqual([404, "SQ_PROFILE_NOT_FOUND"]);
    const form = await call("POST", "/fleet/daemons/node-2/active", { body: "profile=restart", type: FORM });
    expect(form.json.activations).toHaveLength(2);
    expect((await call("DELETE", "/fleet/daemons/node-2/active?own=true")).status).toBe(200);
    const head = await call("HEAD", "/fleet/daemons/node-2/status");
    expect([head.status, head.text]).toEqual([200, ""]);
    expect((await call("GET", "/fleet/daemons/node-2/no/such/path")).json.code).toBe("SQ_NOT_FOUND");
  });

  it("passes nothing on that is of one connection, or of a browser, and the token only where that is wished", async () => {
    const seen: IncomingHttpHeaders[] = [];
    await stranger((headers, url, body) => {
      seen.push(headers);
      return {
        text: `${url} ${body}`,
        head: { "keep-alive": "timeout=9", "x-theirs": "1", "connection": "close" },
      };
    });
    const headers = {
      "authorization": "Bearer secret",
      "te": "trailers",
      "keep-alive": "timeout=5",
      "proxy-authorization": "Basic x",
      "origin": `http://${here.host}`,
      "referer": `http://${here.host}/ui/`,
      "sec-fetch-site": "same-origin",
      "cookie": "a=b",
      "x-mine": "2",
    };
    const answer = await call("PUT", "/fleet/daemons/node-2/a%2Fb//c?d=%20e", { headers, body: "text" });
    expect([answer.status, answer.text]).toEqual([207, "PUT /a%2Fb//c?d=%20e text"]);
    expect(answer.headers["x-theirs"]).toBe("1");
    expect(answer.headers["keep-alive"]).not.toBe("timeout=9");
    const [first = {}] = seen;
    expect(first["x-mine"]).toBe("2");
    expect(first["x-squall-passed-by"]).toBe("node-1");
    expect(first.host).toMatch(/^127\.0\.0\.1:\d+$/u);
    for (const name of [
      "authorization",
      "te",
      "keep-alive",
      "proxy-authorization",
      "origin",
      "referer",
      "sec-fetch-site",
      "cookie",
    ])
      expect(first[name], name).toBeUndefined();
    fleet.passToken = true;
    await call("GET", "/fleet/daemons/node-2/status", { headers });
    expect(seen[1]?.authorization).toBe("Bearer secret");
  });

  it("passes no more on where the caller waits to be told to go on", async () => {
    let seen: IncomingHttpHeaders = {};
    await stranger((headers, _url, body) => {
      seen = headers;
      return { text: body };
    });
    const put = (length: number): Promise<string> => {
      const socket = here.socket();
      let text = "";
      socket.on("data", (part: Buffer) => (text += part.toString("latin1")));
      socket.write(
        `PUT /fleet/daemons/node-2/profiles/a HTTP/1.1\r\nhost: ${here.host}\r\nexpect: 100-continue\r\n` +
          `authorization: Bearer secret\r\ntransfer-encoding: chunked\r\n\r\n` +
          `${length.toString(16)}\r\n${"x".repeat(length)}\r\n0\r\n\r\n`,
      );
      return until(() => /HTTP\/1\.1 [2-5]\d\d /u.test(text)).then(() => text);
    };
    expect(await put(10)).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 207 /u);
    expect(seen).toMatchObject({ "x-squall-passed-by": "node-1" });
    expect([seen.authorization, seen["expect"]]).toEqual([undefined, undefined]);
    expect(await put(2 ** 20 + 1)).toMatch(/HTTP\/1\.1 413 /u);
  });

  it("passes a call on once", async () => {
    fleet.others = [{ presence: memberPresence("node-2", { admin: `http://${here.host}` }), age: 1 }];
    const once = await call("GET", "/fleet/daemons/node-2/fleet");
    expect([once.status, once.json.daemon]).toEqual([200, "node-1"]);
    const twice = await call("GET", "/fleet/daemons/node-2/fleet/daemons/node-2/status");
    expect([twice.status, twice.json.code, twice.json.path]).toEqual([
      400,
      "SQ_BAD_REQUEST",
      "x-squall-passed-by",
    ]);
  });

  it("refuses a body that is too large, with its length and without", async () => {
    let got = 0;
    await stranger((_headers, _url, body) => {
      got += body.length;
      return { text: "" };
    });
    const body = "x".repeat(2 ** 20 + 1);
    const told = await call("PUT", "/fleet/daemons/node-2/profiles/a", { body });
    expect([told.status, told.json.code]).toEqual([413, "SQ_TOO_LARGE"]);
    // Of a body without a length nobody knows how long it gets.
    const socket = here.socket();
    let text = "";
    socket.on("data", (part: Buffer) => (text += part.toString("latin1")));
    socket.write(
      `PUT /fleet/daemons/node-2/profiles/a HTTP/1.1\r\nhost: ${here.host}\r\ntransfer-encoding: chunked\r\n\r\n` +
        `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`,
    );
    await until(() => text.includes("SQ_"));
    expect(text).toMatch(/^HTTP\/1\.1 413 .*"code":"SQ_TOO_LARGE"/su);
    expect(got).toBe(0);
  });

  it.each([
    ["node-9", 404, "SQ_DAEMON_NOT_FOUND", 'the fleet has no daemon "node-9" now'],
    ["node-2", 404, "SQ_DAEMON_NOT_FOUND", "the daemon node-2 does not say where its admin API is"],
    ["odd", 404, "SQ_DAEMON_NOT_FOUND", "none can be"],
    ["gone", 502, "SQ_DAEMON_UNREACHABLE", "ECONNREFUSED"],
  ])("says why %s cannot be reached", async (name, status, code, message) => {
    fleet.others.push(
      { presence: memberPresence("odd", { admin: "http://169.254.169.254/latest?x=" }), age: 1 },
      { presence: memberPresence("gone", { admin: "http://127.0.0.1:1" }), age: 1 },
    );
    const answer = await call("GET", `/fleet/daemons/${name}/status`);
    expect([answer.status, answer.json.code]).toEqual([status, code]);
    expect(answer.json.error).toContain(message);
  });

  it("asks neither of two that go by one name, and says where each is", async () => {
    const admin = (port: number): string => `http://127.0.0.1:${port}`;
    fleet.others = [
      { presence: memberPresence("node-2", { admin: admin(1) }), age: 1 },
      { presence: memberPresence("node-2", { life: "life-2", admin: admin(2) }), age: 2 },
    ];
    const answer = await call("DELETE", "/fleet/daemons/node-2/active");
    expect([answer.status, answer.json.code]).toEqual([409, "SQ_DAEMON_AMBIGUOUS"]);
    expect(answer.json.hint).toContain(`${admin(1)}, ${admin(2)}`);
  });

  it("gives up where nobody takes the connection, after 5 s", async () => {
    // TEST-NET-1 (RFC 5737): nobody answers, or nobody can be asked.
    fleet.others = [{ presence: memberPresence("node-2", { admin: "http://192.0.2.1:8474" }), age: 1 }];
    let answered = false;
    const answer = call("GET", "/fleet/daemons/node-2/status").finally(() => {
      answered = true;
    });
    while (!answered) {
      await new Promise((resolve) => setImmediate(resolve));
      here.clock.advance(100);
    }
    const { status, json } = await answer;
    expect([status, json.code]).toEqual([502, "SQ_DAEMON_UNREACHABLE"]);
  });
});
