/** A bounded map: at its size the longest unused entry makes room, and is counted. */
export class BoundedMap<K, V> {
  readonly #entries = new Map<K, V>();
  readonly #limit: number;
  readonly #onEvict: (() => void) | undefined;
  /** The one that was used last: it comes again more often than not, and stands at the end already. */
  #lastKey: K | undefined;
  #last: V | undefined;
  evicted = 0;

  constructor(limit: number, onEvict?: () => void) {
    this.#limit = limit;
    this.#onEvict = onEvict;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: K): V | undefined {
    if (key === this.#lastKey && this.#last !== undefined) return this.#last;
    const value = this.#entries.get(key);
    if (value === undefined) return undefined;
    this.#lastKey = key;
    this.#last = value;
    // While there is room the order of use does not matter, and moving an entry is what costs.
    if (this.#entries.size * 2 >= this.#limit) {
      this.#entries.delete(key);
      this.#entries.set(key, value);
    }
    return value;
  }

  set(key: K, value: V): void {
    this.#entries.delete(key);
    if (this.#entries.size >= this.#limit) {
      const oldest = this.#entries.keys().next();
      if (!oldest.done) {
        this.#entries.delete(oldest.value);
        this.evicted++;
        this.#onEvict?.();
      }
    }
    this.#entries.set(key, value);
    this.#lastKey = key;
    this.#last = value;
  }

  values(): IterableIterator<V> {
    return this.#entries.values();
  }

  clear(): void {
    this.#entries.clear();
    this.#lastKey = this.#last = undefined;
  }
}
