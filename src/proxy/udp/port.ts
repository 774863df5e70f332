/** The port that a UDP proxy listens on; answers leave through it too, so that clients know them for what they are. */
import type { RemoteInfo } from "node:dgram";
import { Port, type Bound, type ListenAddress, type PortParts } from "../port.js";
import { bindDatagrams, onAddress } from "../sockets/bind.js";
import { holdDatagrams, type Hold } from "../sockets/hold.js";
import { DatagramSocket, type Sent } from "../sockets/datagram.js";

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

  protected override open(address: ListenAddress, trouble: (error: Error) => void): Promise<Bound> {
    return onAddress(address, (one) => this.#bind(one, trouble));
  }

  protected override hold(address: ListenAddress): Hold {
    return holdDatagrams(address);
  }

  async #bind(address: ListenAddress, trouble: (error: Error) => void): Promise<Bound> {
    const opened = new DatagramSocket({ address: address.host }, () => {
      this.#owner.unsent();
    });
    const bound = await bindDatagrams(opened, address);
    opened.socket.on("error", trouble);
    opened.socket.on("message", (payload, from) => {
      this.#owner.received(payload, from);
    });
    this.#socket = opened;
    return {
      address: bound,
      get open() {
        return opened.open;
      },
      close: () => {
        opened.close();
      },
    };
  }
}
