/**
 * Reading from upstreams without a fresh 64 KiB for each chunk, which is what a plain socket allocates
 * and what made the garbage collector the dearest part of a bulk stream.
 *
 * Reads land in one buffer that all upstreams share. Small ones are copied out of it. A stream that reads
 * large ones borrows a buffer of its own, which is used again as long as nobody needs the bytes any more,
 * and is left to whoever does otherwise. A small read gives it back: answers of 64 KiB, each of which ends
 * with one, would allocate a buffer each.
 */
import type { Socket } from "node:net";
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from "node:tls";
import type { Keepalive } from "../../core/stream-options.js";
import { readInto } from "../sockets/shared-reads.js";
import { dialStream } from "../sockets/stream.js";

/** An address, and its port. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** Takes a chunk; true if it is not needed any more when this returns: written out, or dropped. */
export type Take = (socket: Socket, chunk: Buffer) => boolean;

const BUFFER_BYTES = 64 * 1024;
/** From this size on a copy would cost more than a buffer of its own. */
const LARGE_BYTES = 16 * 1024;

const shared = Buffer.allocUnsafeSlow(BUFFER_BYTES);

/** Buffers that nobody needs at present: 4 MiB at most. */
const spare: Buffer[] = [];
const MOST_SPARE = 64;

/** Dials with half-close. Reading begins when it is connected, so that a peer that dies is noticed. */
export function connectReading(to: Endpoint, keepalive: Keepalive, take: Take): Socket {
  const reader = new Reader(take);
  const socket = dialStream(to, keepalive, {
    allowHalfOpen: true,
    onread: {
      // A function, so that each read may be given another buffer; the types know only the fixed one.
      buffer: reader.next as unknown as Buffer,
      callback: reader.read,
    },
  });
  reader.socket = socket;
  return socket;
}

/** The same for a socket that was accepted, where that is possible; otherwise it reads as it did. */
export function readShared(socket: Socket, take: Take): void {
  const reader = new Reader(take);
  reader.socket = socket;
  readInto(socket, reader);
}

/** The TCP socket below a TLS one, which is the one that can be reset. */
const CARRIER = Symbol("carrier");
type Carried = Socket & { [CARRIER]?: Socket };

const ignored = (): void => undefined;

/** Says which TCP socket is below this one. */
export function carry(socket: Socket, carrier: Socket): void {
  (socket as Carried)[CARRIER] = carrier;
  // What it tells is told by the one above.
  carrier.on("error", ignored);
}

/**
 * Writes nothing, which is how an RST comes out that nobody reads: the error is the socket's own, and `done` is called with it. Node's TLS
 * loses the error of a write of nothing, so that it is written below it. Only for sockets that can be written to.
 */
export function probe(socket: Socket, done: (error?: Error | null) => void = ignored): void {
  const carrier = (socket as Carried)[CARRIER];
  if (carrier === undefined) {
    socket.write("", done);
    return;
  }
  carrier.write("", (error) => {
    if (error) socket.destroy(error);
    done(error);
  });
}

/** The same over TLS. Its reads allocate, since Node has no `onread` there. */
export function secureReading(carrier: Socket, options: ConnectionOptions, take: Take): TLSSocket {
  const socket = connectTls({ ...options, socket: carrier });
  carry(socket, carrier);
  socket.on("data", (chunk: Buffer) => {
    take(socket, chunk);
  });
  return socket;
}

/**
 * An RST, whatever lies above TCP. libuv resets no socket whose FIN is just being sent (EINVAL), and Node would then
 * never say that it has closed: the RST follows behind the FIN, a turn later.
 */
export function resetSocket(socket: Socket): void {
  if (socket.writableEnded && !socket.writableFinished && socket.writableLength === 0 && !socket.destroyed) {
    socket.once("finish", () => {
      if (!socket.destroyed) resetSocket(socket);
    });
    return;
  }
  const carrier = (socket as Carried)[CARRIER];
  if (carrier === undefined) {
    socket.resetAndDestroy();
    return;
  }
  // Never within a call of the engine, as when a handshake is over: what is taken from under it there ends the whole process.
  setImmediate(() => {
    carrier.resetAndDestroy();
    socket.destroy();
  });
}

class Reader {
  socket: Socket | null = null;
  readonly #take: Take;
  #own: Buffer | null = null;

  constructor(take: Take) {
    this.#take = take;
  }

  readonly next = (): Buffer => this.#own ?? shared;

  readonly read = (length: number, buffer: Uint8Array): boolean => {
    const { socket } = this;
    if (socket === null) return true;
    if (buffer === shared) {
      if (length < LARGE_BYTES) {
        this.#take(socket, Buffer.from(shared.subarray(0, length)));
        return true;
      }
      this.#own = borrow();
      shared.copy(this.#own, 0, 0, length);
      this.#give(socket, this.#own, length);
      return true;
    }
    if (this.#own === null) return true;
    this.#give(socket, this.#own, length);
    // A stream that has gone quiet needs no buffer of its own; thousands of them would be dear.
    if (length < LARGE_BYTES) {
      if (spare.length < MOST_SPARE) spare.push(this.#own);
      this.#own = null;
    }
    return true;
  };

  #give(socket: Socket, own: Buffer, length: number): void {
    if (!this.#take(socket, own.subarray(0, length))) this.#own = borrow();
  }
}

function borrow(): Buffer {
  return spare.pop() ?? Buffer.allocUnsafeSlow(BUFFER_BYTES);
}
