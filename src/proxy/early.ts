/**
 * What a client says while a fault holds its connection for good, before its bytes can flow. Only a socket that is read
 * tells that its client has ended its side, so its first bytes are taken out and kept until they can be heard.
 */
import type { Socket } from "node:net";
import { contained, type Owner } from "../core/containment.js";

/** With so much kept no more is read, and nothing more is learnt: what follows waits with the kernel. */
const EARLY_MAX_BYTES = 65_536;
/** Tiny pieces weigh more than their bytes: so many are joined. */
const PIECES_MAX = 64;

export class Early {
  readonly #socket: Socket;
  readonly #take: (chunk: Buffer) => void;
  #pieces: Buffer[] = [];
  #bytes = 0;

  constructor(socket: Socket, owner: Owner) {
    this.#socket = socket;
    this.#take = contained(owner, (chunk: Buffer) => {
      this.#pieces.push(chunk);
      this.#bytes += chunk.length;
      if (this.#pieces.length > PIECES_MAX) this.#pieces = [Buffer.concat(this.#pieces)];
      if (this.#bytes >= EARLY_MAX_BYTES) socket.pause();
    });
    socket.on("data", this.#take).resume();
  }

  /** Somebody else hears the socket from now on: answers what it has said so far. */
  handOver(): readonly Buffer[] {
    this.#socket.off("data", this.#take);
    return this.#pieces;
  }
}
