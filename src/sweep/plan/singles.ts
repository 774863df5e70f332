/**
 * All cells that make sense, as cases in the order in which they are worth most: what is lost where work is done, what every balancer does
 * everywhere, each other kind once, then the rest. Whoever stops early has seen most of what there is to see.
 */
import type { Case, Cell } from "../contract/case.js";
import type { Site } from "../contract/site.js";
import { KINDS, kindsAt } from "../kinds/kinds.js";
import { NO_OPTIONS, type AnyKind, type KindOptions } from "../kinds/kind.js";
import { caseOf, type SiteNames } from "./cases.js";
import type { Selection } from "./selection.js";

export interface PlanOptions extends KindOptions {
  readonly selection: Selection;
  /** All ordinals that each fault-free run has, and not first, second and last alone. */
  readonly allOrdinals: boolean;
}

interface Planned {
  readonly cell: Cell;
  readonly kind: AnyKind;
}

export function planSingles(sites: readonly Site[], names: SiteNames, options: PlanOptions): Case[] {
  const { selection, allOrdinals } = options;
  const cells = sites.flatMap((site) =>
    kindsAt(site, selection.preset, selection.kinds).flatMap((kind) =>
      kind
        .ordinals(site, allOrdinals || selection.whole)
        .map((ordinal): Planned => ({ cell: { site, kind: kind.name, ordinal }, kind })),
    ),
  );
  return ordered(cells.filter(({ cell }) => selection.takes(cell))).map(({ cell }) =>
    caseOf([cell], names, options),
  );
}

/** Smaller comes first; what has the same rank keeps the order of kinds, and within a kind that of sites. */
const RANK = { work: 0, everywhere: 1, once: 2, first: 3, second: 4, other: 5, rare: 6 } as const;

function ordered(cells: readonly Planned[]): readonly Planned[] {
  const early = new Set(
    cells.filter((one) => (ownRank(one) ?? RANK.rare) <= RANK.everywhere).map(({ kind }) => kind),
  );
  const kinds = KINDS.filter((kind) => cells.some((one) => one.kind === kind));
  const late = kinds.filter((kind) => !early.has(kind));
  const samples = new Set(late.map((kind, index) => sampleOf(cells, kind, index)));
  return cells
    .map((one) => ({
      one,
      rank: ownRank(one) ?? (samples.has(one) ? RANK.once : RANK.first),
      kind: kinds.indexOf(one.kind),
    }))
    .sort((a, b) => a.rank - b.rank || a.kind - b.kind)
    .map(({ one }) => one);
}

/** Of what has a rank whatever else there is. */
function ownRank({ cell: { site, ordinal }, kind }: Planned): number | null {
  if (site.steadiness === "rare") return RANK.rare;
  if (ordinal.word === "second") return RANK.second;
  if (ordinal.word === "last" || ordinal.word === "nth") return RANK.other;
  if (kind.name === "lost") return site.protocol !== "http" || !site.traits.safe ? RANK.work : null;
  return kind.preset === "quick" && kind.name !== "late" ? RANK.everywhere : null;
}

/** The cell at which a kind is seen for the first time: another site for each, as far as there are others. */
function sampleOf(cells: readonly Planned[], kind: AnyKind, index: number): Planned | undefined {
  const own = cells.filter(
    (one) =>
      one.kind === kind &&
      one.cell.site.steadiness !== "rare" &&
      /^(?:first|all)$/u.test(one.cell.ordinal.word),
  );
  return own[index % Math.max(1, own.length)];
}

export const DEFAULT_OPTIONS: Omit<PlanOptions, "selection"> = { ...NO_OPTIONS, allOrdinals: false };
