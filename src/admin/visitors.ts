/**
 * Connections to the admin port: so many at most. When it is full, whoever comes gets the place of the one that has
 * been idle for longest, so that thousands who connect and say nothing cannot keep an operator out.
 */
import type { Server } from "node:http";
import type { Socket } from "node:net";

export class Visitors {
  readonly #limit: number;
  readonly #isServed: (socket: Socket) => boolean;
  /** Those that have waited for longest come first. */
  readonly #sockets = new Set<Socket>();

  /** `isServed` says whether a whole request of it is being answered: such a one keeps its place. */
  constructor(server: Server, limit: number, isServed: (socket: Socket) => boolean) {
    this.#limit = limit;
    this.#isServed = isServed;
    server.on("connection", (socket: Socket) => {
      this.#came(socket);
    });
    server.on("request", ({ socket }: { readonly socket: Socket }) => {
      if (!this.#sockets.delete(socket)) return;
      this.#sockets.add(socket);
    });
  }

  #came(socket: Socket): void {
    if (this.#sockets.size >= this.#limit && !this.#makeRoom()) {
      socket.destroy();
      return;
    }
    this.#sockets.add(socket);
    socket.once("close", () => {
      this.#sockets.delete(socket);
    });
  }

  #makeRoom(): boolean {
    for (const socket of this.#sockets) {
      if (this.#isServed(socket)) continue;
      this.#sockets.delete(socket);
      socket.destroy();
      return true;
    }
    return false;
  }
}
