/** Listens to a client before any TLS engine does: to its ClientHello, and then, while a fault holds it, to whether it is still there. */
import type { Socket } from "node:net";
import type { Bytes } from "../../core/units.js";
import { HelloReader, type HelloState } from "../../tls/hello.js";

export interface Listener {
  /** Called once: the hello is whole, or there is none. */
  heard(result: Exclude<HelloState, { readonly state: "more" }>): void;
  /** It has ended its side. */
  ended(): void;
  broke(error: Error): void;
  closed(): void;
  /** A mistake of ours. */
  failed(error: unknown): void;
}

/** What a client may say while it is held: then it is not read any more. */
const EARLY_MAX: Bytes = 64 * 1024;

export class Hearing {
  readonly #socket: Socket;
  readonly #listener: Listener;
  readonly #reader = new HelloReader();
  #heard = false;

  constructor(socket: Socket, listener: Listener) {
    this.#socket = socket;
    this.#listener = listener;
    socket
      .on("data", this.#onData)
      .on("end", this.#onEnd)
      .on("error", this.#onError)
      .on("close", this.#onClose);
  }

  /** All that came. */
  get bytes(): Buffer {
    return this.#reader.bytes;
  }

  get anything(): boolean {
    return this.bytes.length > 0;
  }

  start(): void {
    this.#socket.resume();
  }

  /** Somebody else reads from now on, from the first byte on. */
  handOver(): void {
    const socket = this.#socket;
    socket
      .off("data", this.#onData)
      .off("end", this.#onEnd)
      .off("error", this.#onError)
      .off("close", this.#onClose);
    socket.pause();
    const { bytes } = this;
    if (bytes.length > 0) socket.unshift(bytes);
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#guarded(() => {
      const result = this.#reader.push(chunk);
      if (this.#heard) {
        if (this.bytes.length > EARLY_MAX) this.#socket.pause();
        return;
      }
      if (result.state === "more") return;
      this.#heard = true;
      this.#listener.heard(result);
    });
  };

  readonly #onEnd = (): void => {
    this.#guarded(() => {
      this.#listener.ended();
    });
  };

  readonly #onError = (error: Error): void => {
    this.#guarded(() => {
      this.#listener.broke(error);
    });
  };

  readonly #onClose = (): void => {
    this.#guarded(() => {
      this.#listener.closed();
    });
  };

  #guarded(run: () => void): void {
    try {
      run();
    } catch (error) {
      this.#listener.failed(error);
    }
  }
}
