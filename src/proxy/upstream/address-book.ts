/** What is known of the addresses of one upstream: which failed lately, and so in which order the next one tries them. Pure. */
import { isIPv6 } from "node:net";
import type { Millis } from "../../core/clock.js";

/** How long an address that failed stands behind those that did not. It is tried all the same when they fail too. */
const FAILED_FOR: Millis = 30_000;
/** Of names whose addresses change without end. */
const ADDRESSES_MAX = 64;

export class AddressBook {
  readonly #clock: { now(): Millis };
  /** When each of them failed last, the longest ago first. */
  readonly #failed = new Map<string, Millis>();

  constructor(clock: { now(): Millis }) {
    this.#clock = clock;
  }

  /**
   * The order for the connection of that number: families alternate, IPv4 first (RFC 8305, section 4); within a family
   * each connection begins with another address. Those that failed lately go last, the longest ago first.
   *
   * The order in which a DNS server gives them does not count, since many give another one each time: so connection `turn`
   * of one run goes where that of the next run goes.
   */
  ordered(addresses: readonly string[], turn: number): readonly string[] {
    if (addresses.length < 2) return addresses;
    const sorted = [...new Set(addresses)].sort();
    // Turns are taken among those that are well, or the one behind a dead one would have two.
    const well = this.#failed.size === 0 ? sorted : sorted.filter((address) => !this.#failedLately(address));
    const four = rotated(
      well.filter((address) => !isIPv6(address)),
      turn,
    );
    const six = rotated(
      well.filter((address) => isIPv6(address)),
      turn,
    );
    const alternating = Array.from({ length: Math.max(four.length, six.length) }, (_, at) => [
      ...four.slice(at, at + 1),
      ...six.slice(at, at + 1),
    ]).flat();
    if (well.length === sorted.length) return alternating;
    return [...alternating, ...this.failedLast(sorted.filter((address) => !well.includes(address)))];
  }

  /** The same order, but for those that failed lately. */
  failedLast(keys: readonly string[]): readonly string[] {
    if (this.#failed.size === 0) return keys;
    const failedAt = (key: string): Millis =>
      this.#failedLately(key) ? (this.#failed.get(key) ?? -Infinity) : -Infinity;
    return [...keys].sort((a, b) => {
      const [first, second] = [failedAt(a), failedAt(b)];
      return first === second ? 0 : first - second;
    });
  }

  #failedLately(key: string): boolean {
    const at = this.#failed.get(key);
    return at !== undefined && this.#clock.now() - at < FAILED_FOR;
  }

  worked(address: string): void {
    this.#failed.delete(address);
  }

  failed(address: string): void {
    this.#failed.delete(address);
    this.#failed.set(address, this.#clock.now());
    if (this.#failed.size <= ADDRESSES_MAX) return;
    for (const oldest of this.#failed.keys()) {
      this.#failed.delete(oldest);
      break;
    }
  }
}

function rotated(addresses: readonly string[], turn: number): readonly string[] {
  if (addresses.length < 2) return addresses;
  const start = turn % addresses.length;
  return [...addresses.slice(start), ...addresses.slice(0, start)];
}
