/** Patterns of paths and of values: what they hold for, and that no text can make them slow. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parametersOf, pathMistake, pathTest, segmentOf, valueTest } from "../../src/config/pattern.js";
import { scaled } from "../support/scope.js";

/** What a pattern of a path means, said once more in another language. */
function oracle(pattern: string): RegExp {
  const source = pattern.split(/(\*\*|\*|(?<=\/):\w+(?=\/|$))/u).map((part) => {
    if (part === "**") return ".*";
    if (part === "*") return "[^/]*";
    return part.startsWith(":") && /^:[A-Za-z_]\w*$/u.test(part)
      ? "[^/]+"
      : part.replace(/[\\^$.*+?()[\]{}|/]/gu, String.raw`\$&`);
  });
  return new RegExp(`^${source.join("")}$`, "su");
}

describe("a pattern of a path", () => {
  it.each([
    ["/healthz", "/healthz", true],
    ["/healthz", "/healthz/", false],
    ["/healthz", "/HEALTHZ", false],
    ["/healthz", "/healthz?", false],
    ["/v1/jobs/:id", "/v1/jobs/7", true],
    ["/v1/jobs/:id", "/v1/jobs/", false],
    ["/v1/jobs/:id", "/v1/jobs/7/complete", false],
    ["/v1/jobs/:id/complete", "/v1/jobs/7/complete", true],
    ["/v1/jobs/:id/complete", "/v1/jobs/a%2Fb/complete", true],
    ["/v1/jobs/*", "/v1/jobs/", true],
    ["/v1/jobs/*", "/v1/jobs/7/8", false],
    ["/v1/*/complete", "/v1/x/complete", true],
    ["/v1/job-*.json", "/v1/job-7.json", true],
    ["/v1/job-*.json", "/v1/job-7.jsonl", false],
    ["/v1/jobs/*:cancel", "/v1/jobs/7:cancel", true],
    ["/**", "/", true],
    ["/v1/**", "/v1/a/b/c", true],
    ["/v1/**", "/v1", false],
    ["/**/complete", "/v1/jobs/7/complete", true],
    ["/**/complete", "/complete", false],
    ["/**/:id/complete", "/complete/complete", false],
    ["/**a*b", "/xa/ab", true],
    ["**", "*", true],
    ["*", "*", true],
    ["/a.b", "/axb", false],
    ["/a:b", "/a:b", true],
  ])("%s: is %s one? %s", (pattern, path, expected) => {
    expect(pathMistake(pattern)).toBeUndefined();
    expect(pathTest(pattern)(path)).toBe(expected);
    expect(oracle(pattern).test(path)).toBe(expected);
  });

  it("holds for just what a regular expression of the same meaning holds for", () => {
    const part = fc.constantFrom("/", "/", "a", "b", "ab", "*", "**", "/:x/", "/:x", "/:y/a");
    const text = fc.constantFrom("/", "/", "a", "b", "ab", "c");
    const pattern = fc
      .array(part, { maxLength: 8 })
      .map((parts) => `/${parts.join("")}`.replaceAll(/\*{3,}/gu, "**"))
      .filter((one) => pathMistake(one) === undefined);
    const path = fc.array(text, { maxLength: 12 }).map((parts) => `/${parts.join("")}`);
    fc.assert(
      fc.property(pattern, fc.array(path, { minLength: 1, maxLength: 5 }), (one, paths) => {
        const holds = pathTest(one);
        const expected = oracle(one);
        for (const each of paths) expect(holds(each), `${one} ${each}`).toBe(expected.test(each));
      }),
      { numRuns: scaled(4_000, 20_000) },
    );
  });

  it("names its segments, and finds what stands for them", () => {
    expect(parametersOf("/v1/bots/:bot/**/:job")).toEqual(["bot", "job"]);
    expect(segmentOf("/v1/bots/:bot/**", 0)("/v1/bots/b-7/jobs/1")).toBe("b-7");
    expect(segmentOf("/**/:a/x/:b", 1)("/1/2/3/x/4")).toBe("4");
    expect(segmentOf("/**/:a/x/:b", 0)("/1/2/3/x/4")).toBe("3");
    expect(segmentOf("/v1/bots/:bot", 0)("/v1/bots/")).toBeUndefined();
    expect(segmentOf("/v1/bots/:bot", 1)("/v1/bots/x")).toBeUndefined();
  });

  it("looks at each character a few times at most, whatever a stranger sends", () => {
    // Tried from each character anew, these would be 10 billion steps and more.
    const long = "a".repeat(100_000);
    for (const pattern of ["/**a*b", "/**a*a*a*b", "/**/*a*b/**c", "/**a**a**a**b", "/*a*a*a*b"])
      expect(pathTest(pattern)(`/${long}`), pattern).toBe(false);
    expect(pathTest("/**a*b/:x")(`/${long}b/`)).toBe(false);
    expect(valueTest("*a*a*a*b")(long)).toBe(false);
  });

  it("is not made slow by a pattern that nearly fits everywhere either", () => {
    // Compared at each place these were 2.5 billion characters each, a hundred times.
    const long = "a".repeat(100_000);
    const half = "a".repeat(50_000);
    for (let n = 0; n < 100; n++) {
      expect(valueTest(`*${half}b`)(long)).toBe(false);
      expect(valueTest(`*${half}b*`)(long)).toBe(false);
      expect(valueTest(`*b${half}*`)(long)).toBe(false);
    }
  });
});

describe("a pattern of a value", () => {
  it.each([
    ["acme", "acme", true],
    ["acme", "Acme", false],
    ["acme", "acme ", false],
    ["b-*", "b-", true],
    ["b-*", "b-7/x", true],
    ["*-7", "b-7", true],
    ["*b*", "abc", true],
    ["*", "", true],
    ["a**c", "abc", true],
    ["a*b*c", "acb", false],
    ["", "", true],
    ["", "x", false],
    [":x", "y", false],
  ])("%j: is %j one? %s", (pattern, value, expected) => {
    expect(valueTest(pattern)(value)).toBe(expected);
  });

  it("holds for just what a regular expression of the same meaning holds for", () => {
    const word = (letters: string[], maxLength: number): fc.Arbitrary<string> =>
      fc.array(fc.constantFrom(...letters), { maxLength }).map((parts) => parts.join(""));
    fc.assert(
      fc.property(word(["a", "b", "*", "/"], 8), word(["a", "b", "/"], 12), (pattern, value) => {
        const expected = new RegExp(
          `^${pattern.replaceAll(/\*+/gu, ".*").replaceAll("/", String.raw`\/`)}$`,
          "su",
        );
        expect(valueTest(pattern)(value)).toBe(expected.test(value));
      }),
      { numRuns: scaled(4_000, 20_000) },
    );
  });
});
