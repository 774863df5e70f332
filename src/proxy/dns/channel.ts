/**
 * The way to one DNS server over UDP: one connected socket, so that the kernel keeps strangers' packets away and says
 * when nobody listens, and an id of our own for each question, so that two clients' ids cannot be taken for each other.
 */
import { randomBytes } from "node:crypto";
import { createSocket, type Socket } from "node:dgram";
import { isIPv6 } from "node:net";
import type { Clock, Timer } from "../../core/clock.js";
import { Register } from "../../core/register.js";
import { lackOf, type LocalLack } from "../local-lacks.js";
import { answers, withId, type Query } from "./codec.js";

export interface ServerAddress {
  readonly address: string;
  readonly port: number;
}

/** Why there is no reply: nobody said anything, nobody is there, or this machine lacks something to ask. */
export type NoReply = "timeout" | "refused" | LocalLack;
/** The reply under the client's own id, or why there is none. */
export type Outcome = Buffer | NoReply;

export interface Asking {
  cancel(): void;
}

interface Pending {
  readonly query: Query;
  readonly timer: Timer;
  readonly done: (outcome: Outcome) => void;
}

const IDS = 65_536;
const BUFFER_BYTES = 4 * 1024 * 1024;
const RANDOM_BYTES = 4_096;

export class Channel {
  readonly server: ServerAddress;
  readonly #clock: Clock;
  readonly #pending = new Register<number, Pending>();
  #socket: Socket | null = null;
  #connected = false;
  #waiting: Buffer[] = [];
  #random = Buffer.alloc(0);
  #randomAt = 0;

  constructor(server: ServerAddress, clock: Clock) {
    this.server = server;
    this.#clock = clock;
  }

  get idle(): boolean {
    return this.#pending.size === 0;
  }

  /** Sends the client's own bytes under another id. `done` is called once, unless cancelled. */
  ask(query: Query, timeout: number, done: (outcome: Outcome) => void): Asking {
    const id = this.#freeId();
    if (id === null) {
      queueMicrotask(() => {
        done("timeout");
      });
      return { cancel: () => undefined };
    }
    const timer = this.#clock.at(this.#clock.now() + timeout, () => {
      this.#pending.delete(id);
      done("timeout");
    });
    this.#pending.set(id, { query, timer, done });
    this.#send(withId(query.message, id));
    return {
      cancel: () => {
        timer.cancel();
        this.#pending.delete(id);
      },
    };
  }

  /** Nobody who could send a forged answer can guess it. Null if all are in use. */
  #freeId(): number | null {
    if (this.#pending.size >= IDS / 2) return null;
    for (;;) {
      if (this.#randomAt + 2 > this.#random.length) {
        this.#random = randomBytes(RANDOM_BYTES);
        this.#randomAt = 0;
      }
      const id = this.#random.readUInt16BE(this.#randomAt);
      this.#randomAt += 2;
      if (!this.#pending.has(id)) return id;
    }
  }

  #send(message: Buffer): void {
    const socket = this.#opened();
    if (this.#connected) socket.send(message, this.#sent);
    else this.#waiting.push(message);
  }

  readonly #sent = (error: NodeJS.ErrnoException | null): void => {
    if (error !== null) this.#failed(error);
  };

  #opened(): Socket {
    if (this.#socket !== null) return this.#socket;
    const { address, port } = this.server;
    const socket = createSocket({ type: isIPv6(address) ? "udp6" : "udp4", recvBufferSize: BUFFER_BYTES });
    this.#socket = socket;
    this.#connected = false;
    socket.on("error", (error: NodeJS.ErrnoException) => {
      this.#failed(error);
    });
    socket.on("message", (message) => {
      this.#received(message);
    });
    socket.connect(port, address, () => {
      if (this.#socket !== socket) return;
      this.#connected = true;
      const waiting = this.#waiting;
      this.#waiting = [];
      for (const one of waiting) socket.send(one, this.#sent);
    });
    return socket;
  }

  #received(message: Buffer): void {
    if (message.length < 2) return;
    const id = message.readUInt16BE(0);
    const pending = this.#pending.get(id);
    // An answer to another question under the right id is a forgery, or late: the right one may still come.
    if (pending === undefined || !answers(pending.query, id, message)) return;
    this.#pending.delete(id);
    pending.timer.cancel();
    pending.done(withId(message, pending.query.id));
  }

  /** The kernel says that nobody listens there, or what it lacks to send it: so much for all who wait. */
  #failed({ code }: NodeJS.ErrnoException): void {
    const why = lackOf(code, this.server.address) ?? "refused";
    this.#close();
    const pending = this.#pending.values();
    this.#pending.clear();
    for (const { timer, done } of pending) {
      timer.cancel();
      done(why);
    }
  }

  #close(): void {
    this.#socket?.removeAllListeners("error").on("error", () => undefined);
    this.#socket?.close();
    this.#socket = null;
    this.#connected = false;
    this.#waiting = [];
  }

  /** Forgets all questions without a word. */
  close(): void {
    for (const { timer } of this.#pending.values()) timer.cancel();
    this.#pending.clear();
    this.#close();
  }
}
