/** The commands of README and docs name what there is. `npm run test:all` runs them (commands.all.test.ts). */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { MAIN, ROOT } from "../support/process.js";
import { SHOWN } from "./shell-blocks.js";

describe("the docs", () => {
  it("name only npm scripts that exist", () => {
    const { scripts } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { scripts: Record<string, string> };
    for (const { command } of SHOWN) {
      for (const [, name = ""] of command.matchAll(/npm run (?:--silent )?([\w-]+)/gu)) expect(scripts).toHaveProperty(name);
    }
  });

  it("name only subcommands and options that exist", () => {
    const help = execFileSync(process.execPath, [MAIN, "--help"]).toString();
    for (const [, name = ""] of readFileSync(join(ROOT, "docs/cli.md"), "utf8").matchAll(/`squall ([a-z-]+)/gu)) {
      expect(help).toMatch(new RegExp(`^  ${name}\\b`, "mu"));
    }
  });
});
