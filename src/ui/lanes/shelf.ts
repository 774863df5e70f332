/**
 * Entries in the order in which they began, with what drawing needs of each beside them in plain numbers: a window of ten minutes has
 * tens of thousands, and looking into each of them takes ten times as long as reading numbers that lie one behind the other.
 */
import type { LaneEntry } from "./entry.js";
import { lookOf } from "./look.js";

export interface Placed {
  readonly entry: LaneEntry;
  /** From 0. */
  readonly track: number;
}

const FIRST = 64;

export class Shelf {
  readonly placed: Placed[] = [];
  from = new Float64Array(FIRST);
  /** When both sides were over, and the client's alone. */
  until = new Float64Array(FIRST);
  clientUntil = new Float64Array(FIRST);
  /** NaN where the upstream has no part in it. */
  upstreamFrom = new Float64Array(FIRST);
  upstreamUntil = new Float64Array(FIRST);
  /** See `look.ts`. */
  look = new Uint32Array(FIRST);

  get size(): number {
    return this.placed.length;
  }

  /** Where the first one stands that began then or later. */
  firstFrom(from: number): number {
    let [low, high] = [0, this.size];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.from[middle] ?? 0) < from) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  add(one: Placed): void {
    const { entry, track } = one;
    const { length } = this.placed;
    if (length === this.from.length) this.#grow();
    let at = length;
    while (at > 0 && (this.from[at - 1] ?? 0) > entry.from) at--;
    if (at < length) {
      this.#move(at + 1, at, length);
      this.placed.splice(at, 0, one);
    } else this.placed.push(one);
    this.from[at] = entry.from;
    this.until[at] = entry.until;
    this.clientUntil[at] = entry.client.until;
    this.upstreamFrom[at] = entry.upstream?.from ?? NaN;
    this.upstreamUntil[at] = entry.upstream?.until ?? NaN;
    this.look[at] = lookOf(entry, track);
  }

  /** False if it is not here. */
  remove(one: Placed): boolean {
    let at = this.firstFrom(one.entry.from);
    while (at < this.size && this.placed[at] !== one) at++;
    if (at === this.size) return false;
    this.#move(at, at + 1, this.size);
    this.placed.splice(at, 1);
    return true;
  }

  /** Takes the first ones out. */
  dropFirst(count: number): readonly Placed[] {
    if (count === 0) return [];
    this.#move(0, count, this.size);
    return this.placed.splice(0, count);
  }

  #move(to: number, from: number, end: number): void {
    for (const column of this.#columns) column.copyWithin(to, from, end);
  }

  get #columns(): readonly (Float64Array | Uint32Array)[] {
    return [this.from, this.until, this.clientUntil, this.upstreamFrom, this.upstreamUntil, this.look];
  }

  #grow(): void {
    this.from = doubled(this.from);
    this.until = doubled(this.until);
    this.clientUntil = doubled(this.clientUntil);
    this.upstreamFrom = doubled(this.upstreamFrom);
    this.upstreamUntil = doubled(this.upstreamUntil);
    const look = new Uint32Array(this.look.length * 2);
    look.set(this.look);
    this.look = look;
  }
}

function doubled(column: Float64Array): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(column.length * 2);
  larger.set(column);
  return larger;
}
