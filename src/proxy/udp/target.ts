/** Where a UDP proxy's upstream is: its name, resolved for the first flow and looked up again as its TTL runs out. */
import { isIP } from "node:net";
import type { Clock, Millis } from "../../core/clock.js";
import type { Endpoint } from "../upstream/dial.js";
import { ResolveError, type Resolver } from "../upstream/resolver.js";

/** The resolver keeps answers for their TTL; how often it is asked whether it has another. */
const LOOK_AGAIN: Millis = 1_000;

export type Found = { readonly address: string } | { readonly problem: string };

export class Target {
  readonly endpoint: Endpoint;
  readonly #clock: Clock;
  readonly #resolver: Resolver;
  #addresses: readonly string[] = [];
  #problem = "";
  #looked: Millis = -Infinity;
  #looking = false;
  #waiting: ((found: Found) => void)[] = [];

  constructor(
    endpoint: Endpoint,
    { clock, resolver }: { readonly clock: Clock; readonly resolver: Resolver },
  ) {
    this.endpoint = endpoint;
    this.#clock = clock;
    this.#resolver = resolver;
    if (isIP(endpoint.host) === 0) return;
    this.#addresses = [endpoint.host];
    this.#looked = Infinity;
  }

  /** Calls back with the address to send to: at once if it is known, and later if it must be looked up first. */
  find(done: (found: Found) => void): void {
    this.look();
    const [address] = this.#addresses;
    if (address !== undefined) done({ address });
    else if (this.#looking) this.#waiting.push(done);
    else done({ problem: this.#problem });
  }

  /** Whether that address is still one of its own. */
  has(address: string): boolean {
    return this.#addresses.includes(address);
  }

  /** Asks again if it is time to. */
  look(): void {
    const now = this.#clock.now();
    if (this.#looking || now - this.#looked < LOOK_AGAIN) return;
    this.#looked = now;
    this.#looking = true;
    this.#resolver.resolve(this.endpoint.host).then(
      (found) => {
        this.#done(
          found.map(({ address }) => address),
          "",
        );
      },
      (error: unknown) => {
        const why = error instanceof ResolveError ? error.reason : String(error);
        // What was known before is better than nothing.
        this.#done(this.#addresses, `cannot resolve ${this.endpoint.host}: ${why}`);
      },
    );
  }

  /** Nobody listens there: others are tried before it, if there are any. */
  refused(address: string): boolean {
    if (this.#addresses[0] === address) this.#addresses = [...this.#addresses.slice(1), address];
    return this.#addresses[0] !== address;
  }

  #done(addresses: readonly string[], problem: string): void {
    this.#looking = false;
    const same = addresses.length === this.#addresses.length && addresses.every((one) => this.has(one));
    // In the order in which they were found to answer.
    if (!same) this.#addresses = addresses;
    this.#problem = problem;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const done of waiting) this.find(done);
  }
}
