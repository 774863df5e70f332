/** Plans and texts as bytes and back: exactly, or refused in words that say where. */
import { describe, expect, it } from "vitest";
import { Library } from "../../src/config/library.js";
import type { FleetPlan } from "../../src/fleet/contract/plan.js";
import { readPlan, writePlan } from "../../src/fleet/plan-format.js";
import {
  hashIn,
  hashOf,
  libraryOf,
  nameOfText,
  readText,
  textOfProfile,
  writeText,
} from "../../src/fleet/text-format.js";
import { compileProfile } from "../../src/plan/compile.js";
import { TYPES } from "../support/lab.js";

const ACTIVATION = {
  id: "wan",
  profile: "wan",
  text: `sha256:${"0a".repeat(32)}`,
  params: { delay: 200, on: true, name: "x" },
  seed: 7,
  mode: "inject" as const,
  proxies: ["jobs"],
  targets: { daemons: ["node-*"], labels: { zone: "eu-1" }, percent: 12.5 },
  starts_at: "2026-03-01T14:03:07.000Z",
  ends_at: "2026-03-01T14:33:07.000Z",
};
const PLAN: FleetPlan = {
  format: "squall-fleet/1",
  epoch: "6f1c",
  by: "ci-42",
  why: null,
  activations: [ACTIVATION, { ...ACTIVATION, id: "lan", proxies: null }],
};
const bytesOf = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
const changed = (rest: object): Uint8Array => bytesOf({ ...PLAN, activations: [{ ...ACTIVATION, ...rest }] });

describe("a plan", () => {
  it("comes back as it was", () => {
    expect(readPlan(writePlan(PLAN))).toEqual(PLAN);
    expect(readPlan(writePlan({ ...PLAN, why: "nightly", activations: [] })).activations).toEqual([]);
  });

  it.each<[string, Uint8Array, string]>([
    ["is no JSON", new TextEncoder().encode("{"), "expected a plan as JSON: "],
    ["is no UTF-8", Uint8Array.of(0xff, 0xfe), "expected a plan as JSON: "],
    ["is no object", bytesOf([]), "expected a plan as a JSON object, got a list"],
    ["has no format", bytesOf({}), "format: expected squall-fleet/1, got nothing"],
    ["is of another format", bytesOf({ format: "squall-fleet/2", new: 1 }), "format squall-fleet/2"],
    ["has no epoch", bytesOf({ ...PLAN, epoch: undefined }), "epoch: is required: text"],
    ["has a key that nobody knows", bytesOf({ ...PLAN, epoc: "x" }), "epoc: unknown key"],
    ["has a seed in words", changed({ seed: "7" }), 'activations[0].seed: expected a whole number, got "7"'],
    [
      "has a text without a hash",
      changed({ text: "wan" }),
      'activations[0].text: expected sha256: and 64 hexadecimal digits, got "wan"',
    ],
    [
      "has a share above all",
      changed({ targets: { ...ACTIVATION.targets, percent: 101 } }),
      "activations[0].targets.percent: expected a number from 0 to 100, got 101",
    ],
    [
      "has no end",
      changed({ ends_at: null }),
      "activations[0].ends_at: expected a time such as 2026-03-01T14:03:07.120Z, got null",
    ],
    [
      "has a time of another zone",
      changed({ ends_at: "2026-03-01T14:33:07+01:00" }),
      "activations[0].ends_at: expected a time such as",
    ],
    [
      "has a day that there is not",
      changed({ ends_at: "2026-13-41T14:33:07.000Z" }),
      "activations[0].ends_at: expected a time such as",
    ],
    [
      "ends when it begins",
      changed({ ends_at: ACTIVATION.starts_at }),
      "activations[0].ends_at: expected a time after 2026-03-01T14:03:07.000Z",
    ],
    [
      "has an id twice",
      bytesOf({ ...PLAN, activations: [ACTIVATION, ACTIVATION] }),
      'activations[1].id: "wan" is there twice',
    ],
    [
      "has a param that is a list",
      changed({ params: { delay: [1] } }),
      "activations[0].params.delay: expected a single value, got a list",
    ],
    [
      "has too many",
      bytesOf({
        ...PLAN,
        activations: Array.from({ length: 101 }, (_, id) => ({ ...ACTIVATION, id: String(id) })),
      }),
      "activations: expected at most 100 activations",
    ],
    ["is too large", changed({ params: { name: "x".repeat(300_000) } }), "expected at most 256KiB"],
  ])("that %s is refused", (_, bytes, words) => {
    expect(() => readPlan(bytes)).toThrow(
      expect.objectContaining({
        code: "SQ_INVALID_FLEET_PLAN",
        message: expect.stringContaining(words) as string,
      }),
    );
  });

  it("that nobody could read is not written", () => {
    expect(() => writePlan({ ...PLAN, activations: [{ ...ACTIVATION, seed: -1 }] })).toThrow(
      "activations[0].seed: must be at least 0",
    );
  });
});

