/** The table of flaws, and the page that tells of them. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { FLAWS, FLAW_NAMES, unknownFlaw } from "../../../src/mock/bot/flaws.js";

const page = readFileSync(join(import.meta.dirname, "../../../docs/bots.md"), "utf8");

const link = (report: string): string =>
  `[${report.replace("https://github.com/", "").replace(/\/(?:issues|pull)\//u, " ")}](${report})`;
const row = (name: (typeof FLAW_NAMES)[number]): string =>
  `| \`${name}\` | ${FLAWS[name].about} | ${FLAWS[name].reports.map(link).join(", ")} |`;

it("lists every flaw, as the program tells of it, and no other", () => {
  const [, table = ""] =
    /\| flaw \| a bot that \.\.\. \| reported \|\n\|[-|]+\n((?:\|.*\n)+)/u.exec(page) ?? [];
  expect(table.trim().split("\n")).toEqual(FLAW_NAMES.map(row));
});

it("says of every flaw how it shows", () => {
  const [, table = ""] = /\| flaw \| how it shows \|\n\|[-|]+\n((?:\|.*\n)+)/u.exec(page) ?? [];
  const told = [...table.matchAll(/`([a-z-]+)`(?=[^|\n]*\|[^|\n]*\|\n)/gu)].map(([, name]) => name);
  expect([...told].sort()).toEqual([...FLAW_NAMES].sort());
});

describe("the table of flaws", () => {
  it("has a report for each", () => {
    for (const flaw of FLAW_NAMES)
      for (const report of FLAWS[flaw].reports)
        expect(report).toMatch(/^https:\/\/github\.com\/[\w.-]+\/[\w.-]+\/(?:issues|pull)\/\d+$/u);
  });

  it("helps who asks for one that there is not", () => {
    const text = unknownFlaw("no-timout");
    expect(text).toContain(`there is no flaw "no-timout"; did you mean "no-timeout"?`);
    for (const flaw of FLAW_NAMES) expect(text).toContain(flaw);
  });
});
