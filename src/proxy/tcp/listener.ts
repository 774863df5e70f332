/** A port that accepts connections. */
import { createServer, type Socket } from "node:net";
import type { PlaneContext } from "../context.js";
import { Port, type Bound, type ListenAddress } from "../port.js";

export type { ListenAddress } from "../port.js";

/** The kernel cuts this to net.core.somaxconn. */
const BACKLOG = 4096;

export class Listener extends Port {
  protected readonly network = "tcp";
  readonly #onConnection: (socket: Socket) => void;

  constructor(parts: {
    readonly name: string;
    readonly address: ListenAddress;
    readonly context: PlaneContext;
    readonly onConnection: (socket: Socket) => void;
  }) {
    super(parts);
    this.#onConnection = parts.onConnection;
  }

  protected override open({ host, port }: ListenAddress, trouble: (error: Error) => void): Promise<Bound> {
    // noDelay: small exchanges would otherwise wait for delayed ACKs. pauseOnConnect: no byte is read before the gate.
    const server = createServer(
      { allowHalfOpen: true, pauseOnConnect: true, noDelay: true },
      this.#onConnection,
    );
    return new Promise((resolve, reject) => {
      server.once("error", reject);
      // Without a host it listens on all addresses, of both families where there are both.
      server.listen({ port, backlog: BACKLOG, ...(host === "" ? {} : { host }) }, () => {
        server.removeAllListeners("error");
        server.on("error", trouble);
        const found = server.address();
        resolve({
          address:
            found !== null && typeof found === "object"
              ? { host: found.address, port: found.port }
              : { host, port },
          get open() {
            return server.listening;
          },
          close: () => server.close(),
        });
      });
    });
  }
}
