/**
 * Which hits are needed, by runs of prefixes: the shortest prefix that fails ends in a needed hit; that is kept, and the same is asked of
 * what is before it, until the kept ones fail alone.
 *
 * Prefixes and no other subsets, since a run with the first m hits is the same run up to hit m: there the n-th call is still the n-th. A
 * run without hit 3 has other calls from there on. The order of questions is that of QuickXplain (Junker, 2004), with a posterior in
 * place of plain halves, so that a program that fails in half of its runs only is asked again where it matters.
 */
import type { Rate } from "./rate.js";
import { Suspects } from "./suspects.js";

/** How sure one must be of what is needed. */
const SURE = 0.99;
/** So many hits are told apart at a time; longer lists are asked about in blocks first. */
const APART_MAX = 64;

/** Whether a run with these hits, given by their places in the list, fails as the first did. */
export type Fails = (kept: readonly number[]) => Promise<boolean>;

export interface Chances {
  readonly rate: Rate;
  /** The share of runs that fail as it did without any cause. */
  readonly alarm: number;
}

/**
 * The needed ones of the hits `all` (in their order), which fail together and do not without any of them. Null where the runs contradict
 * each other: then a run with less may fail where one with more does not.
 */
export async function neededByPrefixes(
  all: readonly number[],
  fails: Fails,
  chances: Chances,
): Promise<readonly number[] | null> {
  let hits = all;
  for (;;) {
    const blocks = inBlocks(hits);
    const needed = await neededBlocks(blocks, fails, chances);
    if (needed === null || blocks.length === hits.length) return needed?.flat() ?? null;
    const left = needed.flat();
    // Blocks of which all are needed are told apart by what is in them.
    hits = left;
  }
}

type Block = readonly number[];

async function neededBlocks(
  blocks: readonly Block[],
  fails: Fails,
  { rate, alarm }: Chances,
): Promise<readonly Block[] | null> {
  let found: readonly Block[] = [];
  let before = blocks;
  for (;;) {
    const suspects = new Suspects(before.length, found.length > 0, rate, alarm);
    while (suspects.best.sure < SURE) {
      const run = suspects.next;
      const kept = [...before.slice(0, run.length), ...blocksAt(before, run.kept), ...found];
      if (!suspects.learn(run, await fails(kept.flat()))) return null;
    }
    const { positions, more } = suspects.best;
    found = [...blocksAt(before, positions), ...found];
    if (!more) return found;
    before = before.slice(0, Math.min(...positions) - 1);
  }
}

/** In their order, where `positions` has the last first. */
function blocksAt(blocks: readonly Block[], positions: readonly number[]): Block[] {
  return positions.toReversed().flatMap((position) => {
    const block = blocks[position - 1];
    return block === undefined ? [] : [block];
  });
}

function inBlocks(hits: readonly number[]): readonly Block[] {
  const count = Math.min(hits.length, APART_MAX);
  return Array.from({ length: count }, (_, index) =>
    hits.slice(Math.round((index * hits.length) / count), Math.round(((index + 1) * hits.length) / count)),
  );
}
