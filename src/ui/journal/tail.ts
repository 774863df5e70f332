/** What the journal's list holds: it grows while it is followed, and stands still while somebody reads. Pure. */

export interface Numbered {
  readonly seq: number;
}

/** Of those that are listed, and of those that wait. */
export const KEPT_MAX = 5_000;

export class Tail<Entry extends Numbered> {
  #entries: Entry[] = [];
  #waiting: Entry[] = [];
  /** How many came while it stood still, those that were let go among them. */
  #missed = 0;
  #following = true;

  get entries(): readonly Entry[] {
    return this.#entries;
  }

  get following(): boolean {
    return this.#following;
  }

  get waiting(): number {
    return this.#missed;
  }

  /** The number of the newest one, listed or waiting; 0 for none. */
  get last(): number {
    return this.#waiting.at(-1)?.seq ?? this.#entries.at(-1)?.seq ?? 0;
  }

  begin(entries: readonly Entry[]): void {
    this.#entries = entries.slice(-KEPT_MAX);
    this.#waiting = [];
    this.#missed = 0;
  }

  /** Those that are known already are left out: a stream that comes back tells some again. */
  add(entries: readonly Entry[]): void {
    const { last } = this;
    const fresh = entries.filter(({ seq }) => seq > last);
    if (fresh.length === 0) return;
    if (this.#following) {
      this.#entries.push(...fresh);
      if (this.#entries.length > KEPT_MAX) this.#entries.splice(0, this.#entries.length - KEPT_MAX);
      return;
    }
    this.#missed += fresh.length;
    this.#waiting.push(...fresh);
    if (this.#waiting.length > KEPT_MAX) this.#waiting.splice(0, this.#waiting.length - KEPT_MAX);
  }

  /** Somebody reads: nothing may move. */
  pause(): void {
    this.#following = false;
  }

  /** Goes on at the newest. Of more than it can hold, the oldest go. */
  follow(): void {
    this.#following = true;
    this.#entries = [...this.#entries, ...this.#waiting].slice(-KEPT_MAX);
    this.#waiting = [];
    this.#missed = 0;
  }
}
