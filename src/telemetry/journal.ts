/**
 * The journal: the record of what was done to whom. A ring in memory that can be asked, and a file of JSON
 * lines if one is wanted. What is told over and over is thinned out, so that it cannot push the faults out.
 */
import { pathTest } from "../config/pattern.js";
import type { Clock } from "../core/clock.js";
import type { ConnectionFailure } from "../core/events.js";
import { invariant } from "../core/invariant.js";
import {
  inMicroseconds,
  jsonLine,
  record,
  sizeUnwritten,
  type Frequent,
  type JournalEntry,
  type JournalQuery,
  type Written,
} from "./entry.js";
import { Unwritten } from "./unwritten.js";
import { RotatingFile, type FileSystem } from "./rotating-file.js";
import { sameness } from "./sameness.js";
import { Thinning } from "./thinning.js";

export const JOURNAL_KEEP = 10_000;
/**
 * Characters that all entries in memory may have together, for each that may be there: twice what a long one has, so that
 * only entries which are made to be large push others out before their time.
 */
const SIZE_KEPT_EACH = 1_024;
const SIZE_KEPT_MIN = 2 ** 20;

export interface JournalFile {
  /** Its folder must exist. */
  readonly path: string;
  /** The file is rotated before it grows beyond this; 64 MiB if not given. */
  readonly maxBytes?: number;
  /** How many files are kept, the one being written among them; 5 if not given. */
  readonly maxFiles?: number;
  /** How many lines may wait for the disk; 10,000 if not given. */
  readonly queueMax?: number;
  readonly fileSystem?: FileSystem;
}

export interface JournalOptions {
  readonly clock: Clock;
  /** Entries in memory; the oldest makes room. 10,000 if not given. */
  readonly keep?: number;
  readonly file?: JournalFile;
  /** Told in a sentence when the file cannot be written. */
  readonly onProblem?: (text: string) => void;
}

const FILTERS = ["kind", "proxy", "activation", "profile", "fault", "type", "bot", "connection"] as const;

/**
 * Failures that tell something about Squall, or of a peer that does not speak its protocol to the end. The others are
 * what bots and servers do all day: they go to the log.
 */
const JOURNALLED_FAILURES: ReadonlySet<ConnectionFailure> = new Set([
  "internal",
  "connection_limit",
  "descriptor_limit",
  "port_limit",
  "memory_limit",
  "not_permitted",
  "proxy_header",
  "client_protocol",
  "client_slow_head",
  "client_tls",
  "upstream_closed",
  "upstream_tls",
  "upstream_protocol",
]);
/** In the place of an entry that nobody has read yet: it is written down when somebody does. */
const UNREAD = Symbol("unread");

export class Journal {
  readonly keep: number;
  readonly #clock: Clock;
  readonly #ring: (JournalEntry | typeof UNREAD | undefined)[] = [];
  readonly #unwritten = new Unwritten();
  readonly #sizes: number[] = [];
  readonly #sizeMax: number;
  #size = 0;
  #count = 0;
  readonly #file: RotatingFile | null;
  readonly #thinning = new Thinning();
  #lastSeq = 0;
  #wakeAt = Infinity;
  #wake: () => void = () => undefined;
  #stampedAt = NaN;
  #stamped = "";

  constructor({ clock, keep = JOURNAL_KEEP, file, onProblem = () => undefined }: JournalOptions) {
    invariant(Number.isInteger(keep) && keep >= 1, `a journal keeps at least one entry, not ${keep}`);
    this.keep = keep;
    this.#sizeMax = Math.max(SIZE_KEPT_MIN, keep * SIZE_KEPT_EACH);
    this.#clock = clock;
    this.#file =
      file === undefined
        ? null
        : new RotatingFile({ maxBytes: 64 * 2 ** 20, maxFiles: 5, queueMax: 10_000, ...file, onProblem });
  }

  /** The sequence number of the newest entry; 0 when there is none. */
  get lastSeq(): number {
    return this.#lastSeq;
  }

  /** The sequence number of the oldest entry still in memory. */
  get firstSeq(): number {
    return this.#lastSeq - this.#count + 1;
  }

  /** Entries that left memory for newer ones. */
  get dropped(): number {
    return this.#lastSeq - this.#count;
  }

  /** Why the file cannot be written at the moment; null if it can, or if there is none. */
  get fileProblem(): string | null {
    return this.#file?.problem ?? null;
  }

  /** Lines that the file could not take. */
  get fileDropped(): number {
    return this.#file?.dropped ?? 0;
  }

  /**
   * Calls `wake` once, when there is an entry of this number, within the turn in which it is written: for one who reads when there
   * is enough to read. Whoever asks again takes the place of the one before. An entry that nobody waits for costs a comparison.
   */
  wakeAt(seq: number, wake: () => void): void {
    this.#wakeAt = seq;
    this.#wake = wake;
  }

