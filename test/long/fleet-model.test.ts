/** The model of a fleet over many more, and longer, sequences than a change can wait for, of another seed each time. */
import { randomInt } from "node:crypto";
import { it } from "vitest";
import { holdsFor } from "../support/fleet/model.js";

const SEQUENCES = 10_000;
const STEPS = 40;

it("keeps the promises of a fleet over ten thousand sequences of up to forty steps", async () => {
  const seed = randomInt(2 ** 31);
  const begun = performance.now();
  await holdsFor(SEQUENCES, STEPS, seed);
  const took = ((performance.now() - begun) / 1_000).toFixed(0);
  console.log(`  ${SEQUENCES} sequences of up to ${STEPS} steps, seed ${seed}: all kept, in ${took} s`);
});
