/** Profiles become plans: golden files, and what holds for every plan. */
import { readFileSync, readdirSync } from "node:fs";
import { basename } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Library } from "../../src/config/library.js";
import { locate } from "../../src/config/located.js";
import { FAULT_TYPES } from "../../src/faults/kinds/index.js";
import { compileFault, compileFaults, compileProfile } from "../../src/plan/compile.js";
import { parseBlock } from "../../src/plan/match.js";
import { refusalOf, told } from "../config/broken-text.js";

const TYPES = new Map(FAULT_TYPES.map((type) => [type.type, type]));
const GOLDEN = new URL("../golden/", import.meta.url);

function libraryOf(...texts: string[]): Library {
  const library = new Library(TYPES);
  library.replaceFiles(texts.map((text, index) => ({ file: `${index}.yaml`, text })));
  return library;
}

function compiled(text: string, params: Record<string, unknown> = {}): ReturnType<typeof compileProfile> {
  const library = libraryOf(text);
  return compileProfile(library.names()[0] ?? "", library, params, TYPES);
}

describe("a compiled profile", () => {
  const files = readdirSync(GOLDEN).filter((file) => file.endsWith(".yaml"));

  it.each(files)("of %s is what its golden file says", async (file) => {
    const library = libraryOf(readFileSync(new URL(file, GOLDEN), "utf8"));
    const plans = library.names().map((name) => compileProfile(name, library, {}, TYPES));
    const json = `${JSON.stringify(plans, null, 2)}\n`;
    await expect(json).toMatchFileSnapshot(new URL(`${basename(file, ".yaml")}.json`, GOLDEN).pathname);
  });

  it.each(files)("of %s is the same after a round trip through JSON", (file) => {
    const library = libraryOf(readFileSync(new URL(file, GOLDEN), "utf8"));
    for (const name of library.names()) {
      const plan = compileProfile(name, library, {}, TYPES);
      expect(JSON.parse(JSON.stringify(plan))).toEqual(plan);
    }
  });

  it.each([...FAULT_TYPES])("takes the example of $type and comes back from JSON as it was", (type) => {
    const { compiled: plan } = compileFaults(locate([type.example]), TYPES);
    expect(plan.faults[0]?.type).toBe(type.type);
    expect(JSON.parse(JSON.stringify(plan))).toEqual(plan);
  });

  it("acts in the direction of its type where none was written", () => {
    const { faults } = compiled(
      "profile: x\nfaults: [{ type: latency, delay: 1s }, { type: blackhole }, { type: down }, { type: blackhole, name: b, direction: upstream }]\n",
    );
    expect(faults.map((fault) => fault.directions)).toEqual(["downstream", "both", null, "upstream"]);
  });

  it("names faults by their type, past names that are taken, and phases past those outside", () => {
    const plan = compiled(
      [
        "profile: x",
        "faults: [{ type: reset }, { name: reset-2, type: down }, { type: reset }]",
        "phases:",
        "  - { phase: a, for: 1s, faults: [{ type: reset }, { type: latency, delay: 1s }] }",
        "  - { phase: b, faults: [{ type: latency, delay: 1s }, { type: latency, delay: 1s }] }",
      ].join("\n"),
    );
    expect(plan.faults.map((fault) => fault.name)).toEqual(["reset", "reset-2", "reset-3"]);
    expect(plan.phases.map((phase) => phase.faults.map((fault) => fault.name))).toEqual([
      ["reset-4", "latency"],
      ["latency", "latency-2"],
    ]);
  });
});

