/**
 * Who is there at the moment, by a key: for members that come and go by the thousand and are asked for by name. A Map has the same to
 * offer, but the tables that V8 leaves behind as it makes them anew go on pointing at whoever was in them; `roster.ts` tells the rest.
 * Here they point at an empty cell.
 */
interface Cell<Value> {
  value: Value | null;
}

export class Register<Key, Value extends object> {
  readonly #cells = new Map<Key, Cell<Value>>();

  get size(): number {
    return this.#cells.size;
  }

  has(key: Key): boolean {
    return this.#cells.has(key);
  }

  get(key: Key): Value | undefined {
    return this.#cells.get(key)?.value ?? undefined;
  }

  /** In the place of whoever had that key. */
  set(key: Key, value: Value): void {
    const cell = this.#cells.get(key);
    if (cell === undefined) this.#cells.set(key, { value });
    else cell.value = value;
  }

  /** Whether anybody had it. */
  delete(key: Key): boolean {
    const cell = this.#cells.get(key);
    if (cell === undefined) return false;
    cell.value = null;
    return this.#cells.delete(key);
  }

  clear(): void {
    for (const cell of this.#cells.values()) cell.value = null;
    this.#cells.clear();
  }

  /** Those who are there now, in the order in which their keys came. */
  values(): Value[] {
    const values: Value[] = [];
    for (const { value } of this.#cells.values()) if (value !== null) values.push(value);
    return values;
  }
}
