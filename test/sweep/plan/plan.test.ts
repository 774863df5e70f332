/** Cells as cases: which, in which order, under which names and ids; how they are chosen; what comes after what. */
import { describe, expect, it } from "vitest";
import type { Case } from "../../../src/sweep/contract/case.js";
import type { CaseResult, Verdict } from "../../../src/sweep/contract/finding.js";
import type { SeenExchange } from "../../../src/sweep/contract/record.js";
import type { Site } from "../../../src/sweep/contract/site.js";
import { Pace } from "../../../src/sweep/plan/estimate.js";
import { expectedRate, packSize, packed } from "../../../src/sweep/plan/packs.js";
import { choosePairs } from "../../../src/sweep/plan/pairs.js";
import { learnTimeouts, planSweep } from "../../../src/sweep/plan/plan.js";
import {
  EVERYTHING,
  kindsAskedFor,
  select,
  SelectionError,
  type Wanted,
} from "../../../src/sweep/plan/selection.js";
import { DEFAULT_OPTIONS, planSingles } from "../../../src/sweep/plan/singles.js";
import { Waiting } from "../../../src/sweep/plan/waiting.js";
import { siteNames } from "../../../src/sweep/sites/names.js";
import { findSites } from "../../../src/sweep/sites/sites.js";
import { dnsSite, httpSite, tcpSite } from "../../support/made-up-sites.js";
import { single } from "../../support/made-up-sweep.js";
import { call, run } from "../../support/runs.js";

const COMPLETE = httpSite("POST /v1/jobs/:n/complete", { counts: [3, 3, 3] });
const NEXT = httpSite("GET /v1/jobs/next", { steadiness: "wavering", counts: [5, 3, 4] });
const ODD = httpSite("GET /v1/odd", { steadiness: "rare", counts: [0, 1, 0] });
const SITES: readonly Site[] = [NEXT, ODD, COMPLETE, tcpSite({ counts: [1, 1, 1] })];

function plan(wanted: Partial<Wanted> = {}, sites = SITES, allOrdinals = false): Case[] {
  const names = siteNames(sites);
  return planSingles(sites, names, {
    ...DEFAULT_OPTIONS,
    allOrdinals,
    selection: select({ ...EVERYTHING, ...wanted }, sites, names),
  });
}
const planned = (wanted?: Partial<Wanted>, sites?: readonly Site[], all?: boolean): string[] =>
  plan(wanted, sites, all).map(({ name }) => name);

describe("the singles", () => {
  it("begin where work is lost, go on with what happens everywhere, and end with second, last and rare calls", () => {
    expect(planned({ kinds: ["lost", "503", "late", "reset"] })).toStrictEqual([
      "complete:lost:first",
      "queue:lost:first",
      "next:503:first",
      "complete:503:first",
      "queue:reset:first",
      "next:late:first",
      "next:lost:first",
      "complete:late:first",
      "next:lost:second",
      "complete:lost:second",
      "next:503:second",
      "complete:503:second",
      "next:late:second",
      "complete:late:second",
      "complete:lost:last",
      "complete:503:last",
      "complete:late:last",
      "odd:lost:first",
      "odd:503:first",
      "odd:late:first",
    ]);
  });

  it("try each kind once before any for the second time", () => {
    const firsts = plan().filter(
      ({ cells: [cell] }) => cell?.site.steadiness !== "rare" && cell?.ordinal.word !== "second",
    );
    const kinds = new Set(
      firsts.map(({ cells: [cell] }) => `${cell?.site.protocol ?? ""} ${cell?.kind ?? ""}`),
    );
    const early = firsts.slice(0, 12 + kinds.size);
    expect(
      new Set(early.map(({ cells: [cell] }) => `${cell?.site.protocol ?? ""} ${cell?.kind ?? ""}`)),
    ).toStrictEqual(kinds);
  });

  it("have ids that depend on nothing but site, kind and ordinal", () => {
    const of = (sites: readonly Site[]): (readonly [string, string])[] =>
      plan({}, sites).map(({ id, name }) => [name, id]);
    const whole = new Map(of(SITES));
    expect(new Set(whole.values()).size).toBe(whole.size);
    for (const [name, id] of of([{ ...COMPLETE, counts: [4, 4, 4], bot: "bot-2" }]))
      expect(whole.get(name)).toBe(id);
  });

  it("have all ordinals where all are asked for", () => {
    expect(planned({ kinds: ["lost"] }, [{ ...COMPLETE, counts: [5, 5, 5] }], true)).toStrictEqual([
      "complete:lost:first",
      "complete:lost:second",
      "complete:lost:3",
      "complete:lost:4",
      "complete:lost:last",
    ]);
  });
});

