/** The page about bots lists the flaws there are, each with its account and its reports. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { FLAWS, FLAW_NAMES } from "../../../src/mock/bot/flaws.js";

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
