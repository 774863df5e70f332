/** The matrix with one seed: each flaw is caught by its profile, and the reference bot survives the same. `npm run matrix` runs all of it. */
import { describe, expect, it } from "vitest";
import { FLAWED, OFTEN } from "./matrix/cases.js";
import { labelOf } from "./matrix/page.js";
import { play } from "./matrix/scene.js";

const SEED = 1;
const ONLY = process.env["MATRIX"];
const chosen = (name: string): boolean => ONLY === undefined || new RegExp(ONLY, "u").test(name);

describe.concurrent("the matrix", () => {
  for (const one of FLAWED.filter(({ flaw }) => chosen(`flaw ${flaw ?? ""}`)))
    it(`catches ${one.flaw ?? ""} with ${labelOf(one)}`, async () => {
      expect(await play(one, SEED)).not.toEqual([]);
    });

  for (const one of OFTEN.filter(({ profile }) => chosen(`reference ${profile}`)))
    it(`lets the reference bot through ${labelOf(one)}`, async () => {
      expect(await play(one, SEED)).toEqual([]);
    });
});