describe("what is asked for", () => {
  it.each<readonly [wanted: Partial<Wanted>, cases: readonly string[]]>([
    [{ only: ["complete:lost"] }, ["complete:lost:first", "complete:lost:second", "complete:lost:last"]],
    [{ only: ["complete:lost:second"] }, ["complete:lost:second"]],
    [{ only: ["complete:503"] }, ["complete:503:first", "complete:503:second", "complete:503:last"]],
    [{ only: ["complete:503:2"] }, ["complete:503:second"]],
    [
      { only: ["*:502"], skipKinds: ["503"] },
      ["complete:502:first", "complete:502:second", "complete:502:last"],
    ],
    [{ only: ["complete:503:503"] }, []],
    [{ only: ["/v1/jobs/:n/complete:lost:first"] }, ["complete:lost:first"]],
    [{ only: ["post /v1/jobs/:n/complete:502:last"] }, ["complete:502:last"]],
    [
      { only: ["jobs/next:html", "complete:500:first"] },
      ["complete:500:first", "next:html:first", "next:html:second"],
    ],
    [
      { only: ["*:malformed:first"] },
      ["next:malformed:first", "complete:malformed:first", "odd:malformed:first"],
    ],
    [{ only: ["queue"], kinds: ["quick"] }, ["queue:lost:first", "queue:reset:first", "queue:cut:first"]],
    [{ only: ["complete:lost"], skipKinds: ["lost"] }, []],
    [{ only: ["next:lost:3"] }, ["next:lost:last"]],
    [{ kinds: ["half-open"] }, ["queue:half-open:first"]],
    [{ kinds: ["refused"] }, ["queue:refused:all"]],
    [{ kinds: ["lost"], before: new Set([COMPLETE.id, NEXT.id, "tcp queue address"]) }, ["odd:lost:first"]],
  ])("%j", (wanted, cases) => {
    expect(planned(wanted)).toStrictEqual(cases);
  });

  it.each<readonly [wanted: Partial<Wanted>, message: string]>([
    [
      { only: ["complet:lost"] },
      '--only "complet:lost": no site is called "complet"; did you mean "complete"?',
    ],
    [
      { only: ["complete:lost:fist"] },
      '--only "complete:lost:fist": no ordinal is called "fist"; did you mean "first"?',
    ],
    [
      { only: ["complete:lost:0"] },
      '--only "complete:lost:0": no ordinal is called "0"; there are first, second, last, all, and numbers',
    ],
    [{ only: ["complete:lots"] }, '--only "complete:lots": no kind is called "lots"; did you mean "lost"?'],
    [
      { only: ["nothing"] },
      '--only "nothing": no site is called "nothing"; there are next, odd, complete, queue',
    ],
  ])("%j is refused", (wanted, message) => {
    expect(() => plan(wanted)).toThrow(SelectionError);
    expect(() => plan(wanted)).toThrow(message);
  });
});

