/** A TCP proxy: what comes in goes out, as bytes. */
import type { Socket } from "node:net";
import { formatAddress } from "../../config/address.js";
import type { Seam } from "../../faults/contract/index.js";
import type { Origin } from "../connection.js";
import type { TcpProxySpec } from "../spec-base.js";
import { StreamProxy } from "../stream-proxy.js";
import { TcpConnection, type TcpHost } from "./connection.js";

const SEAMS_OF_TCP: ReadonlySet<Seam> = new Set(["listener", "connection", "stream", "query", "upstreams"]);

export class TcpProxy extends StreamProxy<TcpProxySpec, TcpConnection> implements TcpHost {
  readonly protocol = "tcp";
  readonly seams = SEAMS_OF_TCP;

  override get upstreamText(): string {
    const members = this.spec.pool?.members ?? [this.spec.upstream];
    return members.map((member) => `tcp://${formatAddress(member)}`).join(", ");
  }

  protected override connect(socket: Socket, origin: Origin): TcpConnection {
    return new TcpConnection(this, socket, origin);
  }
}
