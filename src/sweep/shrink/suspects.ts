/**
 * Which hits are needed: what is believed of it after some runs, and which run tells most next.
 *
 * A suspect is a set of positions (1 to n, in the order of the journal) that may be what is needed: one, two or three of them, or three
 * and more before those. A run fails as often as the rate says if it has all that is needed, and else never, but for `alarm`, which
 * stands for a program that fails by itself. Each suspect counts two things only: runs that passed though they had all of it, and runs
 * that failed though they had not. Its weight follows from these.
 */
import { isSteady, shareOf, type Rate } from "./rate.js";

/** Three positions, 0 where there is none, the last first; `more` if there are others before them. */
export interface Suspect {
  readonly positions: readonly number[];
  readonly more: boolean;
}

/** A run of the first `length` hits and of `kept`, which stand behind them, the last first. */
export interface Prefix {
  readonly length: number;
  readonly kept: readonly number[];
}

/**
 * How many are needed, before anything is known: two of three failures have one cause, nearly all at most three (NIST on the factors
 * behind faults). More even than that, since a list of hits that somebody has shrunk was long for a reason.
 */
const WEIGHT_BY_COUNT = [0.4, 0.45, 0.3, 0.2] as const;
const WEIGHT_OF_MORE = 0.05;
/** Suspects this much lighter than the heaviest are dropped: the arrays stay short. */
const NEGLIGIBLE = -20;

export class Suspects {
  readonly #size: number;
  readonly #rate: Rate;
  readonly #logAlarm: number;
  /** One entry for each suspect: its positions, the last first, and whether there are more. */
  #last: Uint16Array;
  #middle: Uint16Array;
  #first: Uint16Array;
  #more: Uint8Array;
  #prior: Float64Array;
  #passed: Uint16Array;
  #alarms: Uint16Array;
  #weights: Float64Array;
  #failed = 0;

  /** `none` is whether it may be that none of them is needed. */
  constructor(size: number, none: boolean, rate: Rate, alarm: number) {
    this.#size = size;
    this.#rate = rate;
    this.#logAlarm = Math.log(alarm);
    const triples = ways(size, 3);
    const count = (none ? 1 : 0) + size + ways(size, 2) + 2 * triples;
    this.#last = new Uint16Array(count);
    this.#middle = new Uint16Array(count);
    this.#first = new Uint16Array(count);
    this.#more = new Uint8Array(count);
    this.#prior = new Float64Array(count);
    this.#passed = new Uint16Array(count);
    this.#alarms = new Uint16Array(count);
    this.#weights = new Float64Array(count);
    let at = 0;
    const put = (last: number, middle: number, first: number, more: 0 | 1, weight: number): void => {
      this.#last[at] = last;
      this.#middle[at] = middle;
      this.#first[at] = first;
      this.#more[at] = more;
      this.#prior[at] = Math.log(weight);
      at++;
    };
    if (none) put(0, 0, 0, 0, WEIGHT_BY_COUNT[0]);
    for (let last = 1; last <= size; last++) {
      put(last, 0, 0, 0, WEIGHT_BY_COUNT[1] / size);
      for (let middle = 1; middle < last; middle++) {
        put(last, middle, 0, 0, WEIGHT_BY_COUNT[2] / ways(size, 2));
        for (let first = 1; first < middle; first++) {
          put(last, middle, first, 0, WEIGHT_BY_COUNT[3] / triples);
          if (first > 1) put(last, middle, first, 1, WEIGHT_OF_MORE / triples);
        }
      }
    }
    this.#keep((index) => index < at);
    this.#weigh(shareOf(rate));
  }

