/** Notices where all connections of a proxy come from one address: then bots cannot be told apart by it. */

/** After so many connections from one address alone, that is evident. */
const ONE_ADDRESS_NOTICE = 50;

export class OneAddress {
  #only: string | null = null;
  #differ = false;
  #connections = 0;
  #told = false;

  /** Another connection has come, and so many are open: true once, when it is to be said loudly. All bots share one row of draws. */
  isNews(address: string, open: number): boolean {
    this.#connections++;
    if (this.#differ || this.#told) return false;
    this.#only ??= address;
    this.#differ = this.#only !== address;
    this.#told = !this.#differ && this.#connections >= ONE_ADDRESS_NOTICE && open > 1;
    return this.#told;
  }
}
