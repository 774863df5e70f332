/** Hunts over made-up programs: the same trial is the same faults, new looks are kept, failures are handed over once, and the end is honest. */
import { describe, expect, it } from "vitest";
import type { Alarm } from "../../../src/sweep/contract/finding.js";
import type { FaultInput, RunPlan, RunResult } from "../../../src/sweep/contract/run.js";
import { hunt, huntSentence, type Failure, type HuntMeans } from "../../../src/sweep/hunt/hunt.js";
import { timeToShrink, toldOf } from "../../../src/sweep/hunt/told.js";
import type { ShrinkResult } from "../../../src/sweep/shrink/shrink.js";
import { Novelty } from "../../../src/sweep/hunt/novelty.js";
import {
  faultsOfTrial,
  parentOf,
  partnerOf,
  parseTrial,
  trialText,
  type Ground,
} from "../../../src/sweep/hunt/trial.js";
import { findSites } from "../../../src/sweep/sites/sites.js";
import { Controls } from "../../../src/sweep/sweep/controls.js";
import { NO_OPTIONS } from "../../../src/sweep/kinds/kind.js";
import { placesOf } from "../../../src/sweep/sweep/places.js";
import { compileFaults } from "../../../src/plan/compile.js";
import { locate } from "../../../src/config/located.js";
import { FAULT_TYPES } from "../../../src/faults/kinds/index.js";
import { call, lostAnswer } from "../../support/runs.js";

const CALLS = ["GET /v1/jobs/next", "POST /v1/jobs/1/complete", "POST /v1/jobs/2/complete"].map(
  (what, index) => call(10 * index + 1, what),
);
const RECORD = { exchanges: CALLS, connections: [], queries: [], flows: [], hits: [] };
const SITES = findSites([RECORD, RECORD, RECORD]);
const ground = (seed: number): Ground => ({
  seed,
  sites: SITES.list,
  kinds: null,
  options: NO_OPTIONS,
  length: 2_000,
});

const resultOf = (plan: RunPlan, number: number, code: number): RunResult => ({
  number,
  label: plan.label,
  exit: { kind: "exit", code },
  ms: 50,
  check: null,
  record: RECORD,
  outcomes: plan.faults.map(({ name }) => ({ fault: name, subjects: 1, matched: 1, hits: 1 })),
  left: [],
  output: { stdout: "", stderr: "", dropped: 0 },
  folder: null,
});