  /** The one that has most to be said for it, and how sure it is, from 0 to 1. */
  get best(): Suspect & { readonly sure: number } {
    let best = 0;
    for (let index = 1; index < this.#weights.length; index++)
      if ((this.#weights[index] ?? 0) > (this.#weights[best] ?? 0)) best = index;
    const positions = [this.#last[best] ?? 0, this.#middle[best] ?? 0, this.#first[best] ?? 0];
    return {
      positions: positions.filter((position) => position > 0),
      more: this.#more[best] === 1,
      sure: this.#weights[best] ?? 0,
    };
  }

  /**
   * The run from which most is learned: with `inside` for the belief that it has all that is needed, and p for the share that fails, that
   * is h(inside p) - inside h(p) bits. Only prefixes are asked about, with some of the best suspect's last positions kept behind them.
   */
  get next(): Prefix {
    const { positions } = this.best;
    const share = this.#share();
    let next: Prefix = { length: 0, kept: [] };
    let most = -1;
    for (let count = 0; count <= positions.length; count++) {
      const kept = positions.slice(0, count);
      const ends = this.#endsBefore(kept);
      // Three kept ones may have more before them, of which nothing is known: these are only asked about by themselves.
      const longest = count === 3 ? 0 : (positions[count - 1] ?? this.#size + 1) - 1;
      let inside = 0;
      for (let length = 0; length <= longest; length++) {
        inside += ends[length] ?? 0;
        const bits = entropy(inside * share) - inside * entropy(share);
        if (bits > most + 1e-9) [most, next] = [bits, { length, kept }];
      }
    }
    return next;
  }

  /** False where what was seen cannot be: then it is not so that a run fails whenever one with less does. */
  learn(run: Prefix, failed: boolean): boolean {
    if (failed) this.#failed++;
    const ends = this.#endsOf(run.kept);
    for (let index = 0; index < ends.length; index++) {
      const inside = (ends[index] ?? 0) <= run.length;
      if (inside && !failed) this.#passed[index] = (this.#passed[index] ?? 0) + 1;
      if (!inside && failed) this.#alarms[index] = (this.#alarms[index] ?? 0) + 1;
    }
    return this.#weigh(this.#share());
  }

  /** How long a prefix has to be, with `kept` behind it, to have all of a suspect; for each. */
  #endsOf(kept: readonly number[]): Uint16Array {
    const [one = 0, two = 0, three = 0] = kept;
    const ends = new Uint16Array(this.#weights.length);
    for (let index = 0; index < ends.length; index++) {
      const last = this.#last[index] ?? 0;
      const middle = this.#middle[index] ?? 0;
      const first = this.#first[index] ?? 0;
      if (last !== one && last !== two && last !== three) ends[index] = last;
      else if (middle !== one && middle !== two && middle !== three) ends[index] = middle;
      else if (first !== one && first !== two && first !== three) ends[index] = first;
      else ends[index] = this.#more[index] === 1 ? first - 1 : 0;
    }
    return ends;
  }

  /** What is believed of the length that is needed behind `kept`. */
  #endsBefore(kept: readonly number[]): Float64Array {
    const sums = new Float64Array(this.#size + 1);
    const ends = this.#endsOf(kept);
    for (let index = 0; index < ends.length; index++) {
      const end = ends[index] ?? 0;
      sums[end] = (sums[end] ?? 0) + (this.#weights[index] ?? 0);
    }
    return sums;
  }

  /**
   * The share that fails, over all suspects. It is put in for the unknown one: what counts each suspect with a share of its own takes
   * half as many runs again, since a long row of passes is then put down to a low share for long.
   */
  #share(): number {
    const { failed, passed } = this.#rate;
    let share = 0;
    for (let index = 0; index < this.#weights.length; index++) {
      const alarms = this.#alarms[index] ?? 0;
      const rate = { failed: failed + this.#failed - alarms, passed: passed + (this.#passed[index] ?? 0) };
      share += (this.#weights[index] ?? 0) * shareOf(rate);
    }
    return isSteady(this.#rate) ? 1 : share;
  }

  #weigh(share: number): boolean {
    const fails = Math.log(share);
    const passes = Math.log(1 - share);
    const logs = new Float64Array(this.#weights.length);
    let most = -Infinity;
    for (let index = 0; index < logs.length; index++) {
      const alarms = this.#alarms[index] ?? 0;
      const passed = this.#passed[index] ?? 0;
      let log = (this.#prior[index] ?? 0) + (this.#failed - alarms) * fails;
      // No run: nothing times minus infinity is no number.
      if (passed > 0) log += passed * passes;
      if (alarms > 0) log += alarms * this.#logAlarm;
      logs[index] = log;
      if (log > most) most = log;
    }
    if (most === -Infinity) return false;
    this.#weights = logs;
    this.#keep((index) => (logs[index] ?? -Infinity) >= most + NEGLIGIBLE);
    let total = 0;
    for (let index = 0; index < this.#weights.length; index++) {
      const weight = Math.exp((this.#weights[index] ?? -Infinity) - most);
      this.#weights[index] = weight;
      total += weight;
    }
    for (let index = 0; index < this.#weights.length; index++)
      this.#weights[index] = (this.#weights[index] ?? 0) / total;
    return true;
  }

  #keep(stays: (index: number) => boolean): void {
    let every = true;
    for (let index = 0; every && index < this.#weights.length; index++) every = stays(index);
    if (every) return;
    const only = <T extends Uint8Array | Uint16Array | Float64Array>(from: T): T =>
      from.filter((_, index) => stays(index)) as T;
    this.#last = only(this.#last);
    this.#middle = only(this.#middle);
    this.#first = only(this.#first);
    this.#more = only(this.#more);
    this.#prior = only(this.#prior);
    this.#passed = only(this.#passed);
    this.#alarms = only(this.#alarms);
    this.#weights = only(this.#weights);
  }
}

function ways(from: number, count: number): number {
  let all = 1;
  for (let step = 0; step < count; step++) all = (all * (from - step)) / (step + 1);
  return Math.max(0, Math.round(all));
}

function entropy(probability: number): number {
  if (probability <= 0 || probability >= 1) return 0;
  return -probability * Math.log2(probability) - (1 - probability) * Math.log2(1 - probability);
}
