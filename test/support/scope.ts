/** How much of its tables a test walks: a sample in `npm test`, all of them in `npm run test:all`. */
import process from "node:process";
import { randomOf } from "./scripted-traffic.js";

/** Whether all rows are walked. Set by vitest.all.config.ts. */
export const WHOLE = process.env["SQUALL_TESTS"] === "all";

/** Another seed of `npm test` walks another part of the tables. */
const SEED = Number(process.env["SQUALL_TESTS_SEED"] ?? 1);

/** A count that may be smaller where time is short: rounds, seeds, bytes, clients. */
export const scaled = (few: number, whole: number): number => (WHOLE ? whole : few);

/**
 * The rows to walk: all of them, or of each group (all rows are one, where no `group` is given) its first row and `size - 1` others
 * that the seed draws, others for another `purpose`. They come in their order.
 */
export function sample<Row>(
  rows: readonly Row[],
  size: number,
  group: (row: Row) => unknown = () => null,
  purpose = "sample",
): readonly Row[] {
  if (WHOLE) return rows;
  const random = randomOf(SEED, purpose);
  const drawn = rows.map((row) => ({ row, rank: random.between(0, 1) }));
  const taken = new Set<Row>();
  for (const name of new Set(rows.map(group))) {
    const [first, ...others] = drawn.filter(({ row }) => group(row) === name);
    if (first !== undefined) taken.add(first.row);
    for (const { row } of others.sort((a, b) => a.rank - b.rank).slice(0, size - 1)) taken.add(row);
  }
  return rows.filter((row) => taken.has(row));
}
