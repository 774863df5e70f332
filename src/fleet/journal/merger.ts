/**
 * One journal out of the batches of many daemons: doubles dropped, what is missing named, the rest in the order of the engine's
 * clock. A daemon's own order is that of its numbers, whatever its clock did. Pure: whoever reads hands in batches and moments.
 */
import type { Millis } from "../../core/clock.js";
import type { JournalEntry } from "../../telemetry/entry.js";
import type { FleetEntry, FleetGap, JournalBatch, KeptBatch } from "../contract/journal.js";

export type MergedLine = FleetEntry | FleetGap;

/** What of a batch says up to where its daemon was heard. */
export type Numbers = Pick<KeptBatch, "daemon" | "life" | "upto" | "cursor">;

interface Life {
  /** The last number that is known of. */
  upto: number;
  /** By the engine's clock: no line of this life comes before it. */
  time: number;
}

interface Held {
  readonly line: MergedLine;
  /** Milliseconds since 1970 by the engine's clock, as well as that is known. */
  readonly time: number;
  /** On the reader's monotonic clock. */
  readonly arrived: Millis;
  readonly from: Read;
}

/** A batch of which lines are held. */
interface Read {
  readonly cursor: string;
  left: number;
}

/** Lives whose numbers are remembered. */
const LIVES_MAX = 10_000;

export interface MergerOptions {
  readonly wants: (daemon: string, entry: JournalEntry) => boolean;
  /** Of these daemons gaps are told. */
  readonly wantsDaemon: (daemon: string) => boolean;
  /** True if the first batch is the oldest that there is: then numbers before it are older than what the engine keeps. */
  readonly fromOldest: boolean;
}

export class Merger {
  readonly #options: MergerOptions;
  readonly #lives = new Map<string, Life>();
  #held: Held[] = [];
  readonly #reads: Read[] = [];
  #cursor: string | null = null;
  /** The newest moment that was given out. */
  #shown = -Infinity;

  constructor(options: MergerOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#held.length;
  }

  /** When the one that waits longest arrived; Infinity if none waits. */
  get oldest(): Millis {
    return this.#held[0]?.arrived ?? Infinity;
  }

  /** All lines up to this batch were given out; null before the first. */
  get cursor(): string | null {
    return this.#cursor;
  }

  /** Takes note of its numbers, and shows nothing of it. */
  skip(batch: Numbers): void {
    this.#life(batch, batch.upto);
    this.#cursor = batch.cursor;
  }

  /** `ceiling`: the engine's clock at the reader, as well as that is known. No entry is from later than when it came. */
  push(batch: KeptBatch, arrived: Millis, ceiling: number | null): void {
    const read: Read = { cursor: batch.cursor, left: 0 };
    this.#reads.push(read);
    if (this.#options.wantsDaemon(batch.daemon)) this.#take(batch, read, arrived, ceiling);
    this.#advance();
  }

  /** Those that arrived until then, and those that belong before them, in their order. */
  take(until: Millis): MergedLine[] {
    let newest = -Infinity;
    for (const { arrived, time } of this.#held) {
      if (arrived > until) break;
      newest = Math.max(newest, time);
    }
    const due = this.#held.filter(({ time }) => time <= newest).sort((one, other) => one.time - other.time);
    if (due.length > 0) this.#held = this.#held.filter(({ time }) => time > newest);
    const lines = due.map(({ line, time, from }): MergedLine => {
      from.left--;
      if (time < this.#shown) return { ...line, late: true };
      this.#shown = time;
      return line;
    });
    this.#advance();
    return lines;
  }

  /** Forgets all held lines but the newest so many; true if there were more. */
  prune(most: number): boolean {
    if (this.#held.length <= most) return false;
    const kept = new Set(
      [...this.#held].sort((one, other) => one.time - other.time).slice(this.#held.length - most),
    );
    for (const one of this.#held) if (!kept.has(one)) one.from.left--;
    this.#held = this.#held.filter((one) => kept.has(one));
    return true;
  }

  #advance(): void {
    for (let first = this.#reads[0]; first !== undefined && first.left === 0; first = this.#reads[0]) {
      this.#cursor = first.cursor;
      this.#reads.shift();
    }
  }

  #take(batch: KeptBatch, read: Read, arrived: Millis, ceiling: number | null): void {
    const { daemon, life, entries } = batch;
    const known = this.#lives.get(keyOf(batch));
    const before = known?.upto ?? null;
    if (before !== null && batch.upto <= before) return;
    const state = this.#life(batch, batch.upto);
    const timeOf = (entry: JournalEntry): number => {
      const time = Date.parse(entry.time) + (batch.offset_ms ?? 0);
      state.time = Math.max(state.time, Math.min(time, ceiling ?? Infinity));
      return state.time;
    };
    const stamp = (time: number): string | null => (batch.offset_ms === null ? null : isoOf(time));
    const hold = (line: MergedLine, time: number): void => {
      this.#held.push({ line, time, arrived, from: read });
      read.left++;
    };
    const fresh = entries.filter(({ seq }) => before === null || seq > before);
    const [first] = fresh;
    const gaps = gapsBefore(batch, before, this.#options.fromOldest);
    if (gaps.length > 0) {
      const time = first === undefined ? Math.max(state.time, ceiling ?? 0) : timeOf(first);
      for (const gap of gaps)
        hold(
          {
            daemon,
            life,
            engine_time: stamp(time),
            seq: 0,
            time: first?.time ?? isoOf(time),
            kind: "gap",
            ...gap,
          },
          time,
        );
    }
    for (const entry of fresh) {
      const time = timeOf(entry);
      // What others wrote may have fields of these names, and ours are what holds.
      if (this.#options.wants(daemon, entry))
        hold({ ...FIRST, ...entry, daemon, life, engine_time: stamp(time) } as FleetEntry, time);
    }
  }

  #life(batch: Pick<JournalBatch, "daemon" | "life">, upto: number): Life {
    const key = keyOf(batch);
    const life = this.#lives.get(key) ?? { upto: 0, time: -Infinity };
    this.#lives.delete(key);
    this.#lives.set(key, life);
    life.upto = Math.max(life.upto, upto);
    if (this.#lives.size > LIVES_MAX) {
      const [first] = this.#lives.keys();
      if (first !== undefined) this.#lives.delete(first);
    }
    return life;
  }
}

/** Says in which order the fields come. */
const FIRST = { daemon: "", life: "", engine_time: null };

const keyOf = ({ daemon, life }: Pick<JournalBatch, "daemon" | "life">): string =>
  JSON.stringify([daemon, life]);

/** Clocks of strangers may be anywhere. */
const TIME_MAX = 8.64e15;
function isoOf(time: number): string {
  return new Date(Math.min(TIME_MAX, Math.max(-TIME_MAX, time))).toISOString();
}

/** Numbers between what is known of and what a batch is about. */
function gapsBefore(
  { after, lost }: JournalBatch,
  before: number | null,
  fromOldest: boolean,
): Pick<FleetGap, "from" | "to" | "why">[] {
  const begin = before ?? (fromOldest ? 0 : after - lost);
  const told = Math.max(begin, after - lost);
  return [
    ...(told > begin
      ? [{ from: begin + 1, to: told, why: before === null ? ("aged" as const) : ("missing" as const) }]
      : []),
    ...(after > told ? [{ from: told + 1, to: after, why: "dropped" as const }] : []),
  ];
}
