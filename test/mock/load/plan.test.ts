import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { payloadOf, planJobs } from "../../../src/mock/load/plan.js";
import { progressBar } from "../../../src/mock/load/progress.js";
import { judge, type AuditRow } from "../../../src/mock/load/verdict.js";
import { noCounts } from "../../../src/mock/server/job.js";

const shape = { jobs: 10, size: 0, duration: 100, depth: 3, fanout: 2 };
const parents = (options = shape): (number | null)[] => [...planJobs(options)].map(({ parent }) => parent);

describe("a plan", () => {
  it("has trees of the depth and fanout that were asked for, one after the other", () => {
    expect(parents()).toEqual([null, 0, 0, 1, 1, 2, 2, null, 7, 7]);
    expect(parents({ ...shape, jobs: 4, depth: 1 })).toEqual([null, null, null, null]);
    expect(parents({ ...shape, jobs: 5, depth: 3, fanout: 1 })).toEqual([null, 0, 1, null, 3]);
  });

  it("has each parent before its children, no chain too long, no job with too many children", () => {
    const options = fc.record({
      jobs: fc.integer({ min: 1, max: 200 }),
      depth: fc.integer({ min: 1, max: 6 }),
      fanout: fc.integer({ min: 1, max: 5 }),
    });
    fc.assert(
      fc.property(options, (given) => {
        const depths: number[] = [];
        const children = new Map<number, number>();
        for (const { number, parent } of planJobs({ ...shape, ...given })) {
          if (parent !== null) expect(parent).toBeLessThan(number);
          depths[number] = parent === null ? 1 : (depths[parent] ?? NaN) + 1;
          if (parent !== null) children.set(parent, (children.get(parent) ?? 0) + 1);
        }
        expect(depths).toHaveLength(given.jobs);
        expect(Math.max(...depths)).toBeLessThanOrEqual(given.depth);
        expect(Math.max(0, ...children.values())).toBeLessThanOrEqual(given.fanout);
      }),
    );
  });

  it("puts small payloads into the JSON and leaves large ones out", () => {
    expect(payloadOf({ ...shape, size: 3 }, 7)).toEqual({ number: 7, duration: "100ms", filler: "xxx" });
    expect(payloadOf({ ...shape, size: 2 ** 28 }, 7)).toEqual({ number: 7, duration: "100ms" });
  });
});

describe("the verdict", () => {
  const row = (id: string, more: Partial<AuditRow> = {}): AuditRow => ({
    ...noCounts(),
    id,
    key: `key-${id}`,
    state: "completed",
    completions: 1,
    executions: 1,
    ...more,
  });
  const accepted = new Map([
    ["key-a", "a"],
    ["key-b", "b"],
  ]);

  it("is good if each accepted job was completed once, or failed", () => {
    expect(judge(accepted, [row("a"), row("b")])).toMatchObject({
      ok: true,
      completed: 2,
      lost: [],
      twice: [],
    });
    expect(judge(accepted, [row("a"), row("b", { state: "failed", completions: 0 })])).toMatchObject({
      ok: true,
      failed: 1,
    });
  });

  it.each([
    ["is missing in the audit", [row("a")], { lost: ["b"] }],
    ["has not finished", [row("a"), row("b", { state: "leased", completions: 0 })], { lost: ["b"] }],
    ["was completed twice", [row("a"), row("b", { completions: 2 })], { twice: ["b"] }],
    ["is there twice under one key", [row("a"), row("b"), row("c", { key: "key-b" })], { twice: ["b", "c"] }],
  ])("is bad if a job %s", (_, rows, found) => {
    expect(judge(accepted, rows)).toMatchObject({ ok: false, ...found });
  });

  it("does not blame the server for work that was done again after a lease had run out", () => {
    const verdict = judge(accepted, [row("a", { executions: 2, refused: 1 }), row("b")]);
    expect(verdict).toMatchObject({ ok: true, executed_again: 1, refused_calls: 1 });
  });
});

it("draws a bar of what is done, under way and submitted", () => {
  const plain = { green: String, yellow: String, dim: String };
  expect(progressBar({ jobs: 10, submitted: 8, leased: 2, finished: 5 }, plain)).toBe(
    `[${"█".repeat(15)}${"▓".repeat(6)}${"░".repeat(3)}${" ".repeat(6)}]  50 %  5/10 done, 2 leased, 8 submitted`,
  );
});
