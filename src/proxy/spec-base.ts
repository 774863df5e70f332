/** What the specifications of all proxies have in common, and that of tcp proxies, which have nothing else. */
import type { IdentifyRule } from "../config/identify.js";
import type { MatchEntry } from "../config/match.js";
import type { SecureSpec } from "./secure/spec.js";
import type { ListenAddress } from "./tcp/listener.js";
import type { Endpoint, TlsOptions } from "./upstream/dial.js";
import type { PoolSpec } from "./upstream/pool.js";

export type Protocol = "tcp" | "http" | "udp" | "dns";

export interface ProxySpecBase {
  readonly name: string;
  readonly listen: ListenAddress;
  /** Of a pool, its first member. */
  readonly upstream: Endpoint;
  /** Several upstreams behind one proxy; missing for one alone. */
  readonly pool?: PoolSpec;
  /** Milliseconds that dialling the upstream may take, over all its addresses. */
  readonly dialTimeout: number;
  /** Client connections at once; the daemon's own limit holds besides. */
  readonly connections: number;
  readonly proxyProtocol: "off" | "accept";
  readonly except: readonly MatchEntry[];
  /** How clients are spoken to over TLS; missing for plain TCP. */
  readonly secure?: SecureSpec;
  /** By what bots are known, as far as it can be; by their addresses if missing. */
  readonly identify?: readonly IdentifyRule[];
  /** The words in which whoever made it gave the addresses, to be given back to him. */
  readonly given?: {
    readonly listen: string;
    readonly upstream: string;
    /** Where it was to listen before it got its port: any free one, in an earlier life of the daemon. */
    readonly asked?: ListenAddress;
  };
}

/** Of proxies whose upstreams are dialled. */
export interface StreamSpec extends ProxySpecBase {
  /** How the upstream is spoken to over TLS; missing for plain TCP. */
  readonly tls?: TlsOptions | null;
}

export interface TcpProxySpec extends StreamSpec {
  /** Missing means tcp. */
  readonly protocol?: "tcp";
}