describe("the faults of a trial", () => {
  it("are the same for the same seed and number, and others for others", () => {
    const all = Array.from({ length: 60 }, (_, number) =>
      JSON.stringify(faultsOfTrial([number + 1], ground(42))),
    );
    expect(
      Array.from({ length: 60 }, (_, number) => JSON.stringify(faultsOfTrial([number + 1], ground(42)))),
    ).toEqual(all);
    expect(new Set(all).size).toBeGreaterThan(50);
    expect(JSON.stringify(faultsOfTrial([1], ground(43)))).not.toBe(all[0]);
  });

  it("are one to six draws, 2.5 in the mean, and such that a daemon takes them", () => {
    const types = new Map(FAULT_TYPES.map((type) => [type.type, type]));
    const trials = Array.from({ length: 150 }, (_, number) => faultsOfTrial([number + 1], ground(7)));
    for (const faults of trials) {
      expect(new Set(faults.map(({ name }) => name)).size).toBe(faults.length);
      if (faults.length > 0) compileFaults(locate(faults, "trial", "faults"), types);
    }
    const mean = trials.reduce((sum, faults) => sum + faults.length, 0) / trials.length;
    expect(mean).toBeGreaterThan(1.8);
    expect(mean).toBeLessThan(4);
  });

  it("of a changed trial follow from its name alone", () => {
    const own = faultsOfTrial([317, 212], ground(42));
    expect(faultsOfTrial([317, 212], ground(42))).toEqual(own);
    expect(parseTrial(trialText([317, 212]))).toEqual([317, 212]);
    expect(trialText([317, -98, 212, 5])).toBe("317+98.212.5");
    expect(parseTrial("317+98.212.5")).toEqual([317, -98, 212, 5]);
    expect(parseTrial("400+77.317+98.212")).toEqual([400, -77, 317, -98, 212]);
    expect(parseTrial("317+98+5.2")).toBeNull();
    expect(parseTrial("x")).toBeNull();
    expect(parseTrial("1.")).toBeNull();
  });

  it("are half of one and half of another, as their names say", () => {
    const of = (name: string): string[] =>
      faultsOfTrial(parseTrial(name) ?? [0], ground(42)).map(({ name: _, ...rest }) => JSON.stringify(rest));
    for (const [one, other] of [
      [212, 98],
      [3, 7],
      [12, 5],
    ] as const) {
      const half = of(String(one));
      expect(of(`317+${other}.${one}`)).toEqual(
        [...half.slice(0, Math.ceil(half.length / 2)), ...of(String(other))].slice(0, 6),
      );
      // Whoever changes it changes what it is.
      expect(of(`400.317+${other}.${one}`)).not.toEqual([]);
    }
    const spliced = Array.from({ length: 1_200 }, (_, number) => partnerOf(number, 42, 10)).filter(
      (one) => one !== null,
    );
    expect(Math.abs(spliced.length - 200)).toBeLessThan(52);
  });

  it("cut at the ends of what is sent, and call other calls, among others", () => {
    const payload = call(1, "GET /v1/payload", { response: { bytes: 100 } });
    const record = { ...RECORD, exchanges: [payload] };
    const sites = findSites([record, record, record]).list;
    const kinds = new Set(["cut"]);
    const cuts = Array.from({ length: 200 }, (_, number) =>
      faultsOfTrial([number + 1], { ...ground(7), sites, kinds }).map(({ after }) => after),
    ).flat();
    expect(new Set(cuts)).toEqual(new Set(["0B", "1B", "50B", "99B"]));
  });

  it("are changes of kept ones in three of ten trials", () => {
    const changes = Array.from({ length: 1_000 }, (_, number) => parentOf(number, 42, 10)).filter(
      (of) => of !== null,
    );
    // Four standard deviations about 300.
    expect(Math.abs(changes.length - 300)).toBeLessThan(58);
    expect(parentOf(1, 42, 0)).toBeNull();
  });
});

it("a look is new once", () => {
  const place = placesOf(SITES.calls);
  const novelty = new Novelty();
  const run = resultOf({ label: "", faults: [], seed: 1 }, 1, 0);
  expect([novelty.take(run, place), novelty.take(run, place)]).toEqual([true, false]);
  const other = {
    ...run,
    record: { ...RECORD, exchanges: CALLS.map((one) => ({ ...one, clientStatus: 503 })) },
  };
  expect([novelty.take(other, place), novelty.take(other, place)]).toEqual([true, false]);
});

const JUDGE = { ignore: [], outageIgnore: [], tolerance: 0, idempotent: () => false, slo: null };

/** Fails where two kinds of faults are there together. */
function means(
  fails: (plan: RunPlan) => boolean,
  more: Partial<HuntMeans> = {},
): HuntMeans & { failures: Failure[]; labels: string[] } {
  const failures: Failure[] = [];
  const labels: string[] = [];
  const runner = {
    jobs: 2,
    run: (plan: RunPlan): Promise<RunResult> => {
      labels.push(plan.label);
      return Promise.resolve(resultOf(plan, labels.length, fails(plan) ? 1 : 0));
    },
  };
  const baselines = [1, 2, 3].map((number) =>
    resultOf({ label: "baseline", faults: [], seed: 1 }, number, 0),
  );
  const place = placesOf(SITES.calls);
  return {
    runner,
    controls: new Controls(baselines, place, JUDGE, runner, () => undefined),
    ground: ground(42),
    place,
    repeatedAt: () => null,
    clock: { now: () => 0 },
    budget: null,
    trials: 150,
    only: null,
    tried: () => undefined,
    failure: (failure) => {
      failures.push(failure);
      return Promise.resolve();
    },
    failures,
    labels,
    ...more,
  };
}

