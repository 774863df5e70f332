/** The threat model says which test proves what, and these tests must be there. */
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ROOT } from "../support/process.js";

const page = readFileSync(join(ROOT, "docs/threat-model.md"), "utf8");
const rows = page.split("\n").filter((line) => /^\| (?!attack|asset|actor|-)/u.test(line));

describe("the threat model", () => {
  it("names a test for each attack, and each of them is there and tests something", () => {
    const attacks = rows.filter((row) => row.split(" | ").length === 3);
    expect(attacks.length).toBeGreaterThan(40);
    for (const attack of attacks) {
      const proof = attack.slice(attack.lastIndexOf(" | "));
      const files = [...proof.matchAll(/`([^`]+)`/gu)].map(([, file = ""]) => file);
      expect(files.length, attack).toBeGreaterThan(0);
      for (const file of files) {
        expect(existsSync(join(ROOT, file)), file).toBe(true);
        expect(readFileSync(join(ROOT, file), "utf8"), file).toMatch(/\b(?:it|it\.each[^(]*)\(/u);
      }
    }
  });

  it("says of each boundary what remains", () => {
    const sections = page.split(/^## /mu).filter((section) => section.includes("| attack |"));
    expect(sections.length).toBeGreaterThan(4);
    for (const section of sections) expect(section).toMatch(/^What remains: /mu);
  });

  it("is right that nothing is decompressed, and that no regular expression and no code comes from outside", () => {
    const sources = readdirSync(join(ROOT, "src"), { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".ts"))
      .map((file) => [file, readFileSync(join(ROOT, "src", file), "utf8")] as const);
    expect(sources.length).toBeGreaterThan(300);
    const users = (pattern: RegExp): string[] =>
      sources.filter(([, text]) => pattern.test(text)).map(([file]) => file);
    expect(users(/"(?:node:)?zlib"/u)).toEqual([]);
    // It loads the command's own file, and takes no text from anybody.
    expect(users(/\beval\(|\bnew Function\(|"(?:node:)?vm"/u)).toEqual(["cli/bundle.ts"]);
    // Each of these makes expressions of constants.
    expect(users(/\bnew RegExp\(|\bRegExp\(/u).sort()).toEqual([
      "config/address.ts",
      "core/units.ts",
      "faults/params.ts",
      "faults/rhythm.ts",
      "sweep/run-file/shape.ts",
    ]);
  });
});
