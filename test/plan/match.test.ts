/** `match`: addresses and blocks of clients, and all that is known of an exchange. */
import { describe, expect, it } from "vitest";
import type { MatchEntry } from "../../src/config/match.js";
import type { ExchangeKeys, SubjectInfo } from "../../src/pipeline/subject-info.js";
import { asksStatus, compileMatch, compileRoute, parseBlock } from "../../src/plan/match.js";
import { exchangeSubject } from "../support/exchange-subject.js";

const matches = (patterns: readonly string[], client: string): boolean =>
  compileMatch([{ client: patterns }])({ bot: client, connection: 1, client });

describe("a client", () => {
  it.each([
    ["10.1.2.3", "10.1.2.3", true],
    ["10.1.2.3", "10.1.2.4", false],
    ["10.1.0.0/16", "10.1.255.255", true],
    ["10.1.0.0/16", "10.2.0.0", false],
    ["10.1.2.3/32", "10.1.2.3", true],
    ["10.1.2.128/25", "10.1.2.127", false],
    ["10.1.2.128/25", "10.1.2.128", true],
    ["0.0.0.0/0", "203.0.113.9", true],
    ["0.0.0.0/0", "2001:db8::1", false],
    ["2001:db8::/32", "2001:db8:ffff::1", true],
    ["2001:db8::/32", "2001:db9::1", false],
    ["2001:db8::1", "2001:0db8:0:0:0:0:0:1", true],
    ["::1", "::1", true],
    ["::/0", "2001:db8::1", true],
    ["::/0", "10.1.2.3", false],
  ] as const)("of %s: is %s one? %s", (pattern, client, expected) => {
    expect(matches([pattern], client)).toBe(expected);
  });

  it("that comes to a dual-stack listener over IPv4 is the IPv4 address that people write", () => {
    expect(matches(["10.1.0.0/16"], "::ffff:10.1.2.3")).toBe(true);
    expect(matches(["::ffff:10.1.2.3"], "10.1.2.3")).toBe(true);
  });

  it("written as a mapped block is the IPv4 block", () => {
    expect(matches(["::ffff:10.1.0.0/112"], "10.1.2.3")).toBe(true);
    expect(matches(["::ffff:10.1.0.0/112"], "::ffff:10.1.2.3")).toBe(true);
    expect(matches(["::ffff:10.1.0.0/112"], "10.2.2.3")).toBe(false);
  });

  it("with a zone is the address without it", () => {
    expect(matches(["fe80::/10"], "fe80::1%eth0")).toBe(true);
  });

  it("is any of a list, in any of several entries", () => {
    expect(matches(["10.0.0.1", "192.168.0.0/16"], "192.168.3.4")).toBe(true);
    const either = compileMatch([{ client: ["10.0.0.1"] }, { client: ["10.0.0.2"] }]);
    const told = ["10.0.0.1", "10.0.0.2", "10.0.0.3"].map((client) =>
      either({ bot: "x", connection: 1, client }),
    );
    expect(told).toEqual([true, true, false]);
  });

  it("that nobody knows the address of matches no address", () => {
    expect(matches(["0.0.0.0/0", "::/0"], "")).toBe(false);
  });
});

describe("a pattern", () => {
  it.each([
    "",
    "jobs",
    "10.0.0",
    "010.0.0.1",
    "167772161",
    "10.0.0.0/8/8",
    "10.0.0.0/1e1",
    "10.0.0.1/33",
    "10.0.0.1/",
    "2001:db8::/129",
    "10.0.0.256",
    "1.2.3.4/-1",
  ])("such as %j is none", (pattern) => {
    expect(parseBlock(pattern)).toBeNull();
  });
});

const USUAL = {
  method: "POST",
  path: "/v1/jobs/7/complete",
  host: "api.example.com",
  upstream: "a",
  status: 503,
  headers: { "x-tenant": ["acme", "umbrella"], "x-empty": [""] },
  queries: { wait: ["5"], tag: ["a", "b"] },
  bot: "b-7",
  client: "10.0.0.1",
};
const holds = (entries: MatchEntry | readonly MatchEntry[], of: Partial<typeof USUAL> = {}): boolean =>
  compileMatch(Array.isArray(entries) ? (entries as MatchEntry[]) : [entries as MatchEntry])(
    exchangeSubject({ ...USUAL, ...of }),
  );

