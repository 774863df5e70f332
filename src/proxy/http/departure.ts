/** How a client leaves, in order or by a reset, in the middle of what is under way: who hears of it, and who does not. */
import type { Clock, Millis, Timer } from "../../core/clock.js";
import { contained, type Owner } from "../../core/containment.js";
import type { ConnectionFailure } from "../../core/events.js";
import type { Direction, Sever } from "../../faults/contract/index.js";
import type { ArmedFault } from "../../pipeline/armed.js";
import type { Binding, Pumps } from "../../pipeline/bindings.js";
import type { Waits } from "../upstream/reach.js";
import type { Book } from "./book.js";
import { DETACHED_MAX_MS } from "./detached.js";
import type { Exchange } from "./exchange.js";
import type { Foreign } from "./foreign.js";
import type { Link } from "./link.js";
import type { RequestSide } from "./request-side.js";
import type { Cut } from "./sink.js";
import type { UpstreamSide } from "./upstream-side.js";
import type { Verdicts } from "./verdicts.js";

/** What it needs of its connection. */
export interface DepartureHost extends Owner {
  readonly clock: Clock;
  readonly ended: boolean;
  readonly link: Link | null;
  readonly pumps: Pumps | null;
  readonly book: Book;
  readonly requests: RequestSide;
  readonly upstream: UpstreamSide;
  readonly verdicts: Verdicts;
  readonly foreign: Foreign;
  readonly clientEnd: {
    /** The same as `severed`, in order, when it is known whether the client takes what it was sent. */
    close(): void;
  };
  flush(direction: Direction): void;
  severed(how: Sever): void;
  /** Tells what went wrong. */
  report(reason: ConnectionFailure, text: string): void;
}

/**
 * How long a server that owes the answer to a CONNECT or an Upgrade is waited for, where its client has ended its side behind
 * bytes that only this answer gives a meaning: as long as Linux keeps a connection whose other end does not close
 * (`tcp_fin_timeout`).
 */
export const QUESTION_MAX_MS = 60_000;

export class Departure implements Waits {
  readonly #of: DepartureHost;
  /** It has ended its side, although what it said before may still wait to be heard. */
  #fin = false;
  #over = false;
  #told = false;
  /** Ends the wait for an upstream that is let finish, and may never. */
  #patience: { readonly exchange: Exchange; readonly timer: Timer } | null = null;

  constructor(of: DepartureHost) {
    this.#of = of;
  }

  /** It has ended its side. */
  get ended(): boolean {
    return this.#fin;
  }

  /** The client has said all it has to say, and that has been heard. */
  get over(): boolean {
    return this.#over;
  }

  /** The upstream has been told that the client has ended its side: what it does then may come of that. */
  get told(): boolean {
    return this.#told;
  }

