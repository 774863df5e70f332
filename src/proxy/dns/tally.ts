/** What one dns proxy has done, in plain numbers: the questions that are over, by type and by how they were answered. */
import { RCODES, TYPE_NAMES } from "./codec.js";

const OTHER = "other";
const NONE = "none";
const TYPES: readonly string[] = [...TYPE_NAMES.values()];
const CODES: readonly string[] = [...RCODES, NONE];

export type QueryCount = readonly [qtype: string, rcode: string, count: number];

export class QueryTally {
  readonly #counts = new Map<string, Map<string, number>>();

  /** `rcode` is null where there was no answer. What is not in the lists above is counted as `other`. */
  add(type: string, rcode: string | null): void {
    const qtype = TYPES.includes(type) ? type : OTHER;
    const code = rcode === null ? NONE : CODES.includes(rcode) ? rcode : OTHER;
    let codes = this.#counts.get(qtype);
    if (codes === undefined) this.#counts.set(qtype, (codes = new Map()));
    codes.set(code, (codes.get(code) ?? 0) + 1);
  }

  counts(): QueryCount[] {
    return [...this.#counts].flatMap(([qtype, codes]) =>
      [...codes].map(([code, count]): QueryCount => [qtype, code, count]),
    );
  }
}
