/** Whom a dns proxy asks: a server by its address or name, or those that the machine itself asks. */
import type { PlaneContext } from "../context.js";
import { parseResolvConf } from "../upstream/resolv-conf.js";
import type { ResolvedAddress } from "../upstream/resolver.js";
import { systemFiles, WatchedFile, type FileReader } from "../upstream/watched-file.js";
import type { ServerAddress } from "./channel.js";
import { isAddress, type Servers } from "./forwarder.js";
import type { DnsProxySpec } from "./spec.js";

const PORT = 53;

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
