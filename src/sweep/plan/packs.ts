/**
 * Packing: many cases that are expected to pass in one run. By Dorfman's group testing the best size is about one in the root of the
 * failure rate; where more than a third fails, nothing is gained. Off by default: a fault may hide what another would have shown, so that
 * what passes in a pack is called `survived (packed)`.
 */
import type { Case, Cell } from "../contract/case.js";
import { kindOf } from "../kinds/kinds.js";

/** Cases of one pack at most, however seldom anything fails. */
const SIZE_MAX = 20;
/** From this share of failures on cases are run one by one. */
const RATE_MAX = 0.3;
/** For a client that waits these are the longest part of a run: two in one would take longer than a run may. */
const LONG: ReadonlySet<string> = new Set([
  "late",
  "lost-silent",
  "silent",
  "cut-silent",
  "slow",
  "stuck",
  "half-open",
]);

export function packSize(failureRate: number): number {
  if (failureRate >= RATE_MAX) return 1;
  return failureRate <= 0
    ? SIZE_MAX
    : Math.max(1, Math.min(SIZE_MAX, Math.round(1 / Math.sqrt(failureRate)) + 1));
}

/** The share that may be expected to fail after so many: one in ten before anything is known. */
export function expectedRate(decided: number, failed: number): number {
  return (failed + 0.5) / (decided + 5);
}

/**
 * The first of these cases and those behind it that fit into one run with it, in their order: with one fault at most for a site, none that
 * acts on all calls of one, and one at most for which a client waits long.
 */
export function firstPack(cases: readonly Case[], size: number): Case[] {
  const [first, ...others] = cases;
  if (first === undefined) return [];
  const pack = [first];
  if (isAlone(first)) return pack;
  for (const one of others) {
    if (pack.length >= size) break;
    if (!isAlone(one) && pack.every((beside) => fits(beside, one))) pack.push(one);
  }
  return pack;
}

/** All cases in packs. */
export function packed(cases: readonly Case[], size: number): Case[][] {
  const packs: Case[][] = [];
  let left = cases;
  while (left.length > 0) {
    const pack = firstPack(left, size);
    packs.push(pack);
    left = left.filter((one) => !pack.includes(one));
  }
  return packs;
}

function isAlone({ cells }: Case): boolean {
  return (
    cells.length !== 1 ||
    cells.some(
      ({ site, kind, ordinal }) => ordinal.nth === null || kindOf(site.protocol, kind)?.ends === true,
    )
  );
}

function fits(a: Case, b: Case): boolean {
  if (a.cells.some(isLong) && b.cells.some(isLong)) return false;
  return !a.cells.some(({ site }) => b.cells.some((other) => other.site.id === site.id));
}

const isLong = ({ kind }: Cell): boolean => LONG.has(kind);
