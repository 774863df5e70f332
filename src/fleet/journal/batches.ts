/** Batches out of a daemon's journal, in the order of its numbers. The journal itself is what keeps entries that wait, so that they cost nothing twice. */
import type { JournalEntry } from "../../telemetry/entry.js";
import type { Journal } from "../../telemetry/journal.js";
import { BATCH_BYTES, BATCH_ENTRIES, UNSENT_MAX, type JournalBatch } from "../contract/journal.js";
import { isWanted, type Which } from "./kinds.js";
import type { Offsets } from "./offsets.js";

export type Source = Pick<Journal, "lastSeq" | "firstSeq" | "at" | "sizeOf" | "wakeAt">;

/** A character may take six bytes: as `\u001b`. */
const SIZE_MAX = BATCH_BYTES / 6;
/** Entries that are looked at within one turn: each that nobody has read yet is written down for that. */
export const LOOKED_AT_MAX = 1_000;

/** Entries that are written down within one turn, before a batch is made of them: it would take milliseconds for all of them. */
export const PREPARED_AT_ONCE = 50;

export class Batches {
  readonly #source: Source;
  readonly #about: { readonly daemon: string; readonly life: string; readonly which: Which };
  readonly #offsets: Offsets;
  /** What came before is in batches, or lost. */
  #after = 0;
  /** What came before was looked at. */
  #looked = 0;
  /** What came before is written down. */
  #prepared = 0;
  /** Of the numbers up to `#after`, those that no batch has told as lost yet. */
  #untold = 0;
  #lost = 0;

  constructor(
    source: Source,
    about: { readonly daemon: string; readonly life: string; readonly which: Which },
    offsets: Offsets,
  ) {
    this.#source = source;
    this.#about = about;
    this.#offsets = offsets;
  }

  /** Numbers that were looked at: nothing of them is left to be sent but what batches have. */
  get upto(): number {
    return this.#looked;
  }

  /** Numbers that wait, without those that are lost when one looks. */
  get waiting(): number {
    return this.#source.lastSeq - Math.max(this.#looked, this.#oldest - 1);
  }

  /** More wait than are kept. */
  get overflows(): boolean {
    return this.#oldest - 1 > this.#looked;
  }

  /** Numbers that were given up, so far. */
  get lost(): number {
    return this.#lost + Math.max(0, this.#oldest - 1 - this.#looked);
  }

  /** Writes down some of what comes next, where nobody has read it yet. False when the next batch costs little. */
  prepare(limit = BATCH_ENTRIES): boolean {
    const begin = Math.max(this.#looked, this.#oldest - 1);
    const last = Math.min(this.#source.lastSeq, begin + limit);
    const from = Math.max(this.#prepared, begin);
    const to = Math.min(last, from + PREPARED_AT_ONCE);
    for (let seq = from + 1; seq <= to; seq++) this.#source.at(seq);
    this.#prepared = Math.max(from, to);
    return to < last;
  }

  /** The next one; null if there is none, or none among those that may be looked at within a turn: then `waiting` is not 0. */
  next(limit = BATCH_ENTRIES): JournalBatch | null {
    const before = this.#looked;
    if (this.#oldest - 1 > before) {
      // What was looked at and left out is not lost, and has to be said first.
      if (before > this.#after) return this.#batch([], before, this.#offsets.of(before).offset);
      this.#giveUp(this.#oldest - 1 - before);
    }
    const { lastSeq } = this.#source;
    const last = Math.min(lastSeq, this.#looked + LOOKED_AT_MAX);
    const { offset, upto } = this.#offsets.of(this.#looked + 1);
    const entries: JournalEntry[] = [];
    let size = 0;
    let seq = this.#looked;
    while (seq < last && entries.length < limit && seq < upto) {
      const entry = this.#source.at(seq + 1);
      if (entry !== undefined && isWanted(entry, this.#about.which)) {
        size += this.#source.sizeOf(seq + 1);
        if (size > SIZE_MAX && entries.length > 0) break;
        entries.push(entry);
      }
      seq++;
    }
    this.#looked = seq;
    return entries.length === 0 ? null : this.#batch(entries, seq, offset);
  }

  /** Of a batch that was not taken, the first half; the other one comes again. */
  half(batch: JournalBatch): JournalBatch {
    const entries = batch.entries.slice(0, Math.ceil(batch.entries.length / 2));
    const upto = entries.at(-1)?.seq ?? batch.upto;
    this.#after = upto;
    this.#looked = upto;
    return { ...batch, entries, upto };
  }

  /** The engine has it. */
  taken({ upto }: JournalBatch): void {
    this.#offsets.forget(upto);
  }

  /** A batch that nobody takes. */
  drop(batch: JournalBatch): void {
    this.#lost += batch.entries.length;
    this.#untold += batch.lost + batch.upto - batch.after;
  }

  get #oldest(): number {
    const { firstSeq, lastSeq } = this.#source;
    return Math.max(firstSeq, lastSeq - UNSENT_MAX + 1);
  }

  #giveUp(count: number): void {
    this.#looked += count;
    this.#after = this.#looked;
    this.#untold += count;
    this.#lost += count;
  }

  #batch(entries: readonly JournalEntry[], upto: number, offset: number | null): JournalBatch {
    const { daemon, life } = this.#about;
    const batch = { daemon, life, after: this.#after, upto, lost: this.#untold, entries, offset_ms: offset };
    this.#after = upto;
    this.#untold = 0;
    return batch;
  }
}
