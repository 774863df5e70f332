/**
 * Turns the name of an upstream into addresses the way a user of the machine expects: literals, the hosts
 * file, `localhost`, then DNS with the search list. It asks through c-ares and never through getaddrinfo,
 * of which Node runs so few at a time that some black-holed names would hold up the healthy ones.
 */

import { isIP, isIPv6 } from "node:net";
import type { Clock } from "../../core/clock.js";
import { DnsClient, type ResolvedAddress } from "./dns-client.js";
import { parseHosts, type Hosts } from "./hosts.js";
import { caresLookup, type Lookup, type LookupSettings } from "./lookup.js";
import { parseResolvConf, type ResolvConf } from "./resolv-conf.js";
import { ResolveError } from "./resolve-error.js";
import { systemFiles, WatchedFile, type FileReader } from "./watched-file.js";

export type { ResolvedAddress } from "./dns-client.js";
export type { AddressRecord, Lookup, LookupSettings } from "./lookup.js";
export { ResolveError, type ResolveFailure } from "./resolve-error.js";
export type { FileReader } from "./watched-file.js";

export interface ResolverOptions {
  readonly clock: Pick<Clock, "now" | "at">;
  /** Asked instead of those in resolv.conf: `address` or `address:port`. */
  readonly servers?: readonly string[];
  readonly hostsPath?: string;
  readonly resolvConfPath?: string;
  readonly files?: FileReader;
  /** Called once for each set of servers: anew when resolv.conf changes. */
  readonly createLookup?: (settings: LookupSettings) => Lookup;
}

/**
 * What is used where resolv.conf does not say: the next server is asked after half a second, and 0.5 s + 1 s + 2 s + 4 s
 * pass until a silent one is given up.
 */
const TIMEOUT_DEFAULT = 500;
const TRIES_DEFAULT = 4;

/** RFC 1035, section 2.3.4, and one for the dot at the end. */
const NAME_MAX_CHARACTERS = 254;

const LOOPBACK: readonly ResolvedAddress[] = [
  { address: "127.0.0.1", family: 4 },
  { address: "::1", family: 6 },
];

export class Resolver {
  readonly #options: ResolverOptions;
  readonly #hosts: WatchedFile<Hosts>;
  readonly #resolvConf: WatchedFile<ResolvConf>;
  #conf: ResolvConf = parseResolvConf("");
  #client: DnsClient;
  /** Clients of an earlier resolv.conf that somebody still waits for. */
  #retired: DnsClient[] = [];
  #closed = false;

  /** Throws when one of `servers` is not an address. */
  constructor(options: ResolverOptions) {
    this.#options = options;
    const { clock, files: reader = systemFiles } = options;
    const { hostsPath = "/etc/hosts", resolvConfPath = "/etc/resolv.conf" } = options;
    this.#hosts = new WatchedFile({ path: hostsPath, reader, clock, parse: parseHosts });
    this.#resolvConf = new WatchedFile({ path: resolvConfPath, reader, clock, parse: parseResolvConf });
    this.#client = this.#createClient();
  }

  /** All addresses of a name, IPv4 first; never an empty list. Rejects with a `ResolveError`. */
  async resolve(name: string): Promise<readonly ResolvedAddress[]> {
    return this.#look(name, (client, key) => client.resolve(key));
  }

  /**
   * The same for whoever found nobody there: what is remembered of the name may be out of date, so DNS is asked again, once
   * a second at most for a name. What is known goes on to serve as long as nobody answers.
   */
  async renew(name: string): Promise<readonly ResolvedAddress[]> {
    return this.#look(name, (client, key) => client.renew(key));
  }

  /**
   * What is known of a name that has been resolved, when the family of addresses that was not waited for has its answer, or a
   * second after it was asked; null where none is missing. Never rejects.
   */
  late(name: string): Promise<readonly ResolvedAddress[]> | null {
    return this.#closed ? null : this.#client.late(name.toLowerCase());
  }

  async #look(
    name: string,
    ask: (client: DnsClient, key: string) => Promise<readonly ResolvedAddress[]>,
  ): Promise<readonly ResolvedAddress[]> {
    this.#refuseIfClosed(name);
    const literal = parseLiteral(name);
    if (literal !== null) return [literal];
    if (name === "" || name.length > NAME_MAX_CHARACTERS) {
      throw new ResolveError("not_found", name, "a name has between 1 and 253 characters");
    }
    const key = name.toLowerCase();
    const local = localAddresses(key.replace(/\.$/, ""), await this.#hosts.value());
    if (local !== null) return local;
    const client = await this.#currentClient();
    // Somebody may have closed the resolver while it looked at its files.
    this.#refuseIfClosed(name);
    return ask(client, key);
  }

  /** Makes every question under way, and every one to come, reject. */
  close(): void {
    this.#closed = true;
    for (const client of [...this.#retired, this.#client]) client.cancel();
    this.#retired = [];
  }

  #refuseIfClosed(name: string): void {
    if (this.#closed) throw new ResolveError("other", name, "the resolver is closed");
  }

  async #currentClient(): Promise<DnsClient> {
    const conf = await this.#resolvConf.value();
    if (conf !== this.#conf && !this.#closed) {
      this.#conf = conf;
      // c-ares takes no new servers while it asks the old ones, and what they said need not hold any more:
      // the old client finishes what it has begun, and a new one starts with nothing remembered.
      this.#retired = [...this.#retired, this.#client].filter((client) => !client.idle);
      this.#client = this.#createClient();
    }
    return this.#client;
  }

  #createClient(): DnsClient {
    const conf = this.#conf;
    const { clock, servers = conf.servers, createLookup = caresLookup } = this.#options;
    const timeout = conf.timeout ?? TIMEOUT_DEFAULT;
    const lookup = createLookup({ servers, timeout, tries: conf.attempts ?? TRIES_DEFAULT });
    return new DnsClient({ lookup, conf, clock });
  }
}

/** `10.0.0.1`, `::1`, `[::1]`. */
function parseLiteral(name: string): ResolvedAddress | null {
  const bracketed = /^\[(.*)\]$/.exec(name)?.[1];
  if (bracketed !== undefined) return isIPv6(bracketed) ? { address: bracketed, family: 6 } : null;
  return isIP(name) === 0 ? null : asAddress(name);
}

/** What can be said without DNS, which must not see `localhost` and the names below it (RFC 6761, section 6.3). */
function localAddresses(name: string, hosts: Hosts): readonly ResolvedAddress[] | null {
  const listed = (hosts.get(name) ?? []).map(asAddress).sort((a, b) => a.family - b.family);
  if (name === "localhost") {
    const loopback = listed.filter(({ address }) => address.startsWith("127.") || address === "::1");
    return loopback.length > 0 ? loopback : LOOPBACK;
  }
  if (listed.length > 0) return listed;
  return name.endsWith(".localhost") ? LOOPBACK : null;
}

function asAddress(address: string): ResolvedAddress {
  return { address, family: isIPv6(address) ? 6 : 4 };
}
