/** The loop of a sweep, over made-up runs: what is run when, what is believed, and what is said of it. */
import { describe, expect, it } from "vitest";
import type { CaseResult } from "../../../src/sweep/contract/finding.js";
import { HarnessError } from "../../../src/sweep/contract/run.js";
import type { Recalled } from "../../../src/sweep/sweep/memory.js";
import { exitOf } from "../../../src/sweep/sweep/outcome.js";
import { call, lostAnswer } from "../../support/runs.js";
import { CALLS, exitOne, madeUpSweep, SETTINGS, single, type MadeUp } from "../../support/made-up-sweep.js";

const COMPLETE = "POST /v1/jobs/:n/complete";
const LEASE = "POST /v1/lease";
const verdicts = (results: readonly CaseResult[]): string[] => results.map(({ verdict }) => verdict);
const many = (count: number, at?: string): MadeUp["cases"] =>
  Array.from({ length: count }, (_, index) => single(`kind${index}`, at));
const exitCode = (told: Awaited<ReturnType<typeof madeUpSweep>>, settings = SETTINGS): number =>
  exitOf(told.outcome, settings).code;

describe("a sweep", () => {
  it("runs each case once that survives, and says that nothing was found", async () => {
    const told = await madeUpSweep({ cases: many(3) });
    expect(told.runs).toEqual(many(3).map(({ id }) => id));
    expect(verdicts(told.outcome.results)).toEqual(["survived", "survived", "survived"]);
    expect(told.outcome).toMatchObject({
      runs: 6,
      stop: null,
      findings: [],
      controls: { failed: 0, runs: 3 },
    });
    expect(exitCode(told)).toBe(0);
  });

  it("confirms an alarm by the fault, a fault-free run, and the fault again", async () => {
    const told = await madeUpSweep({
      cases: many(1),
      story: ({ faults }) => (faults.length > 0 ? { exit: exitOne } : undefined),
    });
    expect(told.runs).toEqual([`${COMPLETE} kind0`, `${COMPLETE} kind0`, "control 1", `${COMPLETE} kind0`]);
    // By these a run is found again in runs.jsonl.
    const name = "complete:kind0:first";
    expect(told.labels).toEqual([name, name, "control 1", name]);
    const [finding] = told.outcome.findings;
    expect(finding).toMatchObject({
      number: 1,
      verdict: "FAILED",
      signature: "FAILED exit 1",
      confirmation: { failed: 3, runs: 3, controls: { failed: 0, runs: 4 } },
      file: "failures/0001.yaml",
    });
    expect(exitCode(told)).toBe(1);
  });

  it("calls FLAKY what fails at times, after ten runs, and does not count it unless it is strict", async () => {
    const told = await madeUpSweep({
      cases: many(1),
      story: ({ faults }, nth) =>
        faults.length > 0 && [1, 4, 9].includes(nth) ? { exit: exitOne } : undefined,
    });
    const [finding] = told.outcome.findings;
    expect(finding).toMatchObject({ verdict: "FLAKY", confirmation: { failed: 3, runs: 10 } });
    expect(finding?.title).toContain("3 of 10 (11-60 %)");
    expect(exitCode(told)).toBe(0);
    expect(exitCode(told, { ...SETTINGS, strict: true })).toBe(1);
  });

  it("holds nothing against a fault of what fault-free runs do as often", async () => {
    let number = 0;
    const told = await madeUpSweep({
      cases: many(60),
      story: () => (number++ % 2 === 0 ? { exit: exitOne } : undefined),
      settings: { strict: true },
    });
    const [first] = told.outcome.findings;
    // Only the first can be told before a fault-free run has failed.
    expect(told.outcome.findings.length).toBeLessThan(2);
    expect(first?.verdict ?? "FLAKY").toBe("FLAKY");
    expect(told.outcome.results.at(-1)).toMatchObject({ verdict: "survived" });
    expect(told.outcome.results.findLast(({ note }) => note !== undefined)?.note).toMatch(
      /^\d+ of 10 failed, and so did \d+ of \d+ fault-free runs$/u,
    );
  });

  describe("an alarm of a run that others kept from the processors", () => {
    /**
     * `X` fails while others have the machine for 4 s, `x` without that; `O` and `o` pass so, and `0` while they have it for 2 s. The last
     * goes on for ever.
     */
    const scripted =
      (script: string): NonNullable<MadeUp["story"]> =>
      ({ faults }, nth) => {
        if (faults.length === 0) return undefined;
        const letter = script[Math.min(nth, script.length) - 1] ?? "";
        const fails = letter.toLowerCase() === "x" ? { exit: exitOne } : {};
        return { ...fails, ms: 9_000, starved: letter === "0" ? 2_000 : /[XO]/u.test(letter) ? 4_000 : 0 };
      };

    it.each([
      ["x", "FAILED", 3, 3, 0],
      ["XXXx", "FAILED", 4, 4, 1],
      ["X", "FAILED", 4, 4, 1],
      ["XxX", "FAILED", 3, 3, 0],
      ["XXXo", "survived", 3, 10, 7],
      ["Xo", "survived", 1, 10, 8],
      ["XO", "harness error", 1, 10, 8],
      ["XooooO", "harness error", 1, 10, 8],
      ["XoooooO", "survived", 1, 10, 8],
      ["X0", "survived", 1, 10, 8],
      ["X00000O", "survived", 1, 10, 8],
      ["X0000O", "harness error", 1, 10, 8],
      ["Xoox", "FLAKY", 8, 10, 8],
      ["xo", "FLAKY", 1, 10, 8],
      ["xO", "FLAKY", 1, 10, 8],
    ])("and then %s is %s, %i of %i, %i of these alone", async (script, verdict, failed, runs, alone) => {
      const told = await madeUpSweep({ cases: many(1), story: scripted(script) });
      const [result] = told.outcome.results;
      expect(result).toMatchObject({ verdict, confirmation: { failed, runs } });
      expect(told.alone).toHaveLength(alone);
      // What is not held against it is told all the same.
      const isExcused = verdict === "survived" || verdict === "harness error";
      expect(result?.note ?? "").toContain(
        isExcused
          ? `failed in ${failed} of ${runs} runs, only while other programs had the processors (for 4 s and more)`
          : "",
      );
      expect(told.outcome.findings).toHaveLength(isExcused ? 0 : 1);
      expect(exitCode(told, { ...SETTINGS, strict: true })).toBe(
        verdict === "survived" ? 0 : verdict === "harness error" ? 6 : 1,
      );
    });

    it("is run often enough where the case has passed many times before", async () => {
      const story = scripted(`${"o".repeat(11)}Xo`);
      const told = await madeUpSweep({ cases: many(1), settings: { repeat: 20 }, story });
      expect(told.outcome.results[0]).toMatchObject({
        verdict: "survived",
        confirmation: { failed: 1, runs: 17 },
      });
    });

    it("is a doubt where there is no time to run it again", async () => {
      const told = await madeUpSweep({
        cases: many(1),
        settings: { budget: 3_000 },
        story: scripted("Xo"),
      });
      expect(told.outcome.results[0]).toMatchObject({ verdict: "FLAKY" });
    });
  });

  it("needs more reruns for an alarm where fault-free runs fail too", async () => {
    const told = await madeUpSweep({
      cases: many(1),
      story: ({ faults, label }) =>
        faults.length > 0 || label === "control 1" ? { exit: exitOne } : undefined,
    });
    expect(told.outcome.results[0]).toMatchObject({
      verdict: "FAILED",
      confirmation: { failed: 5, runs: 5, controls: { failed: 1, runs: 4 } },
    });
  });

  it("makes one finding of what shows alike at one place, and two of two places", async () => {
    const cases = [single("lost"), single("late"), single("lost", LEASE)];
    const told = await madeUpSweep({
      cases,
      story: ({ faults }) => (faults.length > 0 ? { exit: exitOne } : undefined),
    });
    expect(
      told.outcome.findings.map(({ number, results }) => [number, results.map((one) => one.case.id)]),
    ).toEqual([
      [1, [`${COMPLETE} lost`, `${COMPLETE} late`]],
      [2, [`${LEASE} lost`]],
    ]);
    expect(told.written).toHaveLength(2);
    // What shows a confirmed finding again is not confirmed once more; at another place it is.
    expect(told.runs.filter((label) => label === `${COMPLETE} late`)).toHaveLength(1);
    expect(told.runs.filter((label) => label === `${LEASE} lost`)).toHaveLength(3);
    expect(told.outcome.results.map(({ verdict, confirmation }) => [verdict, confirmation?.runs])).toEqual([
      ["FAILED", 3],
      ["FAILED", undefined],
      ["FAILED", 3],
    ]);
  });

  it("confirms again what a finding shows that failed at times only", async () => {
    const told = await madeUpSweep({
      cases: [single("late"), single("lost"), single("cut")],
      story: ({ label, faults }, nth) =>
        faults.length > 0 && (!label.endsWith("late") || nth % 3 === 1) ? { exit: exitOne } : undefined,
    });
    const runs = (kind: string): number => told.runs.filter((label) => label.endsWith(` ${kind}`)).length;
    expect([runs("late"), runs("lost"), runs("cut")]).toEqual([10, 3, 1]);
  });

  it("shows what fails each time in place of what failed at times before", async () => {
    const told = await madeUpSweep({
      cases: [single("late"), single("lost")],
      story: ({ label, faults }, nth) =>
        label.endsWith("lost") || (faults.length > 0 && nth % 3 === 1) ? { exit: exitOne } : undefined,
    });
    const [finding, ...others] = told.outcome.findings;
    expect(others).toEqual([]);
    expect(finding).toMatchObject({ number: 1, verdict: "FAILED", confirmation: { failed: 3, runs: 3 } });
    expect(finding?.results[0]?.case.id).toBe(`${COMPLETE} lost`);
    expect(told.written.map(({ verdict }) => verdict)).toEqual(["FLAKY", "FAILED"]);
  });

  it("never counts what was not reached as survived", async () => {
    const told = await madeUpSweep({ cases: many(2), story: () => ({ outcomes: [] }) });
    expect(verdicts(told.outcome.results)).toEqual(["not reached", "not reached"]);
    expect(told.outcome.controls).toEqual({ failed: 0, runs: 5 });
    expect(exitOf(told.outcome, SETTINGS)).toMatchObject({
      code: 6,
      why: expect.stringContaining("ever reached") as string,
    });
  });

  it("takes a run that fails though no fault was reached for a failure of the command itself", async () => {
    const told = await madeUpSweep({ cases: many(1), story: () => ({ outcomes: [], exit: exitOne }) });
    expect(verdicts(told.outcome.results)).toEqual(["not reached"]);
    expect(told.outcome.controls).toEqual({ failed: 1, runs: 4 });
  });

  it("makes a fault-free run after every twenty cases", async () => {
    const told = await madeUpSweep({ cases: many(45) });
    const places = told.runs.flatMap((label, index) => (label.startsWith("control") ? [index] : []));
    expect(places).toEqual([20, 41]);
    expect(told.outcome.controls).toEqual({ failed: 0, runs: 5 });
  });

  it("has as many runs under way as the runner takes, and never more", async () => {
    const cases = many(30);
    const told = await madeUpSweep({
      cases,
      jobs: 4,
      story: ({ faults, label }) =>
        faults.length > 0 && label.endsWith("7") ? { exit: exitOne } : undefined,
    });
    expect(told.busiest).toBe(4);
    expect(told.outcome.results.map((one) => one.case.id)).toEqual(cases.map(({ id }) => id));
  });

  it("stops when the budget is used up, and lists what was not run", async () => {
    const told = await madeUpSweep({ cases: many(10), settings: { budget: 4_000 } });
    expect(told.outcome.stop).toBe("budget");
    expect(verdicts(told.outcome.results).filter((one) => one === "not run")).toHaveLength(6);
    expect(exitCode(told)).toBe(6);
    expect(exitOf(told.outcome, SETTINGS).why).toContain("6 of 10 cases were not run");
  });

  it("confirms nothing after its budget, calls it a doubt, and begins it again at the next start", async () => {
    const remembered: string[] = [];
    const told = await madeUpSweep({
      cases: many(4),
      settings: { budget: 3_000 },
      story: ({ label }) => (label.endsWith("kind2") ? { exit: exitOne } : undefined),
      memory: { recall: () => undefined, remember: ({ case: { id } }) => void remembered.push(id) },
    });
    expect(told.runs).toEqual(many(3).map(({ id }) => id));
    expect(told.outcome).toMatchObject({ stop: "budget" });
    expect(verdicts(told.outcome.results)).toEqual(["survived", "survived", "FLAKY", "not run"]);
    expect(told.outcome.findings[0]?.title).toBe(
      "complete:kind2:first -> once, and it was not run again: exit 1, without a word",
    );
    expect(remembered).toEqual(many(2).map(({ id }) => id));
  });

  it("has the fault-free runs in its budget", async () => {
    const told = await madeUpSweep({ cases: many(10), settings: { budget: 4_000 }, since: -3_000 });
    expect(told.runs).toHaveLength(1);
  });

  it("stops after as many findings as were asked for", async () => {
    const told = await madeUpSweep({
      cases: [...many(3), ...many(3, LEASE)],
      settings: { findingsMax: 1 },
      story: ({ faults }) => (faults.length > 0 ? { exit: exitOne } : undefined),
    });
    expect(told.outcome.stop).toBe("findings");
    expect(told.outcome.findings).toHaveLength(1);
    expect(exitCode(told)).toBe(1);
  });

  it("begins no other case while the file of the last finding that was asked for is written", async () => {
    const told = await madeUpSweep({
      cases: many(3),
      settings: { findingsMax: 1 },
      story: ({ faults }) => (faults.length > 0 ? { exit: exitOne } : undefined),
      writeFinding: async () => {
        for (let turn = 0; turn < 20; turn++) await Promise.resolve();
        return "failures/0001.yaml";
      },
    });
    expect(verdicts(told.outcome.results)).toEqual(["FAILED", "not run", "not run"]);
  });

  it("begins again where it was interrupted, with the case that was under way", async () => {
    const kept = new Map<string, Recalled>();
    const memory = {
      recall: ({ id }: { readonly id: string }) => kept.get(id),
      remember: (result: CaseResult, pairs: Recalled["pairs"]) =>
        void kept.set(result.case.id, { result, pairs }),
    };
    let interrupt = true;
    const story: MadeUp["story"] = ({ label, faults }) => {
      if (interrupt && label.endsWith("kind2"))
        return new DOMException("interrupted by SIGINT", "AbortError");
      return faults.length > 0 && label.endsWith("kind1") ? { exit: exitOne } : undefined;
    };
    const first = await madeUpSweep({ cases: many(4), story, memory });
    expect(first.outcome.stop).toBe("interrupted");
    expect(verdicts(first.outcome.results)).toEqual(["survived", "FAILED", "not run", "not run"]);
    interrupt = false;
    const second = await madeUpSweep({ cases: many(4), story, memory });
    expect(second.runs).toEqual([`${COMPLETE} kind2`, `${COMPLETE} kind3`]);
    expect(verdicts(second.outcome.results)).toEqual(["survived", "FAILED", "survived", "survived"]);
    expect(second.outcome.findings).toHaveLength(1);
  });

  it.each([
    [
      "STUCK, for that is why it cannot be run again",
      { recovered: { ms: null, missing: ["a bot"] }, healed: 5 },
      "STUCK",
      1,
    ],
    ["a doubt, of what failed before the harness did", { exit: exitOne }, "FLAKY", 6],
  ] as const)(
    "keeps what was seen where nothing can be run after it: %s",
    async (_why, seen, verdict, code) => {
      let runs = 0;
      const told = await madeUpSweep({
        cases: many(4),
        story: () => (++runs === 1 ? seen : new HarnessError("the system is not back")),
      });
      expect(told.outcome.results[0]).toMatchObject({
        verdict,
        confirmation: { failed: 1, runs: 1 },
        note: "it could not be run again: the system is not back",
      });
      expect(told.outcome.findings).toMatchObject([{ verdict }]);
      // With the three that are fault-free.
      expect(told.outcome.runs).toBe(4);
      expect(told.outcome.stop).toBe("harness");
      expect(exitCode(told)).toBe(code);
    },
  );

  it("tells that nothing can be written any more, and loses neither the finding nor the cases after it", async () => {
    const full = new HarnessError("cannot write to .squall: no space is left on the disk");
    const refuse = (): never => {
      throw full;
    };
    const told = await madeUpSweep({
      cases: many(3),
      story: ({ faults, label }) =>
        faults.length > 0 && label.endsWith("kind0") ? { exit: exitOne } : undefined,
      memory: { recall: () => undefined, remember: refuse },
      writeFinding: () => Promise.reject(full),
    });
    expect(verdicts(told.outcome.results)).toEqual(["FAILED", "survived", "survived"]);
    expect(told.outcome.findings).toMatchObject([{ number: 1, verdict: "FAILED", file: null }]);
    expect(told.outcome.stop).toBeNull();
    const troubles = told.events.flatMap((event) => (event.kind === "trouble" ? [event.label] : []));
    expect(troubles).toEqual([
      "the state of complete:kind0:first",
      "the file of finding 1",
      "the state of complete:kind1:first",
      "the state of complete:kind2:first",
    ]);
  });

  it("goes on after a run that the harness could not make, and gives up after three in a row", async () => {
    const once = await madeUpSweep({
      cases: many(3),
      story: ({ label }) =>
        label.endsWith("kind1") ? new HarnessError("setup failed: exit 1\n    no room") : undefined,
    });
    expect(verdicts(once.outcome.results)).toEqual(["survived", "harness error", "survived"]);
    expect(once.outcome.results[1]?.note).toBe("setup failed: exit 1\n    no room");
    expect(once.outcome.stop).toBeNull();
    // What could not be tried is not known to be withstood.
    expect(exitOf(once.outcome, SETTINGS)).toEqual({
      code: 6,
      why: "no verdict for 1 of 3 cases, such as complete:kind1:first: setup failed: exit 1",
    });
    const always = await madeUpSweep({
      cases: many(9),
      story: () => new HarnessError("the upstream is not ready"),
    });
    expect(always.outcome.stop).toBe("harness");
    expect(exitOf(always.outcome, SETTINGS).why).toBe(
      "6 of 9 cases were not run: the harness could make no more runs",
    );
    const each = await madeUpSweep({ cases: many(2), story: () => new HarnessError("setup failed") });
    expect(exitOf(each.outcome, SETTINGS).why).toBe(
      "no verdict for 2 of 2 cases, such as complete:kind0:first: setup failed",
    );
    const interrupted = await madeUpSweep({
      cases: many(2),
      story: () => new DOMException("interrupted by SIGINT", "AbortError"),
    });
    expect(exitOf(interrupted.outcome, SETTINGS).why).toBe("2 of 2 cases were not run: it was interrupted");
    expect(always.runs).toHaveLength(3);
    expect(exitCode(always)).toBe(6);
  });

  it("runs each case again that survives, if it is told to", async () => {
    const told = await madeUpSweep({
      cases: many(1),
      settings: { repeat: 3 },
      story: ({ faults }, nth) => (faults.length > 0 && nth >= 3 ? { exit: exitOne } : undefined),
    });
    expect(told.outcome.results[0]).toMatchObject({
      verdict: "FLAKY",
      confirmation: { failed: 8, runs: 10 },
    });
  });

  it("says when less was hit than is required", async () => {
    const told = await madeUpSweep({
      cases: many(4),
      story: ({ label }) => (label.endsWith("kind3") ? { outcomes: [] } : undefined),
    });
    expect(exitCode(told, { ...SETTINGS, requireCoverage: 0.75 })).toBe(0);
    expect(exitOf(told.outcome, { ...SETTINGS, requireCoverage: 0.9 })).toEqual({
      code: 6,
      why: "75 % of the cells were hit, and 90 % are required",
    });
  });

  it("tells a command that made no call from a choice of cases that leaves none", async () => {
    const { outcome } = await madeUpSweep({ cases: [] });
    const unseen = outcome.baselines.map((run) => ({ ...run, record: { ...run.record, exchanges: [] } }));
    expect(exitOf({ ...outcome, baselines: unseen }, SETTINGS)).toMatchObject({
      code: 6,
      why: expect.stringContaining("the command must be told where the proxies listen") as string,
    });
    expect(exitOf(outcome, SETTINGS)).toMatchObject({
      code: 6,
      why: expect.stringContaining("what was asked for leaves no case (--only") as string,
    });
  });

  it("runs pairs along the edges of what survived, and of nothing else", async () => {
    const edges: (readonly string[])[] = [];
    const told = await madeUpSweep({
      cases: many(3),
      settings: { pairs: true },
      story: ({ label, faults }) =>
        faults.length === 0
          ? undefined
          : label.endsWith("kind0")
            ? { exit: exitOne }
            : { record: { ...run2, exchanges: [...CALLS, call(300, "POST /v1/bots/3/token")] } },
      pairsAfter: (result) => {
        edges.push(result.edges);
        return [single(`pair of ${result.case.id}`)];
      },
    });
    expect(edges).toEqual([["jobs bot-# POST /v1/bots/:n/token"], ["jobs bot-# POST /v1/bots/:n/token"]]);
    expect(told.outcome.pairs).toHaveLength(2);
    expect(told.outcome.results).toHaveLength(5);
  });

  describe("a call that was carried out twice", () => {
    const twice: MadeUp["story"] = ({ label, faults }) =>
      faults.length > 0 && label.endsWith("lost")
        ? {
            record: {
              ...run2,
              exchanges: [
                ...CALLS.slice(0, 1),
                call(100, "POST /v1/jobs/7/complete", lostAnswer),
                call(200, "POST /v1/jobs/7/complete"),
              ],
            },
          }
        : undefined;
    const cases = [single("lost"), single("twice", COMPLETE, "duplicate_request")];

    it("is harmless where Squall had it carried out twice and the audit found nothing", async () => {
      const told = await madeUpSweep({ cases, story: twice, usually: { audit: { done: 1 } } });
      expect(verdicts(told.outcome.results)).toEqual(["survived", "survived"]);
      expect(told.outcome.results[0]?.note).toContain("harmless, as complete:twice:first shows");
      expect(told.runs).toEqual([`${COMPLETE} lost`, `${COMPLETE} twice`]);
    });

    it("is settled by a case that nobody asked for as well, of which nothing is filed", async () => {
      const [lost, repeated] = cases;
      const parts = {
        cases: lost === undefined ? [] : [lost],
        unplanned: repeated === undefined ? [] : [repeated],
      };
      const good = await madeUpSweep({ ...parts, story: twice, usually: { audit: { done: 1 } } });
      expect(verdicts(good.outcome.results)).toEqual(["survived"]);
      const bad = await madeUpSweep({
        ...parts,
        story: (plan, nth) => (plan.label.endsWith("twice") ? { audit: { done: 2 } } : twice(plan, nth)),
        usually: { audit: { done: 1 } },
      });
      expect(verdicts(bad.outcome.results)).toEqual(["SUSPECT"]);
      expect(bad.outcome.findings.map(({ signature }) => signature)).toEqual([`SUSPECT twice ${COMPLETE}`]);
    });

    it("is suspect where the audit did find something", async () => {
      const told = await madeUpSweep({
        cases,
        story: (plan, nth) => (plan.label.endsWith("twice") ? { audit: { done: 2 } } : twice(plan, nth)),
        usually: { audit: { done: 1 } },
      });
      expect(verdicts(told.outcome.results)).toEqual(["SUSPECT", "WRONG"]);
    });

    it("is suspect where nobody looked", async () => {
      const told = await madeUpSweep({ cases, story: twice });
      expect(verdicts(told.outcome.results)).toEqual(["SUSPECT", "survived"]);
      expect(exitCode(told)).toBe(0);
      expect(exitCode(told, { ...SETTINGS, strict: true })).toBe(1);
    });
  });
});

