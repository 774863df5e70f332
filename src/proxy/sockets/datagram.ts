/** A datagram socket for many datagrams a second: large buffers, no look-ups on the way, a bound on what waits to be sent. */
import { createSocket, type Socket } from "node:dgram";
import { isIPv6 } from "node:net";

export type Sent = "sent" | "congested" | "closed" | "unsent";

/** The kernel cuts these to net.core.rmem_max and wmem_max: on most machines to some 200 KiB. */
const RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024;
const SEND_BUFFER_BYTES = 1024 * 1024;
/** What libuv may keep of what the kernel does not take at once. */
const SEND_QUEUE_BYTES_MAX = 4 * 1024 * 1024;
/** As long as fewer are under way it is not asked how many bytes they are. */
const UNDER_WAY_MIN = 256;

export class DatagramSocket {
  readonly socket: Socket;
  readonly #failed: (error: NodeJS.ErrnoException) => void;
  #underWay = 0;
  #closed = false;

  /** `failed` is told of datagrams that could not be sent and of ICMP errors. */
  constructor(
    options: { readonly address: string; readonly ipv6Only?: boolean },
    failed: (error: NodeJS.ErrnoException) => void,
  ) {
    const { address, ipv6Only = false } = options;
    this.#failed = failed;
    this.socket = createSocket({
      type: isIPv6(address) ? "udp6" : "udp4",
      ipv6Only,
      // All that is sent to is an address already; Node would look each up again, and a turn later.
      lookup: (host, _options, done) => {
        done(null, host, isIPv6(host) ? 6 : 4);
      },
    });
  }

  /** Once it is bound. */
  enlarge(): void {
    for (const enlarge of [
      () => {
        this.socket.setRecvBufferSize(RECEIVE_BUFFER_BYTES);
      },
      () => {
        this.socket.setSendBufferSize(SEND_BUFFER_BYTES);
      },
    ]) {
      try {
        enlarge();
      } catch {
        // Some systems refuse what is more than they allow, where Linux gives what it can.
      }
    }
  }

  /** To that address, or to where it is connected. */
  send(payload: Buffer, port?: number, address?: string): Sent {
    if (this.#closed) return "closed";
    if (this.#underWay >= UNDER_WAY_MIN && this.socket.getSendQueueSize() > SEND_QUEUE_BYTES_MAX)
      return "congested";
    // Whoever sends from port 0 wants no answer (RFC 768), and anybody can say that he does; Node would throw.
    if (port === 0) return "unsent";
    this.#underWay++;
    if (port === undefined) this.socket.send(payload, this.#onSent);
    else this.socket.send(payload, port, address, this.#onSent);
    return "sent";
  }

  readonly #onSent = (error: NodeJS.ErrnoException | null): void => {
    this.#underWay--;
    if (error !== null && !this.#closed) this.#failed(error);
  };

  get open(): boolean {
    return !this.#closed;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    // What is still told of it concerns nobody any more, and must not become an uncaught error.
    this.socket.removeAllListeners().on("error", () => undefined);
    try {
      this.socket.close();
    } catch {
      // Not bound yet, or closed by an error already.
    }
  }
}
