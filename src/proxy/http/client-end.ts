/**
 * The end of a client's connection, as the client is told it: what is under way goes on and nothing new begins, and nobody is
 * waited for longer than it takes.
 */
import type { Socket } from "node:net";
import type { Clock, Timer } from "../../core/clock.js";
import type { Owner } from "../../core/containment.js";
import type { Sever } from "../../faults/contract/index.js";
import type { Pumps } from "../../pipeline/bindings.js";
import { LINGER_MAX_MS } from "../partings.js";
import { Settling } from "../settling.js";
import type { Book } from "./book.js";
import type { Departure } from "./departure.js";
import type { Foreign } from "./foreign.js";
import type { RequestSide } from "./request-side.js";

/** What it needs of its connection. */
export interface ClientEndHost extends Owner {
  readonly clock: Clock;
  readonly clientSocket: Socket;
  readonly pumps: Pumps | null;
  readonly ended: boolean;
  readonly book: Book;
  readonly requests: RequestSide;
  readonly departure: Departure;
  readonly foreign: Foreign;
  /** The client has ended its side, and was sent something since. */
  readonly untold: boolean;
  severed(how: Sever): void;
}

/** How long a client that has been sent its FIN may be silent in the middle of a request. */
const REST_MAX_MS = 5_000;

export class ClientEnd {
  readonly #of: ClientEndHost;
  /** The client has been sent its FIN, and goes on with what it had begun. */
  #told = false;
  #timer: Timer | null = null;
  #settling: Settling | null = null;

  constructor(of: ClientEndHost) {
    this.#of = of;
  }

  /** Its bytes pass unread, by agreement or not. */
  get #tunnels(): boolean {
    return this.#of.foreign.relays || this.#of.book.first?.tunnel === true;
  }

  /** The client is in the middle of a request, or of a tunnel, whose beginning has gone to an upstream. */
  get #underWay(): boolean {
    const { departure, foreign, requests } = this.#of;
    if (departure.over || foreign.unheard) return false;
    return requests.receiving !== null || this.#tunnels;
  }

  get admitsRequests(): boolean {
    return this.#of.pumps?.downstream.closing !== true;
  }

  /** Of what is under way more may come. */
  get admitsBytes(): boolean {
    return this.admitsRequests || this.#underWay;
  }

  /** Everything was said to it. */
  tell(): void {
    this.#told = true;
    this.before(() => {
      this.#of.clientSocket.end();
    });
    if (this.#of.departure.ended) this.closeIfTold(true);
    else this.#await();
  }

  /** It has ended its side, which makes it `over`, or said the rest of what it had begun. */
  closeIfTold(over: boolean): void {
    if (!this.#told || this.#of.ended || (this.#underWay && !over)) return;
    if (over) {
      this.#of.pumps?.upstream.whenEmpty(() => {
        this.close();
      });
    } else {
      this.#timer?.cancel();
      this.#await();
    }
  }

  /** It ends here, as soon as it is known whether a client that has ended its side takes what it was sent since. */
  close(): void {
    this.before(() => {
      this.#of.severed({ do: "close" });
    });
  }

  /** Calls back when nothing is to be learnt any more from a client that has ended its side. */
  before(then: () => void): void {
    if (this.#of.untold) this.settle(then);
    else then();
  }

  settle(then: () => void): void {
    this.#settling ??= new Settling(this.#of.clientSocket, this.#of.clock, this.#of);
    this.#settling.ask(then);
  }

  /** Nobody is waited for any more. */
  stopped(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  /** The connection is over. */
  finished(): void {
    this.#settling?.cancel();
  }

  /**
   * The client is to end its side, and may say the rest of what it has begun before; a tunnel may go on in one direction. Of
   * one that does nothing more there is nothing to wait for.
   */
  #await(): void {
    const { clock, pumps } = this.#of;
    const underWay = this.#underWay;
    if (underWay && this.#tunnels) return;
    const before = pumps?.upstream.bytesIn;
    this.#timer = clock.at(clock.now() + (underWay ? REST_MAX_MS : LINGER_MAX_MS), () => {
      if (this.#underWay && this.#of.pumps?.upstream.bytesIn !== before) this.#await();
      else this.#of.severed({ do: "close" });
    });
  }
}
