/** Plans in sentences that a tester can hold against what happens. */
import { readFileSync, readdirSync } from "node:fs";
import { basename } from "node:path";
import { describe, expect, it } from "vitest";
import { Library } from "../../src/config/library.js";
import { FAULT_TYPES } from "../../src/faults/kinds/index.js";
import { compileProfile } from "../../src/plan/compile.js";
import { explainProfile } from "../../src/plan/explain.js";

const TYPES = new Map(FAULT_TYPES.map((type) => [type.type, type]));
const GOLDEN = new URL("../golden/", import.meta.url);

function explain(text: string): string[] {
  const library = new Library(TYPES);
  library.replaceFiles([{ file: "x.yaml", text }]);
  return explainProfile(compileProfile(library.names()[0] ?? "", library, {}, TYPES), TYPES);
}

const one = (fault: string): string => explain(`profile: x\nfaults:\n  - ${fault}\n`)[0] ?? "";

describe("an explanation", () => {
  it.each(readdirSync(GOLDEN).filter((file) => file.endsWith(".yaml")))(
    "of %s is what its golden file says",
    async (file) => {
      const library = new Library(TYPES);
      library.replaceFiles([{ file, text: readFileSync(new URL(file, GOLDEN), "utf8") }]);
      const lines = library.names().flatMap((name) => {
        return [
          `${name}:`,
          ...explainProfile(compileProfile(name, library, {}, TYPES), TYPES).map((line) => `  ${line}`),
          "",
        ];
      });
      await expect(lines.join("\n")).toMatchFileSnapshot(
        new URL(`${basename(file, ".yaml")}.txt`, GOLDEN).pathname,
      );
    },
  );

  it("says where, for whom, what, which way and when", () => {
    const text = [
      "profile: x",
      "phases:",
      "  - phase: crash",
      "    for: 25s",
      "    faults:",
      "      - { type: latency, delay: 200ms, jitter: 50ms, when: { probability: 30%, after: 5s } }",
    ].join("\n");
    expect(explain(text)).toEqual([
      "Phases: crash for 25s.",
      "On every proxy, 30% of connections or exchanges: delays every byte by 200ms give or take 50ms, downstream, from 5s to 25s of phase crash.",
    ]);
  });

  it.each([
    [
      "{ type: http_status, status: 503, when: { only: [7, 3], per: [route, bot] } }",
      "On every http proxy, all exchanges (only the 3rd and the 7th, counted for each bot and route): responds with 503.",
    ],
    [
      "{ type: lost_response, when: { only: 1, per: [bot, route], follow: retries } }",
      "On every http proxy, all exchanges (only the 1st, and the retries of those, counted for each bot and route): lets the request be carried out, and then resets the connection in place of the response.",
    ],
    [
      "{ type: lost_request, when: { probability: 10%, follow: retries } }",
      "On every http proxy, 10% of exchanges (and the retries of those): keeps the request from the upstream, and resets the connection in place of the response.",
    ],
    [
      "{ type: lost_request, when: { only: 2, per: route, lasts: 8s } }",
      "On every http proxy, all exchanges (only the 2nd, and all of the 8s after a hit, counted for each route): keeps the request from the upstream, and resets the connection in place of the response.",
    ],
    [
      "{ type: reset, when: { only: 2, per: [bot] } }",
      "On every proxy, all connections (only the 2nd, counted for each bot): resets every connection at once, in both directions.",
    ],
    [
      "{ type: reset, when: { only: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10] } }",
      "On every proxy, all connections (only the 1st, the 2nd, the 3rd, the 4th, the 5th, the 6th, the 7th, the 8th and 2 more, counted for each proxy): resets every connection at once, in both directions.",
    ],
    [
      "{ type: reset }",
      "On every proxy, all connections: resets every connection at once, in both directions.",
    ],
    [
      "{ type: down, proxy: jobs }",
      "On proxy jobs, all connections: refuses new connections and resets those that are open.",
    ],
    [
      "{ type: half_open, proxy: [a, b, c], match: { client: [10.0.0.1, 10.0.0.2] }, except: { client: 10.0.0.3 } }",
      "On proxies a, b and c, all connections from 10.0.0.1 or 10.0.0.2 except those from 10.0.0.3: keeps the end of a connection from the other side, in both directions.",
    ],
    [
      "{ type: half_open, when: { skip: 2, every: 3, count: 1, per: bot } }",
      "On every proxy, all connections (leaving the first 2 alone, hitting every 3rd, once, counted for each bot): keeps the end of a connection from the other side, in both directions.",
    ],
    [
      "{ type: half_open, when: { after: 5s, for: 10s } }",
      "On every proxy, all connections: keeps the end of a connection from the other side, in both directions, from 5s to 15s.",
    ],
    [
      "{ type: drain, targets: [a], when: { for: 1m } }",
      "On every pool: drains a, refusing new connections and cutting open ones after 30s of grace, from 0ms to 1m.",
    ],
    [
      "{ type: skew, proxy: [x, y], weights: { a: 2 } }",
      "On the pools of proxies x and y: chooses among the upstreams by weight: a 2.",
    ],
    [
      "{ type: half_open, when: { after: 5s } }",
      "On every proxy, all connections: keeps the end of a connection from the other side, in both directions, from 5s on.",
    ],
    [
      "{ type: latency, delay: 1s, match: { method: [POST, PUT], path: '/v1/jobs/:id/complete' } }",
      "On every http proxy, all POST or PUT requests to /v1/jobs/:id/complete: delays every byte by 1s, downstream.",
    ],
    [
      "{ type: latency, delay: 1s, at: body, when: { probability: 5% } }",
      "On every http proxy, 5% of exchanges: delays every byte by 1s, in bodies only, downstream.",
    ],
    [
      "{ type: latency, delay: 1s, match: [{ bot: b-*, header: { x-tenant: acme, x-canary: } }, { method: GET, query: { wait: '5' } }], except: [{ path: /healthz }, { method: head, host: '*.example.com' }] }",
      "On every http proxy, all exchanges with header x-tenant acme and x-canary of bot b-* or GET requests with query parameter wait 5 except those to /healthz or HEAD requests for host *.example.com: delays every byte by 1s, downstream.",
    ],
    [
      "{ type: latency, delay: 1s, proxy: jobs, match: { status: [5xx, 404], upstream: a, client: 10.0.0.1 } }",
      "On proxy jobs, all exchanges from 10.0.0.1 on upstream a answered 5xx or 404: delays every byte by 1s, downstream.",
    ],
    [
      "{ type: latency, delay: 1s, when: { every: 2, per: route } }",
      "On every http proxy, all exchanges (hitting every 2nd, counted for each route): delays every byte by 1s, downstream.",
    ],
    [
      "{ type: latency, delay: 1s, when: { every: 2 } }",
      "On every proxy, all connections or exchanges (hitting every 2nd, counted for each proxy): delays every byte by 1s, downstream.",
    ],
  ])("of %s is one sentence", (fault, sentence) => {
    expect(one(fault)).toBe(sentence);
  });

  it("of a profile that disturbs nothing says so", () => {
    expect(explain("profile: x\n")).toEqual(["Nothing is disturbed."]);
    expect(explain("profile: x\nphases: [{ phase: a, for: 1s }]\nrepeat: forever\n")).toEqual([
      "Phases: a for 1s, over and over.",
      "Phase a: nothing is disturbed.",
    ]);
  });
});
