/**
 * A heat map as data: what was tried or looked for across, whom it concerns down, and a sign with a tone in each cell, so that it is read
 * without colour as well. The report of a sweep has one of sites and kinds of faults, the dashboard one of bots and findings.
 */

export type HeatTone = "good" | "bad" | "doubt" | "open" | "none";

/** A sign and what it means. */
export interface Mark {
  /** One character, which tells it apart without colour. */
  readonly sign: string;
  readonly tone: HeatTone;
  readonly about: string;
}

export interface HeatCell {
  readonly mark: Mark;
  /** Behind the sign, such as the number of a finding; empty for nothing. */
  readonly figure: string;
  /** For those who do not see the sign. */
  readonly said: string;
  /** More about it, in lines; empty for nothing. */
  readonly more: string;
  /** Where more is told; null for nowhere. */
  readonly link: string | null;
}

export interface HeatRow {
  readonly name: string;
  readonly note: string;
  readonly cells: readonly HeatCell[];
}

export interface HeatMap {
  /** What the rows are: the head of their column. */
  readonly corner: string;
  readonly columns: readonly { readonly name: string; readonly about: string }[];
  readonly rows: readonly HeatRow[];
}

/** The marks that some maps show, in the order of `all`. */
export function legendOf(maps: readonly HeatMap[], all: readonly Mark[]): readonly Mark[] {
  const shown = new Set(
    maps.flatMap(({ rows }) => rows.flatMap(({ cells }) => cells.map(({ mark }) => mark))),
  );
  return all.filter((mark) => shown.has(mark));
}