  /** The client has ended its side. */
  fin(): void {
    this.#of.flush("upstream");
    this.#fin = true;
    this.#of.book.clientEnds();
    this.#of.requests.end();
    if (!this.#over) this.tellUpstream();
    this.leaveIfHanging();
  }

  /**
   * A client that has ended its side may still want its answer. Where none will come, it has evidently left, and
   * would keep its place for as long as the fault is there.
   */
  leaveIfHanging(): void {
    const of = this.#of;
    const { first } = of.book;
    if (!this.#fin || first?.faults?.hanging !== true || of.ended) return;
    of.book.clientLeft();
    if (first.detached && first.requestRead && of.link !== null) this.#leaveBehind(of.link);
    else of.severed({ do: "close" });
  }

  /**
   * Of these faults, which are about to go, one would have held a request for good, and the client has ended its side meanwhile:
   * it waits for nothing any more, so what it asked for is not to be carried out. True if it leaves.
   */
  leaveIfHeld(removed: ReadonlySet<ArmedFault>, bindings: readonly Binding[]): boolean {
    const of = this.#of;
    if (removed.size === 0 || !this.#fin || of.ended || of.book.first?.detached === true) return false;
    const held = bindings.some((binding) => {
      const stage = removed.has(binding.armed) ? binding.stage("upstream") : null;
      return stage !== null && stage.held > 0 && stage.wakeAt === Infinity;
    });
    if (!held) return false;
    of.book.clientLeft();
    of.severed({ do: "close" });
    return true;
  }

  /** Another exchange is the first: what waited behind the one before may not wait any more. */
  next(): void {
    this.leaveIfHanging();
    if (this.#fin && !this.#told && !this.#of.ended) this.tellUpstream();
  }

  held(): void {
    // It is read from all the while.
  }

  /** Nothing of what waits for the upstream has been sent. */
  left(): boolean {
    const of = this.#of;
    if (!this.#fin || of.book.first?.detached === true) return false;
    of.book.clientLeft();
    of.severed({ do: "close" });
    return true;
  }

  /** All that it said before it ended its side has been heard, to the middle of what is said here. */
  heard(cut: Cut | null): void {
    this.#over = true;
    if (cut !== null && this.#of.link !== null)
      this.#of.report(
        "client_protocol",
        `the client ended the connection in the middle of a request's ${cut}`,
      );
    this.tellUpstream();
  }

  /** Behind a CONNECT or an Upgrade it is not known yet what the client's bytes are, but its end is one in any case. */
  get #endsBehindQuestion(): boolean {
    const { reader, unsent } = this.#of.requests;
    return this.#fin && reader.awaitsAnswer && reader.bytesHeld === 0 && unsent === null;
  }

  /** The upstream hears of the client's end once nothing that it said waits any more. */
  tellUpstream(): void {
    const of = this.#of;
    if (
      (!this.#over && !this.#endsBehindQuestion) ||
      // Bytes that are to be relayed unread wait for an upstream.
      of.foreign.waits ||
      of.upstream.awaited ||
      of.verdicts.waiting
    ) {
      this.#endureUntold();
      return;
    }
    const { first } = of.book;
    // The client may have left; whoever is detached from it does not hear of that.
    if (first?.detached === true && first.requestRead && !first.tunnel) {
      this.#endureFor(first, DETACHED_MAX_MS);
      return;
    }
    of.flush("upstream");
    of.upstream.dropParked();
    if (of.link !== null) this.#tell();
    else if (first === undefined || first.answered) of.clientEnd.close();
  }

  /** The same when whoever is at it has come to an end. */
  tellUpstreamSoon(): void {
    queueMicrotask(
      contained(this.#of, () => {
        this.tellUpstream();
      }),
    );
  }

  /**
   * A server that owes an answer cannot be told of the client's end yet, and so has no reason to come to one: something that
   * the client said waits behind that answer.
   */
  #endureUntold(): void {
    const { book, link, ended } = this.#of;
    const { first } = book;
    if (!this.#fin || this.#told || ended || link === null) return;
    if (first === undefined || first.forwardedAt === null || first.status !== null) return;
    const { upgrade, connect } = first.head.framing;
    this.#endureFor(first, upgrade || connect ? QUESTION_MAX_MS : DETACHED_MAX_MS);
  }

  /** No longer than where the client is known to have left: of one that only ended its side nobody can tell. */
  #endureFor(exchange: Exchange, limit: Millis): void {
    if (this.#patience?.exchange === exchange) return;
    this.stopped();
    const of = this.#of;
    const give = contained(of, () => {
      if (of.ended || this.#told || of.book.first !== exchange || exchange.status !== null) return;
      of.book.clientLeft();
      of.severed({ do: "close" });
    });
    this.#patience = { exchange, timer: of.clock.at(of.clock.now() + limit, give) };
  }

  /** The connection is over. */
  stopped(): void {
    this.#patience?.timer.cancel();
    this.#patience = null;
  }

  #tell(): void {
    this.#told = true;
    this.#of.pumps?.upstream.end("fin");
  }

  /** Its socket broke. */
  broke(): void {
    const of = this.#of;
    of.book.clientLeft();
    of.flush("downstream");
    const { first } = of.book;
    // Of a request that never comes to its end there is no work to go on with.
    if (first?.detached === true && first.requestRead && of.link !== null) {
      this.#leaveBehind(of.link);
      return;
    }
    of.pumps?.downstream.sinkLost();
    if (of.link === null) of.severed({ do: "reset" });
    else of.pumps?.upstream.end("reset");
  }

  /** The client has gone, and its upstream is to go on: with all of the request, of which byte faults may hold some. */
  #leaveBehind(link: Link): void {
    const of = this.#of;
    for (const { exchange } of link.awaited) exchange.leftBehind = exchange.detached;
    of.pumps?.downstream.sinkLost();
    of.pumps?.upstream.whenEmpty(() => {
      if (of.ended) return;
      if (of.link === link) of.upstream.letGo(link);
      of.severed({ do: "reset" });
    });
  }
}
