/** What a dns proxy is made from. */
import type { DnsRecord } from "../../faults/contract/index.js";
import type { ProxySpecBase } from "../spec-base.js";

export interface DnsProxySpec extends ProxySpecBase {
  readonly protocol: "dns";
  /**
   * Whom it asks for what it has no records of: the server at `upstream`, those of this machine's resolv.conf, or
   * nobody, in which case there is no other name.
   */
  readonly source: "server" | "system" | "none";
  /** Its own. A name `*.example` stands for all below it that are not there themselves. */
  readonly records: readonly DnsRecord[];
  /** Questions under way at once. */
  readonly queries: number;
}
