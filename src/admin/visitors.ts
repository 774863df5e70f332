/**
 * Connections to the admin port: so many at most. When it is full, whoever comes gets the place of one that is idle, so
 * that thousands who connect and say nothing cannot keep an operator out, nor drive out one who is there.
 */
import type { Server } from "node:http";
import type { Socket } from "node:net";

export class Visitors {
  readonly #limit: number;
  readonly #isServed: (socket: Socket) => boolean;
  /** Those that have asked nothing yet; whoever has waited for longest comes first. */
  readonly #strangers = new Set<Socket>();
  /** Those that have; whoever has asked nothing for longest comes first. */
  readonly #known = new Set<Socket>();

  /** `isServed` says whether a whole request of it is being answered: such a one keeps its place. */
  constructor(server: Server, limit: number, isServed: (socket: Socket) => boolean) {
    this.#limit = limit;
    this.#isServed = isServed;
    server.on("connection", (socket: Socket) => {
      this.#came(socket);
    });
    server.on("request", ({ socket }: { readonly socket: Socket }) => {
      if (this.#leave(socket)) this.#known.add(socket);
    });
  }

  #came(socket: Socket): void {
    if (this.#strangers.size + this.#known.size >= this.#limit && !this.#makeRoom()) {
      socket.destroy();
      return;
    }
    this.#strangers.add(socket);
    socket.once("close", () => this.#leave(socket));
  }

  #leave(socket: Socket): boolean {
    return this.#strangers.delete(socket) || this.#known.delete(socket);
  }

  #makeRoom(): boolean {
    for (const some of [this.#strangers, this.#known]) {
      for (const socket of some) {
        if (this.#isServed(socket)) continue;
        some.delete(socket);
        socket.destroy();
        return true;
      }
    }
    return false;
  }
}