describe("an exchange", () => {
  it.each<[MatchEntry, boolean]>([
    [{ method: ["POST"] }, true],
    [{ method: ["GET", "POST"] }, true],
    [{ method: ["GET", "PUT"] }, false],
    [{ path: ["/v1/jobs/:id/complete"] }, true],
    [{ path: ["/healthz", "/v1/**"] }, true],
    [{ path: ["/v1/jobs/:id"] }, false],
    [{ host: ["api.example.com"] }, true],
    [{ host: ["*.example.com"] }, true],
    [{ host: ["example.com"] }, false],
    [{ host: ["*.api.example.com"] }, false],
    [{ header: { "x-tenant": ["acme"] } }, true],
    [{ header: { "x-tenant": ["umb*"] } }, true],
    [{ header: { "x-tenant": ["Acme"] } }, false],
    [{ header: { "x-tenant": ["*"] } }, true],
    [{ header: { "x-empty": ["*"] } }, true],
    [{ header: { "x-none": ["*"] } }, false],
    [{ header: { "x-tenant": ["*"], "x-none": ["*"] } }, false],
    [{ query: { wait: ["1", "5"] } }, true],
    [{ query: { tag: ["b"] } }, true],
    [{ query: { tag: ["c"] } }, false],
    [{ query: { none: ["*"] } }, false],
    [{ bot: ["b-*"] }, true],
    [{ bot: ["c-*", "b-7"] }, true],
    [{ bot: ["b"] }, false],
    [{ client: ["10.0.0.0/8"] }, true],
    [{ client: ["192.168.0.0/16"] }, false],
    [{ upstream: ["a"] }, true],
    [{ upstream: ["b*"] }, false],
    [{ status: ["503"] }, true],
    [{ status: ["5xx"] }, true],
    [{ status: ["404", "500-599"] }, true],
    [{ status: ["500-502"] }, false],
    [{ status: ["4xx"] }, false],
  ])("is one of %j? %s", (entry, expected) => {
    expect(holds(entry)).toBe(expected);
  });

  it("must have all keys of an entry, whichever of them it is that fails", () => {
    const all: MatchEntry = {
      method: ["POST"],
      path: ["/v1/**"],
      host: ["*.example.com"],
      header: { "x-tenant": ["acme"] },
      query: { wait: ["5"] },
      bot: ["b-7"],
      client: ["10.0.0.1"],
      upstream: ["a"],
      status: ["5xx"],
    };
    expect(holds(all)).toBe(true);
    for (const other of [
      { method: "GET" },
      { path: "/" },
      { host: "" },
      { headers: USUAL.queries },
      { queries: USUAL.headers },
      { bot: "c" },
      { client: "10.0.0.2" },
      { upstream: "b" },
      { status: 200 },
    ])
      expect(holds(all, other as unknown as Partial<typeof USUAL>), JSON.stringify(other)).toBe(false);
  });

  it("needs only one of several entries", () => {
    expect(holds([{ method: ["GET"] }, { bot: ["b-7"] }])).toBe(true);
    expect(holds([{ method: ["GET"] }, { bot: ["b-8"] }])).toBe(false);
  });

  it("that the upstream has not answered has no status", () => {
    const unanswered = exchangeSubject({ ...USUAL, status: null });
    expect(compileMatch([{ status: ["100-999"] }])(unanswered)).toBe(false);
    expect(compileMatch([{ method: ["POST"] }])(unanswered)).toBe(true);
  });
});

describe("a connection", () => {
  const connection: SubjectInfo = { bot: "b-7", connection: 1, client: "10.0.0.1" };

  it.each<MatchEntry>([
    { method: ["POST"] },
    { path: ["**"] },
    { host: [""] },
    { header: {}, bot: ["*"] },
    { bot: ["b-7"] },
    { upstream: ["*"] },
    { status: ["100-999"] },
    { client: ["10.0.0.1"], path: ["**"] },
  ])("has no key of an exchange: %j", (entry) => {
    expect(compileMatch([entry])(connection)).toBe(false);
  });
});

describe("what is asked", () => {
  it("is the cheapest first: a method that differs spares all the rest", () => {
    const asked: string[] = [];
    const exchange = new Proxy(exchangeSubject(USUAL).exchange as ExchangeKeys, {
      get: (keys, key) => {
        asked.push(String(key));
        return Reflect.get(keys, key) as unknown;
      },
    });
    const subject = { ...exchangeSubject(USUAL), exchange };
    const entry = { header: { a: ["*"] }, path: ["/x"], client: ["10.0.0.1"], query: { b: ["*"] } };
    expect(compileMatch([{ ...entry, method: ["GET"] }])(subject)).toBe(false);
    expect(asked).toEqual(["method"]);
    asked.length = 0;
    expect(compileMatch([{ ...entry, method: ["POST"] }])(subject)).toBe(false);
    expect(asked).toEqual(["method", "path"]);
  });

  it("needs the status only if some entry says so", () => {
    expect(asksStatus([])).toBe(false);
    expect(asksStatus([{ path: ["/"] }])).toBe(false);
    expect(asksStatus([{ path: ["/"] }, { status: ["5xx"] }])).toBe(true);
  });
});

describe("a route", () => {
  it("is the method and the first pattern that knows the path, or else the path", () => {
    const route = compileRoute([
      { method: ["GET"] },
      { path: ["/v1/jobs/:id", "/v1/jobs/:id/*"] },
      { path: ["/v1/**"] },
    ]);
    const of = (path: string, method = "POST"): string => route(exchangeSubject({ ...USUAL, path, method }));
    expect(of("/v1/jobs/7")).toBe("POST /v1/jobs/:id");
    expect(of("/v1/jobs/7/complete", "GET")).toBe("GET /v1/jobs/:id/*");
    expect(of("/v1/bots")).toBe("POST /v1/**");
    expect(of("/healthz")).toBe("POST /healthz");
  });

  it("of a connection is none", () => {
    expect(compileRoute([{ path: ["**"] }])({ bot: "x", connection: 1, client: "" })).toBe("");
  });
});