describe("a hunt", () => {
  it("finds what fails of two faults together, and hands each kind of failure over once, with its trial", async () => {
    const pair = ({ faults }: RunPlan): boolean =>
      faults.some(({ type }) => type === "lost_response") &&
      faults.some(({ type }) => type === "http_status");
    const all = means(pair);
    const hunted = await hunt(all);
    expect(hunted).toMatchObject({ stop: "trials", unreached: 0 });
    expect(all.failures).toHaveLength(1);
    const [failure] = all.failures;
    expect(failure?.signature).toBe("FAILED exit 1");
    expect(faultsOfTrial(failure?.trial ?? [0], all.ground)).toEqual(failure?.faults);
    expect(all.labels.filter((label) => label.startsWith("control"))).toHaveLength(
      Math.floor(hunted.trials / 20),
    );
    expect(huntSentence(hunted)).toMatch(/^\d+ of \d+ trials failed, in 1 way$/u);
  });

  it("drops a suspicion that an experiment settles, which is made once", async () => {
    const complete = SITES.list.find(({ id }) => id.includes("complete"));
    const again = { kind: "exit", code: 0 } as const;
    const repeated = [{ type: "duplicate_request", name: "again" }];
    const work = "POST /v1/jobs/1/complete";
    const carriedOut = { request: { key: null, hash: "x" } };
    const seen = [call(5, work, { ...carriedOut, ...lostAnswer }), call(50, work, carriedOut)];
    const suspect = (settles: boolean, ok: boolean): ReturnType<typeof means> => {
      const all = means(() => false, {
        trials: 6,
        repeatedAt: (site) => (settles && site === complete?.id ? repeated : null),
      });
      const run = (plan: RunPlan): Promise<RunResult> => {
        all.labels.push(plan.label);
        const isTrial = plan.label.startsWith("trial");
        const check = { ok: isTrial || plan.faults.length === 0 || ok, text: "exit code 1" };
        const record = isTrial ? { ...RECORD, exchanges: [...CALLS, ...seen] } : RECORD;
        return Promise.resolve({ ...resultOf(plan, all.labels.length, 0), exit: again, check, record });
      };
      const baselines = [1, 2, 3].map((number) => ({
        ...resultOf({ label: "baseline", faults: [], seed: 1 }, number, 0),
        check: { ok: true, text: "" },
      }));
      const runner = { jobs: 2, run };
      const { place } = all;
      return { ...all, runner, controls: new Controls(baselines, place, JUDGE, runner, () => undefined) };
    };
    const harmless = suspect(true, true);
    expect([...(await hunt(harmless)).failures.keys()]).toEqual([]);
    expect(harmless.labels.filter((label) => label.startsWith("experiment"))).toHaveLength(1);
    const harmful = suspect(true, false);
    expect([...(await hunt(harmful)).failures.keys()]).toEqual(["SUSPECT twice POST /v1/jobs/:n/complete"]);
    expect((await hunt(suspect(false, true))).failures.size).toBe(1);
  });

  it("runs one trial alone by its name", async () => {
    const all = means(() => false, { only: [5] });
    await hunt(all);
    expect(all.labels).toEqual(["trial 5"]);
  });

  it("ends with its budget, and where nothing is new for 200 trials", async () => {
    let now = 0;
    const late = await hunt(means(() => false, { budget: 10, clock: { now: () => now++ }, trials: null }));
    expect(late.stop).toBe("budget");
    const dull = await hunt(means(() => false, { trials: null }));
    expect(dull.stop).toBe("nothing new");
    expect(dull.trials).toBeGreaterThanOrEqual(200);
    expect(dull.trials).toBeLessThan(1_000);
  });

  it("ends at an interrupt, with what it has", async () => {
    const all = means(() => false);
    const run = (): Promise<never> => Promise.reject(new DOMException("interrupted", "AbortError"));
    expect(await hunt({ ...all, runner: { jobs: 1, run } })).toMatchObject({
      stop: "interrupted",
      trials: 0,
    });
  });
});

