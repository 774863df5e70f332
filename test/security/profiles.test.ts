/** Profiles that mean harm: what they may cost the daemon that reads them, and what they may not. */
import { describe, expect, it } from "vitest";
import { Library } from "../../src/config/library.js";
import type { SquallError } from "../../src/core/errors.js";
import { compileProfile } from "../../src/plan/compile.js";
import { TYPES } from "../support/lab.js";

const library = (...texts: readonly string[]): Library => {
  const made = new Library(TYPES);
  for (const text of texts) made.put(text);
  return made;
};

/** What was said against it. */
const refused = (run: () => unknown): string => {
  try {
    run();
  } catch (error) {
    return (error as SquallError).details?.map(({ message }) => message).join("\n") ?? String(error);
  }
  return "taken";
};

describe("params of a profile", () => {
  const many = `profile: many
params: { a: { default: x, summary: what is said } }
faults: [{ type: http_status, status: 503, body: "${"${a}".repeat(2_000)}" }]
`;
  const spread = `profile: spread
params: { a: { default: x, summary: what is said } }
faults:
${Array.from({ length: 500 }, (_, n) => `  - { name: f-${n}, type: http_status, status: 503, body: "\${a}\${a}\${a}\${a}" }\n`).join("")}`;

  it.each([
    ["in one place", "many", many],
    ["over many places", "spread", spread],
  ])("cannot make gigabytes of a short text, %s", (_where, name, text) => {
    const profiles = library(text);
    expect(compileProfile(name, profiles, { a: "y".repeat(500) }, TYPES).faults.length).toBeGreaterThan(0);
    for (const length of [1_000, 500_000])
      expect(refused(() => compileProfile(name, profiles, { a: "y".repeat(length) }, TYPES))).toContain(
        "is more than 1MiB with all params filled in",
      );
  });

  it("cannot be made of one another, so that they do not double", () => {
    const text = `profile: doubling
params:
  a: { default: xx, summary: first }
  b: { default: "\${a}\${a}", summary: second }
`;
    expect(refused(() => library(text))).toContain("a default cannot refer to other params");
  });

  it.each(["constructor", "prototype", "has-own-property"])(
    "may be called %s and mean nothing by it",
    (name) => {
      const text = `profile: ${name}
params: { ${name}: { default: 5s, summary: how long } }
faults: [{ name: ${name}, type: latency, delay: "\${${name}}" }]
`;
      const compiled = compileProfile(name, library(text), {}, TYPES);
      expect(compiled.faults.map(({ params }) => params["delay"])).toEqual([5_000]);
      expect(refused(() => compileProfile(name, library(text), { toString: "1s" }, TYPES))).toBe(
        "unknown param",
      );
    },
  );

  it("cannot be called __proto__, nor can anything else", () => {
    for (const text of [
      "profile: p\nparams: { __proto__: { default: 5s } }\n",
      "profile: p\n__proto__: { faults: [] }\n",
      "profile: p\nfaults: [{ type: noop, match: { header: { __proto__: x } } }]\n",
    ])
      expect(refused(() => library(text))).toContain('the key "__proto__" is not allowed');
    expect(({} as { default?: string }).default).toBeUndefined();
  });
});

describe("families of profiles", () => {
  it("are merged once each, however often they meet", () => {
    const generations = ["profile: g0-a\nfaults: [{ name: f, type: noop }]\n", "profile: g0-b\n"];
    // A million ways lead from the youngest to the eldest.
    for (let n = 1; n <= 8; n++)
      for (const side of ["a", "b"]) {
        const parents = Array.from({ length: 6 }, () => `g${n - 1}-a, g${n - 1}-b`).join(", ");
        generations.push(`profile: g${n}-${side}\nextends: [${parents}]\n`);
      }
    const profiles = library(...generations);
    expect(compileProfile("g8-a", profiles, {}, TYPES).faults.map(({ name }) => name)).toEqual(["f"]);
    expect(refused(() => profiles.put("profile: g9\nextends: [g8-a]\n"))).toContain("extends more than 8");
  });

  it("know each other by name: a path is none", () => {
    for (const parent of ["../../etc/passwd", "/etc/passwd", "file:///etc/passwd", "a/b", "a\\u0000b"])
      expect(refused(() => library(`profile: p\nextends: ["${parent}"]\n`))).toMatch(/expected|no profile/u);
  });
});

describe("what a profile has faults say", () => {
  it.each([
    ["a line end in a value", `{ x-a: "b\\r\\nset-cookie: evil=1" }`, "expected text of one line"],
    ["a bare one", `{ x-a: "b\\nc" }`, "expected text of one line"],
    ["a NUL", `{ x-a: "b\\u0000c" }`, "expected text of one line"],
    ["a line end in a name", `{ "x-a\\r\\ny": b }`, "expected a field name"],
    ["a colon in a name", `{ "x-a: b": c }`, "expected a field name"],
  ])("adds no header that it does not name: %s", (_what, headers, mistake) => {
    const text = `profile: p\nfaults: [{ type: http_status, status: 503, headers: ${headers} }]\n`;
    expect(refused(() => library(text))).toContain(mistake);
  });

  it("has names that can stand in a header and in a log", () => {
    for (const name of ["a\\r\\nx: y", "a\\u001b[2J", "a b", "é"])
      expect(refused(() => library(`profile: p\nfaults: [{ name: "${name}", type: noop }]\n`))).toContain(
        "expected a name of lower-case letters",
      );
  });
});

describe("profiles in memory", () => {
  const large = (name: string): string =>
    `profile: ${name}\n${`# ${"of no use ".repeat(87)}\n`.repeat(1_000)}`;

  it("are limited in what they hold together, so that nobody fills it by asking again and again", () => {
    const profiles = new Library(TYPES);
    const names = Array.from({ length: 9 }, (_, n) => `large-${n}`);
    for (const name of names) profiles.put(large(name));
    const before = profiles.names();
    expect(refused(() => profiles.put(large("one-more")))).toContain("more than 8MiB of profiles in memory");
    expect(profiles.names()).toEqual(before);
    // The same again, and others in the place of one that goes, are as many as before.
    profiles.put(large("large-0"));
    profiles.delete("large-0");
    profiles.put(large("one-more"));
    // Files are the affair of whoever owns the disk.
    profiles.replaceFiles(names.map((name) => ({ file: `${name}.yaml`, text: large(name) })));
  });
});

describe("patterns of a profile", () => {
  const withMatch = (match: string): string =>
    `profile: p\nfaults: [{ type: http_delay, delay: 1ms, match: ${match} }]\n`;

  it("are limited in their length, over all entries and keys of a list", () => {
    const half = `"/${"a*".repeat(1_020)}"`;
    expect(refused(() => library(withMatch(`{ path: ${half} }`)))).toBe("taken");
    for (const match of [
      `{ path: [${half}, ${half}, ${half}] }`,
      `[{ path: ${half} }, { path: ${half} }, { path: ${half} }]`,
      `{ path: ${half}, header: { x: ${half}, y: ${half} } }`,
      `{ bot: "${"b*".repeat(3_000)}" }`,
    ])
      expect(
        refused(() => library(withMatch(match))),
        match.slice(0, 30),
      ).toContain("4096 is the most");
  });

  it("do not count where they are plain texts, which take no time", () => {
    const bots = JSON.stringify(Array.from({ length: 1_000 }, (_, n) => `bot-${n}`));
    expect(refused(() => library(withMatch(`{ bot: ${bots}, path: "/${"long/".repeat(1_000)}" }`)))).toBe(
      "taken",
    );
  });
});