describe("params", () => {
  const text = [
    "profile: x",
    "params:",
    "  away: { summary: how long nobody listens }",
    "  max: 10",
    "  name: { default: jobs }",
    "faults:",
    '  - { type: connection_limit, max: "${max}", proxy: "${name}" }',
    "phases:",
    "  - { phase: a, for: 2s }",
    "  - phase: b",
    "    for: ${away}",
    "    faults:",
    '      - { type: latency, delay: { from: 0ms, to: "${away}" }, jitter: "${away}" }',
    "repeat: 2",
  ].join("\n");

  it("keep their type where they stand alone, whether they come as values or as text", () => {
    for (const max of [7, "7"]) {
      const plan = compiled(text, { away: "1s", max });
      expect(plan.faults[0]?.params.max).toBe(7);
      expect(plan.params).toEqual({ away: "1s", max: 7, name: "jobs" });
    }
  });

  it("are text where text is wanted", () => {
    expect(compiled(text, { away: "1s", name: "404" }).faults[0]?.proxies).toEqual(["404"]);
    expect(compiled(text, { away: "1s", name: "true" }).faults[0]?.proxies).toEqual(["true"]);
  });

  it("reach ramps and the length of phases", () => {
    const { phases } = compiled(text, { away: "3s" });
    expect(phases[1]?.for).toBe(3000);
    expect(phases[1]?.faults[0]).toMatchObject({
      ramps: { delay: { from: 0, to: 3000 } },
      params: { jitter: 3000 },
    });
  });

  it("without a default are asked for when the profile is switched on, and not before", () => {
    const refusal = refusalOf(() => compiled(text));
    expect(refusal.code).toBe("SQ_INVALID_ACTIVATION");
    expect(told(refusal.details, "request")).toEqual([
      "1:1 params.away: is required: how long nobody listens",
    ]);
  });

  it("that nobody declared are refused with the nearest name", () => {
    const refusal = refusalOf(() => compiled(text, { awey: "1s", away: "1s" }));
    expect(told(refusal.details, "request")).toEqual([
      '1:1 params.awey: unknown param (did you mean "away"?)',
    ]);
  });

  it("with wrong values are told where they are used", () => {
    const refusal = refusalOf(() => compiled(text, { away: 5, max: "many" }));
    expect(told(refusal.details, "0.yaml")).toEqual([
      '7:36 faults[0].max: expected a whole number, got "many" (the value of param "max")',
      '11:10 phases[1].for: expected a duration such as 50ms, got 5 (the value of param "away")',
      '13:50 phases[1].faults[0].delay.to: expected a duration such as 50ms, got 5 (the value of param "away")',
      '13:71 phases[1].faults[0].jitter: expected a duration such as 50ms, got 5 (the value of param "away")',
    ]);
  });

  it("that are lists or nothing are refused", () => {
    const refusal = refusalOf(() => compiled(text, { away: ["1s"], max: null }));
    expect(told(refusal.details, "request")).toContain("1:1 params.away: expected a single value");
    expect(told(refusal.details, "request")).toContain("1:1 params.max: expected a single value");
  });

  it("cannot break out of the place where they stand", () => {
    const name = 'jobs", type: down, when: { x: "${max}';
    expect(compiled(text, { away: "1s", name }).faults[0]?.proxies).toEqual([name]);
  });

  it("still open leave everything else to be checked at load", () => {
    const broken = text.replace("repeat: 2", "repeat: 0").replace("from: 0ms", "from: 0");
    const refusal = refusalOf(() => libraryOf(broken));
    expect(told(refusal.details, "0.yaml")).toEqual([
      "13:41 phases[1].faults[0].delay.from: expected a duration such as 50ms, got 0",
      "14:9 repeat: must be at least 1, got 0",
    ]);
  });
});

describe("a profile that nobody has", () => {
  it("is not found, and the nearest name is offered", () => {
    const library = libraryOf("profile: lost-ack\n");
    const refusal = refusalOf(() => compileProfile("lost-akc", library, {}, TYPES));
    expect(refusal).toMatchObject({ code: "SQ_PROFILE_NOT_FOUND", hint: 'did you mean "lost-ack"?' });
  });
});

describe("clients", () => {
  it("that the configuration takes are those that the matching understands", () => {
    const part = fc.constantFrom(
      "10",
      "0",
      "256",
      "010",
      ".",
      ":",
      "::",
      "ffff",
      "/",
      "8",
      "33",
      "129",
      "%eth0",
      "1.2.3.4",
      "fd00::1",
      "-",
      "+1",
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 8 }), (parts) => {
        const client = parts.join("");
        let taken = true;
        try {
          compileFault(locate({ type: "reset", match: { client } }), TYPES);
        } catch {
          taken = false;
        }
        expect(taken).toBe(!client.includes("%") && parseBlock(client) !== null);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe("faults without a profile", () => {
  it("become a profile called inline", () => {
    const { compiled: plan, warnings } = compileFaults(
      locate([{ type: "reset" }, { type: "reset", after: "1s" }]),
      TYPES,
    );
    expect(plan).toMatchObject({ profile: "inline", phases: [], repeat: 1 });
    expect(plan.faults.map((fault) => fault.name)).toEqual(["reset", "reset-2"]);
    expect(warnings).toHaveLength(1);
  });

  it("are refused in the words of profiles, by path", () => {
    const refusal = refusalOf(() =>
      compileFaults(locate([{ type: "latency", delay: 5 }, "reset"], "request", "faults"), TYPES),
    );
    expect(told(refusal.details, "request")).toEqual([
      "1:1 faults[0].delay: expected a duration such as 50ms, got 5",
      '1:1 faults[1]: expected a fault (a mapping with "type: name"), got "reset"',
    ]);
    expect(told(refusalOf(() => compileFaults(locate({}), TYPES)).details, "request")).toEqual([
      "1:1 expected a list of faults",
    ]);
  });

  it("read no params and no environment", () => {
    const refusal = refusalOf(() => compileFaults(locate([{ type: "latency", delay: "${HOME}" }]), TYPES));
    expect(told(refusal.details, "request")).toEqual([
      '1:1 [0].delay: expected a duration such as 50ms, got "${HOME}"',
    ]);
  });

  it("can be one alone, whose name may be given beside it", () => {
    const tree = locate({ type: "latency", delay: "1s" });
    expect(compileFault(tree, TYPES).name).toBe("latency");
    expect(compileFault(tree, TYPES, "Latency_Downstream").name).toBe("Latency_Downstream");
    expect(compileFault(locate({ type: "latency", delay: "1s", name: "own" }), TYPES, "other").name).toBe(
      "own",
    );
  });

  it("cannot be one alone that is switched off", () => {
    const refusal = refusalOf(() => compileFault(locate({ type: "reset", enabled: false }), TYPES));
    expect(refusal).toMatchObject({ code: "SQ_INVALID_PROFILE", path: "enabled" });
  });

  it("survive whatever is sent in their place", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        for (const call of [compileFault, compileFaults]) {
          try {
            call(locate(value), TYPES);
          } catch (error) {
            expect(error).toMatchObject({ name: "SquallError" });
          }
        }
      }),
      { numRuns: 300 },
    );
  });
});
