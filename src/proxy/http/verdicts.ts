/**
 * What a client gets that no upstream gave it: the final verdicts of faults, each when it is its exchange's turn, the
 * proxy's own answers in the same way, and its last word behind all of them.
 */
import type { Answer, Direction, Sever } from "../../faults/contract/index.js";
import { personaAnswer } from "../../faults/personas.js";
import type { Pumps } from "../../pipeline/bindings.js";
import type { FinalVerdict } from "../../pipeline/exchange.js";
import type { Part } from "../../pipeline/flow.js";
import type { Book } from "./book.js";
import { markedFields } from "./fault-header.js";
import type { HttpHost } from "./host.js";
import type { Exchange } from "./exchange.js";
import type { Link } from "./link.js";
import { farewell, localAnswer } from "./local-answer.js";
import type { RequestSide } from "./request-side.js";
import type { UpstreamSide } from "./upstream-side.js";

/** What they need of their connection, and of its other parts. */
export interface VerdictsHost {
  readonly turns: {
    /** The client was told that no answer follows. */
    readonly answersOver: boolean;
    /** An exchange has been answered. */
    moveOn(exchange: Exchange): void;
  };
  readonly host: HttpHost;
  /** The name of the proxy whose answers say what was done to them; null where they do not. */
  readonly marking: string | null;
  readonly link: Link | null;
  readonly pumps: Pumps | null;
  readonly book: Book;
  readonly requests: RequestSide;
  readonly upstream: UpstreamSide;
  down(bytes: Buffer, part: Part): void;
  flush(direction: Direction): void;
  /** What it says in this direction leaves together. */
  together(direction: Direction, run: () => void): void;
  /** The answer to an Upgrade or CONNECT. */
  settled(exchange: Exchange, protocol: string | null): void;
}

export class Verdicts {
  readonly #of: VerdictsHost;
  /** What was decided of exchanges whose turn has not come; null of none. */
  #decisions: Map<Exchange, FinalVerdict> | null = null;
  /** The status of a last word of the proxy's own, behind all answers. */
  #farewell: number | Buffer | null = null;

  constructor(of: VerdictsHost) {
    this.#of = of;
  }

  /** One of them waits for its turn. */
  get waiting(): boolean {
    return this.#decisions !== null;
  }

  /** Nothing of the client's is heard any more: there is a last word, which may still wait for earlier answers. */
  get concluding(): boolean {
    return this.#farewell !== null;
  }

  // -- one after the other ------------------------------------------------------------------------

  /** To be carried out when all earlier answers are through. */
  decided(exchange: Exchange, verdict: FinalVerdict): void {
    this.#decisions ??= new Map();
    this.#decisions.set(exchange, verdict);
    this.decide();
  }

  /** Another exchange is the first. */
  decide(): void {
    const { first } = this.#of.book;
    const decisions = this.#decisions;
    const verdict = first === undefined ? undefined : decisions?.get(first);
    if (first === undefined || verdict === undefined) return;
    decisions?.delete(first);
    if (decisions?.size === 0) this.#decisions = null;
    this.instead(first, verdict);
  }

  /** Nothing is carried out any more. */
  cancel(): void {
    this.#decisions = null;
  }

  // -- carried out --------------------------------------------------------------------------------

  /** Takes the place of the upstream's answer, whose rest goes to nobody. */
  instead(exchange: Exchange, verdict: FinalVerdict): void {
    if (exchange.forwardedAt !== null) exchange.swallowing = true;
    if (this.#of.turns.answersOver && (verdict.do === "answer" || verdict.do === "raw")) {
      this.end(exchange, { do: "close" });
      return;
    }
    switch (verdict.do) {
      case "answer":
        this.#answer(exchange, verdict);
        return;
      case "raw":
        this.#of.book.answering(exchange);
        this.#of.down(verdict.bytes, "wire");
        this.end(exchange, { do: "close" });
        return;
      case "reset":
      case "close":
        this.end(exchange, verdict);
        return;
    }
  }

  /** The connection ends here, for this exchange's sake; its upstream may go on if it is to. */
  end(exchange: Exchange, how: Sever): void {
    const of = this.#of;
    exchange.end ??= how.do === "reset" ? "reset" : "closed";
    of.flush("upstream");
    of.flush("downstream");
    if (exchange.detached && of.link !== null) of.upstream.letGo(of.link);
    of.pumps?.downstream.cut(how);
  }

  #answer(exchange: Exchange, answer: Answer): void {
    const of = this.#of;
    const { framing } = exchange.head;
    const { head, body, closing } = localAnswer(exchange, answer, markedFields(exchange, of.marking));
    of.book.answering(exchange);
    exchange.sight?.headGoes(head, false);
    of.together("downstream", () => {
      of.down(head, "head");
      if (body !== null) of.down(body, "body");
    });
    of.flush("downstream");
    exchange.clientStatus = answer.head.status;
    if (framing.upgrade || framing.connect) of.settled(exchange, null);
    exchange.answered = true;
    if (closing) {
      of.book.close(exchange);
      of.pumps?.downstream.cut({ do: "close" });
      return;
    }
    of.requests.discard(exchange);
    of.turns.moveOn(exchange);
  }

  // -- the last word ------------------------------------------------------------------------------

  /** What the client sends cannot be read. `broken` is the exchange in whose request that was. */
  refuse(broken: Exchange | null, status: number): void {
    if (broken !== null && this.#of.book.open.includes(broken)) {
      // Its upstream waits for a rest that never comes, so it is no use waiting for its answer.
      this.#farewell = status;
      this.decided(broken, this.#refusalOf(broken, status));
      return;
    }
    this.#of.host.tally.clientDone("", status, 0);
    this.conclude(status);
  }

  #refusalOf(exchange: Exchange, status: number): FinalVerdict {
    return exchange.clientStatus === null ? { ...this.#plain(status), close: true } : { do: "close" };
  }

  /** Says what is wrong, behind all answers that are under way, and closes. */
  conclude(status: number): void {
    this.#farewell = status;
    if (this.#of.book.empty) this.sayFarewell();
  }

  /** The same with bytes of another protocol, to whoever speaks it: only before there was any request. */
  concludeWith(goodbye: Buffer): void {
    this.#farewell = goodbye;
    if (this.#of.book.empty) this.sayFarewell();
  }

  /** No answer is under way: says the last word if there is one. */
  sayFarewell(): void {
    if (this.#farewell === null) return;
    const of = this.#of;
    const last = Buffer.isBuffer(this.#farewell) ? this.#farewell : farewell(this.#plain(this.#farewell));
    of.flush("downstream");
    of.pumps?.downstream.data(last);
    of.pumps?.downstream.cut({ do: "close" });
  }

  #plain(status: number): Answer {
    return personaAnswer("plain", status, { now: this.#of.host.context.clock.wallTime() });
  }
}
