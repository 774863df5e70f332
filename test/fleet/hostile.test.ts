/** What comes from a fleet's engine is data of strangers: it is read whole or refused in words, and it is never more than data. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SquallError } from "../../src/core/errors.js";
import { FAULT_TYPES } from "../../src/faults/kinds/index.js";
import { PLAN_FORMAT, PLAN_MAX, TEXT_MAX } from "../../src/fleet/contract/plan.js";
import { readPresence } from "../../src/fleet/engines/wire.js";
import { readPlan } from "../../src/fleet/plan-format.js";
import { libraryOf, nameOfText, readText, TEXT_FORMAT } from "../../src/fleet/text-format.js";
import { compileProfile } from "../../src/plan/compile.js";
import { presenceOf } from "../support/fleet/presence.js";
import { scaled } from "../support/scope.js";

const TYPES = new Map(FAULT_TYPES.map((type) => [type.type, type]));
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

function refusalOf(run: () => unknown): SquallError {
  try {
    run();
  } catch (error) {
    if (error instanceof SquallError) return error;
    throw error;
  }
  throw new Error("it was taken");
}

const ACTIVATION = {
  id: "wan",
  profile: "wan",
  text: `sha256:${"0".repeat(64)}`,
  params: {},
  seed: 7,
  mode: "inject",
  proxies: null,
  targets: { daemons: ["*"], labels: {}, percent: 100 },
  starts_at: "2026-03-01T14:03:07.000Z",
  ends_at: "2026-03-01T14:33:07.000Z",
};
const PLAN = { format: PLAN_FORMAT, epoch: "e", by: "ci", why: null, activations: [ACTIVATION] };
const written = (plan: unknown): Uint8Array => bytesOf(JSON.stringify(plan));

describe("a hostile plan", () => {
  it("would be taken, were it sound", () => {
    expect(readPlan(written(PLAN)).activations.length).toBe(1);
  });

  it.each<[string, Uint8Array]>([
    ["nothing", new Uint8Array()],
    ["no UTF-8", new Uint8Array([0x7b, 0xff, 0xfe, 0x7d])],
    ["no JSON", bytesOf("{")],
    ["a list", bytesOf("[]")],
    ["nested a hundred thousand times", bytesOf(`${"[".repeat(100_000)}${"]".repeat(100_000)}`)],
    [
      "nested in a key",
      bytesOf(`{"format":"${PLAN_FORMAT}","activations":${"[".repeat(50_000)}${"]".repeat(50_000)}}`),
    ],
    ["larger than a plan may be", bytesOf(" ".repeat(PLAN_MAX + 1))],
    ["of another format", written({ ...PLAN, format: "squall-fleet/2" })],
    ["of a format that is a megabyte long", written({ ...PLAN, format: "x".repeat(200_000) })],
    ["with a key that nobody knows", written({ ...PLAN, exec: "rm -rf /" })],
    [
      "with a prototype",
      bytesOf(JSON.stringify(PLAN).replace('{"format"', '{"__proto__":{"admin":true},"format"')),
    ],
    ["without an end", written({ ...PLAN, activations: [{ ...ACTIVATION, ends_at: undefined }] })],
    [
      "that ends before it begins",
      written({ ...PLAN, activations: [{ ...ACTIVATION, ends_at: ACTIVATION.starts_at }] }),
    ],
    [
      "that ends in a year that is none",
      written({ ...PLAN, activations: [{ ...ACTIVATION, ends_at: "2026-13-41T14:33:07.000Z" }] }),
    ],
    [
      "with a text that is a path",
      written({ ...PLAN, activations: [{ ...ACTIVATION, text: "../../etc/passwd" }] }),
    ],
    ["with a seed that is no number", written({ ...PLAN, activations: [{ ...ACTIVATION, seed: "7" }] })],
    [
      "with params that are no single values",
      written({ ...PLAN, activations: [{ ...ACTIVATION, params: { delay: { from: 1 } } }] }),
    ],
    ["with twice the same id", written({ ...PLAN, activations: [ACTIVATION, ACTIVATION] })],
    [
      "for more than all",
      written({
        ...PLAN,
        activations: [{ ...ACTIVATION, targets: { ...ACTIVATION.targets, percent: 101 } }],
      }),
    ],
  ])("is refused: %s", (_, bytes) => {
    const { code, message } = refusalOf(() => readPlan(bytes));
    expect(code).toBe("SQ_INVALID_FLEET_PLAN");
    expect(message.length).toBeLessThan(2_000);
    expect(Object.prototype).not.toHaveProperty("admin");
  });

  it("is refused or taken, and nothing else, whatever stands in any place of it", () => {
    const paths = [
      "format",
      "epoch",
      "by",
      "why",
      "activations",
      ...Object.keys(ACTIVATION).map((key) => `activations.0.${key}`),
    ];
    fc.assert(
      fc.property(fc.constantFrom(...paths), fc.jsonValue(), (path, value) => {
        const plan = structuredClone(PLAN) as unknown as Record<string, unknown>;
        const keys = path.split(".");
        const last = keys.pop() ?? "";
        const at = keys.reduce<Record<string, unknown>>(
          (inner, key) => inner[key] as Record<string, unknown>,
          plan,
        );
        at[last] = value;
        try {
          readPlan(written(plan));
        } catch (error) {
          expect(error).toMatchObject({ code: "SQ_INVALID_FLEET_PLAN" });
        }
      }),
      { numRuns: scaled(300, 5_000) },
    );
  });
});

describe("a hostile text", () => {
  const textOf = (files: Readonly<Record<string, string>>, profile = "x"): Uint8Array =>
    written({ format: TEXT_FORMAT, profile, files });
  const compiled = (bytes: Uint8Array): unknown => {
    const text = readText(bytes, nameOfText(bytes));
    return compileProfile(text.profile, libraryOf(text, TYPES), {}, TYPES);
  };

  it("is not read under the name of another", () => {
    const good = textOf({ x: "profile: x\n" });
    const bad = textOf({ x: "profile: x\nfaults: [{ type: reset, after: 0B }]\n" });
    expect(refusalOf(() => readText(bad, nameOfText(good))).message).toContain("has the hash");
  });

  it.each<[string, Uint8Array]>([
    ["larger than a text may be", textOf({ x: `profile: x\nsummary: ${"x".repeat(TEXT_MAX)}\n` })],
    ["parts that are paths", textOf({ "../../etc/passwd@file": "root:x:0:0\n" })],
    [
      "parts that are no text",
      written({ format: TEXT_FORMAT, profile: "x", files: { x: { path: "/etc/passwd" } } }),
    ],
    ["a fault of no type", textOf({ x: "profile: x\nfaults: [{ type: exec, run: id }]\n" })],
    ["a parent that is not with it", textOf({ x: "profile: x\nextends: other\n" })],
    ["a parent of its own", textOf({ x: "profile: x\nextends: y\n", y: "profile: y\nextends: x\n" })],
    ["anchors that unfold without end", textOf({ x: `profile: x\nfaults:\n${bomb()}` })],
    [
      "more faults than a profile may have",
      textOf({ x: `profile: x\nfaults: [${"{ type: noop },".repeat(501)}]\n` }),
    ],
    [
      "a type that YAML knows how to make",
      textOf({ x: "profile: x\nfaults: [!!js/function 'function () {}']\n" }),
    ],
    ["the profile that it names is not in it", textOf({ y: "profile: y\n" })],
  ])("is refused: %s", (_, bytes) => {
    const { message } = refusalOf(() => compiled(bytes));
    expect(message.length).toBeLessThan(20_000);
    expect(message).not.toContain("root:x:0:0:root");
  });

  it("reads no environment", () => {
    const bytes = textOf({ x: 'profile: x\nsummary: "${HOME}"\nfaults: []\n' });
    expect(() => compiled(bytes)).toThrow("params cannot be used here");
  });

  function bomb(): string {
    const levels = Array.from({ length: 12 }, (_, level) => {
      const inner =
        level === 0 ? "{ type: noop }" : Array.from({ length: 10 }, () => `*l${level - 1}`).join(", ");
      return `  - &l${level} [${inner}]`;
    });
    return `${levels.join("\n")}\n`;
  }
});

describe("a hostile presence", () => {
  it("is left out, or is words of that daemon about itself and no more than it may be", () => {
    const known = presenceOf("node-1");
    expect(readPresence(written(known), "node-1")).toMatchObject({ state: "idle" });
    for (const change of [
      { state: "owned" },
      { serial: "1" },
      { hits: -1.5e400 },
      { why: "x".repeat(10_000) },
      { labels: Object.fromEntries(Array.from({ length: 1_000 }, (_, n) => [`k${n}`, "v"])) },
      { admin: 7 },
      { labels: [] },
    ])
      expect(
        readPresence(written({ ...known, ...change }), "node-1"),
        JSON.stringify(change).slice(0, 60),
      ).toBeNull();
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const read = readPresence(bytes, "node-1");
        expect(read === null || read.daemon === "node-1").toBe(true);
      }),
    );
    const { namesakes: _, ...other } = presenceOf("node-1", { life: "life-2" });
    const told = [
      { ...other, age_ms: 1 },
      { ...other, daemon: "node-2", age_ms: 1 },
      { ...other, age_ms: -1 },
      other,
      null,
      ...Array.from({ length: 100 }, () => ({ ...other, age_ms: 2, namesakes: [{ ...other, age_ms: 3 }] })),
    ];
    const namesakes = readPresence(written({ ...known, namesakes: told }), "node-1")?.namesakes;
    expect(namesakes?.[0]).toEqual({ ...other, age_ms: 1 });
    expect(namesakes?.map(({ age_ms: age }) => age)).toEqual([1, ...Array.from({ length: 10 }, () => 2)]);
    expect(Object.keys(namesakes?.[1] ?? {})).not.toContain("namesakes");
    // A daemon of an earlier version tells of none.
    expect(readPresence(written({ ...known, namesakes: undefined }), "node-1")?.namesakes).toEqual([]);
    fc.assert(
      fc.property(fc.constantFrom(...Object.keys(known)), fc.jsonValue(), (key, value) => {
        const read = readPresence(written({ ...known, [key]: value }), "node-1");
        expect(read === null || read.daemon === "node-1").toBe(true);
      }),
      { numRuns: scaled(300, 5_000) },
    );
  });
});
