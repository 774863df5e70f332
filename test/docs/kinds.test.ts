/** The table of kinds in docs/sweep.md is that of the source. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { KINDS } from "../../src/sweep/kinds/kinds.js";
import { ROOT } from "../support/process.js";

it("docs/sweep.md has a row for each kind, in one table", () => {
  const rows = KINDS.map(
    ({ name, protocol, preset, where, what }) =>
      `| \`${name}\` | ${protocol} | ${preset} | ${where} | ${what} |`,
  );
  const lines = readFileSync(join(ROOT, "docs/sweep.md"), "utf8")
    .split("\n")
    .map((line) => line.replace(/ {2,}/gu, " "));
  // A line between them ends a table: what follows would be shown as text.
  const from = lines.indexOf(rows[0] ?? "");
  const length = lines.slice(from).findIndex((line) => !line.startsWith("|"));
  const missing = rows.filter((row) => !lines.slice(from, from + length).includes(row));
  expect(missing, missing.join("\n")).toStrictEqual([]);
});
