/**
 * How long a plan takes. Kinds differ by far: whoever hears nothing any more waits for its own patience, or hangs until its time is over, and a
 * finding is run three times and more. So what a case costs is what those of its kind have cost so far.
 */
import type { Case } from "../contract/case.js";
import { heldUpBy } from "../harness/stillness.js";
import { CONTROL_EVERY } from "../sweep/settings.js";

export class Pace {
  readonly #each: number;
  readonly #jobs: number;
  /** By kind, or kinds of a pair: milliseconds of a worker, and of how many cases. */
  readonly #spent = new Map<string, { ms: number; cases: number }>();

  /** `each` is a run without faults with all that goes with it, in milliseconds; so many are made at a time. */
  constructor(each: number, jobs: number) {
    this.#each = each;
    this.#jobs = Math.max(1, jobs);
  }

  /** So many milliseconds went into a case, with all of its runs: its share of them, where several were run together. */
  took(of: Case, ms: number): void {
    const key = keyOf(of);
    const { ms: sum, cases } = this.#spent.get(key) ?? { ms: 0, cases: 0 };
    this.#spent.set(key, { ms: sum + ms, cases: cases + 1 });
  }

  /** Milliseconds until all of these are over, with the fault-free runs in between. */
  left(cases: readonly Case[]): number {
    const sum = cases.reduce((all, one) => all + this.#costOf(one), 0);
    const controls = Math.floor(cases.length / CONTROL_EVERY) * this.#each;
    return (sum + controls) / this.#jobs;
  }

  /** Of a kind that nobody has seen yet: as long as a run without faults, and as its faults hold it up. */
  #costOf(of: Case): number {
    const spent = this.#spent.get(keyOf(of));
    return spent === undefined ? this.#each + heldUpBy(of.faults) : spent.ms / spent.cases;
  }
}

function keyOf({ cells }: Case): string {
  return cells.map(({ site, kind }) => `${site.protocol} ${kind}`).join(" + ");
}
