/** Cells as cases: with an id that stays, a name for people, and the faults that are switched on. */
import { createHash } from "node:crypto";
import type { Case, Cell } from "../contract/case.js";
import type { FaultInput } from "../contract/run.js";
import { kindOf } from "../kinds/kinds.js";
import type { KindOptions } from "../kinds/kind.js";

/** Site id -> short name. */
export type SiteNames = ReadonlyMap<string, string>;

export function caseOf(cells: readonly Cell[], names: SiteNames, options: KindOptions): Case {
  const key = cells.map(({ site, kind, ordinal }) => [
    site.id,
    kind,
    ordinal.word,
    ordinal.word === "nth" ? ordinal.nth : null,
  ]);
  return {
    id: createHash("sha256").update(JSON.stringify(key)).digest("hex").slice(0, 10),
    name: cells.map((cell) => cellName(cell, names)).join(" + "),
    cells,
    faults: apart(cells.flatMap((cell) => faultsOf(cell, options))),
  };
}

export function cellName({ site, kind, ordinal }: Cell, names: SiteNames): string {
  const which = ordinal.word === "nth" ? String(ordinal.nth) : ordinal.word;
  return `${names.get(site.id) ?? site.id}:${kind}:${which}`;
}

export function faultsOf({ site, kind, ordinal }: Cell, options: KindOptions): readonly FaultInput[] {
  const known = kindOf(site.protocol, kind);
  if (known === undefined) throw new RangeError(`there is no kind ${kind} of ${site.protocol}`);
  return known.faults(site, ordinal, options);
}

/** With names that differ: two cells may be of one kind. */
function apart(faults: readonly FaultInput[]): FaultInput[] {
  const used = new Map<string, number>();
  return faults.map((fault) => {
    const count = (used.get(fault.name) ?? 0) + 1;
    used.set(fault.name, count);
    return count === 1 ? fault : { ...fault, name: `${fault.name}-again${count === 2 ? "" : `-${count}`}` };
  });
}
