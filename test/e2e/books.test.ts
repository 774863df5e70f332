/**
 * The books: a client and a server count for themselves while all types of faults come in turn, and what the journal and the
 * metrics say is held against both, number by number. SQUALL_FUZZ_SEED=n repeats a run.
 */
import { expect, it } from "vitest";
import { FAULT_TYPES } from "../../src/faults/kinds/index.js";
import { DATAGRAM_SETTINGS, QUESTION_SETTINGS } from "../support/books/packet-settings.js";
import { playPackets } from "../support/books/packet-play.js";
import { play } from "../support/books/play.js";
import { sample, scaled } from "../support/scope.js";

const SEED = Number(process.env["SQUALL_FUZZ_SEED"] ?? 20_240_607);

const PARTS = 4;

it.each(
  sample(
    Array.from({ length: PARTS }, (_, part) => part),
    1,
  ),
)("agree: client's, server's, journal's and metrics', under every type of fault, part %i", async (from) => {
  const share = { from, each: PARTS };
  const { exchanges, rounds, wrong } = await play({ seed: SEED, passes: 1, everywhere: false, share });
  expect(wrong, `SQUALL_FUZZ_SEED=${SEED}, after ${exchanges} exchanges in ${rounds} rounds`).toEqual([]);
  expect(exchanges).toBeGreaterThan(scaled(500, 1_000) / PARTS);
});

it("agree where the clients speak TLS", async () => {
  const share = { from: 1, each: scaled(12, 2) };
  const { rounds, wrong } = await play({ seed: SEED, passes: 1, everywhere: false, share, secure: true });
  expect(wrong, `SQUALL_FUZZ_SEED=${SEED}, after ${rounds} rounds`).toEqual([]);
});

it("agree for datagrams and for questions, under every type of fault that acts on them", async () => {
  const { datagrams, questions, rounds, wrong } = await playPackets({ seed: SEED, passes: 1 });
  expect(wrong, `SQUALL_FUZZ_SEED=${SEED}, after ${rounds} rounds`).toEqual([]);
  expect(datagrams).toBeGreaterThan(scaled(200, 500));
  expect(questions).toBeGreaterThan(scaled(100, 400));
});

it("leave out no type of fault that acts on datagrams or on questions", () => {
  const played = (settings: readonly { readonly fault: { readonly type: string } }[]): Set<string> =>
    new Set(settings.map(({ fault }) => fault.type));
  const left = FAULT_TYPES.filter(
    ({ type, datagram, query }) =>
      (datagram !== undefined && !played(DATAGRAM_SETTINGS).has(type)) ||
      (query !== undefined && !played(QUESTION_SETTINGS).has(type)),
  );
  expect(left.map(({ type }) => type)).toEqual([]);
});