  /** Writes it down, with a stamp of the monotonic clock where it is to have one; null if it does not belong here, or is one too many of its kind. */
  add({ fact, cut, size }: Written, stamped = false): JournalEntry | null {
    if (fact.kind === "plan_changed") return null;
    if (fact.kind === "connection_failed" && !JOURNALLED_FAILURES.has(fact.reason)) return null;
    const same = sameness(fact);
    const more = same === null ? 0 : this.#thinning.take(same, this.#clock.now());
    if (more === null) return null;
    const entry: JournalEntry = {
      seq: ++this.#lastSeq,
      time: this.#stamp(this.#now()),
      ...(stamped ? { at: inMicroseconds(this.#clock.now()) } : {}),
      ...fact,
      ...(more > 0 ? { more } : {}),
      ...(cut ? { cut } : {}),
    };
    this.#keepEntry(entry.seq, entry, size);
    this.#file?.write(jsonLine(entry));
    return entry;
  }

  /**
   * Keeps it as it was told, which costs a quarter of writing it down; most are never read. False, and nothing is kept, if
   * it must be written down at once.
   */
  defer(fact: Frequent): boolean {
    if (this.#file !== null) return false;
    const size = sizeUnwritten(fact);
    if (size === null) return false;
    const seq = ++this.#lastSeq;
    this.#unwritten.put((seq - 1) % this.keep, this.#now(), fact);
    this.#keepEntry(seq, UNREAD, size);
    return true;
  }

  /** Matching entries in the order of their numbers. */
  query(query: JournalQuery = {}): JournalEntry[] {
    const { since, limit = Infinity, sizeMax = Infinity } = query;
    const matches = matcher(query);
    const found: JournalEntry[] = [];
    const step = since === undefined ? -1 : 1;
    let seq = since === undefined ? this.#lastSeq : Math.max(since + 1, this.firstSeq);
    let size = 0;
    for (; seq >= this.firstSeq && seq <= this.#lastSeq && found.length < limit; seq += step) {
      const entry = this.at(seq);
      if (entry === undefined || !matches(entry)) continue;
      size += this.sizeOf(seq);
      if (size > sizeMax && found.length > 0) break;
      found.push(entry);
    }
    return since === undefined ? found.reverse() : found;
  }

  /** About as many characters as the entry of that number has as a line of JSON; 0 if it is not in memory any more. */
  sizeOf(seq: number): number {
    return seq < this.firstSeq || seq > this.#lastSeq ? 0 : (this.#sizes[(seq - 1) % this.keep] ?? 0);
  }

  /** The entry of that number, if it is still in memory. */
  at(seq: number): JournalEntry | undefined {
    if (seq < this.firstSeq || seq > this.#lastSeq) return undefined;
    const at = (seq - 1) % this.keep;
    const kept = this.#ring[at];
    if (kept !== UNREAD) return kept;
    const told = this.#unwritten.at(at);
    const { fact, cut, size } = record(told.fact);
    const stamp = { seq, time: new Date(told.toldAt).toISOString() };
    const entry = { ...stamp, ...fact, ...(cut ? { cut } : {}) } as JournalEntry;
    this.#ring[at] = entry;
    this.#size += size - (this.#sizes[at] ?? 0);
    this.#sizes[at] = size;
    return entry;
  }

  /** Resolves when all entries so far are in the file, or could not be written. */
  async flush(): Promise<void> {
    await this.#file?.flush();
  }

  /** Opens the file anew, for those who rotate it from outside. */
  async reopen(): Promise<void> {
    await this.#file?.reopen();
  }

  async close(): Promise<void> {
    await this.#file?.close();
  }

  #keepEntry(seq: number, entry: JournalEntry | typeof UNREAD, size: number): void {
    if (this.#count === this.keep) this.#drop(seq - this.keep);
    const at = (seq - 1) % this.keep;
    this.#ring[at] = entry;
    this.#sizes[at] = size;
    this.#size += size;
    this.#count++;
    while (this.#size > this.#sizeMax && this.#count > 1) this.#drop(this.firstSeq);
    if (seq < this.#wakeAt) return;
    this.#wakeAt = Infinity;
    this.#wake();
  }

  #drop(seq: number): void {
    const at = (seq - 1) % this.keep;
    this.#size -= this.#sizes[at] ?? 0;
    this.#ring[at] = undefined;
    this.#count--;
  }

  #now(): number {
    return Math.floor(this.#clock.wallTime());
  }

  /** Many entries share a millisecond, and its text. */
  #stamp(now: number): string {
    if (now !== this.#stampedAt) {
      this.#stampedAt = now;
      this.#stamped = new Date(now).toISOString();
    }
    return this.#stamped;
  }
}

/** Whether an entry is one of those that were asked for. */
export function matcher(query: JournalQuery): (entry: JournalEntry) => boolean {
  const wanted = FILTERS.filter((key) => query[key] !== undefined);
  const onPath = query.path === undefined ? null : pathTest(query.path);
  return (entry) =>
    (onPath === null ||
      ("exchange" in entry && entry.exchange !== undefined && onPath(entry.exchange.path))) &&
    wanted.every((key) =>
      key === "fault" && entry.kind === "exchange_over"
        ? entry.faults.some((fault) => fault === query.fault)
        : Object.hasOwn(entry, key) && entry[key as keyof JournalEntry] === query[key],
    );
}
