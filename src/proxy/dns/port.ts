/** The port of a dns proxy: UDP and TCP under one number, which come and go together. */
import type { RemoteInfo } from "node:dgram";
import type { Server, Socket } from "node:net";
import { Port, type Bound, type ListenAddress, type PortParts } from "../port.js";
import { bindDatagrams, listenStream, onAddress } from "../sockets/bind.js";
import { DatagramSocket } from "../sockets/datagram.js";
import { holdBoth, type Hold } from "../sockets/hold.js";
import { streamServer } from "../sockets/stream.js";

export interface DnsPortParts extends PortParts {
  readonly onMessage: (message: Buffer, from: RemoteInfo, socket: DatagramSocket) => void;
  readonly onConnection: (socket: Socket) => void;
}

/** A port that the system chose for TCP may be taken for UDP: so many are tried. */
const PORTS_TRIED = 16;

export class DnsPort extends Port {
  protected readonly network = "udp";
  readonly #parts: DnsPortParts;

  constructor(parts: DnsPortParts) {
    super(parts);
    this.#parts = parts;
  }

  protected override open(address: ListenAddress, trouble: (error: Error) => void): Promise<Bound> {
    return onAddress(address, (one) => this.#openBoth(one, trouble));
  }

  protected override hold(address: ListenAddress): Hold {
    return holdBoth(address);
  }

  async #openBoth(address: ListenAddress, trouble: (error: Error) => void): Promise<Bound> {
    for (let tried = 1; ; tried++) {
      const server = streamServer(this.keepalive, this.#parts.onConnection);
      const { host, port } = await listenStream(server, address);
      try {
        const socket = await this.#openUdp({ host: address.host, port }, trouble);
        server.on("error", trouble);
        return bound({ host, port }, server, socket);
      } catch (error) {
        server.close();
        const taken = (error as NodeJS.ErrnoException).code === "EADDRINUSE";
        if (address.port !== 0 || !taken || tried >= PORTS_TRIED) throw error;
      }
    }
  }

  async #openUdp(address: ListenAddress, trouble: (error: Error) => void): Promise<DatagramSocket> {
    // Whom a datagram does not reach must ask again.
    const opened = new DatagramSocket({ address: address.host }, () => undefined);
    await bindDatagrams(opened, address);
    opened.socket.on("error", trouble);
    opened.socket.on("message", (message, from) => {
      this.#parts.onMessage(message, from, opened);
    });
    return opened;
  }
}

function bound(address: ListenAddress, server: Server, socket: DatagramSocket): Bound {
  let open = true;
  return {
    address,
    get open() {
      return open && server.listening;
    },
    close: () => {
      if (!open) return;
      open = false;
      server.close();
      socket.close();
    },
  };
}
