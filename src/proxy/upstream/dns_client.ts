/** Asks DNS for the addresses of a name under one set of servers and search list, and remembers the answers. */

import type { AddressRecord, Lookup } from "./lookup.js";
import { searchNames, type ResolvConf } from "./resolv_conf.js";
import { explainLookupError, ResolveError, type Explanation } from "./resolve_error.js";

export interface ResolvedAddress {
  readonly address: string;
  readonly family: 4 | 6;
}

/** Milliseconds and counts; there is no minimum, so an answer with TTL 0 serves only those who already wait for it. */
const TTL_MAX = 3_600_000;
const TTL_OF_FAILURE = 1_000;
const NAMES_MAX = 1_000;

interface Found {
  readonly addresses: readonly ResolvedAddress[];
  /** Milliseconds. */
  readonly ttl: number;
}

interface Remembered {
  readonly answer: readonly ResolvedAddress[] | ResolveError;
  readonly until: number;
}

export interface DnsClientOptions {
  readonly lookup: Lookup;
  readonly conf: ResolvConf;
  readonly clock: { now(): number };
}

export class DnsClient {
  readonly #lookup: Lookup;
  readonly #conf: ResolvConf;
  readonly #clock: { now(): number };
  /** In the order of use, the least recent first. */
  readonly #remembered = new Map<string, Remembered>();
  readonly #underWay = new Map<string, Promise<readonly ResolvedAddress[]>>();
  #cancelled = false;

  constructor({ lookup, conf, clock }: DnsClientOptions) {
    this.#lookup = lookup;
    this.#conf = conf;
    this.#clock = clock;
  }

  /** Whether no question is under way. */
  get idle(): boolean {
    return this.#underWay.size === 0;
  }

  /** Rejects with a `ResolveError`. */
  async resolve(name: string): Promise<readonly ResolvedAddress[]> {
    const remembered = this.#recall(name);
    if (remembered instanceof ResolveError) throw remembered;
    if (remembered !== undefined) return remembered;
    let answer = this.#underWay.get(name);
    if (answer === undefined) {
      answer = this.#ask(name).finally(() => this.#underWay.delete(name));
      this.#underWay.set(name, answer);
    }
    return answer;
  }

  cancel(): void {
    this.#cancelled = true;
    this.#lookup.cancel();
  }

  async #ask(name: string): Promise<readonly ResolvedAddress[]> {
    try {
      const { addresses, ttl } = await this.#search(name);
      this.#remember(name, addresses, ttl);
      return addresses;
    } catch (error) {
      if (error instanceof ResolveError && !this.#cancelled) this.#remember(name, error, TTL_OF_FAILURE);
      throw error;
    }
  }

  /**
   * Goes through the search list as glibc does: on to the next name when this one does not exist or its
   * server failed, but no further when nobody answers, since every name more would wait as long again.
   */
  async #search(name: string): Promise<Found> {
    let failure = new ResolveError("not_found", name, "there is no such name");
    for (const candidate of searchNames(name, this.#conf)) {
      const found = await this.#query(name, candidate);
      if (!(found instanceof ResolveError)) return found;
      if (found.code !== "not_found" || failure.code === "not_found") failure = found;
      if (found.code !== "not_found" && found.code !== "server_failure") break;
      if (this.#cancelled) break;
    }
    throw failure;
  }

  async #query(asked: string, name: string): Promise<Found | ResolveError> {
    const [four, six] = await Promise.allSettled([this.#lookup.resolve4(name), this.#lookup.resolve6(name)]);
    const records4 = four.status === "fulfilled" ? four.value : [];
    const records6 = six.status === "fulfilled" ? six.value : [];
    if (records4.length + records6.length > 0) {
      const ttl = Math.min(...[...records4, ...records6].map((record) => record.ttl * 1_000));
      return { addresses: [...tagged(records4, 4), ...tagged(records6, 6)], ttl };
    }
    const explained4 = explain(four);
    const explained6 = explain(six);
    // "No IPv4 address" says little while the IPv6 question went unanswered: the graver failure speaks.
    const { code, reason } = explained4.code === "not_found" ? explained6 : explained4;
    return new ResolveError(code, asked, reason);
  }

  #recall(name: string): Remembered["answer"] | undefined {
    const remembered = this.#remembered.get(name);
    if (remembered === undefined) return undefined;
    this.#remembered.delete(name);
    if (remembered.until <= this.#clock.now()) return undefined;
    this.#remembered.set(name, remembered);
    return remembered.answer;
  }

  #remember(name: string, answer: Remembered["answer"], ttl: number): void {
    this.#remembered.set(name, { answer, until: this.#clock.now() + Math.min(ttl, TTL_MAX) });
    if (this.#remembered.size <= NAMES_MAX) return;
    for (const leastRecent of this.#remembered.keys()) {
      this.#remembered.delete(leastRecent);
      break;
    }
  }
}

/** A server may also answer with success and no records. */
function explain(result: PromiseSettledResult<unknown>): Explanation {
  return explainLookupError(result.status === "rejected" ? result.reason : "ENODATA");
}

function tagged(records: readonly AddressRecord[], family: 4 | 6): ResolvedAddress[] {
  return records.map(({ address }) => ({ address, family }));
}
