/**
 * One connection to the admin port, as node:http sees it: the bytes of a client are handed on so that one request is read at
 * a time. What a client has sent beyond that waits, and at some point in the client's own memory: node:http alone would read
 * on, and keep an answer for each of thousands of requests that nobody waits for.
 */
import { Duplex } from "node:stream";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { looksWhole } from "./whole.js";

/** So much may wait here behind a request, in bytes and in pieces, before the rest is left in the client's own memory. */
const WAITING_MAX = 16 * 1_024;
const PIECES_WAITING_MAX = 16;
/** Lines handed on before others have their turn. */
const LINES_A_TURN = 256;
/**
 * So many pieces of a request are read as they come: 1 MiB of a client that sends fast. Behind them, whoever sends in crumbs
 * rests after each, and so does one whose body is thrown away since it was refused.
 */
const PIECES_AT_ONCE = 16;
const CRUMB_BYTES = 4 * 1_024;

const LF = 0x0a;

/** For the server whose sockets have lanes: Node reads on behind a pause until so many bytes wait, a crumb at a time. */
export const SOCKETS_OF_LANES = { highWaterMark: 1 };

/** What a connection shares with all others of the port. */
export interface Lanes {
  /** Resolves when it is its turn to begin, for one that has not sent a whole request at once. */
  first(lane: Lane): Promise<void>;
  /** Resolves when it is its turn to ask again: who asks on and on must not keep out those who come. */
  again(lane: Lane): Promise<void>;
  /** Calls back when one that sends in crumbs, or what is thrown away, may be read again. */
  rest(wake: () => void): void;
}

export class Lane extends Duplex {
  readonly #socket: Socket;
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  /** The client has ended its side, which is told after all that it sent before. */
  #ended = false;
  #asked: { readonly request: IncomingMessage; readonly response: ServerResponse } | null = null;
  /** Of the body of that request, where its length is known. */
  #bodyLeft = 0;
  #isGuest = false;
  #feeding = false;
  readonly #lanes: Lanes;
  /** Its next request may be read. */
  #mayBegin = false;
  #waitsForTurn = false;
  /** Nothing of it was handed on yet. */
  #isNew = true;
  /** Of the request that is arriving. */
  #pieces = 0;
  /** Nothing is read for now, since what came was worth nothing. */
  #rests = false;

  constructor(socket: Socket, lanes: Lanes) {
    super({ allowHalfOpen: true });
    this.#socket = socket;
    this.#lanes = lanes;
    socket.on("data", (chunk: Buffer) => {
      this.#take(chunk);
    });
    socket.on("end", () => {
      this.#ended = true;
      this.#feed();
    });
    socket.on("error", (error) => this.destroy(error));
    socket.on("close", () => this.destroy());
    socket.on("timeout", () => this.emit("timeout"));
    // node:http stops reading for a body that nobody takes, and goes on like this.
    this.on("resume", () => {
      this.#feed();
    });
  }

  get remoteAddress(): string | undefined {
    return this.#socket.remoteAddress;
  }

  /** As a socket has it: `timeout` is emitted when nothing came or went for so many milliseconds. */
  setTimeout(millis: number, onTimeout?: () => void): this {
    this.#socket.setTimeout(millis);
    if (onTimeout !== undefined) this.once("timeout", onTimeout);
    return this;
  }

  /** As a socket has it: ends when all that was written has left. */
  destroySoon(): void {
    if (this.writable) this.end();
    if (this.writableFinished) this.destroy();
    else this.once("finish", () => this.destroy());
  }

