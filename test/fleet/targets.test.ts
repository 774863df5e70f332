import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fits, isMeant, lotOf } from "../../src/fleet/targets.js";

const ALL = { daemons: [], labels: {}, percent: 100 };
const WHO = { daemon: "node-1", labels: { zone: "eu-1", role: "worker" } };

describe("targets", () => {
  it.each<[string, object, boolean]>([
    ["all", {}, true],
    ["a name", { daemons: ["node-1"] }, true],
    ["another name", { daemons: ["node-11"] }, false],
    ["a beginning that is no pattern", { daemons: ["node"] }, false],
    ["one of several patterns", { daemons: ["a*", "n*1"] }, true],
    ["another case", { daemons: ["NODE-*"] }, false],
    ["a label", { labels: { zone: "eu-1" } }, true],
    ["all of its labels", { labels: { zone: "eu-1", role: "worker" } }, true],
    ["a label of another value", { labels: { zone: "eu-1", role: "web" } }, false],
    ["a label that it does not have", { labels: { toString: "x" } }, false],
    ["a name that fits and a label that does not", { daemons: ["*"], labels: { zone: "us" } }, false],
    ["nobody", { percent: 0 }, false],
  ])("mean %s", (_, targets, meant) => {
    expect(isMeant({ ...ALL, ...targets }, "wan", WHO)).toBe(meant);
  });

  it("fit a pattern as a regular expression would, whatever is in it", () => {
    const letters = fc.string({ unit: fc.constantFrom("a", "b", ".", "*"), maxLength: 8 });
    fc.assert(
      fc.property(letters, letters, (pattern, name) => {
        const parts = pattern.split("*").map((part) => part.replaceAll(".", "\\."));
        expect(fits(pattern, name)).toBe(new RegExp(`^${parts.join(".*")}$`, "u").test(name));
      }),
      { numRuns: 2_000 },
    );
  });

  it("take no time for a pattern that is made for it", () => {
    expect(fits(`${"*a".repeat(20_000)}b`, "a".repeat(40_000))).toBe(false);
  });

  it("have lots that never change", () => {
    expect(lotOf("wan", "node-1")).toBe(lotOf("wan", "node-1"));
    expect([lotOf("wan", "node-1"), lotOf("wan", "node-2"), lotOf("lan", "node-1")]).toEqual([
      0.2283331271581034, 0.6362922081360963, 0.3293441788617396,
    ]);
  });

  it("choose that share of daemons, spread evenly, and others for another id", () => {
    const n = 10_000;
    const lots = Array.from({ length: n }, (_, index) => lotOf("wan", `node-${index}`));
    // Chi-square over 100 classes: 99 degrees of freedom, of which 1 in 100,000 is above 168.
    const classes = Array.from({ length: 100 }, () => 0);
    for (const lot of lots) classes[Math.floor(lot * 100)] = (classes[Math.floor(lot * 100)] ?? 0) + 1;
    const chi = classes.reduce((sum, count) => sum + (count - n / 100) ** 2 / (n / 100), 0);
    expect(chi).toBeLessThan(168);
    const chosen = (id: string, percent: number): Set<number> =>
      new Set(
        lots.flatMap((_, index) =>
          isMeant({ ...ALL, percent }, id, { daemon: `node-${index}`, labels: {} }) ? [index] : [],
        ),
      );
    const [five, ten, other] = [chosen("wan", 5), chosen("wan", 10), chosen("lan", 10)];
    // Four deviations.
    expect(Math.abs(ten.size - 1_000)).toBeLessThan(4 * Math.sqrt(n * 0.1 * 0.9));
    // A larger share has those that the smaller one had.
    expect([...five].every((index) => ten.has(index))).toBe(true);
    const both = [...ten].filter((index) => other.has(index)).length;
    expect(Math.abs(both - 100)).toBeLessThan(4 * Math.sqrt(n * 0.01 * 0.99));
  });
});
