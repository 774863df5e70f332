/** What of one picture is different in the next: rows by their ids. A part in which nothing is different is not there. */
import type { Changes, Rows } from "./contract.js";

interface Keyed {
  readonly id: string;
}

/** Rows as they were told last, each beside its text: two rows are the same if their texts are. */
export class Told<Row extends Keyed> {
  #texts = new Map<string, string>();
  #more = 0;

  /** Answers null if nothing is different. */
  change({ rows, more }: Rows<Row>): Changes<Row> | null {
    const texts = new Map<string, string>();
    const changed: Row[] = [];
    for (const row of rows) {
      const text = JSON.stringify(row);
      texts.set(row.id, text);
      if (this.#texts.get(row.id) !== text) changed.push(row);
    }
    const gone = [...this.#texts.keys()].filter((id) => !texts.has(id));
    const isSame = changed.length === 0 && gone.length === 0 && more === this.#more;
    this.#texts = texts;
    this.#more = more;
    return isSame ? null : { rows: changed, gone, more };
  }
}
