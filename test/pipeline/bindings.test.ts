/** What a change of faults means to connections, and that it is no more than it has to be. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ArmedFault } from "../../src/pipeline/armed.js";
import { changeOf } from "../../src/pipeline/bindings.js";

const faults = new Map<string, ArmedFault>();
/** Faults are told apart by who they are, so a name will do. */
const armed = (name: string): ArmedFault => {
  const known = faults.get(name) ?? ({ key: name } as ArmedFault);
  faults.set(name, known);
  return known;
};
const list = (names: string): ArmedFault[] => [...names].map(armed);
const text = (some: Iterable<ArmedFault>): string => [...some].map(({ key }) => key).join("");

function told(before: string, after: string, assigned = ""): string | null {
  const change = changeOf(list(before), list(after), new Set(list(assigned)));
  if (change === null) return null;
  return `-${text(change.removed)} +${text(change.added)} ~${text(change.moved)} =${text(change.assigned)}`;
}

describe("a change of faults", () => {
  it("is none when nothing is different", () => {
    expect(told("", "")).toBeNull();
    expect(told("abc", "abc")).toBeNull();
    expect(told("abc", "abc", "x")).toBeNull();
  });

  it("names those that come, go and have new parameters, and leaves the others alone", () => {
    expect(told("abc", "acd", "c")).toBe("-b +d ~ =c");
    expect(told("", "ab")).toBe("- +ab ~ =");
    expect(told("ab", "")).toBe("-ab + ~ =");
  });

  it("calls one that comes added and not assigned, even if both are said of it", () => {
    expect(told("a", "ab", "b")).toBe("- +b ~ =");
  });

  it("moves those that have changed places, and does not take them for new ones", () => {
    expect(told("ab", "ba")).toBe("- + ~a =");
    expect(told("abc", "cab", "a")).toBe("- + ~ab =a");
  });

  it("puts what stays, comes and moves into the order that is wanted, for any two lists", () => {
    const names = fc
      .uniqueArray(fc.constantFrom(..."abcdefgh"), { maxLength: 8 })
      .map((some) => some.join(""));
    fc.assert(
      fc.property(names, names, (before, after) => {
        const change = changeOf(list(before), list(after), new Set());
        if (change === null) {
          expect(before).toBe(after);
          return;
        }
        // Taken out: removed and moved. What is left must stand in order already.
        const left = list(before).filter((fault) => !change.removed.has(fault) && !change.moved.has(fault));
        const ranks = left.map((fault) => change.ranks.get(fault)!);
        expect(ranks).toEqual([...ranks].sort((a, b) => a - b));
        expect(
          text(
            [...left, ...change.added, ...change.moved].sort(
              (a, b) => change.ranks.get(a)! - change.ranks.get(b)!,
            ),
          ),
        ).toBe(after);
      }),
    );
  });
});
