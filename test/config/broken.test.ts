/** Every mistake that a user can make is told in exactly these words, at exactly this place. */
import { describe, expect, it } from "vitest";
import { readConfig } from "../../src/config/config.js";
import { Library } from "../../src/config/library.js";
import { FAULT_TYPES } from "../../src/faults/kinds/index.js";
import { BROKEN_CONFIGS } from "./broken-configs.js";
import { BROKEN_FAULTS } from "./broken-faults.js";
import { BROKEN_PHASES, BROKEN_YAML } from "./broken-phases.js";
import { refusalOf, told } from "./broken-text.js";

const TYPES = new Map(FAULT_TYPES.map((type) => [type.type, type]));

const PARENTS = [
  {
    file: "base.yaml",
    text: 'profile: base\nparams: { d: 100ms }\nfaults:\n  - { type: latency, delay: "${d}" }\n',
  },
  { file: "phased.yaml", text: "profile: phased\nphases:\n  - { phase: p, for: 5s }\n" },
];

function library(): Library {
  const made = new Library(TYPES);
  made.replaceFiles(PARENTS);
  return made;
}

describe("a broken profile", () => {
  it.each([...BROKEN_FAULTS, ...BROKEN_PHASES, ...BROKEN_YAML])("is refused: $name", ({ text, problems }) => {
    const profiles = library();
    const refusal = refusalOf(() => profiles.put(text));
    expect(refusal.code).toBe("SQ_INVALID_PROFILE");
    expect(told(refusal.details, "request")).toEqual(problems);
    expect(profiles.names()).toEqual(["base", "phased"]);
  });

  it("is refused in the same words when it comes from a file, and nothing of the new files is taken", () => {
    const profiles = library();
    const text = "profile: x\nfaults:\n  - { type: latency, delay: 5 }\n";
    const refusal = refusalOf(() => {
      profiles.replaceFiles([
        { file: "good.yaml", text: "profile: good\n" },
        { file: "bad.yaml", text },
      ]);
    });
    expect(refusal.message).toBe("bad.yaml:3:29 faults[0].delay: expected a duration such as 50ms, got 5");
    expect(profiles.names()).toEqual(["base", "phased"]);
  });
});

describe("a broken configuration", () => {
  it.each(BROKEN_CONFIGS)("is refused: $name", ({ problems, name: _name, ...input }) => {
    const refusal = refusalOf(() => readConfig(input));
    expect(refusal.code).toBe("SQ_INVALID_CONFIG");
    expect(told(refusal.details, "squall.yaml")).toEqual(problems);
  });
});