const YAML = (name: string, more: string): string => `profile: ${name}\n${more}`;

/** `wan` of the files builds on the one that comes with Squall, and each of them on another `slow`. */
function layered(): Library {
  const library = new Library(TYPES);
  library.replaceFiles([
    {
      file: "a",
      origin: "library",
      text: YAML("slow", "faults: [{ name: slow, type: latency, delay: 1s }]\n"),
    },
    {
      file: "b",
      origin: "library",
      text: YAML("wan", "extends: [slow]\nfaults: [{ name: drop, type: half_open }]\n"),
    },
    { file: "c", text: YAML("wan", "extends: [wan, slow]\nfaults: [{ name: cut, type: reset }]\n") },
    { file: "d", text: YAML("slow", "faults: [{ name: slower, type: latency, delay: 9s }]\n") },
    { file: "e", text: YAML("other", "faults: [{ type: half_open }]\n") },
  ]);
  return library;
}

describe("the text of a profile", () => {
  const compiled = (library: Library, name: string): unknown => compileProfile(name, library, {}, TYPES);

  it("has what the profile builds on, and nothing else, and makes the same faults without a library", () => {
    const library = new Library(TYPES);
    library.replaceFiles([
      {
        file: "a",
        text: `${YAML("base", "faults: [{ name: drop, type: half_open }]\n")}---\n${YAML("wan", "extends: [base]\nfaults: [{ type: reset }]\n")}`,
      },
      { file: "b", text: YAML("other", "faults: [{ type: reset }]\n") },
    ]);
    const text = textOfProfile("wan", library);
    expect(Object.keys(text.files).sort()).toEqual(["base", "wan"]);
    const bytes = writeText(text);
    const read = readText(bytes, nameOfText(bytes));
    expect(compiled(libraryOf(read, TYPES), "wan")).toEqual(compiled(library, "wan"));
  });

  it("knows profiles of one name apart that lie above each other", () => {
    const library = layered();
    const text = textOfProfile("wan", library);
    expect(Object.keys(text.files).sort()).toEqual(["slow@file", "slow@library", "wan@file", "wan@library"]);
    expect(compiled(libraryOf(text, TYPES), "wan")).toEqual(compiled(library, "wan"));
    library.put(YAML("wan", "extends: [wan]\n"));
    const above = textOfProfile("wan", library);
    expect(Object.keys(above.files)).toContain("wan");
    expect(compiled(libraryOf(above, TYPES), "wan")).toEqual(compiled(library, "wan"));
  });

  it("has the same name wherever it was made", () => {
    const { format, profile, files } = textOfProfile("wan", layered());
    const turned = Object.fromEntries(Object.entries(files).reverse());
    expect(nameOfText(writeText({ format, profile, files: turned }))).toBe(
      nameOfText(writeText({ format, profile, files })),
    );
  });

  it("is refused under another name, and as anything else", () => {
    const bytes = writeText(textOfProfile("other", layered()));
    const other = `sha256:${"0".repeat(64)}`;
    expect(() => readText(bytes, other)).toThrow(`the text ${other} has the hash sha256:${hashOf(bytes)}`);
    expect(hashIn(nameOfText(bytes))).toBe(hashOf(bytes));
    for (const [value, words] of [
      [{ format: "squall-profile/2" }, "format squall-profile/2"],
      [{ format: "squall-profile/1", profile: "a" }, "files: is required"],
      [{ format: "squall-profile/1", profile: "a", files: { a: 7 } }, "files.a: expected text, got 7"],
    ] as const)
      expect(() => readText(bytesOf(value), nameOfText(bytesOf(value)))).toThrow(words);
  });

  it("is refused where it has a mistake, with its place", () => {
    const text = {
      format: "squall-profile/1",
      profile: "wan",
      files: { wan: YAML("wan", "faults: [{ type: latenzy }]\n") },
    } as const;
    expect(() => libraryOf(text, TYPES)).toThrow(/latenzy/u);
  });

  it("is made of no profile that is not there", () => {
    expect(() => textOfProfile("wam", layered())).toThrow(
      expect.objectContaining({ code: "SQ_PROFILE_NOT_FOUND" }),
    );
  });
});
