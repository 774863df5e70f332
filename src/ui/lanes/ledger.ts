/**
 * What the lanes show, in memory: an entry for each exchange of the last ten minutes, by bot and in the order of time, so that those of a
 * window are found by bisection. What is older, or more than there is room for, is forgotten.
 */
import type { Unseen } from "../live/unseen.js";
import { byName } from "../order.js";
import { isBad, isLost, keyOf, type LaneEntry } from "./entry.js";
import { Shelf, type Placed } from "./shelf.js";
import { Tally } from "./tally.js";

export const KEPT_MS = 10 * 60_000;
export const ENTRIES_MAX = 120_000;
/** Tracks of one lane: how many of a bot's exchanges stand one below the other where they overlap. */
export const TRACKS_MAX = 3;
/** What lasts longer stands in a list of its own, so that a window need look back no further than this for all others. */
const LONG_MS = 5_000;
/** Where there are too many, the oldest go in steps of this. */
const STEP_MS = 5_000;

export class Lane {
  readonly bot: string;
  /** In the order in which they began. */
  readonly short = new Shelf();
  /** What lasts long, or has no end as yet. */
  readonly long = new Shelf();
  tracks = 1;
  bad = 0;
  lost = 0;
  hit = 0;
  /** When the last one on each track is over. */
  readonly #ends: number[] = [0];

  constructor(bot: string) {
    this.bot = bot;
  }

  get size(): number {
    return this.short.size + this.long.size;
  }

  /** The track on which it stands in nobody's way; a new one, or the one that is free soonest. */
  trackFor({ from, until }: LaneEntry): number {
    let track = this.#ends.findIndex((end) => end <= from);
    if (track < 0 && this.tracks < TRACKS_MAX) track = this.tracks++;
    if (track < 0) track = this.#ends.indexOf(Math.min(...this.#ends));
    this.#ends[track] = until;
    return track;
  }

  add(placed: Placed): void {
    const { entry, track } = placed;
    this.#shelf(entry).add(placed);
    // What was open there holds its track until its end is known.
    if (this.#ends[track] === Infinity && entry.until !== Infinity) this.#ends[track] = entry.until;
    this.#count(entry, 1);
  }

  remove(placed: Placed): void {
    if (this.#shelf(placed.entry).remove(placed)) this.#count(placed.entry, -1);
  }

  /** Forgets what was over before; `gone` hears of each. */
  trim(before: number, gone: (entry: LaneEntry) => void): void {
    const { short, long } = this;
    let old = short.firstFrom(before - LONG_MS);
    while (old < short.size && (short.until[old] ?? Infinity) < before) old++;
    for (const { entry } of short.dropFirst(old)) {
      this.#count(entry, -1);
      gone(entry);
    }
    for (const placed of long.placed.filter(({ entry }) => entry.until < before)) {
      this.remove(placed);
      gone(placed.entry);
    }
  }

  /** Calls `each` with the places of those that have a part in the window: first those that last long, then in the order of their beginning. */
  within(from: number, until: number, each: (shelf: Shelf, at: number) => void): void {
    for (const shelf of [this.long, this.short]) {
      const { size } = shelf;
      for (let at = shelf === this.long ? 0 : shelf.firstFrom(from - LONG_MS); at < size; at++) {
        if ((shelf.from[at] ?? 0) > until) break;
        if ((shelf.until[at] ?? 0) >= from) each(shelf, at);
      }
    }
  }

  #shelf({ from, until }: LaneEntry): Shelf {
    return until - from > LONG_MS ? this.long : this.short;
  }

  #count(entry: LaneEntry, by: 1 | -1): void {
    if (isBad(entry)) this.bad += by;
    if (isLost(entry)) this.lost += by;
    if (entry.faults.length > 0) this.hit += by;
  }
}

export class Ledger {
  readonly #lanes = new Map<string, Lane>();
  readonly #index = new Map<string, Placed>();
  /** By the key of what was tried again. */
  readonly #retries = new Map<string, string>();
  /** All of them, by the second. */
  readonly tally = new Tally();
  /** Nothing is known of what was before. */
  #since = 0;
  /** Nor of these: nobody looked, or there was no connection. In the order of time. */
  #gaps: readonly Unseen[] = [];

  get size(): number {
    return this.#index.size;
  }