describe("pairs", () => {
  const usual = [
    call(1, "POST /v1/lease"),
    call(2, "POST /v1/jobs/1/complete"),
    call(3, "POST /v1/jobs/2/complete"),
  ];
  const lost = { clientStatus: null, end: "reset", faults: ["lost"] } as const;
  const after = (
    seen: readonly SeenExchange[],
    edges: readonly string[],
    name = "complete:lost:first",
  ): Case[] => {
    const sites = findSites([{ ...run(usual).record }]);
    const sweep = planSweep(sites, { wanted: EVERYTHING });
    const of = sweep.singles.find((one) => one.name === name);
    if (of === undefined) throw new Error(`no case ${name}`);
    const result: CaseResult = {
      case: of,
      verdict: "survived",
      alarms: [],
      confirmation: null,
      run: run(seen),
      edges,
    };
    return [...sweep.pairsAfter(result)];
  };
  const kinds = ["lost", "request-lost", "503"];

  it("hit the call by which the first fault was answered", () => {
    const again = [
      usual[0],
      call(2, "POST /v1/jobs/1/complete", lost),
      call(4, "POST /v1/jobs/1/complete"),
      call(5, "POST /v1/jobs/2/complete"),
    ].filter((one) => one !== undefined);
    const pairs = after(again, ["jobs bot-# POST /v1/jobs/:n/complete"]);
    expect(pairs.map(({ name }) => name)).toStrictEqual(
      kinds.map((kind) => `complete:lost:first + complete:${kind}:2`),
    );
    expect(pairs[0]?.faults.map(({ name, when }) => [name, when])).toStrictEqual([
      ["lost", { only: [1], per: ["bot", "route"] }],
      ["lost-again", { only: [2], per: ["bot", "route"] }],
    ]);
  });

  it("hit a call that no fault-free run has, at a site of its own", () => {
    const refreshed = [
      ...usual.slice(0, 1),
      call(2, "POST /v1/jobs/1/complete", lost),
      call(3, "POST /v1/token"),
    ];
    const [pair] = after(refreshed, ["jobs bot-# POST /v1/token"]);
    expect(pair?.name).toBe("complete:lost:first + jobs bot-# POST /v1/token:lost:1");
    expect(pair?.faults[1]).toMatchObject({ match: { method: "POST", path: "/v1/token", bot: "bot-1" } });
  });

  it("are none where nothing new was called, or only before", () => {
    expect(after(usual, [])).toStrictEqual([]);
    const before = [call(1, "POST /v1/token"), call(2, "POST /v1/jobs/1/complete", lost)];
    expect(after(before, ["jobs bot-# POST /v1/token"])).toStrictEqual([]);
  });

  it("are chosen in turns, and two for each single at most", () => {
    const pair = (id: string): Case => ({ id, name: id, cells: [], faults: [] });
    const perSingle = [["a1", "a2", "a3", "a4"], [], ["b1", "a1", "b2"]].map((ids) => ids.map(pair));
    expect(choosePairs(perSingle, 3).map(({ id }) => id)).toStrictEqual(["a1", "b1", "a2", "a3", "b2", "a4"]);
    expect(choosePairs(perSingle, 1).map(({ id }) => id)).toStrictEqual(["a1", "b1"]);
  });
});

describe("the kinds", () => {
  const outages = (kinds: readonly string[], outage: number | null): string[] =>
    planned({ kinds: kindsAskedFor({ kinds, outage }) }, [COMPLETE]).filter((name) =>
      name.includes("outage"),
    );

  it.each<[string, readonly string[], number | null, boolean]>([
    ["have no outage by default", [], null, false],
    ["have one where somebody says how long it lasts", [], 8_000, true],
    ["have none where others are named", ["lost"], 8_000, false],
    ["have none in the quick preset", ["quick"], 8_000, false],
    ["have one where it is named", ["outage"], null, true],
    ["have one among all", ["all"], null, true],
  ])("%s", (_what, kinds, outage, has) => {
    expect(outages(kinds, outage).length > 0).toBe(has);
    // What else there is by default stays.
    const all = planned({ kinds: kindsAskedFor({ kinds, outage }) }, [COMPLETE]);
    if (kinds.length === 0)
      expect(all).toEqual(expect.arrayContaining(planned({ kinds: ["default"] }, [COMPLETE])));
  });
});

