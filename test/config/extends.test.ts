/** What a profile inherits: parents from left to right, then the child, merged by the names of faults. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { overlayFaults, type NamedFault } from "../../src/config/extends.js";
import { Library } from "../../src/config/library.js";
import { locate, toPlain } from "../../src/config/located.js";
import { FAULT_TYPES } from "../../src/faults/kinds/index.js";
import { compileProfile } from "../../src/plan/compile.js";
import type { CompiledProfile } from "../../src/plan/value.js";
import { refusalOf, told } from "./broken-text.js";

const TYPES = new Map(FAULT_TYPES.map((type) => [type.type, type]));

function libraryOf(text: string): Library {
  const library = new Library(TYPES);
  library.replaceFiles([{ file: "x.yaml", text }]);
  return library;
}

const compiled = (name: string, text: string, params = {}): CompiledProfile => {
  return compileProfile(name, libraryOf(text), params, TYPES);
};

const problems = (text: string): string[] => told(refusalOf(() => libraryOf(text)).details, "x.yaml");

describe("a child", () => {
  const parent = `
profile: parent
summary: of the parent
tags: [old]
params: { d: { default: 1s, summary: the delay } }
faults:
  - { type: latency, delay: "\${d}", jitter: 10ms, match: { client: 10.0.0.1 }, when: { skip: 1, every: 2 } }
  - { name: end, type: cut, after: 5s, then: hang, direction: upstream, when: { count: 1 } }
---
`;

  it("merges a fault of the same name key by key, in the parent's place", () => {
    const text = `${parent}profile: child\nextends: parent\nfaults: [{ type: reset }, { type: latency, jitter: 5ms, when: { every: 9 } }]\n`;
    const { faults } = compiled("child", text);
    expect(faults.map(({ name }) => name)).toEqual(["latency", "end", "reset"]);
    expect(faults[0]).toMatchObject({
      params: { delay: 1000, jitter: 5 },
      match: [{ client: ["10.0.0.1"] }],
    });
    expect(faults[0]?.when).toEqual({ every: 9 });
  });

  it("drops the parent's parameters, and nothing else, where it changes the type", () => {
    const text = `${parent}profile: child\nextends: parent\nfaults: [{ name: end, type: idle_kill, after: 1m }]\n`;
    const end = compiled("child", text).faults[1];
    expect(end).toMatchObject({ type: "idle_kill", directions: "upstream", when: { count: 1 } });
    expect(end?.params).not.toHaveProperty("then");
  });

  it("drops a fault by switching it off, and a grandchild may switch it on again", () => {
    const text = `${parent}profile: child\nextends: parent\nfaults: [{ name: end, enabled: false }]\n---\nprofile: grandchild\nextends: child\nfaults: [{ name: end, enabled: true }]\n`;
    expect(compiled("child", text).faults.map(({ name }) => name)).toEqual(["latency"]);
    expect(compiled("grandchild", text).faults.map(({ name }) => name)).toEqual(["latency", "end"]);
  });

  it("has summary and tags of its own, and params by name", () => {
    const text = `${parent}profile: child\nextends: parent\nparams: { d: 3s, e: 5 }\n`;
    const plan = compiled("child", text);
    expect(plan).toMatchObject({ summary: "", tags: [], params: { d: "3s", e: 5 } });
    expect(plan.faults[0]?.params.delay).toBe(3000);
    expect(compiled("child", text, { d: "4s" }).faults[0]?.params.delay).toBe(4000);
    expect(libraryOf(text).entries[0]?.params).toEqual([
      { name: "d", summary: "the delay", required: false, default: "3s" },
      { name: "e", summary: "", required: false, default: 5 },
    ]);
  });

  it("takes the phases of one parent, and may repeat them as often as it likes", () => {
    const text =
      "profile: p\nphases: [{ phase: a, for: 1s }]\nrepeat: 2\n---\nprofile: c\nextends: p\nrepeat: forever\n";
    expect(compiled("c", text)).toMatchObject({ phases: [{ phase: "a" }], repeat: "forever" });
  });

  it("hears of a mistake where it was written, be it its own or its parent's", () => {
    const text = `${parent}profile: child\nextends: parent\nfaults:\n  - { name: latency, delay: 5 }\n  - { name: end, after: 6 }\n`;
    expect(problems(text)).toEqual([
      "13:29 faults[0].delay: expected a duration such as 50ms, got 5",
      "14:25 faults[1].after: expected a duration such as 30s or a size such as 64KiB, got 6",
    ]);
    const wrong = `${parent.replace('"${d}"', "7")}profile: child\nextends: parent\nfaults: [{ name: latency, jitter: 5ms }]\n`;
    expect(problems(wrong)).toEqual(["7:29 faults[0].delay: expected a duration such as 50ms, got 7"]);
  });
});

describe("parents", () => {
  it("come from left to right", () => {
    const text = ["1", "2"].map(
      (n) =>
        `profile: p${n}\nfaults: [{ type: latency, delay: ${n}s }, { name: own${n}, type: reset }]\n---\n`,
    );
    const plan = compiled("c", `${text.join("")}profile: c\nextends: [p1, p2]\n`);
    expect(plan.faults.map(({ name }) => name)).toEqual(["latency", "own1", "own2"]);
    expect(plan.faults[0]?.params.delay).toBe(2000);
  });

  it("cannot both have phases", () => {
    const phased = (name: string): string => `profile: ${name}\nphases: [{ phase: a }]\n---\n`;
    expect(problems(`${phased("p1")}${phased("p2")}profile: c\nextends: [p1, p2]\n`)).toEqual([
      "8:15 extends[1]: phases are inherited already; only one of a profile and its parents can have them",
    ]);
  });

  it("cannot go in circles, which is told of each who is in it", () => {
    expect(
      problems("profile: a\nextends: b\n---\nprofile: b\nextends: c\n---\nprofile: c\nextends: a\n"),
    ).toEqual([
      "2:10 extends: profiles extend each other in a circle: b -> c -> a -> b",
      "5:10 extends: profiles extend each other in a circle: c -> a -> b -> c",
      "8:10 extends: profiles extend each other in a circle: a -> b -> c -> a",
    ]);
  });

  it("may stand eight deep and no deeper", () => {
    const chain = (depth: number): string =>
      Array.from(
        { length: depth + 1 },
        (_, n) => `profile: p${n}\n${n === 0 ? "" : `extends: p${n - 1}\n`}`,
      ).join("---\n");
    expect(libraryOf(chain(8)).names()).toHaveLength(9);
    expect(problems(chain(9))).toEqual([
      "28:10 extends: extends more than 8 profiles, one through the other",
    ]);
  });

  it("that are many and meet again and again do not take for ever", () => {
    const parents = (n: number): string => Array.from({ length: 20 }, (_, k) => `p${n}-${k % 10}`).join(", ");
    const level = (n: number): string[] =>
      Array.from(
        { length: 10 },
        (_, k) =>
          `profile: p${n}-${k}\nextends: [${n === 0 ? "" : parents(n - 1)}]\nfaults: [{ type: reset }]\n`,
      );
    const text = Array.from({ length: 8 }, (_, n) => level(n))
      .flat()
      .join("---\n");
    expect(compiled("p7-0", text).faults).toHaveLength(1);
  });

  it("that are too many are found also where families meet", () => {
    const text = Array.from(
      { length: 9 },
      (_, n) => `profile: p${n}\nextends: [${n === 0 ? "" : `p${n - 1}`}]\n`,
    ).join("---\n");
    expect(libraryOf(`${text}---\nprofile: near\nextends: [p7, p6]\n`).names()).toHaveLength(10);
    expect(problems(`${text}---\nprofile: far\nextends: [p7, p8]\n`)).toEqual([
      "29:15 extends[1]: extends more than 8 profiles, one through the other",
    ]);
  });
});

describe("merging lists of faults", () => {
  const fault = fc.record({
    name: fc.constantFrom("a", "b", "c", "d"),
    keys: fc.dictionary(fc.constantFrom("delay", "jitter", "match", "when", "enabled"), fc.nat(9)),
  });
  const list = fc.uniqueArray(fault, { selector: ({ name }) => name, maxLength: 4 }).map((faults) =>
    faults.map(({ name, keys }): NamedFault => ({
      name,
      explicit: true,
      node: locate({ type: "latency", ...keys }),
    })),
  );
  const plain = (faults: readonly NamedFault[]): unknown =>
    faults.map(({ name, node }) => [name, { ...(toPlain(node) as object) }]);

  it("is associative while types stay", () => {
    fc.assert(
      fc.property(list, list, list, (a, b, c) => {
        expect(plain(overlayFaults(overlayFaults(a, b), c))).toEqual(
          plain(overlayFaults(a, overlayFaults(b, c))),
        );
      }),
    );
  });

  it("with nothing, or with itself, changes nothing", () => {
    fc.assert(
      fc.property(list, (a) => {
        expect(plain(overlayFaults(a, []))).toEqual(plain(a));
        expect(plain(overlayFaults([], a))).toEqual(plain(a));
        expect(plain(overlayFaults(a, a))).toEqual(plain(a));
      }),
    );
  });
});
