/** The two ends of an HTTP connection, as its pumps see them: the source of one direction and the sink of the other. */
import type { Socket } from "node:net";
import type { Direction } from "../../faults/contract/index.js";
import type { Sink, Source } from "../../pipeline/pump.js";
import type { Link } from "./link.js";

/** What they need of their connection. */
export interface EndsHost {
  readonly clientSocket: Socket;
  readonly link: Link | null;
  /** The pump of that direction takes no more, or does again. */
  hold(direction: Direction, held: boolean): void;
  /** Its end has come to the client: the FIN is to be sent. */
  clientTold(): void;
}

export class ClientSide implements Source, Sink {
  readonly #of: EndsHost;

  constructor(of: EndsHost) {
    this.#of = of;
  }

  pause(): void {
    this.#of.hold("upstream", true);
  }

  resume(): void {
    this.#of.hold("upstream", false);
  }

  write(chunk: Buffer): boolean {
    return this.#of.clientSocket.write(chunk);
  }

  end(): void {
    this.#of.clientTold();
  }

  cork(): void {
    this.#of.clientSocket.cork();
  }

  uncork(): void {
    this.#of.clientSocket.uncork();
  }
}

/** Whichever connection to an upstream there is at the moment. */
export class ServerSide implements Source, Sink {
  readonly #of: EndsHost;

  constructor(of: EndsHost) {
    this.#of = of;
  }

  pause(): void {
    this.#of.hold("downstream", true);
  }

  resume(): void {
    this.#of.hold("downstream", false);
  }

  write(chunk: Buffer): boolean {
    const socket = this.#of.link?.socket;
    // What comes out late, when the upstream has gone, has nowhere to go.
    return socket === undefined || socket.destroyed || socket.writableEnded || socket.write(chunk);
  }

  end(): void {
    this.#of.link?.socket.end();
  }

  cork(): void {
    this.#of.link?.socket.cork();
  }

  uncork(): void {
    this.#of.link?.socket.uncork();
  }
}
