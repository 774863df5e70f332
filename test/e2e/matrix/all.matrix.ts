/** The whole matrix: a few runs side by side, since they mostly wait, and docs/matrix.md in the end. `MATRIX` picks cases by name. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { ROOT } from "../../support/process.js";
import { FLAWED, SURVIVED, type Case } from "./cases.js";
import { matrixPage, type Result } from "./page.js";
import { Progress } from "./progress.js";
import { play } from "./scene.js";

const SEEDS = (process.env["MATRIX_SEEDS"] ?? "1,2,3").split(",").map(Number);
const SIDE_BY_SIDE = 6;
const ONLY = process.env["MATRIX"];

const nameOf = ({ flaw, profile }: Case): string => `${flaw ?? "reference"} x ${profile}`;

it("every flaw is caught by its profile, and the reference bot survives them all", async () => {
  const cases = [...FLAWED, ...SURVIVED].filter(
    (one) => ONLY === undefined || new RegExp(ONLY, "u").test(nameOf(one)),
  );
  const waiting = cases.flatMap((one) => SEEDS.map((seed) => ({ one, seed })));
  const progress = new Progress(waiting.length);
  const outcomes = new Map<Case, { seed: number; broken: readonly string[] }[]>(
    cases.map((one) => [one, []]),
  );
  const odd: string[] = [];
  const worker = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const { one, seed } = next;
      const broken = await play(one, seed);
      const asExpected = one.flaw === null ? broken.length === 0 : broken.length > 0;
      if (!asExpected) odd.push(`${nameOf(one)}, seed ${seed}: ${broken.join(", ") || "nothing was broken"}`);
      outcomes.get(one)?.push({ seed, broken });
      progress.step(nameOf(one), !asExpected);
    }
  };
  await Promise.all(Array.from({ length: SIDE_BY_SIDE }, worker));
  progress.end();
  const results: Result[] = [...outcomes].map(([one, seeds]) => ({
    one,
    outcomes: seeds.sort((a, b) => a.seed - b.seed),
  }));
  const flawed = results.filter(({ one }) => one.flaw !== null);
  const survived = results.filter(({ one }) => one.flaw === null);
  const page = matrixPage(flawed, survived, SEEDS);
  process.stdout.write(`${page}\n`);
  if (ONLY === undefined) writeFileSync(join(ROOT, "docs/matrix.md"), page);
  expect(odd).toEqual([]);
});
