/** Cases run again by made-up runners: the word for each way in which runs may come out, and how many runs that takes. */
import { describe, expect, it } from "vitest";
import type { Alarm } from "../../../src/sweep/contract/finding.js";
import { HarnessError, type RunPlan, type RunResult, type Runner } from "../../../src/sweep/contract/run.js";
import { replay, replayRuns, replayText, type Replayable } from "../../../src/sweep/replay/replay.js";

/**
 * `x` fails as it did, `o` otherwise, `.` passes, `-` is not reached, `!` cannot be made, `?` is suspect, `b` is suspect beside failing as
 * it did. From capitals, and from `,` that passes, others kept the processors.
 */
function runnerOf(script: string): { runner: Runner; plans: RunPlan[] } {
  const plans: RunPlan[] = [];
  const run = (plan: RunPlan): Promise<RunResult> => {
    const letter = script[plans.length % script.length] ?? ".";
    const what = letter === "," ? "." : letter.toLowerCase();
    plans.push(plan);
    if (what === "!") return Promise.reject(new HarnessError("setup failed"));
    const hits = what === "-" ? 0 : 1;
    return Promise.resolve({
      number: plans.length,
      label: what,
      exit: { kind: "exit", code: what === "x" || what === "o" ? 1 : 0 },
      ms: 100,
      starved: letter === "," || letter !== letter.toLowerCase() ? 80 : 0,
      check: null,
      record: { exchanges: [], connections: [], queries: [], flows: [], hits: [] },
      outcomes: plan.faults.map(({ name }) => ({
        fault: name,
        subjects: 1,
        matched: 1,
        hits: name === "never" ? 0 : hits,
      })),
      left: [],
      output: { stdout: "", stderr: "", dropped: 0 },
      folder: null,
    });
  };
  return { runner: { jobs: 1, run }, plans };
}

const alarm = (signature: string): Alarm =>
  ({ verdict: "FAILED", oracle: "O1", signature, text: "" }) as Alarm;
const judge = ({ label }: RunResult): { verdict: "FAILED" | "survived"; alarms: Alarm[] } => {
  const suspicion: Alarm = { verdict: "SUSPECT", oracle: "O6", signature: "twice POST /v1/bots", text: "" };
  if (label === "?") return { verdict: "survived", alarms: [suspicion] };
  if (label === "b") return { verdict: "FAILED", alarms: [suspicion, alarm("exit 1: lease not found")] };
  if (label === "x") return { verdict: "FAILED", alarms: [alarm("exit 1: lease not found")] };
  if (label === "o") return { verdict: "FAILED", alarms: [alarm("exit 1: out of memory")] };
  return { verdict: "survived", alarms: [] };
};

const CASE: Replayable = {
  name: "case-0001",
  faults: [{ type: "lost_response", name: "f1" }],
  seed: 7,
  signature: "FAILED exit 1: lease not found",
  failed: { of: 3, among: 3 },
};

describe("a case that failed each time", () => {
  it.each([
    ["x", "FAILED 3/3", 3],
    [".", "FIXED 0/3", 3],
    ["x..", "FLAKY 1/3", 3],
    ["o", "DIFFERENT 3/3", 3],
    ["o..", "DIFFERENT 1/3", 3],
    ["xxo", "FAILED 2/3", 3],
    ["-", "NOT REACHED", 3],
    ["!", "ERROR", 1],
    ["-x", "FAILED 2/2", 5],
    ["?", "FIXED 0/3", 3],
    ["b", "FAILED 3/3", 3],
    ["x?", "FLAKY 2/3", 3],
    ["o?", "DIFFERENT 2/3", 3],
    ["?-", "FIXED 0/3", 5],
    ["X", "FAILED 3/3", 3],
    ["O..", "FIXED 0/3", 5],
    ["Oo", "DIFFERENT 3/3", 6],
    ["O", "DIFFERENT 3/3", 6],
    [",x", "FAILED 3/3", 6],
    [",", "FIXED 0/3", 6],
    ["X,", "FAILED 3/3", 5],
  ])("whose runs come out as %s is %s after %i runs", async (script, text, count) => {
    const { runner, plans } = runnerOf(script);
    const replayed = await replay(CASE, { runner, judge });
    expect(replayText(replayed)).toBe(text);
    expect(plans).toHaveLength(count);
    expect(plans.every(({ seed, faults }) => seed === 7 && faults === CASE.faults)).toBe(true);
  });

  it("tells which of its faults never acted, and what it failed of otherwise", async () => {
    const faults = [...CASE.faults, { type: "reset", name: "never" }];
    const replayed = await replay({ ...CASE, faults }, { runner: runnerOf("o").runner, judge });
    expect(replayed).toMatchObject({
      unreached: ["never"],
      others: ["FAILED exit 1: out of memory"],
      text: "it fails otherwise: FAILED exit 1: out of memory",
    });
  });

  it("of a journal, of which nobody has said how it failed, fails in any way", async () => {
    const replayed = await replay({ ...CASE, signature: null }, { runner: runnerOf("o").runner, judge });
    expect(replayText(replayed)).toBe("FAILED 3/3");
  });
});

it.each([
  [3, 3, 3],
  [9, 10, 3],
  [5, 10, 5],
  [3, 10, 9],
  [2, 10, 14],
  [1, 10, 29],
  [0, 10, 44],
  [0, 0, 3],
])("one that failed in %i of %i runs is run %i times", (of, among, runs) => {
  expect(replayRuns({ of, among })).toBe(runs);
});

it("an interrupt is nothing that is told of the case", async () => {
  const run = (): Promise<never> => Promise.reject(new DOMException("interrupted", "AbortError"));
  await expect(replay(CASE, { runner: { jobs: 1, run }, judge })).rejects.toThrow("interrupted");
});