  /** A request whose head has been read: nothing behind it is read until it has arrived, and its answer has left. */
  serve(request: IncomingMessage, response: ServerResponse): void {
    const asked = { request, response };
    this.#asked = asked;
    this.#isGuest = false;
    this.#mayBegin = false;
    this.#bodyLeft = Number(request.headers["content-length"] ?? 0);
    response.once("close", () => {
      if (this.#asked !== asked) return;
      this.#pieces = 0;
      // What is still to come of a body that was refused is read and thrown away.
      if (request.complete) this.#asked = null;
      this.#feed();
    });
  }

  /** Whether whoever is being answered here stays for as long as he likes. */
  get isGuest(): boolean {
    return this.#isGuest && this.isAnswering;
  }

  /** Says so: that he leaves is to be noticed at once then. Others may end their side as soon as they have asked. */
  stay(): void {
    this.#isGuest = true;
    this.#feed();
    this.#holdBack();
  }

  stayNoMore(): void {
    this.#isGuest = false;
  }

  override _read(): void {
    // What is pushed while a stream asks for it is not handed on within the call.
    queueMicrotask(() => {
      this.#feed();
    });
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#socket.write(chunk, done);
  }

  override _writev(
    chunks: readonly { readonly chunk: Buffer }[],
    done: (error?: Error | null) => void,
  ): void {
    this.#socket.cork();
    for (const [index, { chunk }] of chunks.entries()) {
      if (index === chunks.length - 1) this.#socket.write(chunk, done);
      else this.#socket.write(chunk);
    }
    this.#socket.uncork();
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#socket.end(done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#socket.destroy();
    done(error);
  }

  #take(chunk: Buffer): void {
    if (this.destroyed) return;
    this.#waiting.push(chunk);
    this.#waitingBytes += chunk.length;
    this.#pieces++;
    this.#feed();
    this.#holdBack();
    const isForNothing = chunk.length < CRUMB_BYTES || this.#isThrownAway;
    if (this.#pieces > PIECES_AT_ONCE && isForNothing) this.#rest();
  }

  get #isThrownAway(): boolean {
    const asked = this.#asked;
    return asked !== null && asked.response.closed && !asked.request.complete;
  }

  #rest(): void {
    if (this.#rests || this.destroyed) return;
    this.#rests = true;
    this.#socket.pause();
    this.#lanes.rest(() => {
      this.#rests = false;
      if (this.destroyed) return;
      if (!this.#isFull) this.#socket.resume();
      this.#feed();
    });
  }

  /** Whether a request that has arrived as a whole is being answered. */
  get isAnswering(): boolean {
    const asked = this.#asked;
    return asked !== null && asked.request.complete && !asked.response.closed;
  }

  #feed(): void {
    if (this.#feeding || this.destroyed) return;
    this.#feeding = true;
    let lines = 0;
    while (this.#waitingBytes > 0 && !this.isAnswering && this.#flows() && this.#isItsTurn()) {
      if (++lines > LINES_A_TURN) {
        setImmediate(() => {
          this.#feed();
        });
        break;
      }
      this.push(this.#next());
    }
    this.#feeding = false;
    if (this.#waitingBytes > 0) return;
    if (!this.#ended) {
      if (!this.#rests) this.#socket.resume();
    } else if (!this.isAnswering || this.#isGuest) {
      this.push(null);
    }
  }

  get #isFull(): boolean {
    return this.#waitingBytes > WAITING_MAX || this.#waiting.length > PIECES_WAITING_MAX;
  }

  /** Nobody whose bytes are not read can be seen to leave, so that a guest must not send so much. */
  #holdBack(): void {
    if (!this.#isFull) return;
    if (this.isGuest) this.destroy();
    else this.#socket.pause();
  }

  /**
   * Whether it may read on. What has begun is read to its end, and a first request that is whole at once; with all else it
   * waits for its turn, so that who has only begun to ask costs hardly more than a place.
   */
  #isItsTurn(): boolean {
    const asked = this.#asked;
    if (this.#isNew && looksWhole(this.#waiting)) this.#begin();
    if (this.#mayBegin || (asked !== null && !asked.request.complete)) return true;
    if (this.#waitsForTurn) return false;
    this.#waitsForTurn = true;
    const wasNew = this.#isNew;
    void (wasNew ? this.#lanes.first(this) : this.#lanes.again(this)).then(() => {
      this.#waitsForTurn = false;
      // A request that came as a whole meanwhile has begun without it.
      if (wasNew === this.#isNew) this.#begin();
      this.#feed();
    });
    return false;
  }

  #begin(): void {
    this.#isNew = false;
    this.#mayBegin = true;
  }

  #flows(): boolean {
    return !this.destroyed && this.readableFlowing === true && this.readableLength === 0;
  }

  /** No more than can begin one request: what there is of a body, or up to the end of a line, for no head ends within one. */
  #next(): Buffer {
    const first = this.#waiting[0] ?? Buffer.alloc(0);
    const line = first.indexOf(LF) + 1;
    const end = this.#bodyLeft > 0 ? Math.min(this.#bodyLeft, first.length) : line > 0 ? line : first.length;
    this.#bodyLeft = Math.max(0, this.#bodyLeft - end);
    this.#waitingBytes -= end;
    if (end === first.length) this.#waiting.shift();
    else this.#waiting[0] = first.subarray(end);
    return first.subarray(0, end);
  }
}
