/** Whom a dns proxy asks: a server by its address or name, or those that the machine itself asks. */
import type { PlaneContext } from "../context.js";
import { parseResolvConf } from "../upstream/resolv-conf.js";
import type { ResolvedAddress } from "../upstream/resolver.js";
import { systemFiles, WatchedFile, type FileReader } from "../upstream/watched-file.js";
import type { ServerAddress } from "./channel.js";
import type { DnsProxySpec } from "./spec.js";
import { isIP } from "node:net";

const PORT = 53;

export interface Servers {
  list(): readonly ServerAddress[] | Promise<readonly ServerAddress[]>;
  /** For whoever finds that nobody is there; missing where nobody could know better. */
  renew?(): Promise<readonly ServerAddress[]>;
  /** Those that are still to come, or null: what was found so far was not all that there may be. */
  late?(): Promise<readonly ServerAddress[]> | null;
  /** Whether they are asked in turn; else the first of them that is well is asked. */
  readonly spread: boolean;
}

export interface SystemFile {
  readonly path: string;
  readonly reader: FileReader;
}

export const RESOLV_CONF: SystemFile = { path: "/etc/resolv.conf", reader: systemFiles };

/** `own` is where the proxy itself listens: a machine whose only server it is would have it ask itself for ever. */
export function serversOf(
  { source, upstream }: DnsProxySpec,
  { clock, resolver }: PlaneContext,
  own: () => { readonly host: string; readonly port: number },
  { path, reader }: SystemFile,
): Servers {
  switch (source) {
    case "none":
      return { list: () => [], spread: false };
    case "server": {
      const { host, port } = upstream;
      if (isAddress(host)) {
        const server = [{ address: host, port }];
        return { list: () => server, spread: false };
      }
      const at = (addresses: readonly ResolvedAddress[]): readonly ServerAddress[] =>
        addresses.map(({ address }) => ({ address, port }));
      return {
        list: async () => at(await resolver.resolve(host)),
        renew: async () => at(await resolver.renew(host)),
        late: () => resolver.late(host)?.then(at) ?? null,
        spread: true,
      };
    }
    case "system": {
      const file = new WatchedFile({ path, reader, clock, parse: parseResolvConf });
      return {
        list: async () => {
          const { host, port } = own();
          const { servers } = await file.value();
          return servers
            .map((address): ServerAddress => ({ address, port: PORT }))
            .filter((server) => server.address !== host || server.port !== port);
        },
        spread: false,
      };
    }
  }
}

/** `10.0.0.2` and the like, which need no resolving. */
export function isAddress(host: string): boolean {
  return isIP(host) !== 0;
}
