/** The matrix of bots and profiles is complete; test/e2e/matrix.all.test.ts plays it. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { ROOT } from "../support/process.js";
import { SURVIVED } from "./matrix/cases.js";

it("has a row for each profile of the library", () => {
  const files = readdirSync(join(ROOT, "profiles")).map((file) => file.replace(/\.yaml$/u, ""));
  expect([...new Set(SURVIVED.map(({ profile }) => profile))].sort()).toEqual(files.sort());
});
