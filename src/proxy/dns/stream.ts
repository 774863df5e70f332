/** One TCP connection of a client of a dns proxy: questions one behind the other, answers as they come (RFC 7766). */
import type { Socket } from "node:net";
import type { Timer } from "../../core/clock.js";
import type { Clock } from "../../core/clock.js";
import type { Seat } from "../../core/roster.js";
import { contained, type Owner } from "../../core/containment.js";
import type { Sever } from "../../faults/contract/index.js";
import { FrameReader, framed } from "./frames.js";
import type { Asker } from "./question.js";

export interface StreamHost {
  readonly clock: Clock;
  readonly mistakes: Owner;
  /** A question has come; the asker is answered, severed, or left. */
  asked(message: Buffer, stream: DnsStream): void;
  closed(stream: DnsStream): void;
}

/** RFC 7766, section 6.2.3: idle connections are given up after some seconds. Also what a question may take to arrive. */
const IDLE_MS = 10_000;
/** Questions under way on one connection; beyond them it is not read. */
const PIPELINED_MAX = 100;
/** Answers that a client has not read; beyond them it is not read. */
const UNREAD_BYTES_MAX = 256 * 1024;

export class DnsStream implements Asker {
  readonly transport = "tcp";
  readonly address: string;
  /** Its place among those of its proxy, whose affair it is. */
  seat: Seat | null = null;
  readonly #host: StreamHost;
  readonly #socket: Socket;
  readonly #reader = new FrameReader();
  #underWay = 0;
  #awaited = false;
  #idle: Timer | null = null;
  #ended = false;
  #retiring = false;

  constructor(host: StreamHost, socket: Socket, address: string) {
    this.#host = host;
    this.#socket = socket;
    this.address = address;
    const on = <Args extends unknown[]>(event: string, run: (...args: Args) => void): void => {
      socket.on(event, contained<Args>(this, run) as (...args: unknown[]) => void);
    };
    on("data", (chunk: Buffer) => {
      this.#received(chunk);
    });
    on("drain", () => {
      this.#regulate();
    });
    // Whoever has asked may close its side and wait for the answers.
    on("end", () => {
      this.#ended = true;
      this.#endIfDone();
    });
    socket.on("error", () => undefined);
    on("close", () => {
      this.#idle?.cancel();
      host.closed(this);
    });
    this.#watch();
  }

  /** A mistake of ours ends this connection. */
  failed(error: unknown): void {
    this.#host.mistakes.failed(error);
    this.#socket.destroy();
  }

  get busy(): boolean {
    return this.#underWay > 0;
  }

  #received(chunk: Buffer): void {
    for (const message of this.#reader.push(chunk)) {
      if (this.#socket.destroyed) return;
      if (message.length === 0) {
        this.#socket.destroy();
        return;
      }
      this.#underWay++;
      this.#watch();
      this.#host.asked(message, this);
    }
    this.#regulate();
  }

  answer(message: Buffer): void {
    if (!this.#socket.writable) return;
    this.#socket.write(framed(message));
  }

  /**
   * A question is over. One that was not answered is still waited for: a server that says nothing does not close
   * either, and clients differ in how long they bear it.
   */
  done(answered: boolean): void {
    this.#underWay--;
    if (!answered) this.#awaited = true;
    this.#watch();
    this.#regulate();
    this.#endIfDone();
  }

  sever(how: Sever): void {
    if (how.do === "reset") this.#socket.resetAndDestroy();
    else this.#socket.destroySoon();
  }

  /** Ends by itself as soon as nothing is under way. */
  retire(): void {
    this.#retiring = true;
    this.#endIfDone();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #endIfDone(): void {
    if ((this.#ended || this.#retiring) && this.#underWay === 0) this.#socket.destroySoon();
  }

  #regulate(): void {
    const full = this.#underWay >= PIPELINED_MAX || this.#socket.writableLength > UNREAD_BYTES_MAX;
    if (full && !this.#socket.isPaused()) this.#socket.pause();
    else if (!full && this.#socket.isPaused()) this.#socket.resume();
  }

  #watch(): void {
    this.#idle?.cancel();
    this.#idle = null;
    if (this.#underWay > 0 || this.#awaited || this.#socket.destroyed) return;
    const { clock } = this.#host;
    this.#idle = clock.at(clock.now() + IDLE_MS, () => {
      this.#socket.destroySoon();
    });
  }
}
