/** Names by a DNS server of the bot's own, in the form that Node's sockets take: without the system's cache and its search list. */
import { Resolver } from "node:dns";
import { isIP, type LookupFunction } from "node:net";

/** How long an answer may take; it is asked for once more, and then the name counts as unresolved. */
const TIMEOUT_MS = 1_000;
const TRIES = 2;

/** `address` is such as `127.0.0.1:5353`. Throws what Node says of an address that is none. */
export function lookupAt(address: string): LookupFunction {
  const resolver = new Resolver({ timeout: TIMEOUT_MS, tries: TRIES });
  resolver.setServers([address]);
  return (name, { all }, callback) => {
    const family = isIP(name);
    if (family !== 0) {
      if (all === true) callback(null, [{ address: name, family }]);
      else callback(null, name, family);
      return;
    }
    resolver.resolve4(name, (error, addresses = []) => {
      const [first] = addresses;
      if (error === null && first !== undefined) {
        if (all === true)
          callback(
            null,
            addresses.map((one) => ({ address: one, family: 4 })),
          );
        else callback(null, first, 4);
        return;
      }
      callback(asLookup(error, name), "");
    });
  };
}

/** NXDOMAIN and an answer without addresses are what the system's resolver calls ENOTFOUND, all else it may be worth asking again. */
function asLookup(error: NodeJS.ErrnoException | null, name: string): NodeJS.ErrnoException {
  const lasting = error === null || error.code === "ENOTFOUND" || error.code === "ENODATA";
  const code = lasting ? "ENOTFOUND" : "EAI_AGAIN";
  return Object.assign(new Error(`${code} ${name}`), { code, syscall: "getaddrinfo", hostname: name });
}
