/** The books, for longer: every fault type several times, by seeds of their own. SQUALL_FUZZ_SEED=n begins elsewhere, SQUALL_BOOKS_PASSES=n goes on for longer. */
import { expect, it } from "vitest";
import { playPackets } from "../support/books/packet-play.js";
import { play } from "../support/books/play.js";

const SEED = Number(process.env["SQUALL_FUZZ_SEED"] ?? 1);
const PASSES = Number(process.env["SQUALL_BOOKS_PASSES"] ?? 10);
/** One pass is some 120 rounds, of a second or two each on a busy machine. */
const PATIENCE_MS = PASSES * 600_000;

it(
  "agree over tens of thousands of exchanges: client's, server's, journal's and metrics'",
  async () => {
    const { exchanges, rounds, wrong } = await play({ seed: SEED, passes: PASSES, everywhere: true });
    console.log(`${exchanges} exchanges in ${rounds} rounds, ${wrong.length} disagreements`);
    expect(wrong, `SQUALL_FUZZ_SEED=${SEED}, after ${exchanges} exchanges in ${rounds} rounds`).toEqual([]);
  },
  PATIENCE_MS,
);

it(
  "agree over tens of thousands of datagrams and questions",
  async () => {
    const { datagrams, questions, rounds, wrong } = await playPackets({ seed: SEED, passes: PASSES * 2 });
    console.log(
      `${datagrams} datagrams, ${questions} questions in ${rounds} rounds, ${wrong.length} disagreements`,
    );
    expect(wrong, `SQUALL_FUZZ_SEED=${SEED}`).toEqual([]);
  },
  PATIENCE_MS,
);
