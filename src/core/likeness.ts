/**
 * Standard normals that resemble one another along a bot's subjects: of neighbours the correlation is what was asked for,
 * and the spread stays 1. A function of names and numbers as every draw is: z(0) = e(0), z(n) = r z(n - 1) + sqrt(1 - r^2) e(n),
 * where e(n) is the normal that subject n draws first in lane 1.
 */
import { LANE, Random, type DrawKey } from "./random.js";

/** How many of the last are kept, for subjects that ask out of turn. */
const KEPT = 256;

export class Likeness {
  readonly #key: DrawKey;
  /** Those up to the latest, the last KEPT of them. */
  #values: number[] = [];
  #next = 0;

  constructor(key: DrawKey) {
    this.#key = key;
  }

  /** That of subject n. A correlation that has changed holds from where it is asked for the first time. */
  at(n: number, correlation: number): number {
    if (n < this.#next) {
      const known = this.#values[this.#values.length - (this.#next - n)];
      if (known !== undefined) return known;
      // Far behind all others: reckoned anew, and the others forgotten.
      this.#values = [];
      this.#next = 0;
    }
    for (; this.#next <= n; this.#next++) {
      const fresh = this.fresh(this.#next);
      const last = this.#values.at(-1);
      this.#values.push(
        last === undefined ? fresh : correlation * last + Math.sqrt(1 - correlation ** 2) * fresh,
      );
    }
    if (this.#values.length > 2 * KEPT) this.#values = this.#values.slice(-KEPT);
    return this.#values.at(-1) ?? 0;
  }

  /** What subject n draws by itself. */
  fresh(n: number): number {
    return new Random(this.#key, n, LANE.subject).normal();
  }
}
