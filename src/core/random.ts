/**
 * Named randomness: a draw is a function of who is asked what for the how-manyeth time, never of the
 * order in which bots happen to arrive.
 *
 * The rule (version 1, held by golden vectors in test/core/random.test.ts and told in docs/determinism.md):
 * 1. name = the JSON text, without spaces, of ["squall/1", seed, activation, phase, pass, fault, proxy, bot];
 *    seed and pass are numbers, the rest strings.
 * 2. key = the first 8 bytes of SHA-256(name), as two big-endian 32-bit words.
 * 3. block i of subject n in lane l = Philox4x32-10(key, counter [i, l, n mod 2^32, floor(n / 2^32)]).
 * 4. a unit draw takes two words (a, b): (floor(a / 2^5) * 2^26 + floor(b / 2^6)) / 2^53, in [0, 1).
 * 5. lane 0 block 0 is the subject's `probability` draw; a fault's own draws begin with block 0 of
 *    lane 1 (the subject), lane 2 (its upstream bytes), lane 3 (its downstream bytes).
 *
 * Version 2 differs in the name and in the number: the name is that of ["squall/2", seed, activation, phase, pass, fault, proxy,
 * bot, by, key], where `by` says what the subject is known by and `key` is the hash of that, and n counts the attempts with it.
 *
 * Philox: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3" (SC11).
 */
import { createHash } from "node:crypto";

export const DRAW_RULE = "squall/1";
export const KEYED_DRAW_RULE = "squall/2";

export interface DrawName {
  readonly seed: number;
  readonly activation: string;
  readonly phase: string;
  readonly pass: number;
  readonly fault: string;
  readonly proxy: string;
  readonly bot: string;
}

/** Of a subject that is known by a key of its own, on whatever daemon it comes by. */
export interface KeyedDrawName extends DrawName {
  /** `header:idempotency-key`, `path`, `body` or `name`. */
  readonly by: string;
  /** The hash of the key, see `keyHash`: keys may be secret, and names are to be read from a journal. */
  readonly key: string;
}

export interface DrawKey {
  readonly high: number;
  readonly low: number;
}

export type Lane = 0 | 1 | 2 | 3;
export const LANE = { admission: 0, subject: 1, upstream: 2, downstream: 3 } as const satisfies Record<
  string,
  Lane
>;

export function drawKey(name: DrawName): DrawKey {
  return keyOfName([DRAW_RULE, ...partsOf(name)]);
}

export function keyedDrawKey(name: KeyedDrawName): DrawKey {
  return keyOfName([KEYED_DRAW_RULE, ...partsOf(name), name.by, name.key]);
}

function partsOf(name: DrawName): readonly (string | number)[] {
  return [name.seed, name.activation, name.phase, name.pass, name.fault, name.proxy, name.bot];
}

function keyOfName(parts: readonly (string | number)[]): DrawKey {
  const digest = createHash("sha256").update(JSON.stringify(parts)).digest();
  return { high: digest.readUInt32BE(0), low: digest.readUInt32BE(4) };
}

/** Whose draws those of one subject are: its key, and its number under that. */
export interface Lot {
  readonly key: DrawKey;
  readonly n: number;
}

/** The draw that `probability` is compared with: once for each subject, and never again for it. */
export function admissionDraw(key: DrawKey, ordinal: number): number {
  const words = ADMISSION_WORDS;
  words[0] = 0;
  words[1] = LANE.admission;
  words[2] = ordinal >>> 0;
  words[3] = Math.floor(ordinal / 2 ** 32) >>> 0;
  philox(words, key.high, key.low);
  return unitOf(words[0], words[1]);
}

/** The draws of one subject in one lane, in order. */
export class Random {
  #key: DrawKey;
  readonly #lane: Lane;
  #ordinalLow: number;
  #ordinalHigh: number;
  #block = 0;
  #left = 0;
  readonly #words: Words = [0, 0, 0, 0];

  constructor(key: DrawKey, ordinal: number, lane: Lane) {
    this.#key = key;
    this.#lane = lane;
    this.#ordinalLow = ordinal >>> 0;
    this.#ordinalHigh = Math.floor(ordinal / 2 ** 32) >>> 0;
  }

  /** From here on these are the draws of another subject, in the same lane. */
  restart({ key, n }: Lot): void {
    this.#key = key;
    this.#ordinalLow = n >>> 0;
    this.#ordinalHigh = Math.floor(n / 2 ** 32) >>> 0;
    this.#block = this.#left = 0;
  }

  /** Uniform in [0, 1), 53 bits. */
  unit(): number {
    if (this.#left === 0) {
      const words = this.#words;
      words[0] = this.#block >>> 0;
      words[1] = this.#lane;
      words[2] = this.#ordinalLow;
      words[3] = this.#ordinalHigh;
      philox(words, this.#key.high, this.#key.low);
      this.#block++;
      this.#left = 2;
    }
    this.#left--;
    const [a, b, c, d] = this.#words;
    return this.#left === 1 ? unitOf(a, b) : unitOf(c, d);
  }

  /** Uniform in [low, high). */
  between(low: number, high: number): number {
    return low + (high - low) * this.unit();
  }

  /** A whole number in [0, below). */
  integer(below: number): number {
    return Math.floor(this.unit() * below);
  }

  chance(probability: number): boolean {
    return this.unit() < probability;
  }

  /** Standard normal, by Box and Muller; two unit draws each, so that the count of draws never varies. */
  normal(): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.unit()));
    return radius * Math.cos(2 * Math.PI * this.unit());
  }
}

function unitOf(a: number, b: number): number {
  return ((a >>> 5) * 2 ** 26 + (b >>> 6)) / 2 ** 53;
}

type Words = [number, number, number, number];

/** Written over by each: draws for admission are many, and one word of them is all that is wanted. */
const ADMISSION_WORDS: Words = [0, 0, 0, 0];

const MULTIPLIER_0 = 0xd2511f53;
const MULTIPLIER_1 = 0xcd9e8d57;
const WEYL_0 = 0x9e3779b9;
const WEYL_1 = 0xbb67ae85;

/** Ten rounds of Philox4x32 in place; exported for its published test vectors. */
export function philox(words: Words, key0: number, key1: number): void {
  let [c0, c1, c2, c3] = words;
  for (let round = 0; round < 10; round++) {
    const high0 = multiplyHigh(MULTIPLIER_0, c0);
    const low0 = Math.imul(MULTIPLIER_0, c0) >>> 0;
    const high1 = multiplyHigh(MULTIPLIER_1, c2);
    const low1 = Math.imul(MULTIPLIER_1, c2) >>> 0;
    c0 = (high1 ^ c1 ^ key0) >>> 0;
    c1 = low1;
    c2 = (high0 ^ c3 ^ key1) >>> 0;
    c3 = low0;
    key0 = (key0 + WEYL_0) >>> 0;
    key1 = (key1 + WEYL_1) >>> 0;
  }
  words[0] = c0;
  words[1] = c1;
  words[2] = c2;
  words[3] = c3;
}

/** The upper 32 bits of a 32 by 32 bit product; doubles carry only 53, so it goes by halves. */
function multiplyHigh(a: number, b: number): number {
  const aHigh = a >>> 16;
  const aLow = a & 0xffff;
  const bHigh = b >>> 16;
  const bLow = b & 0xffff;
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  const cross = aLow * bHigh + (middle % 65536);
  return (aHigh * bHigh + Math.floor(middle / 65536) + Math.floor(cross / 65536)) >>> 0;
}
