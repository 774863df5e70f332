/** docs/errors.md lists every code there is, as the table in the code has it, and no other. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { ERRORS } from "../../src/core/errors.js";

const text = readFileSync(new URL("../../docs/errors.md", import.meta.url), "utf8");

describe("docs/errors.md", () => {
  it("has a row for each code, and each row has a code", () => {
    const rows = text.split("\n").filter((line) => line.startsWith("| `SQ_"));
    const expected = Object.entries(ERRORS).map(
      ([code, { status, about }]) => `| \`${code}\` | ${status} | ${about} |`,
    );
    expect(rows.toSorted()).toEqual(expected.toSorted());
  });
});
