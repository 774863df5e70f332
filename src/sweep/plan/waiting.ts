/**
 * The cases that wait for their turn: in the order of the plan, but what is not likely to show anything new goes behind all others, by what
 * results have shown so far. Nothing is dropped; a budget that ends meets these first.
 *
 * Two things say so. Where a call was lost, on its way and on its way back, and refused, and the client did nothing but ask again, its
 * second and its last call will hardly tell more of a silent loss or a balancer's error. And where a kind has a finding at a site, its other
 * calls there most likely have the same.
 */
import type { Case, Cell } from "../contract/case.js";
import type { CaseResult } from "../contract/finding.js";

/** What must have done no harm at a site, and what it then says little new of. */
const SHOWN: readonly string[] = ["lost", "request-lost", "503"];
const LIKE_THEM: ReadonlySet<string> = new Set(["lost-silent", "502"]);
const LATER: ReadonlySet<string> = new Set(["second", "last", "nth"]);

export class Waiting {
  #next: Case[];
  #behind: Case[] = [];
  /** Kinds that did no harm, by site. */
  readonly #calm = new Map<string, Set<string>>();
  /** `site kind`. */
  readonly #found = new Set<string>();

  constructor(cases: readonly Case[]) {
    this.#next = [...cases];
  }

  get size(): number {
    return this.#next.length + this.#behind.length;
  }

  /** In the order in which they would be taken by now. */
  all(): Case[] {
    return [...this.#next, ...this.#behind];
  }

  /** Takes these out. */
  take(cases: readonly Case[]): void {
    const taken = new Set(cases.map(({ id }) => id));
    const stays = ({ id }: Case): boolean => !taken.has(id);
    this.#next = this.#next.filter(stays);
    this.#behind = this.#behind.filter(stays);
  }

  /** Before all others: they were taken, and nothing is known of them yet. */
  giveBack(cases: readonly Case[]): void {
    this.#next.unshift(...cases);
  }

  heard({ case: of, verdict, edges }: CaseResult): void {
    const [cell, more] = of.cells;
    if (cell === undefined || more !== undefined) return;
    const { site, kind, ordinal } = cell;
    if (verdict === "survived" || verdict === "survived (packed)") {
      if (!SHOWN.includes(kind) || ordinal.word !== "first" || edges.some((edge) => edge !== site.id)) return;
      const calm = this.#calm.get(site.id) ?? new Set();
      this.#calm.set(site.id, calm.add(kind));
      if (!SHOWN.every((one) => calm.has(one))) return;
    } else if (verdict === "FAILED" || verdict === "HUNG" || verdict === "WRONG" || verdict === "STUCK") {
      this.#found.add(`${site.id} ${kind}`);
    } else return;
    const isBehind = ({ cells }: Case): boolean => cells.some((one) => this.#tellsLittle(one));
    this.#behind.push(...this.#next.filter(isBehind));
    this.#next = this.#next.filter((one) => !isBehind(one));
  }

  #tellsLittle({ site, kind, ordinal }: Cell): boolean {
    if (!LATER.has(ordinal.word)) return false;
    if (this.#found.has(`${site.id} ${kind}`)) return true;
    const calm = this.#calm.get(site.id);
    return LIKE_THEM.has(kind) && calm !== undefined && SHOWN.every((one) => calm.has(one));
  }
}
