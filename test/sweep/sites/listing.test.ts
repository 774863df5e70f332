/** What is printed of sites, and what is written into a run file of their routes. */
import { describe, expect, it } from "vitest";
import { varying, withRoutes } from "../../../src/sweep/run-file/edit-routes.js";
import { routeWarnings, sitesSummary, sitesTable } from "../../../src/sweep/sites/listing.js";
import { findSites } from "../../../src/sweep/sites/sites.js";
import { dnsSite, httpSite, tcpSite, udpSite } from "../../support/made-up-sites.js";
import { call, run } from "../../support/runs.js";

const SITES = [
  httpSite("POST /v1/jobs/:n/complete", {
    bots: ["bot-1", "bot-2"],
    traits: { keyed: true, authorized: true, keepAlive: true, reusedAt: 1, answers: 4 },
  }),
  httpSite("DELETE /v1/jobs/:n", {
    steadiness: "wavering",
    counts: [2, 5, 3],
    traits: { json: false, body: 0 },
  }),
  tcpSite({ counts: [1, 1, 1] }),
  udpSite({ steadiness: "rare", counts: [0, 4, 4] }),
  dnsSite({ transport: "tcp" }),
];

describe("the list of sites", () => {
  it("says what was called, how often, how steadily, and what was seen", () => {
    expect(sitesSummary(SITES)).toBe("5 sites: 3 stable, 1 wavering, 1 rare");
    expect(sitesSummary([])).toBe("0 sites");
    expect(sitesTable(SITES, "quick")).toStrictEqual([
      "site                call                       bots       calls  is        kinds  seen",
      "complete            POST /v1/jobs/:n/complete  bot-# (2)  1      stable    4      json, key, token, keep-alive, 4 answers",
      "jobs/:n             DELETE /v1/jobs/:n         bot-1      2-5    wavering  4      no body",
      "queue               connection to queue        127.0.0.1  1      stable    3      40 B up, 1000 B down",
      "stats               flow to stats              127.0.0.1  0-4    rare      2      4 up, 4 down",
      "jobs.example A tcp  A jobs.example over tcp    127.0.0.1  1      stable    3",
    ]);
  });

  it("warns of routes that fit nothing any more", () => {
    const sites = findSites([run([call(1, "GET /v2/jobs/1")]).record], {
      given: ["/v1/jobs/:job", "/v2/jobs/:job"],
      described: [],
    });
    expect(routeWarnings(sites).map((warning) => warning.split(":", 3).join(":"))).toStrictEqual([
      "routes: /v1/jobs/:job fits no path that was seen",
    ]);
  });
});

describe("routes in a run file", () => {
  it.each<readonly [why: string, before: string | null, found: readonly string[], after: string]>([
    ["without a file", null, ["/b/:n", "/a/:n"], "routes:\n  - /a/:n\n  - /b/:n\n"],
    [
      "beside what is there, which stays as it was",
      "# mine\ncommand: [npm,  test] # all of it",
      ["/a/:n"],
      "# mine\ncommand: [npm,  test] # all of it\nroutes:\n  - /a/:n\n",
    ],
    [
      "behind those that are there",
      "routes: [/x/:y, /a/:n] # mine\njobs:   2\n",
      ["/b/:n", "/a/:n"],
      "routes:\n  - /x/:y\n  - /a/:n\n  - /b/:n # mine\njobs:   2\n",
    ],
    [
      "behind a list of lines",
      "routes:\n- /x/:y\n# more\njobs: [ 2]\n",
      ["/a/:n"],
      "routes:\n  - /x/:y\n  - /a/:n\n# more\njobs: [ 2]\n",
    ],
    ["where one stands alone", "routes: /x/:y\n", ["/a/:n"], "routes:\n  - /x/:y\n  - /a/:n\n"],
    ["where nothing stands", "routes:\njobs: 2\n", ["/a/:n"], "routes:\n  - /a/:n\njobs: 2\n"],
    ["with nothing new", "routes: [/a/:n]   # one\n", ["/a/:n"], "routes: [/a/:n]   # one\n"],
    ["with a star, which YAML would take for an alias", null, ["*"], 'routes:\n  - "*"\n'],
  ])("%s", (_why, before, found, after) => {
    expect(withRoutes(before, found).text).toBe(after);
  });

  it("are those in which something varies", () => {
    expect(varying(["/a", "/a/:n", "/a/:n", "/app.*.js", "/a:run"])).toStrictEqual(["/a/:n", "/app.*.js"]);
  });
});
