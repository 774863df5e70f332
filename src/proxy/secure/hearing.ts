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
    (socket as Heard)[HEARING] = this;
    socket.on("data", onData).on("end", onEnd).on("error", onError).on("close", onClose);
  }

  /** All that came. */
  get bytes(): Buffer {
    return this.#reader.bytes;
  }

  get anything(): boolean {
    return this.#reader.length > 0;
  }

  start(): void {
    this.#socket.resume();
  }

  /** Somebody else reads from now on, from the first byte on. */
  handOver(): void {
    const socket = this.#socket;
    socket.off("data", onData).off("end", onEnd).off("error", onError).off("close", onClose);
    (socket as Heard)[HEARING] = undefined;
    socket.pause();
    const { bytes } = this;
    if (bytes.length > 0) socket.unshift(bytes);
  }

  /** For the handlers of its socket. */
  data(chunk: Buffer): void {
    const result = this.#reader.push(chunk);
    if (this.#heard) {
      if (this.#reader.length > EARLY_MAX) this.#socket.pause();
      return;
    }
    if (result.state === "more") return;
    this.#heard = true;
    this.#listener.heard(result);
  }

  get listener(): Listener {
    return this.#listener;
  }
}

/** Handlers are shared by all clients: who hears is a property of the socket. */
const HEARING = Symbol("hearing");

type Heard = Socket & { [HEARING]?: Hearing | undefined };

function onData(this: Socket, chunk: Buffer): void {
  attempt(this, (hearing) => {
    hearing.data(chunk);
  });
}

function onEnd(this: Socket): void {
  attempt(this, ({ listener }) => {
    listener.ended();
  });
}

function onError(this: Socket, error: Error): void {
  attempt(this, ({ listener }) => {
    listener.broke(error);
  });
}

function onClose(this: Socket): void {
  attempt(this, ({ listener }) => {
    listener.closed();
  });
}

function attempt(socket: Socket, run: (hearing: Hearing) => void): void {
  const hearing = (socket as Heard)[HEARING];
  if (hearing === undefined) return;
  try {
    run(hearing);
  } catch (error) {
    hearing.listener.failed(error);
  }
}
