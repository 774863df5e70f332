/** The seam between names and the network: one question for one record type, and c-ares behind it. */

import { promises as dns } from "node:dns";
import { areDescriptorsGone } from "../descriptors.js";

/** One address record. `ttl` is in seconds, as DNS counts (RFC 1035, section 3.2.1). */
export interface AddressRecord {
  readonly address: string;
  readonly ttl: number;
}

/**
 * Asks DNS servers for exactly this name, with no search list, hosts file or cache.
 * Rejects with an error whose `code` is c-ares's (`ENOTFOUND`, `ETIMEOUT`, ...), or `EMFILE`.
 */
export interface Lookup {
  resolve4(name: string): Promise<readonly AddressRecord[]>;
  resolve6(name: string): Promise<readonly AddressRecord[]>;
  /** Makes every question under way reject with `ECANCELLED`. */
  cancel(): void;
}

export interface LookupSettings {
  /** `address` or `address:port`; empty leaves the choice to the system's defaults. */
  readonly servers: readonly string[];
  /** Milliseconds that the first try waits; c-ares doubles it from try to try. */
  readonly timeout: number;
  readonly tries: number;
}

/** Throws what `dns.setServers` throws when a server is not an address. */
export function caresLookup({ servers, timeout, tries }: LookupSettings): Lookup {
  const resolver = new dns.Resolver({ timeout, tries });
  if (servers.length > 0) resolver.setServers(servers);
  return {
    resolve4: (name) => resolver.resolve4(name, { ttl: true }).catch(refuse),
    resolve6: (name) => resolver.resolve6(name, { ttl: true }).catch(refuse),
    cancel: () => {
      resolver.cancel();
    },
  };
}

/** c-ares says that it cannot reach its servers where it gets no socket, which says nothing of them. */
function refuse(error: NodeJS.ErrnoException): never {
  if (error.code === "ECONNREFUSED" && areDescriptorsGone()) {
    throw Object.assign(new Error("no descriptor is left", { cause: error }), { code: "EMFILE" });
  }
  throw error;
}
