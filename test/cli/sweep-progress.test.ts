/** What a sweep says while it runs: the same events as a bar, as plain lines and as JSON. */
import pc from "picocolors";
import { describe, expect, it } from "vitest";
import {
  barRenderer,
  headText,
  jsonRenderer,
  plainRenderer,
  type Beginning,
  type Renderer,
} from "../../src/cli/sweep-progress.js";
import type { SeenConnection } from "../../src/sweep/contract/record.js";
import { CALLS, exitOne, madeUpSweep, single } from "../support/made-up-sweep.js";
import { run } from "../support/runs.js";

const BEGINNING: Beginning = {
  baselines: [run(CALLS, { ms: 2_400 }), run(CALLS, { ms: 2_600 })],
  sites: { stable: 8, wavering: 1, rare: 0 },
  cases: 108,
  jobs: 3,
  each: 2_600,
  whole: 94_000,
  timeout: 32_600,
  pairs: true,
};

async function played(renderer: Renderer): Promise<void> {
  renderer.begin(BEGINNING);
  const { events } = await madeUpSweep({
    cases: [single("lost"), single("late"), ...Array.from({ length: 40 }, (_, n) => single(`kind${n}`))],
    story: ({ label, faults }) =>
      faults.length > 0 && /lost|late/u.test(label) ? { exit: exitOne } : undefined,
  });
  for (const event of events) renderer.event(event);
  renderer.end();
}

const connection = (number: number): SeenConnection => ({
  proxy: "queue",
  bot: "bot-1",
  connection: number,
  at: 0,
  over: 1,
  bytes: { up: 1, down: 1 },
  end: "client_closed",
  failure: null,
  faults: [],
});

describe("what fault-free runs saw", () => {
  it.each([
    ["connections, of programs that speak no HTTP", [], [1, 2], "2 connections"],
    ["exchanges, and no connection under them", CALLS, CALLS.map((one) => one.connection), "2 exchanges"],
    ["both, where there are both", CALLS, [99], "2 exchanges, 1 connection"],
    ["nothing", [], [], "0 exchanges"],
  ] as const)("is told as %s", (_what, calls, connections, told) => {
    const { record, ...seen } = run(calls);
    const baseline = { ...seen, record: { ...record, connections: connections.map(connection) } };
    expect(headText({ ...BEGINNING, baselines: [baseline] })).toContain(`(8 stable, 1 wavering), ${told}`);
  });
});

describe("a sweep's progress", () => {
  it("is plain lines where nobody sees a bar: findings, and now and then how far it is", async () => {
    const said: string[] = [];
    await played(plainRenderer({ say: (text) => said.push(text), colours: pc.createColors(false) }));
    expect(said.slice(0, 4)).toEqual([
      "fault-free: 2 runs passed, 2.4 s to 2.6 s each; 9 sites (8 stable, 1 wavering), 2 exchanges",
      "cases: 108 singles, 2.6 s each, about 1 min 34 s with 3 workers; a run that hangs takes 32.6 s; pairs follow",
      [
        "  1 FAILED  complete:lost:first -> exit 1, without a word",
        "    3 of 3, fault-free 0 of 4",
        "    squall replay failures/0001.yaml",
      ].join("\n"),
      "  1 FAILED  complete:late:first shows the same",
    ]);
    expect(said.slice(4)).toEqual([
      "12 of 42 cases, 15.0 s, about 31.0 s left",
      "26 of 42 cases, 30.0 s, about 16.0 s left",
      "41 of 42 cases, 46.0 s, about 1.0 s left",
    ]);
  });

  it("is a bar on a terminal, with findings above it, and nothing of it is left", async () => {
    const screen: (string | null)[] = [];
    const renderer = barRenderer(
      { say: (text) => screen.push(`said ${text.split("\n")[0] ?? ""}`), colours: pc.createColors(false) },
      (line) => screen.push(line),
    );
    await played(renderer);
    const finding = screen.findIndex((line) => line?.startsWith("said   1 FAILED  complete:lost") === true);
    expect(screen[finding - 1]).toBeNull();
    expect(screen[finding + 1]).toContain("1/42");
    expect(screen).toContain("confirming complete:lost:first: 1 of 1 failed");
    expect(screen.findLast((line) => line !== null)).toBe(
      `${"█".repeat(24)} 42/42  0 ms left  1 finding  complete:kind39:first`,
    );
    expect(screen.at(-1)).toBeNull();
  });

  it("is lines of JSON for programs, each with its event", async () => {
    const said: Record<string, unknown>[] = [];
    await played(jsonRenderer((text) => said.push(JSON.parse(text) as Record<string, unknown>)));
    expect(said[0]).toEqual({
      event: "begun",
      baselines: 2,
      sites: BEGINNING.sites,
      cases: 108,
      jobs: 3,
      each: 2_600,
      whole: 94_000,
      timeout: 32_600,
      pairs: true,
    });
    expect(said.find(({ event }) => event === "finding")).toMatchObject({
      number: 1,
      verdict: "FAILED",
      signature: "FAILED exit 1",
      file: "failures/0001.yaml",
      known: false,
    });
    expect(said.filter(({ event }) => event === "case_over")).toHaveLength(42);
    expect(JSON.stringify(said)).not.toContain("exchanges");
  });
});
