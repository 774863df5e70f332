/** The port that a UDP proxy listens on; answers leave through it too, so that clients know them for what they are. */
import type { RemoteInfo } from "node:dgram";
import { Port, type Bound, type ListenAddress, type PortParts } from "../port.js";
import { DatagramSocket, type Sent } from "./socket.js";

export interface DatagramPortOwner {
  received(payload: Buffer, from: RemoteInfo): void;
  /** One could not be sent. */
  unsent(): void;
}

export class DatagramPort extends Port {
  protected readonly network = "udp";
  readonly #owner: DatagramPortOwner;
  #socket: DatagramSocket | null = null;

  constructor(parts: PortParts & { readonly owner: DatagramPortOwner }) {
    super(parts);
    this.#owner = parts.owner;
  }

  send(payload: Buffer, port: number, address: string): Sent {
    return this.#socket?.send(payload, port, address) ?? "closed";
  }

  protected override async open(
    { host, port }: ListenAddress,
    trouble: (error: Error) => void,
  ): Promise<Bound> {
    if (host !== "") return this.#bind({ host, port }, trouble);
    try {
      // Takes IPv4 as well.
      return await this.#bind({ host: "::", port }, trouble);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== "EAFNOSUPPORT" && code !== "EADDRNOTAVAIL" && code !== "EINVAL") throw error;
      return this.#bind({ host: "0.0.0.0", port }, trouble);
    }
  }

  #bind({ host, port }: ListenAddress, trouble: (error: Error) => void): Promise<Bound> {
    const opened = new DatagramSocket({ address: host }, () => {
      this.#owner.unsent();
    });
    const { socket } = opened;
    return new Promise((resolve, reject) => {
      socket.once("error", (error) => {
        opened.close();
        reject(error);
      });
      socket.bind({ address: host, port, exclusive: true }, () => {
        socket.removeAllListeners("error");
        socket.on("error", trouble);
        socket.on("message", (payload, from) => {
          this.#owner.received(payload, from);
        });
        opened.enlarge();
        this.#socket = opened;
        const { address, port: bound } = socket.address();
        resolve({
          address: { host: address, port: bound },
          get open() {
            return opened.open;
          },
          close: () => {
            opened.close();
          },
        });
      });
    });
  }
}
