/** The matrix with one seed: each flaw is caught by its profile, and the reference bot survives the same. `npm run matrix` runs all of it. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ROOT } from "../support/process.js";
import { FLAWED, OFTEN, SURVIVED } from "./matrix/cases.js";
import { labelOf } from "./matrix/page.js";
import { play } from "./matrix/scene.js";
import { sample, scaled } from "../support/scope.js";

const SEED = 1;
const ONLY = process.env["MATRIX"];
const chosen = (name: string): boolean => ONLY === undefined || new RegExp(ONLY, "u").test(name);

describe.concurrent("the matrix", { timeout: scaled(60_000, 180_000) }, () => {
  for (const one of sample(FLAWED, 2).filter(({ flaw }) => chosen(`flaw ${flaw ?? ""}`)))
    it(`catches ${one.flaw ?? ""} with ${labelOf(one)}`, async () => {
      expect(await play(one, SEED)).not.toEqual([]);
    });

  for (const one of sample(OFTEN, 1).filter(({ profile }) => chosen(`reference ${profile}`)))
    it(`lets the reference bot through ${labelOf(one)}`, async () => {
      expect(await play(one, SEED)).toEqual([]);
    });
});

it("has a row for each profile of the library", () => {
  const files = readdirSync(join(ROOT, "profiles")).map((file) => file.replace(/\.yaml$/u, ""));
  expect([...new Set(SURVIVED.map(({ profile }) => profile))].sort()).toEqual(files.sort());
});
