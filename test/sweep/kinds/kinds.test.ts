/** The table of kinds: where each applies, and that what it switches on is a fault that the daemon takes. */
import { describe, expect, it } from "vitest";
import { locate } from "../../../src/config/located.js";
import { compileFaults } from "../../../src/plan/compile.js";
import type { Site } from "../../../src/sweep/contract/site.js";
import { kindOf, KINDS, kindsAt } from "../../../src/sweep/kinds/kinds.js";
import type { Preset } from "../../../src/sweep/kinds/kind.js";
import { TYPES } from "../../support/lab.js";
import { dnsSite, httpSite, tcpSite, tlsSite, udpSite } from "../../support/made-up-sites.js";

const COMPLETE = httpSite("POST /v1/jobs/:n/complete", {
  counts: [3, 3, 3],
  except: ["/v1/jobs/0/complete"],
  traits: { authorized: true, keepAlive: true, reusedAt: 2 },
});
const NEXT = httpSite("GET /v1/jobs/next", { traits: { answers: 3 } });

const SITES: readonly Site[] = [
  COMPLETE,
  NEXT,
  httpSite("GET /static/app.*.js", { traits: { json: false } }),
  httpSite("POST /graphql", { operation: "Take", within: [2, 4] }),
  httpSite("POST /graphql", { operation: "Take", within: null }),
  httpSite("OPTIONS *", { template: "" }),
  httpSite("PUT /v1/artifacts/:x", { traits: { leastSent: 20_000 } }),
  httpSite("POST /v1/:x", { bot: "run-*", botClass: "run-#" }),
  tcpSite(),
  tcpSite({ bots: ["127.0.0.1", "127.0.0.2"], bytes: { up: 0, down: 1 } }),
  tlsSite(),
  tlsSite({ ended: false }),
  tlsSite({ sni: null, others: ["a.example", "b.example"] }),
  udpSite(),
  udpSite({ bots: ["127.0.0.1", "127.0.0.2"] }),
  dnsSite(),
  dnsSite({ name: "*.jobs.example", type: "SRV", transport: "tcp" }),
];

const names = (site: Site, preset: Preset): string =>
  kindsAt(site, preset)
    .map(({ name }) => name)
    .join(" ");

describe("kinds", () => {
  it.each<readonly [preset: Preset, site: Site, names: string]>([
    ["quick", COMPLETE, "lost request-lost 503 late"],
    [
      "default",
      httpSite("POST /v1/jobs/:n/complete", {
        traits: { authorized: true, keepAlive: true, reusedAt: 2, leastSent: 16_384 },
      }),
      "lost lost-silent request-lost 503 502 late 429 401 cut garbled empty twice race blocked upload-cut",
    ],
    ["default", NEXT, "lost lost-silent request-lost 503 late 429 cut garbled empty stale"],
    [
      "all",
      httpSite("POST /v1/bots", { traits: { body: 0, leastBody: 0, json: false } }),
      "lost lost-silent request-lost 503 502 late 429 twice blocked outage closed 500 malformed",
    ],
    [
      "default",
      tcpSite(),
      "reset refused silent lost closed lost-silent cut cut-closed cut-silent request-cut slow half-open",
    ],
    ["default", tcpSite({ bytes: { up: 1, down: 0 } }), "reset refused silent half-open"],
    ["quick", tlsSite(), "reset unknown-ca wrong-host"],
    ["default", tlsSite(), "reset closed silent alert slow unknown-ca wrong-host expired"],
    ["all", tlsSite({ ended: false }), "reset closed silent alert slow"],
    ["default", udpSite(), "lost answer-lost twice answer-twice swapped"],
    ["default", dnsSite(), "nxdomain servfail silent truncated wrong-address no-address ttl-0"],
    ["quick", dnsSite({ type: "TXT", transport: "tcp" }), "nxdomain servfail silent"],
  ])("of %s at %j", (preset, site, expected) => {
    expect(names(site, preset)).toBe(expected);
  });

  it("have names that are theirs, within a protocol, and sentences", () => {
    const own = KINDS.map(({ protocol, name }) => `${protocol} ${name}`);
    expect(new Set(own).size).toBe(own.length);
    for (const { name, what } of KINDS) {
      expect(name).toMatch(/^[a-z0-9]+(?:-[a-z0-9]+)*$/u);
      expect(what).toMatch(/^[A-Z].*\.$/u);
    }
  });

  it.each(KINDS.map((kind) => [kind.protocol, kind.name, kind] as const))(
    "%s %s is a fault that is taken, wherever it applies",
    (_protocol, _name, kind) => {
      const applying = SITES.filter((site) => kind.applies(site));
      expect(applying).not.toStrictEqual([]);
      for (const site of applying)
        for (const ordinal of kind.ordinals(site, true)) {
          const { compiled, warnings } = compileFaults(locate([...kind.faults(site, ordinal)]), TYPES);
          expect(compiled.faults.length).toBeGreaterThan(0);
          expect(warnings).toStrictEqual([]);
        }
    },
  );
});

