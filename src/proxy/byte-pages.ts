/**
 * The bytes of a proxy by the addresses that it had when they passed: Toxiproxy's two metrics have those as labels, and
 * what one upstream was sent must not be counted for the next.
 */
import { DIRECTIONS, type Direction } from "../faults/contract/index.js";

type Bytes = Readonly<Record<Direction, number>>;

export interface ByteCounts {
  readonly bytesIn: Bytes;
  readonly bytesOut: Bytes;
}

/** In the words of the API. */
export interface Addresses {
  readonly listen: string;
  readonly upstream: string;
}

export type BytePage = Addresses & ByteCounts;

/** Beyond it the oldest is forgotten: a metric has no series without end. */
export const PAGES_MAX = 20;

const NONE: ByteCounts = {
  bytesIn: { upstream: 0, downstream: 0 },
  bytesOut: { upstream: 0, downstream: 0 },
};

export class BytePages {
  /** Those before, oldest first. */
  #earlier: BytePage[] = [];
  #now: Addresses | null = null;
  /** What was counted before the page that is open now. */
  #before: ByteCounts = NONE;

  /** It has these addresses from now on; `total` is what was counted so far in all. */
  turn(addresses: Addresses, total: ByteCounts): void {
    if (this.#now !== null) {
      if (same(this.#now, addresses)) return;
      const page = { ...this.#now, ...less(total, this.#before) };
      if (DIRECTIONS.some((direction) => page.bytesIn[direction] > 0 || page.bytesOut[direction] > 0))
        this.#earlier.push(page);
    }
    const again = this.#earlier.find((page) => same(page, addresses));
    this.#earlier = this.#earlier.filter((page) => page !== again).slice(-PAGES_MAX);
    this.#before = again === undefined ? total : less(total, again);
    this.#now = addresses;
  }

  /** The page that is open is the last; there is none before the proxy has listened. */
  all(total: ByteCounts): readonly BytePage[] {
    return this.#now === null ? [] : [...this.#earlier, { ...this.#now, ...less(total, this.#before) }];
  }
}

function same(one: Addresses, other: Addresses): boolean {
  return one.listen === other.listen && one.upstream === other.upstream;
}

function less(total: ByteCounts, part: ByteCounts): ByteCounts {
  return {
    bytesIn: difference(total.bytesIn, part.bytesIn),
    bytesOut: difference(total.bytesOut, part.bytesOut),
  };
}

function difference(one: Bytes, other: Bytes): Bytes {
  return {
    upstream: one.upstream - other.upstream,
    downstream: one.downstream - other.downstream,
  };
}
