/** How upstreams fail a connection: unreachable, gone before or in the middle of an answer, unreadable, or cut off. */
import type { ConnectionFailure } from "../../core/events.js";
import type { Direction, Pass, Sever } from "../../faults/contract/index.js";
import { failureStatus, personaAnswer } from "../../faults/personas.js";
import type { Pumps } from "../../pipeline/bindings.js";
import type { FinalVerdict } from "../../pipeline/exchange.js";
import type { Part } from "../../pipeline/flow.js";
import type { Guest } from "../../pipeline/party.js";
import type { DialFailure } from "../upstream/dial.js";
import type { Pool } from "../upstream/pool.js";
import type { Intercepted } from "../upstream/intercepted.js";
import { resetSocket } from "../upstream/reader.js";
import type { Book } from "./book.js";
import type { Departure } from "./departure.js";
import type { Foreign } from "./foreign.js";
import type { HttpHost } from "./host.js";
import type { Exchange, Lost } from "./exchange.js";
import type { Link } from "./link.js";
import { refusing } from "./refusal.js";
import type { Cut } from "./sink.js";
import { whyOf, type UpstreamSide } from "./upstream-side.js";
import type { Verdicts } from "./verdicts.js";

/** What they mean to a connection, and what they need of it. */
export interface FailingHost extends Guest {
  readonly host: HttpHost;
  readonly link: Link | null;
  readonly pumps: Pumps | null;
  readonly book: Book;
  readonly upstream: UpstreamSide;
  readonly verdicts: Verdicts;
  /** What an upstream does that has been told of its client's end may come of that. */
  readonly departure: Departure;
  readonly foreign: Foreign;
  down(bytes: Buffer, part: Part): void;
  flush(direction: Direction): void;
  guarded(run: () => void): void;
  severed(how: Sever): void;
  /** Tells what went wrong. */
  report(reason: ConnectionFailure, text: string): void;
}

export class UpstreamFailures {
  readonly #of: FailingHost;

  constructor(of: FailingHost) {
    this.#of = of;
  }

  // -- before there was an answer -----------------------------------------------------------------

  /** Nobody is there for this exchange, or for the bytes of a connection that is relayed unread. */
  notReached(exchange: Exchange | null, failure: DialFailure | Intercepted): void {
    const of = this.#of;
    if ("verdict" in failure) {
      if (exchange !== null) this.#inTurn(exchange, failure.verdict);
      else of.severed(failure.verdict.do === "reset" ? failure.verdict : { do: "close" });
      return;
    }
    const injected =
      failure.injected === true || (failure.reason === "no_upstream" && of.host.pool.emptiedByFaults);
    if (!injected) of.report(failure.reason, failure.text);
    if (exchange === null) of.severed({ do: "close" });
    else this.#failed(exchange, failure.reason, null);
  }

