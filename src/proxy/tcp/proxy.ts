/** A TCP proxy: what comes in goes out, as bytes. */
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { formatAddress } from "../../config/address.js";
import type { Seam } from "../../faults/contract/index.js";
import type { Guest } from "../../pipeline/party.js";
import type { Origin } from "../connection.js";
import { closeSoon } from "../partings.js";
import { seamsOf } from "../seams.js";
import type { Agreement, AskUpstream } from "../secure/mirror.js";
import type { TcpProxySpec } from "../spec-base.js";
import { StreamProxy } from "../stream-proxy.js";
import { dial, type DialFailure, type Dialling, type TlsOptions } from "../upstream/dial.js";
import type { Intercepted } from "../upstream/intercepted.js";
import type { Member } from "../upstream/pool.js";
import { beginStream, endStream } from "./watching.js";
import { TcpConnection, type TcpHost } from "./connection.js";

/** OpenSSL's words for the alert no_application_protocol (RFC 7301, 3.2). */
const NO_PROTOCOL = /\bSSL alert number 120\b/u;

export class TcpProxy extends StreamProxy<TcpProxySpec, TcpConnection> implements TcpHost {
  readonly protocol = "tcp";
  /** Upstreams that are being asked for a protocol, each with what says that no answer will come. */
  readonly #asking = new Map<Dialling, () => void>();

  get seams(): ReadonlySet<Seam> {
    return seamsOf(this.spec);
  }

  override get upstreamText(): string {
    const members = this.spec.pool?.members ?? [this.spec.upstream];
    const scheme = this.tls === null ? "tcp" : "tls";
    return members.map((member) => `${scheme}://${formatAddress(member)}`).join(", ");
  }

  override get askUpstream(): AskUpstream | null {
    const { tls } = this;
    if (tls === null) return null;
    return (offered, done) => {
      this.#ask(tls, offered, this.pool.members, done);
    };
  }

  /** The first of them that can be asked says it for all: they are one service. */
  #ask(
    tls: TlsOptions,
    offered: readonly string[],
    [member, ...others]: readonly Member[],
    done: (agreement: Agreement) => void,
  ): void {
    if (member === undefined) {
      done("unknown");
      return;
    }
    const options = { ...this.dialOptions(), take: () => true, timeout: this.spec.dialTimeout };
    const asked = (result: Socket | DialFailure | Intercepted): void => {
      this.#asking.delete(dialling);
      if ("destroy" in result) {
        const { alpnProtocol } = result as TLSSocket;
        // In order, so that the upstream books no client that broke off.
        result.on("error", () => undefined);
        closeSoon(result, this.context.clock, null, () => false);
        done({ protocol: typeof alpnProtocol === "string" ? alpnProtocol : null });
      } else if ("text" in result && NO_PROTOCOL.test(result.text)) done("refused");
      else this.#ask(tls, offered, others, done);
    };
    const dialling = dial(member.endpoint, { ...options, tls: { ...tls, alpn: offered } }, asked);
    this.#asking.set(dialling, () => {
      done("unknown");
    });
  }

  protected override stopped(): void {
    super.stopped();
    for (const [dialling, unknown] of this.#asking) {
      dialling.cancel();
      unknown();
    }
    this.#asking.clear();
  }

  /** It is offered what its client has agreed to, and nothing else. */
  protected override tlsFor(guest: Guest): TlsOptions | null {
    const { tls } = this;
    const protocol = guest instanceof TcpConnection ? guest.peer?.protocol : undefined;
    return tls === null || protocol === undefined || protocol === null ? tls : { ...tls, alpn: [protocol] };
  }

  protected override told(connection: TcpConnection): void {
    if (connection.dealings !== null) endStream(connection, connection.dealings, this);
    if (this.context.facts.recording === true)
      this.context.facts.tell({ kind: "connection_over", proxy: this.name, ...connection.seen() });
  }

  protected override connect(socket: Socket, origin: Origin): TcpConnection {
    const connection = new TcpConnection(this, socket, origin);
    const watcher = this.context.watch?.watcher ?? null;
    if (watcher !== null) beginStream(watcher, connection, this);
    return connection;
  }
}
