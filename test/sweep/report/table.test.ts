/** The report for a terminal, as it is printed. */
import { describe, expect, it } from "vitest";
import { tableText } from "../../../src/sweep/report/table.js";
import { COMPLETE, SAMPLE, caseOf } from "./sample.js";

describe("the table of a sweep", () => {
  it("has a row for each site, a column for each kind, and the findings with their replay lines", () => {
    expect(tableText(SAMPLE)).toBe(`\
                           lost  lost-silent  503   stale
POST /v1/jobs/:n/complete  ✗ 1   ✗ 1          ✓     ·
GET /v1/jobs/next          ✓     H            ~     ○

✗ the command passed or failed, and left a wrong result   H the command hung   ~ it failed in some of the runs
○ the fault met no call   ✓ survived   · does not apply

8 cases: 2 WRONG, 1 HUNG, 1 FLAKY, 1 not reached, 3 survived
hit 6 of 7 cells, 1 of 1 pair; 24 runs in 4 min 40 s with 1 worker

 1 WRONG   answer of complete lost -> job 4 done twice
   3 of 3, fault-free 0 of 9; 1 other case shows the same
   squall replay .squall/failures/0001.yaml

seen only under faults: POST /v1/token
`);
  });

  it("shows the heaviest of the ordinals of a cell", () => {
    const cases = [
      caseOf(COMPLETE, "lost", "survived"),
      caseOf(COMPLETE, "lost", "FAILED", { cells: [{ site: COMPLETE.id, kind: "lost", ordinal: "last" }] }),
      caseOf(COMPLETE, "lost", "not run", {
        cells: [{ site: COMPLETE.id, kind: "lost", ordinal: "second" }],
      }),
    ];
    expect(tableText({ ...SAMPLE, cases, findings: [] })).toMatch(/^POST \/v1\/jobs\/:n\/complete {2}✗$/mu);
  });

  it("keeps kinds of the same name apart by their protocols", () => {
    const queue = {
      ...COMPLETE,
      id: "queue",
      protocol: "tcp" as const,
      proxy: "queue",
      name: "connection to queue",
    };
    const kinds = [
      ...SAMPLE.kinds,
      { name: "lost", about: "a reset in place of an answer", protocol: "tcp" as const },
    ];
    const cases = [caseOf(COMPLETE, "lost", "survived"), caseOf(queue, "lost", "HUNG")];
    const text = tableText({ ...SAMPLE, sites: [COMPLETE, queue], kinds, cases, findings: [] });
    expect(text.split("\n").slice(0, 5)).toEqual([
      "                           lost",
      "POST /v1/jobs/:n/complete  ✓",
      "",
      "                     lost",
      "connection to queue  H",
    ]);
  });

  it("is cut into blocks where it would be wider than the terminal", () => {
    const text = tableText(SAMPLE, undefined, 50);
    const [grid = ""] = text.split("\n\n✗");
    for (const line of grid.split("\n")) expect(line.length).toBeLessThanOrEqual(50);
    expect(grid.match(/GET \/v1\/jobs\/next/gu)).toHaveLength(2);
  });

  it("says that nothing was found, and never that something survived which was not run", () => {
    const nothing = { ...SAMPLE, cases: [caseOf(COMPLETE, "lost", "not run")], findings: [] };
    expect(tableText(nothing)).not.toContain("survived");
    const fine = { ...SAMPLE, cases: [caseOf(COMPLETE, "lost", "survived")], findings: [] };
    expect(tableText(fine)).toContain("no finding: 1 case survived, one run each");
  });

  it("says why it ended early, and that fault-free runs failed", () => {
    const text = tableText({ ...SAMPLE, stopped: "the budget of 20 min", controls: { failed: 1, runs: 23 } });
    expect(text).toContain("ended early: the budget of 20 min");
    expect(text).toContain("baseline flaky: 1 of 23 fault-free runs failed");
  });
});
