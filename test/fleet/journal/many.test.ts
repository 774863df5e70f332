/** The journals of several daemons, cut off at times, as one; test/long/fleet-journal.test.ts has a hundred thousand entries of ten. */
import { expect, it } from "vitest";
import { OFFSET_ERROR, readMany } from "./many-daemons.js";

it("has every entry once and in order where nothing breaks", async () => {
  const seen = await readMany({ seed: 1, daemons: 4, entries: 2_000, rate: 200, cuts: false });
  expect(seen).toMatchObject({ shown: 2_000, doubles: 0, late: 0, missing: {}, unsaid: 0, notices: [] });
  expect(seen.disorder).toBeLessThanOrEqual(2 * OFFSET_ERROR + 2);
});

it("has every entry once or names it where links break, answers are lost and daemons are started anew", async () => {
  const seen = await readMany({ seed: 2, daemons: 4, entries: 4_000, rate: 200, cuts: true });
  expect(seen.doubles).toBe(0);
  expect(seen.disorder).toBeLessThanOrEqual(2 * OFFSET_ERROR + 2);
});
