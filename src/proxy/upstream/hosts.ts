/** The hosts file (hosts(5)): the names that a machine, or Docker, answers without asking anybody. */

import { isIP } from "node:net";

/** Lower-case names to their addresses, in the order of the file. */
export type Hosts = ReadonlyMap<string, readonly string[]>;

/** Lines that are not `address name...` are passed over, as libc does. */
export function parseHosts(text: string): Hosts {
  const hosts = new Map<string, string[]>();
  for (const line of text.split("\n")) {
    const [address, ...names] = line.replace(/#.*/, "").trim().split(/\s+/);
    if (address === undefined || isIP(address) === 0) continue;
    for (const name of names) {
      const key = name.toLowerCase().replace(/\.$/, "");
      const addresses = hosts.get(key);
      if (addresses === undefined) hosts.set(key, [address]);
      else if (!addresses.includes(address)) addresses.push(address);
    }
  }
  return hosts;
}
