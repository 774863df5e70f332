/** Whose turn it is: the exchanges of one client follow one another, until it has been told that none does. */
import type { Direction } from "../../faults/contract/index.js";
import type { Pumps } from "../../pipeline/bindings.js";
import type { Book } from "./book.js";
import type { Departure } from "./departure.js";
import type { Exchange } from "./exchange.js";
import type { HttpHost } from "./host.js";
import type { Link } from "./link.js";
import type { UpstreamFailures } from "./upstream-failures.js";
import type { UpstreamSide } from "./upstream-side.js";
import type { Verdicts } from "./verdicts.js";

/** What they need of their connection. */
export interface TurnsHost {
  readonly host: HttpHost;
  readonly link: Link | null;
  readonly pumps: Pumps | null;
  readonly book: Book;
  readonly upstream: UpstreamSide;
  readonly verdicts: Verdicts;
  readonly failures: UpstreamFailures;
  readonly departure: Departure;
  flush(direction: Direction): void;
}

export class Turns {
  readonly #of: TurnsHost;
  /** The connection ends with what is under way. */
  #retiring = false;
  /** The last answer was said to be the last: behind one that lasts until the connection ends, another would be a part of it. */
  #answersOver = false;

  constructor(of: TurnsHost) {
    this.#of = of;
  }

  get answersOver(): boolean {
    return this.#answersOver;
  }

  /** Its answer is complete; `persistent` says whether that told the client that another may follow. */
  answered(exchange: Exchange, persistent: boolean): void {
    if (exchange.tunnel) return;
    exchange.answered = true;
    if (!persistent || !exchange.head.framing.persistent) {
      this.#answersOver = true;
      if (!this.#endComesFromUpstream) {
        this.#of.book.close(exchange);
        this.closeClient();
        return;
      }
    }
    this.moveOn(exchange);
  }

  /** As without a proxy between: what else was asked was asked there, and is for that upstream to end. */
  get #endComesFromUpstream(): boolean {
    const { host, book, link } = this.#of;
    if (host.pool.balances) return false;
    const [, next] = book.open;
    return next === undefined || link?.awaited.some(({ exchange }) => exchange === next) === true;
  }

  /** Takes an exchange that is over for both sides off the book, and lets the next one go on. */
  moveOn(exchange: Exchange): void {
    const { book, failures, verdicts, upstream, departure } = this.#of;
    if (!exchange.complete || book.first !== exchange) return;
    book.close(exchange);
    if (!book.empty) {
      failures.failLost();
      verdicts.decide();
      upstream.prepare();
      departure.next();
    } else if (verdicts.concluding) {
      verdicts.sayFarewell();
    } else if (this.#retiring) {
      this.closeClient();
    } else {
      departure.tellUpstream();
    }
  }

  /** The daemon is about to stop: nothing new begins. */
  retire(): void {
    this.#retiring = true;
    if (this.#of.book.empty) this.closeClient();
  }

  /** Behind all that was said to it, what is joined and not written yet included. */
  closeClient(): void {
    this.#of.flush("downstream");
    this.#of.pumps?.downstream.cut({ do: "close" });
  }
}
