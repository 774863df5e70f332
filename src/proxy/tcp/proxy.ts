/** A TCP proxy: what comes in goes out, as bytes. */
import type { Socket } from "node:net";
import { formatAddress } from "../../config/address.js";
import type { Seam } from "../../faults/contract.js";
import type { Origin } from "../connection.js";
import type { TcpProxySpec } from "../spec.js";
import { StreamProxy } from "../stream_proxy.js";
import { dial, type DialFailure, type Dialling } from "../upstream/dial.js";
import type { Take } from "../upstream/reader.js";
import { TcpConnection, type TcpHost } from "./connection.js";

const SEAMS_OF_TCP: ReadonlySet<Seam> = new Set(["listener", "connection", "stream"]);

export class TcpProxy extends StreamProxy<TcpProxySpec, TcpConnection> implements TcpHost {
  readonly protocol = "tcp";
  readonly seams = SEAMS_OF_TCP;

  override get upstreamText(): string {
    return `tcp://${formatAddress(this.spec.upstream)}`;
  }

  protected override connect(socket: Socket, origin: Origin): TcpConnection {
    return new TcpConnection(this, socket, origin);
  }

  dial(take: Take, done: (result: Socket | DialFailure) => void): Dialling {
    const { clock, resolver } = this.context;
    return dial(this.spec.upstream, { clock, resolver, timeout: this.spec.dialTimeout, take }, done);
  }
}
