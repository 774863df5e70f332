/** The few files that decide whether one's own profiles are right decide as all files do. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { withKin } from "../../src/config/kin.js";
import { Library } from "../../src/config/library.js";
import type { ProfileFile } from "../../src/config/read-profiles.js";
import { FAULT_TYPES } from "../../src/faults/kinds/index.js";
import { startSquall } from "../../src/index.js";
import { ROOT, Workshop } from "../support/process.js";

const TYPES = new Map(FAULT_TYPES.map((type) => [type.type, type]));
const SHIPPED: readonly ProfileFile[] = readdirSync(join(ROOT, "profiles"))
  .filter((file) => file.endsWith(".yaml"))
  .map((file) => ({ file, text: readFileSync(join(ROOT, "profiles", file), "utf8"), origin: "library" }));

const own = (text: string): ProfileFile[] => [...SHIPPED, { file: "own.yaml", text }];

/** What is said about them; empty if they are right. */
function refusal(files: readonly ProfileFile[]): string {
  try {
    new Library(TYPES).replaceFiles(files);
    return "";
  } catch (error) {
    return String(error);
  }
}

/** A family in which somebody builds on somebody, by nothing but these names. */
const FAMILY: readonly ProfileFile[] = [
  { file: "1.yaml", origin: "library", text: "profile: top\nparams: { d: 1s }\n" },
  { file: "2.yaml", origin: "library", text: "profile: middle\nextends: top\n" },
  {
    file: "3.yaml",
    origin: "library",
    text: 'profile: low\nextends: [middle]\nfaults: [{ type: latency, delay: "${d}" }]\n',
  },
  { file: "4.yaml", origin: "library", text: '"profile": "other"\n' },
  { file: "5.yaml", origin: "library", text: "profile: stranger\n" },
];

describe("the kin of one's own profiles", () => {
  it.each<[string, string, boolean]>([
    ["nothing", "", true],
    ["a profile that stands alone", "profile: mine\n", true],
    ["one that builds on another", "profile: mine\nextends: [high-latency]\n", true],
    ["one whose parent is written otherwise", 'profile: mine\nextends: "high\\x2dlatency"\n', true],
    ["one that takes a name and builds on it", "profile: high-latency\nextends: high-latency\n", true],
    ["one that builds on nobody", "profile: mine\nextends: [high-latencies]\n", false],
    ["one with a mistake", "profile: mine\nfaults: [{ type: latency, delay: 5 }]\n", false],
    [
      "one that lacks what its parents have",
      'profile: mine\nextends: 3g\nfaults: [{ type: latency, delay: "${none}" }]\n',
      false,
    ],
  ])("are enough to judge %s", (_what, text, right) => {
    const files = own(text);
    const few = withKin(files);
    expect(few.length).toBeLessThan(files.length / 2);
    // What is wrong is said by all of them: a hint may name any.
    expect([refusal(few) === "", refusal(files) === ""]).toEqual([right, right]);
  });

  it("are also the parents of parents, and all whose names are not seen", () => {
    const kin = (text: string): string[] =>
      withKin([...FAMILY, { file: "own.yaml", text }]).map(({ file }) => file);
    expect(kin("profile: mine\nextends: low\n")).toEqual([
      "1.yaml",
      "2.yaml",
      "3.yaml",
      "4.yaml",
      "own.yaml",
    ]);
    expect(kin("profile: mine\nextends: top\n")).toEqual(["1.yaml", "4.yaml", "own.yaml"]);
    // What comes with Squall does not build on it, though it takes a name.
    const files = [...FAMILY, { file: "own.yaml", text: "profile: top\n" }];
    expect([refusal(files), refusal(withKin(files))]).toEqual(["", ""]);
  });

  it("are told of by each file that comes with Squall", () => {
    for (const { text, file } of SHIPPED)
      expect(`profile: ${/^profile: (.*)$/mu.exec(text)?.[1] ?? ""}`, file).toMatch(
        /^profile: [a-z0-9][a-z0-9._-]*$/u,
      );
  });
});

describe("a start with named profiles", () => {
  const shop = new Workshop();
  afterEach(async () => {
    vi.restoreAllMocks();
    await shop.close();
  });

  it("reads what they have to do with before its ports open, and all of it behind them", async () => {
    const before = vi.spyOn(Library.prototype, "replaceFiles");
    const behind = vi.spyOn(Library.prototype, "replaceFilesSlowly");
    const mine = shop.file("mine.yaml", "profile: mine\nextends: [high-latency]\n");
    const squall = await startSquall({ profiles: [mine] });
    expect(before.mock.calls.every(([files]) => files.length < 10)).toBe(true);
    expect(behind).toHaveBeenCalledOnce();
    await squall.activate("mine");
    await squall.stop();
  });
});