  /** It went without the answers to what was sent over it. */
  #lost(link: Link, lost: Lost): void {
    for (const { exchange, copy } of link.awaited) {
      if (copy) continue;
      exchange.lost = lost;
      exchange.sight?.upstreamEnds(lost.how === "reset" ? "reset" : "closed");
    }
    this.failLost();
  }

  /** The next in turn may be one that will not be answered. */
  failLost(): void {
    const { first } = this.#of.book;
    if (first === undefined || first.lost === null || first.answered) return;
    this.#failed(first, first.lost.reason, first.lost.how);
  }

  /** `how` it went, for those that were there; null for those that could not be reached. */
  #failed(exchange: Exchange, reason: ConnectionFailure, how: "fin" | "reset" | null): void {
    const done = (outcome: FinalVerdict | Pass): void => {
      if (outcome.do === "pass") this.#show(exchange, reason, how);
      else {
        this.#dropOver();
        exchange.swallowing = false;
        this.#inTurn(exchange, outcome);
      }
    };
    if (exchange.faults === null) done({ do: "pass" });
    else exchange.faults.askResponse({ failed: reason }, done);
  }

  /** What the client sees of it where no fault has another idea. */
  #show(exchange: Exchange, reason: ConnectionFailure, how: "fin" | "reset" | null): void {
    const of = this.#of;
    const { spec, pool, context } = of.host;
    const { persona } = spec;
    if (how === null || persona !== "plain" || pool.balances) {
      this.#dropOver();
      const why = how === null ? whyOf(reason) : "reset";
      const status = failureStatus(persona, why);
      this.#inTurn(exchange, personaAnswer(persona, status, { now: context.clock.wallTime(), why }));
      return;
    }
    // As without a proxy between: the client sees what the upstream did.
    exchange.end ??= of.departure.told ? "client_left" : how === "reset" ? "reset" : "closed";
    const unfinished = of.link?.unfinished ?? null;
    if (unfinished !== null) {
      of.book.answering(exchange);
      of.down(unfinished, "head");
    }
    this.#endDown(how);
  }

  #inTurn(exchange: Exchange, verdict: FinalVerdict): void {
    this.#of.verdicts.decided(exchange, verdict);
  }

  // -- the connection to it -----------------------------------------------------------------------

  /** It ended in order, in the middle of what is said here. */
  linkEnded(link: Link, exchange: Exchange | null, cut: Cut | null): void {
    const of = this.#of;
    if (link !== of.link) return;
    if (waitedFor(link)?.status === null) {
      const where = exchange !== null && cut === "head" ? "in the middle of its head" : "before it answered";
      this.#closed(where);
      this.#lost(link, { reason: "upstream_closed", how: "fin" });
    } else if (exchange !== null && cut !== null) {
      this.#closed(`in the middle of its ${cut}`);
      exchange.sight?.upstreamEnds("cut");
      exchange.end ??= of.departure.told ? "client_left" : "cut";
      this.#endDown("fin");
    } else if (exchange?.tunnel === true || this.#endsWithLink) {
      this.#endDown("fin");
    } else {
      this.#replace(link);
    }
  }

  /** A server that is told of its client's end may well leave a request without an answer. */
  #closed(where: string): void {
    const of = this.#of;
    if (!of.departure.told) of.report("upstream_closed", `the upstream closed the connection ${where}`);
  }

  /** As if by an RST: of the upstream's, or of a fault's that cuts its connections. */
  linkBroke(link: Link): void {
    const exchange = waitedFor(link);
    link.over = true;
    this.#of.upstream.responses?.broke();
    if (exchange !== null && exchange.status === null && !link.opaque) {
      this.#lost(link, { reason: "upstream_reset", how: "reset" });
    } else if (exchange !== null || this.#endsWithLink || link.opaque) {
      exchange?.sight?.upstreamEnds("cut");
      if (exchange !== null) exchange.end ??= this.#of.departure.told ? "client_left" : "cut";
      this.#endDown("reset");
    } else {
      this.#replace(link);
    }
  }

  /** Nobody waits for another upstream, or ever will: nothing is under way but perhaps a body that was answered early. */
  get #endsWithLink(): boolean {
    const of = this.#of;
    const { first } = of.book;
    return first === undefined ? !of.host.pool.balances || of.departure.over : first.answered;
  }

  #endDown(how: "fin" | "reset"): void {
    this.#of.flush("downstream");
    this.#of.pumps?.downstream.end(how);
  }

  #replace(link: Link): void {
    this.#of.upstream.drop(link);
    this.#of.upstream.prepare();
  }

  #dropOver(): void {
    const { link, upstream } = this.#of;
    if (link?.over === true) upstream.drop(link);
  }

  /** What came over it cannot be framed. True if it is relayed as opaque bytes all the same. */
  unreadable(link: Link, exchange: Exchange | null, text: string): boolean {
    const of = this.#of;
    // Behind the last answer to what was read come those to what was not.
    if (of.foreign.open) return true;
    const { spec, context } = of.host;
    if (spec.ambiguous === "relay" && exchange !== null) {
      of.report("upstream_protocol", `relayed: ${text}`);
      of.book.answering(exchange);
      of.foreign.relayBoth(exchange);
      return true;
    }
    of.report("upstream_protocol", refusing(text));
    of.upstream.drop(link);
    link.socket.destroy();
    const waiting = waitedFor(link);
    if (waiting !== null && waiting.clientStatus === null) {
      waiting.forwardedAt = null;
      const answer = personaAnswer(spec.persona, 502, { now: context.clock.wallTime(), why: "reset" });
      this.#inTurn(waiting, { ...answer, close: true });
    } else if (waiting !== null) {
      of.verdicts.end(waiting, { do: "reset" });
    }
    return false;
  }

  /** What faults say of the pool may have changed: whether connections to its members may stay. */
  poolChanged(pool: Pool): void {
    const of = this.#of;
    for (const link of of.upstream.links) {
      // One that has gone is nothing to be cut again.
      if (link.over) continue;
      const waiting = allWaitedFor(link);
      let verdict: ReturnType<Pool["existing"]> = { do: "pass" };
      for (const guest of waiting.length === 0 ? [of.book.first ?? of] : waiting)
        verdict = pool.existing(link.member, guest);
      if (verdict.do === "drain") {
        link.draining = true;
        if (link !== of.link || link.awaited.length === 0) of.upstream.drop(link);
      } else if (verdict.do !== "pass") {
        of.guarded(() => {
          this.#cut(link, verdict);
        });
      }
    }
  }

  #cut(link: Link, { do: how }: Sever): void {
    if (how === "reset") resetSocket(link.socket);
    else link.socket.end();
    if (link === this.#of.link) this.linkBroke(link);
    else this.#of.upstream.drop(link);
  }
}

/** Whose answer comes next over it, of those that somebody waits for. Before it there may be some that go to nobody. */
function waitedFor(link: Link): Exchange | null {
  return allWaitedFor(link)[0] ?? null;
}

function allWaitedFor({ awaited }: Link): Exchange[] {
  return awaited.flatMap(({ exchange, copy }) => (copy || exchange.swallowing ? [] : [exchange]));
}
