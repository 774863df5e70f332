/** A case: one fault of one kind at one call of one site (or two, for pairs), and so one run. */
import type { FaultInput } from "./run.js";
import type { Site } from "./site.js";

/** Which call of the site is hit: ordinals count from 1, for each bot and route. */
export interface Ordinal {
  /** `nth` is any other, where all are asked for, or that of a call which only a fault brought about. */
  readonly word: "first" | "second" | "last" | "nth" | "all";
  /** Its number; null for all of them. */
  readonly nth: number | null;
}

export interface Cell {
  readonly site: Site;
  /** A name of the table of kinds, such as `lost`. */
  readonly kind: string;
  readonly ordinal: Ordinal;
}

export interface Case {
  /** A hash of what makes it this case; the same in every sweep of the same sites. */
  readonly id: string;
  /** For people: `complete:lost:first`. */
  readonly name: string;
  /** One, or two for pairs. */
  readonly cells: readonly Cell[];
  /** What is switched on; names are unique within the case. */
  readonly faults: readonly FaultInput[];
}
