/** For how long others had the machine, by what its processors did in each second; and who may make a run beside whom. */
import { describe, expect, it } from "vitest";
import type { RunPlan, RunResult } from "../../../src/sweep/contract/run.js";
import { runBaselines } from "../../../src/sweep/harness/baselines.js";
import { isStarved, Starvation } from "../../../src/sweep/harness/starvation.js";
import { run } from "../../support/runs.js";
import { Turns } from "../../../src/sweep/harness/turns.js";

const SECOND = 1_000;

describe("the time in which others had the machine", () => {
  /** Seconds of two processors, each with how many of them were idle, and how many the run itself had. */
  const walk = (seconds: readonly (readonly [idle: number, own: number])[], length = SECOND): number => {
    const starvation = new Starvation({ at: 5_000, processors: 2, idle: 70_000, own: 300 });
    let [at, idle, own] = [5_000, 70_000, 300];
    for (const [free, ours] of seconds) {
      at += length;
      idle += free * length;
      own += ours * length;
      starvation.take({ at, processors: 2, idle, own });
    }
    return starvation.ms;
  };

  it.each([
    ["none is busy", [[2, 0]], 0],
    ["one is busy, and one free", [[1, 0]], 0],
    ["the run takes both itself", [[0, 2]], 0],
    ["others take both", [[0, 0]], 1_000],
    ["others take one, and the run the other", [[0, 1]], 1_000],
    ["others take a little of what the run nearly fills", [[0, 1.6]], 0],
    ["something is left over", [[0.3, 0]], 0],
    [
      "others come and go",
      [
        [0, 0],
        [2, 0],
        [0, 0.5],
        [0, 2],
      ],
      2_000,
    ],
    ["a program of the run ends, with what it had taken", [[0, -0.5]], 1_000],
  ] as const)("where %s", (_name, seconds, expected) => {
    expect(walk(seconds)).toBe(expected);
  });

  it("is told from windows of a quarter of a second and more", () => {
    expect(
      walk(
        Array.from({ length: 10 }, () => [0, 0] as const),
        100,
      ),
    ).toBe(900);
  });

  it.each([
    [10_000, undefined, false],
    [10_000, 0, false],
    [10_000, 900, false],
    [10_000, 1_000, true],
    [600, 200, false],
    [600, 300, true],
  ])("of a run of %i ms is %s ms: enough to fail for that is %s", (ms, starved, expected) => {
    expect(isStarved(starved === undefined ? { ms } : { ms, starved })).toBe(expected);
  });
});

describe("runs", () => {
  /** Letters that ask in this order, capitals to be alone; answers who was under way after each who ended, oldest first. */
  async function told(who: string): Promise<string[]> {
    const turns = new Turns();
    const under = new Map<string, () => void>();
    for (const one of who) void turns.take(one !== one.toLowerCase()).then((over) => under.set(one, over));
    const seen: string[] = [];
    for (;;) {
      for (let turn = 0; turn < 10; turn++) await Promise.resolve();
      seen.push([...under.keys()].join(""));
      const [first] = under;
      if (first === undefined) return seen;
      under.delete(first[0]);
      first[1]();
    }
  }

  it.each([
    ["abc", ["abc", "bc", "c", ""]],
    ["A", ["A", ""]],
    ["abCd", ["ab", "b", "C", "d", ""]],
    ["Abc", ["A", "bc", "c", ""]],
    ["aBCd", ["a", "B", "C", "d", ""]],
  ])("that come as %s are under way as %j", async (who, expected) => {
    expect(await told(who)).toEqual(expected);
  });
});

describe("fault-free runs that fail", () => {
  /** Of each run: `.` passes, `x` fails, and a capital or `,` of these is starved. Answers what came of it, and who was alone. */
  async function told(script: string): Promise<string> {
    let made = 0;
    let alone = "";
    const runner = {
      jobs: 1,
      run: (plan: RunPlan): Promise<RunResult> => {
        const letter = script[made++] ?? ".";
        alone += plan.alone === true ? "a" : "-";
        const code = letter.toLowerCase() === "x" ? 1 : 0;
        return Promise.resolve(
          run([], { exit: { kind: "exit", code }, starved: letter === "," || letter === "X" ? 5_000 : 0 }),
        );
      },
    };
    try {
      const results = await runBaselines(runner, { baselines: 2, seed: 1, ignore: [], tolerance: 0 });
      return `${results.length} ${alone}`;
    } catch (error) {
      return `${/to blame/u.test(String(error)) ? "busy" : "broken"} ${alone}`;
    }
  }

  it.each([
    ["..", "2 --"],
    [",,", "2 --"],
    ["x", "broken -"],
    ["X..", "2 -aa"],
    [",x..", "2 --aa"],
    ["Xx", "broken -a"],
    ["XX", "busy -a"],
    ["X.X", "busy -aa"],
  ])("as %s come to %s", async (script, expected) => {
    expect(await told(script)).toBe(expected);
  });
});
