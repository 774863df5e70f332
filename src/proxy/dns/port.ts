/** The port of a dns proxy: UDP and TCP under one number, which come and go together. */
import { createSocket, type RemoteInfo, type Socket as UdpSocket } from "node:dgram";
import { createServer, isIPv6, type AddressInfo, type Server, type Socket } from "node:net";
import { Port, type Bound, type ListenAddress, type PortParts } from "../port.js";

export interface DnsPortParts extends PortParts {
  readonly onMessage: (message: Buffer, from: RemoteInfo, socket: UdpSocket) => void;
  readonly onConnection: (socket: Socket) => void;
}

/** A port that the system chose for TCP may be taken for UDP: so many are tried. */
const PORTS_TRIED = 16;
/** Bursts of questions must not be lost before they are seen; the kernel cuts this to net.core.rmem_max. */
const BUFFER_BYTES = 4 * 1024 * 1024;
/** The kernel cuts this to net.core.somaxconn. */
const BACKLOG = 65_535;

export class DnsPort extends Port {
  protected readonly network = "udp";
  readonly #parts: DnsPortParts;

  constructor(parts: DnsPortParts) {
    super(parts);
    this.#parts = parts;
  }

  protected override async open(address: ListenAddress, trouble: (error: Error) => void): Promise<Bound> {
    for (let tried = 1; ; tried++) {
      const server = await this.#openTcp(address, trouble);
      const { address: host, port } = server.address() as AddressInfo;
      try {
        const socket = await this.#openUdp({ host: address.host, port }, trouble);
        return bound({ host, port }, server, socket);
      } catch (error) {
        server.close();
        const taken = (error as NodeJS.ErrnoException).code === "EADDRINUSE";
        if (address.port !== 0 || !taken || tried >= PORTS_TRIED) throw error;
      }
    }
  }

  #openTcp({ host, port }: ListenAddress, trouble: (error: Error) => void): Promise<Server> {
    const server = createServer({ noDelay: true, allowHalfOpen: true }, this.#parts.onConnection);
    return new Promise((resolve, reject) => {
      server.once("error", reject);
      server.listen({ port, backlog: BACKLOG, ...(host === "" ? {} : { host }) }, () => {
        server.off("error", reject).on("error", trouble);
        resolve(server);
      });
    });
  }

  #openUdp({ host, port }: ListenAddress, trouble: (error: Error) => void): Promise<UdpSocket> {
    const socket = createSocket({
      type: host === "" || isIPv6(host) ? "udp6" : "udp4",
      recvBufferSize: BUFFER_BYTES,
    });
    return new Promise((resolve, reject) => {
      socket.once("error", (error) => {
        socket.close();
        reject(error);
      });
      socket.bind({ port, ...(host === "" ? {} : { address: host }) }, () => {
        socket.removeAllListeners("error");
        socket.on("error", trouble);
        socket.on("message", (message, from) => {
          this.#parts.onMessage(message, from, socket);
        });
        resolve(socket);
      });
    });
  }
}

function bound(address: ListenAddress, server: Server, socket: UdpSocket): Bound {
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
