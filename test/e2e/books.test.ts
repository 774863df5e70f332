/**
 * The books: a client and a server count for themselves while all types of faults come in turn, and what the journal and the
 * metrics say is held against both, number by number. SQUALL_FUZZ_SEED=n repeats a run.
 */
import { expect, it } from "vitest";
import { play } from "../support/books/play.js";

const SEED = Number(process.env["SQUALL_FUZZ_SEED"] ?? 20_240_607);

it("agree: client's, server's, journal's and metrics', under every type of fault", async () => {
  const { exchanges, rounds, wrong } = await play({ seed: SEED, passes: 1, everywhere: false });
  expect(wrong, `SQUALL_FUZZ_SEED=${SEED}, after ${exchanges} exchanges in ${rounds} rounds`).toEqual([]);
  expect(exchanges).toBeGreaterThan(1_000);
});
