/**
 * The books of what was injected. Faults add to plain numbers here; /metrics reads them when it is
 * scraped, so that no chunk pays for a metric.
 */
import type { Millis } from "./clock.js";

export interface BookLabels {
  readonly proxy: string;
  readonly profile: string;
  readonly fault: string;
  readonly type: string;
}

/** Upper bounds of the injected delay histogram, in seconds. */
export const DELAY_BUCKETS: readonly number[] = [
  0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 120,
];

/**
 * One fault's books on one proxy. Those of the ledger outlive the fault, so that counters never run backwards; those of one
 * activation add to them, so that its own sums are what it alone did.
 */
export class Book {
  readonly labels: BookLabels;
  readonly #sum: Book | null;
  /** Occurrences by effect. */
  readonly effects: Record<string, number> = {};
  /** Subjects that came by, that matched, and that were hit at least once. */
  subjects = 0;
  matched = 0;
  hits = 0;
  /** Counters given up for want of room, see `when`. */
  evicted = 0;
  /** Matching subjects without the key that they were to be drawn by. */
  keyless = 0;
  readonly delayBuckets: number[] = new Array<number>(DELAY_BUCKETS.length + 1).fill(0);
  delaySumSeconds = 0;

  /** What is added here is added to `sum` as well. */
  constructor(labels: BookLabels, effects: readonly string[], sum: Book | null = null) {
    this.labels = labels;
    this.#sum = sum;
    for (const effect of effects) this.effects[effect] = 0;
  }

  add(effect: string, amount: number): void {
    this.effects[effect] = (this.effects[effect] ?? 0) + amount;
    this.#sum?.add(effect, amount);
  }

  /** A subject came by. */
  came(): void {
    this.subjects++;
    this.#sum?.came();
  }

  /** It is one of those that are meant. */
  meant(): void {
    this.matched++;
    this.#sum?.meant();
  }

  /** It is hit, for the first time. */
  hit(): void {
    this.hits++;
    this.#sum?.hit();
  }

  /** A counter was given up. */
  gaveUp(): void {
    this.evicted++;
    this.#sum?.gaveUp();
  }

  /** A subject had not got what it was to be drawn by. */
  lackedKey(): void {
    this.keyless++;
    this.#sum?.lackedKey();
  }

  delayed(by: Millis): void {
    this.#sum?.delayed(by);
    const seconds = by / 1000;
    let bucket = 0;
    while (bucket < DELAY_BUCKETS.length && seconds > (DELAY_BUCKETS[bucket] ?? Infinity)) bucket++;
    this.delayBuckets[bucket] = (this.delayBuckets[bucket] ?? 0) + 1;
    this.delaySumSeconds += seconds;
  }

  tally(): Tally {
    return { subjects: this.subjects, matched: this.matched, hits: this.hits, effects: { ...this.effects } };
  }
}

export interface Tally {
  readonly subjects: number;
  readonly matched: number;
  readonly hits: number;
  readonly effects: Readonly<Record<string, number>>;
}

export class Ledger {
  readonly #books = new Map<string, Book>();
  readonly #limit: number;
  /** Books that had to share the `other` labels, because users invented too many names. */
  overflowed = 0;

  constructor(limit = 1_000) {
    this.#limit = limit;
  }

  /** The book for these labels, made at the first call. Beyond the limit all share one called `other`. */
  open(labels: BookLabels, effects: readonly string[]): Book {
    const key = JSON.stringify([labels.proxy, labels.profile, labels.fault, labels.type]);
    const known = this.#books.get(key);
    if (known) return known;
    if (this.#books.size >= this.#limit) {
      this.overflowed++;
      const other = { proxy: "other", profile: "other", fault: "other", type: labels.type };
      const shared = JSON.stringify([other.proxy, other.profile, other.fault, other.type]);
      const book = this.#books.get(shared) ?? new Book(other, effects);
      this.#books.set(shared, book);
      return book;
    }
    const book = new Book(labels, effects);
    this.#books.set(key, book);
    return book;
  }

  books(): IterableIterator<Book> {
    return this.#books.values();
  }
}