describe("a fault of a kind", () => {
  const first = { word: "first", nth: 1 } as const;
  const fault = (
    site: Site,
    kind: string,
    ordinal: Parameters<NonNullable<ReturnType<typeof kindOf>>["faults"]>[1] = first,
  ): unknown => kindOf(site.protocol, kind)?.faults(site, ordinal)[0];

  it("is aimed at one call of one bot, and leaves out what other templates are about", () => {
    expect(fault(COMPLETE, "lost", { word: "last", nth: 3 })).toStrictEqual({
      name: "lost",
      type: "lost_response",
      proxy: "jobs",
      then: "reset",
      match: { method: "POST", path: "/v1/jobs/:n/complete", bot: "bot-1" },
      except: [{ path: "/v1/jobs/0/complete" }],
      when: { only: [3], per: ["bot", "route"] },
    });
  });

  it("is aimed at whoever calls where it is an outage, which begins with the first or the last call", () => {
    const options = { timeouts: new Map<string, number>(), slow: false, outage: 8_000 };
    const last = { word: "last", nth: 3 };
    expect(kindOf("http", "outage")?.ordinals(COMPLETE, true)).toStrictEqual([first, last]);
    expect(kindOf("http", "outage")?.ordinals(httpSite("GET /"))).toStrictEqual([first]);
    expect(kindOf("http", "outage")?.faults(COMPLETE, first, options)).toStrictEqual([
      {
        name: "outage",
        type: "lost_request",
        proxy: "jobs",
        then: "reset",
        match: { method: "POST", path: "/v1/jobs/:n/complete", bot: "*" },
        except: [{ path: "/v1/jobs/0/complete" }],
        when: { only: [1], per: ["bot", "route"], lasts: "8000ms" },
      },
    ]);
  });

  it("is aimed at all calls where it must be", () => {
    expect(fault(NEXT, "stale")).not.toHaveProperty("when");
    expect(fault(tcpSite(), "refused")).toMatchObject({ when: { for: "2s" } });
  });

  it("counts for all of a class whose names are new in each run", () => {
    expect(fault(httpSite("GET /a", { bot: "run-*" }), "lost")).toMatchObject({
      when: { only: [1], per: "route" },
    });
  });

  it("finds an operation by its ordinals on the route, or by what can be seen of it", () => {
    const second = { word: "second", nth: 2 } as const;
    const operation = (within: readonly number[] | null): Site =>
      httpSite("POST /", { operation: "Take", within });
    expect(fault(operation([2, 5]), "lost", second)).toMatchObject({
      match: { method: "POST", path: "/", bot: "bot-1" },
      when: { only: [5] },
    });
    expect(fault(operation(null), "lost", second)).toMatchObject({
      match: [{ header: { "x-amz-target": "Take" } }, {}, { query: { action: "Take" } }, {}],
      when: { only: [2] },
    });
  });

  it("cuts what is the shortest body of all in half, so that no call is spared", () => {
    const site = httpSite("GET /list", { traits: { body: 9_000, leastBody: 31 } });
    expect(fault(site, "cut")).toMatchObject({ after: "15B", framing: "short" });
  });

  it("waits for longer than the client does, where that is known", () => {
    const late = (timeouts: readonly [string, number][], slow = false): unknown =>
      kindOf("http", "late")?.faults(COMPLETE, first, {
        timeouts: new Map(timeouts),
        slow,
        outage: 10_000,
      })[0];
    expect(late([])).toMatchObject({ hold: "15000ms" });
    expect(late([], true)).toMatchObject({ hold: "65000ms" });
    expect(late([[COMPLETE.id, 5_001]])).toMatchObject({ hold: "7502ms" });
  });
});