describe("what is told of a failure", () => {
  const faults: readonly FaultInput[] = [
    { type: "lost_response", name: "f1", match: { method: "POST", path: "/v1/lease" } },
  ];
  const alarm: Alarm = { verdict: "FAILED", oracle: "O1", signature: "exit 1", text: "exit 1: no lease" };
  const failure = { faults, signature: "FAILED exit 1", alarm };
  const other = { signature: "HUNG hung", faults: [{ type: "reset", name: "f2" }] };
  const shrunk: ShrinkResult = {
    faults,
    signature: "FAILED exit 1",
    failed: { failed: 3, runs: 3 },
    shrunk: { from: 5, to: 1, runs: 9, took: 900, partly: null, level: "hits" },
    threshold: null,
    alarms: [alarm],
    run: resultOf({ label: "", faults: [], seed: 1 }, 1, 1),
    others: [other],
  };

  it.each<[string, ShrinkResult | null, boolean, readonly string[], readonly [string, string, boolean][]]>([
    [
      "it failed again, and something else came up",
      shrunk,
      true,
      [],
      [
        ["lost_response at POST /v1/lease -> exit 1: no lease", "3/3", true],
        ["reset -> once, and it was not run again: HUNG hung", "1/1", true],
      ],
    ],
    [
      "what came up is known",
      shrunk,
      false,
      ["HUNG hung"],
      [["lost_response at POST /v1/lease -> exit 1: no lease", "3/3", true]],
    ],
    [
      "it did not fail again: there is nothing to replay",
      null,
      true,
      [],
      [["lost_response at POST /v1/lease -> once, and not again: exit 1: no lease", "1/1", false]],
    ],
    [
      "there was no time: the single run is kept, and not confirmed",
      null,
      false,
      [],
      [
        [
          "lost_response at POST /v1/lease -> once, and there was no time to run it again: exit 1: no lease",
          "1/1",
          true,
        ],
      ],
    ],
  ])("where %s", (_what, result, wasInTime, known, expected) => {
    const told = toldOf(failure, result, { wasInTime, known: new Set(known) });
    expect(
      told.map(({ title, failed, written }) => [title, `${failed.failed}/${failed.runs}`, written]),
    ).toEqual(expected);
  });

  it.each([
    ["as long as it takes at most, without a budget", null, 5_000, 300_000],
    ["as long as it takes at most, of a long one", 600_000, 5_000, 300_000],
    ["what is left of a budget", 60_000, 50_000, 10_500],
    ["none after it", 60_000, 99_000, 0],
  ])("is shrunk for %s", (_what, budget, now, time) => {
    expect(timeToShrink(300_000, budget, { since: 500, now })).toBe(time);
  });
});

it.each([
  [612, 0, 0, "0 failures in 612 trials: with 95 % confidence under 0.5 % of such trials fail"],
  [10, 0, 0, "0 failures in 10 trials: with 95 % confidence under 26 % of such trials fail"],
  [3, 3, 0, "no trial reached anything: nothing is known"],
  [100, 20, 4, "4 of 80 trials failed, in 1 way"],
])("%i trials, %i of them without a hit, with %i failures: %j", (trials, unreached, failed, text) => {
  const failures = new Map(failed === 0 ? [] : [["FAILED exit 1", failed]]);
  expect(huntSentence({ trials, unreached, failures })).toBe(text);
});
