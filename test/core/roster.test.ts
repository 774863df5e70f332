import { GCProfiler, setFlagsFromString, type GCProfilerResult } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, test } from "vitest";
import { Roster } from "../../src/core/roster.js";

type GCStatistics = GCProfilerResult["statistics"][number]["afterGC"];

describe("a roster", () => {
  test("has its members in the order of coming, whoever leaves", () => {
    const roster = new Roster<string>();
    const [, second, , fourth] = ["a", "b", "c", "d"].map((name) => roster.enter(name));
    expect([...roster]).toEqual(["a", "b", "c", "d"]);
    second?.leave();
    expect([...roster]).toEqual(["a", "c", "d"]);
    fourth?.leave();
    roster.enter("e");
    expect([...roster]).toEqual(["a", "c", "e"]);
    expect(roster.size).toBe(3);
  });

  test.each([
    ["the only one", ["a"], 0, []],
    ["the first", ["a", "b", "c"], 0, ["b", "c"]],
    ["one between", ["a", "b", "c"], 1, ["a", "c"]],
    ["the last", ["a", "b", "c"], 2, ["a", "b"]],
  ])("lets %s go, once", (_who, names, which, left) => {
    const roster = new Roster<string>();
    const seats = names.map((name) => roster.enter(name));
    seats[which]?.leave();
    seats[which]?.leave();
    expect([...roster]).toEqual(left);
    expect(roster.size).toBe(left.length);
    roster.enter("next");
    expect([...roster]).toEqual([...left, "next"]);
  });

  test("is gone through as it was at the beginning", () => {
    const roster = new Roster<string>();
    const seats = ["a", "b", "c"].map((name) => roster.enter(name));
    const met: string[] = [];
    for (const name of roster) {
      met.push(name);
      for (const seat of seats) seat.leave();
      roster.enter("late");
    }
    expect(met).toEqual(["a", "b", "c"]);
    expect([...roster]).toEqual(["late", "late", "late"]);
  });

  /**
   * How many bytes of each member grew old that came and went, eight at a time, of 4 kB each: behind a full collection, which makes
   * whatever is there old. Minor collections alone say what they took for alive.
   */
  function grownOld(enter: (member: object) => () => void): number {
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as (options?: { type: "minor" }) => void;
    const present: (() => void)[] = [];
    const come = (members: number): void => {
      for (let count = 0; count < members; count++) {
        present.push(enter({ of: Array.from({ length: 500 }, () => count) }));
        if (present.length > 8) present.shift()?.();
        if (count % 400 === 399) collect({ type: "minor" });
      }
    };
    come(100);
    collect();
    const profiler = new GCProfiler();
    profiler.start();
    come(4_000);
    const { statistics } = profiler.stop();
    const oldBytes = ({ heapSpaceStatistics: spaces }: GCStatistics): number =>
      spaces.find(({ spaceName }) => spaceName === "old_space")?.spaceUsedSize ?? 0;
    return (
      statistics
        .filter(({ gcType }) => gcType === "Scavenge")
        .reduce((sum, { beforeGC, afterGC }) => sum + oldBytes(afterGC) - oldBytes(beforeGC), 0) / 4_000
    );
  }

  test("keeps the one who left last, and nobody else who has left", async () => {
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    const roster = new Roster<object>();
    const known = ["a", "b", "c"].map((name) => {
      const member = { name };
      return { seat: roster.enter(member), member: new WeakRef(member) };
    });
    for (const which of [0, 2, 1]) known[which]?.seat.leave();
    // What a WeakRef was made of in this turn, or has answered, stays for the turn.
    await new Promise((done) => setImmediate(done));
    collect();
    expect(known.map(({ member }) => member.deref() !== undefined)).toEqual([false, true, false]);
  });

  test("lets nobody grow old who has left: in a Set, nearly all of them would", () => {
    const roster = new Roster<object>();
    const bytes = grownOld((member) => {
      const seat = roster.enter(member);
      return () => {
        seat.leave();
      };
    });
    expect(bytes).toBeLessThan(400);
  });
});
