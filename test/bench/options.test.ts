/** How the benchmarks are asked for, and where what they start may run. */
import { describe, expect, it } from "vitest";
import { bench } from "../support/bench.js";

const { readOptions } = await bench("lib/options.mjs");
const { placed, placement, processors } = await bench("lib/placement.mjs");
const CASES = ["small", "bulk"];

describe("the options", () => {
  it("have nine rounds and all cases unless something else is said", () => {
    expect(readOptions([], CASES)).toMatchObject({
      rounds: 9,
      seconds: 1,
      only: [],
      pin: "none",
      dist: "dist",
      quick: false,
    });
  });

  it("take cases one by one or as a list", () => {
    expect(readOptions(["--only", "small,bulk"], CASES)).toMatchObject({ only: ["small", "bulk"] });
    expect(readOptions(["--only", "small", "--only", "bulk"], CASES)).toMatchObject({
      only: ["small", "bulk"],
    });
  });

  it("let what is said win over --quick", () => {
    expect(readOptions(["--quick", "--rounds", "4", "--seconds", "0.5"], CASES)).toMatchObject({
      rounds: 4,
      seconds: 0.5,
    });
    expect(readOptions(["--quick"], CASES)).toMatchObject({ rounds: 2, warmUp: 0 });
  });

  for (const [args, text] of [
    [["--only", "smal"], "--only smal: there is no such case; there are small, bulk"],
    [["--rounds", "0"], "--rounds: expected a whole number from 1 up to 1000, got 0"],
    [["--rounds", "2.5"], "--rounds: expected a whole number from 1 up to 1000, got 2.5"],
    [["--rounds", ""], "--rounds: expected a whole number from 1 up to 1000, got nothing"],
    [["--seconds", "5s"], "--seconds: expected a number above 0 and up to 600, got 5s"],
    [["--seconds", "Infinity"], "--seconds: expected a number above 0 and up to 600, got Infinity"],
    [["--pin", "both"], "--pin: expected none or split, got both"],
    [["--ony", "small"], "Unknown option '--ony'; --help tells what there is"],
    [["small"], "Unexpected argument 'small'"],
    [["--json"], "Option '--json <value>' argument missing; --help tells what there is"],
  ] as const) {
    it(`refuse ${args.join(" ") || "nothing"} in words: ${text}`, () => {
      expect(() => readOptions([...args], CASES)).toThrow(text);
    });
  }
});

describe("processors", () => {
  it("are read from the kernel's list", () => {
    expect(processors("0-2,5\n")).toEqual([0, 1, 2, 5]);
    expect(processors("3")).toEqual([3]);
  });

  it("are split between proxies and the rest, of those that are allowed", () => {
    const where = placement("split", [2, 4, 6], true);
    expect(where).toEqual({ proxy: "2", rest: "4,6" });
    expect(placed(where, "proxy", "haproxy", ["-db"])).toEqual(["taskset", ["-c", "2", "haproxy", "-db"]]);
    expect(placed(where, "rest", "wrk", [])).toEqual(["taskset", ["-c", "4,6", "wrk"]]);
  });

  it("are left to the system where they cannot be split, and the report says why", () => {
    for (const [where, reason] of [
      [placement("none", [0, 1], true), "nothing is pinned"],
      [placement("split", [0], true), "one processor"],
      [placement("split", [0, 1], false), "no taskset"],
    ] as const) {
      expect(where["reason"]).toContain(reason);
      expect(placed(where, "proxy", "haproxy", ["-db"])).toEqual(["haproxy", ["-db"]]);
    }
  });
});