  get since(): number {
    return this.#since;
  }

  get gaps(): readonly Unseen[] {
    return this.#gaps;
  }

  get lanes(): ReadonlyMap<string, Lane> {
    return this.#lanes;
  }

  find(proxy: string, id: string): Placed | undefined {
    return this.#index.get(keyOf(proxy, id));
  }

  /** The next try of the same, if there was one. */
  retryOf({ proxy, id }: LaneEntry): LaneEntry | null {
    const key = this.#retries.get(keyOf(proxy, id));
    return key === undefined ? null : (this.#index.get(key)?.entry ?? null);
  }

  /** The stream begins anew: what was under way and is not among these has ended unseen, as has all that was in between. */
  renew(entries: readonly LaneEntry[], now: number, gap: Unseen | null = null): void {
    if (gap !== null && gap.until > gap.from) this.#gaps = [...this.#gaps, gap];
    const known = new Set(entries.map(({ proxy, id }) => keyOf(proxy, id)));
    for (const [key, placed] of this.#index)
      if (placed.entry.until === Infinity && !known.has(key)) {
        const lane = this.#lanes.get(placed.entry.bot);
        lane?.remove(placed);
        if (lane?.size === 0) this.#lanes.delete(lane.bot);
        this.tally.count(placed.entry, -1);
        this.#drop(placed.entry);
      }
    this.take(entries, now);
  }

  /** New ones, and those that have changed: in any order. `now` is the daemon's. */
  take(entries: readonly LaneEntry[], now: number): void {
    for (const entry of [...entries].sort((one, other) => one.from - other.from)) this.#put(entry);
    this.#trim(now - KEPT_MS);
    // The oldest first, whosever they are.
    while (this.size > ENTRIES_MAX) this.#trim(Math.max(this.#since, now - KEPT_MS) + STEP_MS);
  }

  /** It is another daemon, or another life of it. */
  clear(): void {
    this.#lanes.clear();
    this.#index.clear();
    this.#retries.clear();
    this.tally.clear();
    this.#since = 0;
    this.#gaps = [];
  }

  /**
   * Bots, worst first: those that lost most answers, then those of whose exchanges most ended badly, then those that were hit, then by
   * name.
   */
  worstFirst(): readonly Lane[] {
    return [...this.#lanes.values()].sort(
      (one, other) =>
        other.lost - one.lost || other.bad - one.bad || other.hit - one.hit || byName(one.bot, other.bot),
    );
  }

  #put(entry: LaneEntry): void {
    const key = keyOf(entry.proxy, entry.id);
    const before = this.#index.get(key);
    // A bot may get its name with its first bytes: it moves to another lane then.
    const kept = before !== undefined && before.entry.bot === entry.bot ? before.track : null;
    if (before !== undefined) {
      this.#lanes.get(before.entry.bot)?.remove(before);
      this.tally.count(before.entry, -1);
    }
    this.tally.count(entry, 1);
    let lane = this.#lanes.get(entry.bot);
    if (lane === undefined) this.#lanes.set(entry.bot, (lane = new Lane(entry.bot)));
    const placed: Placed = { entry, track: kept ?? lane.trackFor(entry) };
    lane.add(placed);
    this.#index.set(key, placed);
    if (entry.again !== null) this.#retries.set(keyOf(entry.proxy, entry.again), key);
    const left = before === undefined ? undefined : this.#lanes.get(before.entry.bot);
    if (left?.size === 0) this.#lanes.delete(left.bot);
  }

  #trim(before: number): void {
    if (before <= this.#since) return;
    this.#since = before;
    this.#gaps = this.#gaps.filter(({ until }) => until > before);
    this.tally.trim(before);
    for (const lane of this.#lanes.values()) {
      lane.trim(before, (entry) => {
        this.#drop(entry);
      });
      if (lane.size === 0) this.#lanes.delete(lane.bot);
    }
  }

  #drop({ proxy, id, again }: LaneEntry): void {
    const key = keyOf(proxy, id);
    this.#index.delete(key);
    // It may have been tried again, or be the second try itself.
    this.#retries.delete(key);
    if (again !== null && this.#retries.get(keyOf(proxy, again)) === key)
      this.#retries.delete(keyOf(proxy, again));
  }
}
