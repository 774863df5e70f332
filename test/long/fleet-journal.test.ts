/** A hundred thousand entries of ten daemons, with cuts: no doubles, gaps told, in the order of time within the error of the offsets. */
import { expect, it } from "vitest";
import { OFFSET_ERROR, readMany } from "../fleet/journal/many-daemons.js";

it.each([
  { seed: 1, cuts: false },
  { seed: 2, cuts: true },
  { seed: 3, cuts: true },
  { seed: 4, cuts: true },
])("the journals of ten daemons: $seed, cuts $cuts", async ({ seed, cuts }) => {
  const seen = await readMany({ seed, daemons: 10, entries: 100_000, rate: 100, cuts });
  const { notices, ...figures } = seen;
  process.stdout.write(`${JSON.stringify({ seed, cuts, ...figures, notices: notices.length })}\n`);
  expect(seen.written).toBe(100_000);
  expect(seen.doubles).toBe(0);
  expect(seen.disorder).toBeLessThanOrEqual(2 * OFFSET_ERROR + 2);
  if (!cuts) expect(seen).toMatchObject({ shown: 100_000, late: 0, missing: {}, unsaid: 0 });
});
