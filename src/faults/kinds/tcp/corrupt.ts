/** Flips bits in a share of the bytes; the length stays. */
import { z } from "zod";
import type { Lot, Random } from "../../../core/random.js";
import { formatRatio } from "../../../core/units.js";
import { defineFault, pass, type Scope } from "../../contract/index.js";
import { eachDirection, passing } from "../../kit.js";
import { count, ratio } from "../../params.js";

const params = z.object({
  rate: ratio().describe(
    "share of the bytes that are hit; each byte has the same chance, however the stream is cut",
  ),
  bits: count({ min: 1, max: 8 }).default(1).describe("how many bits of a byte that is hit are flipped"),
});

/**
 * Where the next hit falls. Instead of a draw for each byte there is one for each hit, by the time that an
 * exponential clock takes to run out when each byte costs -ln(1 - rate): this is the geometric distribution
 * of the gap, exactly, and a rate that changes on the way only changes what the remaining bytes cost.
 */
class Gaps {
  /** Null until somebody asks: whose draws they are is known with the first bytes. */
  #left: number | null = null;
  #price = 0;
  #paidFor = 0;

  constructor(private readonly random: () => Random) {}

  #draw(): number {
    return -Math.log(1 - this.random().unit());
  }

  /** How many bytes go unharmed before the next hit, at this rate. */
  next(rate: number): number {
    if (rate <= 0) return Infinity;
    const price = -Math.log1p(-rate);
    let left = (this.#left ??= this.#draw());
    if (price !== this.#price) {
      // Whole bytes are multiplied, not added up, so that chunks leave no trace in the rounding.
      if (this.#paidFor > 0) left = this.#left = Math.max(0, left - this.#paidFor * this.#price);
      this.#paidFor = 0;
      this.#price = price;
    }
    return Math.max(0, Math.floor(left / price) - this.#paidFor);
  }

  /** That many bytes went by unharmed. */
  pass(bytes: number): void {
    if (this.#price > 0) this.#paidFor += bytes;
  }

  hit(): void {
    this.#left = this.#draw();
    this.#paidFor = 0;
  }
}

/** `bits` different bits out of eight, each choice equally likely; always as many draws as bits. */
function mask(random: Random, bits: number): number {
  const places = [0, 1, 2, 3, 4, 5, 6, 7];
  let flipped = 0;
  for (let drawn = 0; drawn < bits; drawn++) {
    const [place = 0] = places.splice(random.integer(places.length), 1);
    flipped |= 1 << place;
  }
  return flipped;
}

function corrupter(
  scope: Scope<z.infer<typeof params>, "corrupted", undefined>,
  random: () => Random,
): (chunk: Buffer) => Buffer {
  let gaps = new Gaps(random);
  let offset = 0;
  let keyed: Lot | null = null;
  return (chunk) => {
    const now = scope.keyed ?? null;
    if (now !== keyed && now !== null) {
      gaps = new Gaps(random);
      offset = 0;
    }
    keyed = now;
    const { rate, bits } = scope.params;
    let copy: Buffer | null = null;
    let hits = 0;
    let first = 0;
    let at = 0;
    for (;;) {
      const gap = gaps.next(rate);
      if (gap >= chunk.length - at) break;
      at += gap;
      // The chunk belongs to whoever sent it, and may be sent again by another stage.
      copy ??= Buffer.from(chunk);
      copy[at] = (copy[at] ?? 0) ^ mask(random(), bits);
      if (hits++ === 0) first = offset + at;
      gaps.hit();
      at++;
    }
    gaps.pass(chunk.length - at);
    offset += chunk.length;
    if (hits > 0) scope.count("corrupted", hits, { at_byte: first });
    return copy ?? chunk;
  };
}

export default defineFault({
  type: "corrupt",
  summary: "Flips bits in a share of the bytes, and keeps the length.",
  params,
  example: { type: "corrupt", rate: "0.01%" },
  effects: { corrupted: "bytes with flipped bits" },
  directions: "downstream",
  at: ["wire", "body", "tls"],
  explain: ({ rate, bits }) =>
    `flips ${bits === 1 ? "a bit" : `${bits} bits`} in ${formatRatio(rate)} of the bytes`,
  stream: (scope) => {
    const corrupted = corrupter(scope, () => scope.random);
    return passing((chunk, out) => {
      out.emit(corrupted(chunk));
    });
  },
  datagram: (scope) =>
    eachDirection(scope, (random) => ({
      datagram: () => pass,
      rewrite: corrupter(scope, () => random),
    })),
});