describe("beside the order", () => {
  describe("how long it takes", () => {
    const HELD = { type: "late_response", name: "f1", hold: "15s" };
    const [lost, silent] = [single("lost"), single("silent")];
    const late: Case = { ...single("late"), faults: [HELD] };
    const both: Case = { ...lost, cells: [...lost.cells, ...silent.cells] };
    const many = (count: number, of: Case): Case[] => Array.from({ length: count }, () => of);

    it.each<[string, number, [Case, number][], Case[], number]>([
      ["nothing, where nothing is left", 1, [], [], 0],
      ["a fault-free run for each case, before anything is seen", 1, [], many(4, lost), 8_000],
      ["and what its faults hold up", 1, [], [late], 17_000],
      ["by several workers at a time", 4, [], many(4, lost), 2_000],
      ["with a fault-free run after each twenty", 1, [], many(40, lost), 84_000],
      ["what cases of that kind took", 1, [[silent, 99_000]], [...many(2, silent), lost], 200_000],
      [
        "in the mean",
        1,
        [
          [silent, 30_000],
          [silent, 2_000],
        ],
        many(2, silent),
        32_000,
      ],
      ["which says nothing of a pair", 1, [[silent, 99_000]], [both], 2_000],
      ["unless that was seen", 2, [[both, 10_000]], many(3, both), 15_000],
    ])("is %s", (_what, jobs, seen, left, expected) => {
      const pace = new Pace(2_000, jobs);
      for (const [of, ms] of seen) pace.took(of, ms);
      expect(pace.left(left)).toBe(expected);
    });
  });

  it("packs by Dorfman's sizes, with one fault for a site", () => {
    expect([0.01, 0.05, 0.1, 0.3, 0].map(packSize)).toStrictEqual([11, 5, 4, 1, 20]);
    const sites = [COMPLETE, NEXT, dnsSite()];
    const cases = plan({ kinds: ["lost", "503", "servfail", "ttl-0"] }, sites).filter(
      ({ name }) => !/second|last/u.test(name),
    );
    expect(packed(cases, 3).map((pack) => pack.map(({ name }) => name))).toStrictEqual([
      ["complete:lost:first", "next:503:first", "jobs.example A:servfail:first"],
      ["complete:503:first", "next:lost:first"],
      ["jobs.example A:ttl-0:all"],
    ]);
    const long = plan({ kinds: ["late", "lost-silent", "lost"] }, sites).filter(({ name }) =>
      /first$/u.test(name),
    );
    for (const pack of packed(long, 20))
      expect(pack.filter(({ name }) => !/:lost:/u.test(name)).length).toBeLessThan(2);
    expect([expectedRate(0, 0), expectedRate(45, 0), expectedRate(5, 5)]).toStrictEqual([0.1, 0.01, 0.55]);
    const { together } = planSweep(
      { list: sites, calls: findSites([]).calls, books: new Map(), unusedRoutes: [] },
      { wanted: EVERYTHING },
    );
    expect(together(packed(cases, 3)[0] ?? [])).toMatchObject({
      name: "complete:lost:first + next:503:first + jobs.example A:servfail:first",
      faults: [{ name: "lost" }, { name: "503" }, { name: "servfail" }],
    });
  });

  const left = call(100, "POST /v1/jobs/1/complete", {
    over: 20_100,
    end: "client_left",
    clientStatus: null,
    faults: ["f"],
  });
  it.each([
    ["went away by itself", run([left], { ms: 30_000 }), [20_000]],
    ["was ended with its command", run([left], { ms: 20_150 }), []],
    [
      "was ended as one that hangs",
      run([left], { ms: 30_000, exit: { kind: "hung", why: "timeout", ms: 30_000 } }),
      [],
    ],
    ["was told something", run([{ ...left, clientStatus: 500 }], { ms: 30_000 }), []],
  ] as const)("learns how long a client waits from one that %s", (_why, seen, timeouts) => {
    const sites = findSites([seen.record]);
    expect([...learnTimeouts([seen], sites).values()]).toStrictEqual(timeouts);
  });

  it("holds late answers by what was learned, in the same case", () => {
    const seen = run([left], { ms: 30_000 });
    const sweep = planSweep(findSites([seen.record]), { wanted: { ...EVERYTHING, kinds: ["late"] } });
    const [late] = sweep.singles;
    if (late === undefined) throw new Error("no case");
    expect(sweep.sharpened(late)).toBe(late);
    sweep.learn(seen);
    expect(sweep.sharpened(late)).toMatchObject({
      id: late.id,
      name: late.name,
      faults: [{ hold: "30000ms" }],
    });
  });
});

