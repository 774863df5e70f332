/** Whether upstreams are this machine or a private network: nobody's production is swept by a slip. */
import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import ipaddr from "ipaddr.js";
import { HarnessError } from "../contract/run.js";
import type { RunSettings } from "../run-file/settings.js";

/** RFC 1918, RFC 4193, link-local (RFC 3927, RFC 4291 2.5.6), loopback, and the address of all that is here. */
const NEAR: ReadonlySet<string> = new Set(["loopback", "private", "uniqueLocal", "linkLocal", "unspecified"]);

export function isNear(address: string): boolean {
  return ipaddr.isValid(address) && NEAR.has(ipaddr.process(address).range());
}

export type LookUp = (host: string) => Promise<readonly { readonly address: string }[]>;

const system: LookUp = (host) => lookup(host, { all: true });

/** Throws HarnessError if an upstream, or one of the addresses of its name, is none of these. */
export async function checkReach(
  proxies: RunSettings["checked"],
  flag: string,
  lookUp: LookUp = system,
): Promise<void> {
  for (const { name, host, source } of upstreamsOf(proxies)) {
    // What this machine asks anyway, or nobody.
    if (source !== "server") continue;
    const far = await farAddress(host, name, lookUp);
    if (far === null) continue;
    const where = far === host ? host : `${host} (${far})`;
    throw new HarnessError(
      `the upstream of the proxy ${JSON.stringify(name)}, ${where}, is neither loopback nor a private address: a sweep does harm on purpose, and what it repeats is repeated there (${flag} if that is meant)`,
    );
  }
}

async function farAddress(host: string, proxy: string, lookUp: LookUp): Promise<string | null> {
  const bare = host.split("%", 1)[0] ?? "";
  if (isIP(bare) !== 0) return isNear(bare) ? null : host;
  if (/^(?:.+\.)?localhost$/iu.test(host)) return null;
  let found: readonly { readonly address: string }[];
  try {
    found = await lookUp(host);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new HarnessError(`the upstream of the proxy ${JSON.stringify(proxy)} cannot be resolved: ${why}`, {
      cause: error,
    });
  }
  return found.find(({ address }) => !isNear(address.split("%", 1)[0] ?? ""))?.address ?? null;
}

function upstreamsOf(
  proxies: RunSettings["checked"],
): { readonly name: string; readonly host: string; readonly source: string }[] {
  return proxies.flatMap(({ name, upstream, pool, dns, protocol }) => {
    const source = protocol === "dns" ? dns.source : "server";
    const members = pool === null ? [upstream] : pool.members;
    return members.map(({ host }) => ({ name, host, source }));
  });
}
