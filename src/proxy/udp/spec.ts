/** What a UDP proxy is made from. */
import type { ProxySpecBase } from "../spec-base.js";

export interface UdpProxySpec extends ProxySpecBase {
  readonly protocol: "udp";
  /** Milliseconds without a datagram in either direction after which a flow is over. */
  readonly idleTimeout: number;
}