describe("what waits", () => {
  const SITE = httpSite("POST /v1/jobs/:n/complete", { counts: [3, 3, 3] });
  const OTHER = httpSite("POST /v1/lease", { counts: [2, 2, 2] });
  const cases = plan({ kinds: ["lost", "request-lost", "503", "502", "lost-silent"] }, [SITE, OTHER]);
  const names = (waiting: Waiting): string[] => waiting.all().map(({ name }) => name);
  const survived = (
    name: string,
    edges: readonly string[] = [],
    verdict: Verdict = "survived",
  ): CaseResult => {
    const of = cases.find((one) => one.name === name);
    if (of === undefined) throw new Error(`no case ${name}`);
    return { case: of, verdict, alarms: [], confirmation: null, run: null, edges };
  };
  const LATER = /:(?:502|lost-silent):(?:second|last)$/u;

  it("is in the order of the plan as long as nothing is known", () => {
    expect(names(new Waiting(cases))).toStrictEqual(cases.map(({ name }) => name));
  });

  it("has silent losses and balancers' errors at later calls behind all others, where nothing but a retry came of the plain ones", () => {
    const waiting = new Waiting(cases);
    waiting.heard(survived("complete:lost:first", [SITE.id]));
    waiting.heard(survived("complete:request-lost:first"));
    expect(names(waiting)).toStrictEqual(cases.map(({ name }) => name));
    waiting.heard(survived("complete:503:first", [SITE.id], "survived (packed)"));
    const behind = cases.filter(({ name }) => name.startsWith("complete:") && LATER.test(name));
    expect(behind).toHaveLength(4);
    expect(waiting.all()).toStrictEqual([...cases.filter((one) => !behind.includes(one)), ...behind]);
    expect(waiting.size).toBe(cases.length);
  });

  it("stays as it is where other calls came of it, or where it did not survive", () => {
    for (const odd of [
      survived("complete:503:first", [OTHER.id]),
      survived("complete:503:first", [], "SUSPECT"),
      survived("complete:503:first", [], "not reached"),
    ]) {
      const waiting = new Waiting(cases);
      for (const kind of ["lost", "request-lost"]) waiting.heard(survived(`complete:${kind}:first`));
      waiting.heard(odd);
      expect(names(waiting)).toStrictEqual(cases.map(({ name }) => name));
    }
  });

  it("has the other calls of a kind behind, where that kind has a finding at the site", () => {
    const waiting = new Waiting(cases);
    waiting.take(cases.slice(0, 1));
    waiting.heard(survived("complete:lost:first", [], "WRONG"));
    expect(names(waiting).slice(-2)).toStrictEqual(["complete:lost:second", "complete:lost:last"]);
    waiting.giveBack(cases.slice(0, 1));
    expect(names(waiting)[0]).toBe("complete:lost:first");
  });
});
