/**
 * Packing: many cases that are expected to pass in one run. By Dorfman's group testing the best size is about one in the root of the
 * failure rate; where more than a third fails, nothing is gained. Off by default: a fault may hide what another would have shown, so that
 * what passes in a pack is called `survived (packed)`.
 */
import type { Case } from "../contract/case.js";
import type { KindOptions } from "../kinds/kind.js";
import { caseOf, type SiteNames } from "./cases.js";

/** Cases of one pack at most, however seldom anything fails. */
const SIZE_MAX = 20;
/** From this share of failures on cases are run one by one. */
const RATE_MAX = 0.3;

export function packSize(failureRate: number): number {
  if (failureRate >= RATE_MAX) return 1;
  return failureRate <= 0
    ? SIZE_MAX
    : Math.max(1, Math.min(SIZE_MAX, Math.round(1 / Math.sqrt(failureRate)) + 1));
}

/**
 * The cases in packs, each with one fault at most for a site and none that acts on all calls of one; those stay alone. The order of the
 * cases is kept as far as that allows.
 */
export function packed(cases: readonly Case[], size: number, names: SiteNames, options: KindOptions): Case[] {
  const packs: Case[][] = [];
  for (const one of cases) {
    const pack = isAlone(one)
      ? undefined
      : packs.find(
          (other) =>
            other.length < size && !other.some(isAlone) && !other.some((beside) => shareSite(beside, one)),
        );
    if (pack === undefined) packs.push([one]);
    else pack.push(one);
  }
  return packs.map((pack) =>
    pack.length === 1 && pack[0] !== undefined
      ? pack[0]
      : caseOf(
          pack.flatMap(({ cells }) => cells),
          names,
          options,
        ),
  );
}

function isAlone({ cells }: Case): boolean {
  return cells.some(({ ordinal }) => ordinal.nth === null);
}

function shareSite(a: Case, b: Case): boolean {
  return a.cells.some(({ site }) => b.cells.some((other) => other.site.id === site.id));
}
