/** A TCP proxy: what comes in goes out, as bytes. */
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { formatAddress } from "../../config/address.js";
import type { Seam } from "../../faults/contract/index.js";
import type { Guest } from "../../pipeline/party.js";
import type { Origin } from "../connection.js";
import { shortened } from "../bot-name.js";
import { closeSoon } from "../partings.js";
import type { AskUpstream } from "../secure/mirror.js";
import { peerName, type Peer } from "../secure/peer.js";
import type { TcpProxySpec } from "../spec-base.js";
import { StreamProxy } from "../stream-proxy.js";
import { dial, type TlsOptions } from "../upstream/dial.js";
import { TcpConnection, type TcpHost } from "./connection.js";

const SEAMS_OF_TCP: ReadonlySet<Seam> = new Set(["listener", "connection", "stream", "query", "upstreams"]);
/** Of those that see ClientHellos. */
const SEAMS_OF_HELLO: ReadonlySet<Seam> = new Set([...SEAMS_OF_TCP, "handshake"]);
const SEAMS_OF_TLS: ReadonlySet<Seam> = new Set([...SEAMS_OF_HELLO, "termination"]);

export class TcpProxy extends StreamProxy<TcpProxySpec, TcpConnection> implements TcpHost {
  readonly protocol = "tcp";

  get seams(): ReadonlySet<Seam> {
    const { secure } = this.spec;
    if (secure === undefined) return SEAMS_OF_TCP;
    return secure.mode === "passthrough" ? SEAMS_OF_HELLO : SEAMS_OF_TLS;
  }

  override get upstreamText(): string {
    const members = this.spec.pool?.members ?? [this.spec.upstream];
    const scheme = this.tls === null ? "tcp" : "tls";
    return members.map((member) => `${scheme}://${formatAddress(member)}`).join(", ");
  }

  protected override get tls(): TlsOptions | null {
    return this.spec.tls ?? null;
  }

  override get askUpstream(): AskUpstream | null {
    const { tls } = this;
    if (tls === null) return null;
    return (offered, done) => {
      const [member] = this.pool.members;
      if (member === undefined) {
        done(null);
        return;
      }
      const options = { ...this.dialOptions(), take: () => true, timeout: this.spec.dialTimeout };
      dial(member.endpoint, { ...options, tls: { ...tls, alpn: offered } }, (result) => {
        if (!("destroy" in result)) {
          done(null);
          return;
        }
        const { alpnProtocol } = result as TLSSocket;
        // In order, so that the upstream books no client that broke off.
        result.on("error", () => undefined);
        closeSoon(result, this.context.clock, null, () => false);
        done(typeof alpnProtocol === "string" ? alpnProtocol : null);
      });
    };
  }

  /** It is offered what its client has agreed to, and nothing else. */
  protected override tlsFor(guest: Guest): TlsOptions | null {
    const { tls } = this;
    const protocol = guest instanceof TcpConnection ? guest.peer?.protocol : undefined;
    return tls === null || protocol === undefined || protocol === null ? tls : { ...tls, alpn: [protocol] };
  }

  protected override knownAs(peer: Peer): string | undefined {
    for (const rule of this.spec.identify ?? []) {
      if (rule.by === "client") return undefined;
      const name = peerName(rule, peer);
      if (name !== undefined && name !== "") return shortened(name);
    }
    return undefined;
  }

  protected override connect(socket: Socket, origin: Origin): TcpConnection {
    return new TcpConnection(this, socket, origin);
  }
}