const run2 = { exchanges: [], connections: [], queries: [], flows: [], hits: [] };

describe("a packed sweep", () => {
  const PLACES = ["POST /a", "POST /b", "POST /c", "POST /d"];
  const cases = PLACES.map((place) => single("lost", place));
  const together = cases.map(({ id }) => id).join(" + ");

  it("runs several cases in one run, and says so of what survives", async () => {
    const told = await madeUpSweep({ cases, settings: { pack: true } });
    expect(told.runs).toEqual([together]);
    expect(verdicts(told.outcome.results)).toEqual(Array(4).fill("survived (packed)"));
    expect(exitCode(told)).toBe(0);
    expect(told.events.filter(({ kind }) => kind === "case_over")).toHaveLength(4);
  });

  it("runs each by itself if anything is wrong, and finds which it was", async () => {
    const told = await madeUpSweep({
      cases,
      settings: { pack: true },
      story: ({ label, faults }) =>
        faults.length > 0 && label.includes("POST /c") ? { exit: exitOne } : undefined,
    });
    const [a, b, c, d] = cases.map(({ id }) => id);
    expect(told.runs).toEqual([together, a, b, c, c, "control 1", c, d]);
    expect(verdicts(told.outcome.results)).toEqual(["survived", "survived", "FAILED", "survived"]);
    expect(told.outcome.findings).toHaveLength(1);
  });

  it("runs by itself what was not hit in its pack", async () => {
    const told = await madeUpSweep({
      cases,
      settings: { pack: true },
      story: ({ faults }) => ({
        outcomes: faults.map(({ name }) => ({
          fault: name,
          subjects: 1,
          matched: 1,
          hits: name === "f1-2" ? 0 : 1,
        })),
      }),
    });
    expect(told.runs).toEqual([together, "POST /b lost"]);
    expect(verdicts(told.outcome.results)).toEqual([
      "survived (packed)",
      "survived",
      "survived (packed)",
      "survived (packed)",
    ]);
  });

  it("packs nothing of one site, nothing that is known, and nothing where it is off", async () => {
    const here = ["lost", "late"].map((kind) => single(kind, "POST /a"));
    expect((await madeUpSweep({ cases: here, settings: { pack: true } })).runs).toHaveLength(2);
    expect((await madeUpSweep({ cases })).runs).toHaveLength(4);
    const known = new Map<string, Recalled>(
      cases.slice(0, 1).map((of) => [
        of.id,
        {
          pairs: [],
          result: {
            case: of,
            verdict: "survived (packed)",
            alarms: [],
            confirmation: null,
            run: null,
            edges: [],
          },
        },
      ]),
    );
    const memory = { recall: ({ id }: { readonly id: string }) => known.get(id), remember: () => undefined };
    expect((await madeUpSweep({ cases, memory, settings: { pack: true } })).runs).toEqual([
      cases
        .slice(1)
        .map(({ id }) => id)
        .join(" + "),
    ]);
    // In a pack it has survived with less certainty than is asked for now.
    expect((await madeUpSweep({ cases, memory })).runs).toHaveLength(4);
  });

  it("takes no pack for an experiment", async () => {
    const twice = single("twice", COMPLETE, "duplicate_request");
    const told = await madeUpSweep({
      cases: [twice, single("503", LEASE), single("lost")],
      settings: { pack: true },
      usually: { audit: { done: 1 } },
      story: ({ label }) =>
        label === `${COMPLETE} lost`
          ? {
              record: {
                ...run2,
                exchanges: [
                  ...CALLS.slice(0, 1),
                  call(100, "POST /v1/jobs/7/complete", lostAnswer),
                  call(200, "POST /v1/jobs/7/complete"),
                ],
              },
            }
          : undefined,
    });
    expect(told.runs).toEqual([`${twice.id} + ${LEASE} 503`, `${COMPLETE} lost`, twice.id]);
    expect(verdicts(told.outcome.results)).toEqual(["survived (packed)", "survived (packed)", "survived"]);
  });
});
