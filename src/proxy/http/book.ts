/**
 * The exchanges of one client's connection: in the order of their requests until they are answered, then for as long
 * as byte faults hold some of them, until it is told what they came to.
 */
import type { Millis } from "../../core/clock.js";
import type { Owner } from "../../core/containment.js";
import type { ExchangeEnd } from "../../core/events.js";
import type { Direction, Sever } from "../../faults/contract/index.js";
import type { ArmedFault } from "../../pipeline/armed.js";
import type { Bearer } from "../../pipeline/subject-info.js";
import type { Sight } from "../../pipeline/sight.js";
import type { Pumps } from "../../pipeline/bindings.js";
import { ExchangeFaults } from "../../pipeline/exchange.js";
import type { ByteFaults } from "./byte-faults.js";
import type { HttpHost } from "./host.js";
import { Exchange, type ExchangePlace } from "./exchange.js";
import type { RequestHead } from "./head.js";
import type { RequestSide } from "./request-side.js";
import { beginWatched } from "./watching.js";
import { Witness } from "./witness.js";

/** What it needs of its connection. */
export interface BookHost extends Owner {
  readonly host: HttpHost;
  readonly ended: boolean;
  readonly pumps: Pumps | null;
  /** What is seen of the connection itself. */
  readonly ownSight: Sight | null;
  readonly byteFaults: ByteFaults;
  readonly requests: RequestSide;
  flush(direction: Direction): void;
  /** No fault acts on the connection itself, so none can end it with bytes of an answer that it still holds. */
  readonly bare: boolean;
  /** There is room for more requests again. */
  regulate(): void;
  readonly clientEnd: {
    /** Calls back when it is known whether the client, which has ended its side, refuses what it was sent, or cannot be any more. */
    settle(then: () => void): void;
  };
}

/** Requests of one client that wait for their answers; with so many, no more are read. */
const PIPELINED_MAX = 1_000;

export class Book {
  readonly #of: BookHost;
  readonly #place: ExchangePlace;
  /** Those that are not over, in the order of their requests; the first is the one that is answered. */
  #queue: Exchange[] = [];
  /** Answered, but byte faults still hold some of it; null until there is one, since idle connections are many. */
  #leaving: Exchange[] | null = null;
  /** Whose answer is being sent. */
  #answering: Exchange | null = null;
  #lastOver: Millis | null = null;
  /** When the client ended its side, or left by an RST. */
  #clientEndedAt: Millis | null = null;
  /** How many bytes it had been sent then. */
  #sentBefore = 0;
  /** It answered what it was sent since with an RST. */
  #refused = false;
  /** Those of such a client of which it is not known yet whether it took them. */
  #unsettled: Set<Exchange> | null = null;
  #endKind: ExchangeEnd | null = null;
  /** Who asks over this connection, as far as that is known. */
  #bot: string | null = null;
  /** From then on the client gets nothing; its socket may linger. */
  #severedAt: Millis | null = null;

  constructor(of: BookHost, place: ExchangePlace) {
    this.#of = of;
    this.#place = place;
  }

  /** Those that are not over. */
  get open(): readonly Exchange[] {
    return this.#queue;
  }

  /** The one that is answered, or will be next. */
  get first(): Exchange | undefined {
    return this.#queue[0];
  }

  get empty(): boolean {
    return this.#queue.length === 0;
  }

  get full(): boolean {
    return this.#queue.length >= PIPELINED_MAX;
  }

  // -- for faults of the connection itself --------------------------------------------------------

  /** Whom the journal names: the one whose answer is under way, and its bot between two. */
  get bearer(): Bearer | null {
    const [held] = this.#leaving ?? [];
    const exchange = held ?? this.#queue[0];
    if (exchange !== undefined) return exchange;
    return this.#bot === null ? null : { bot: this.#bot, connection: this.#place.connection };
  }

  /** What is seen of that one. */
  get sight(): Sight | null {
    const [held] = this.#leaving ?? [];
    return (held ?? this.#queue[0])?.sight ?? null;
  }

  /** Such a fault has acted on all that is under way. */
  struck(fault: string): void {
    for (const exchange of this.#leaving ?? []) exchange.struckBy(fault);
    for (const exchange of this.#queue) exchange.struckBy(fault);
  }

  // -- its life -----------------------------------------------------------------------------------

  begin(head: RequestHead): Exchange {
    const { host } = this.#of;
    const now = host.context.clock.now();
    const idle = this.#lastOver === null || this.#queue.length > 0 ? null : now - this.#lastOver;
    const exchange = new Exchange(host.nextExchange(), head, this.#place, now, idle);
    if (host.context.facts.recording === true) this.#record(exchange);
    const watcher = host.context.watch?.watcher ?? null;
    if (watcher !== null) beginWatched(watcher, exchange, host, this.#of.ownSight, now);
    if (this.#bot === null || !this.#of.bare) this.#bot = exchange.bot;
    exchange.member = host.pool.choose(exchange);
    this.#queue.push(exchange);
    exchange.ahead = this.#of.requests.reader;
    this.#strike(exchange, false);
    exchange.ahead = null;
    return exchange;
  }

  #record(exchange: Exchange): void {
    const { method, path, bot } = exchange;
    const reused = this.#lastOver !== null || this.#queue.length > 0;
    exchange.witness = new Witness(this.#of.host.sites.visit(method, path, bot), reused);
  }

  /** The upstream's own head has come. */
  headCame(exchange: Exchange, status: number): void {
    const { context, tally } = this.#of.host;
    exchange.status = status;
    exchange.upstreamMillis = context.clock.now() - (exchange.forwardedAt ?? exchange.startedAt);
    tally.upstreamAnswered(status, exchange.upstreamMillis);
    exchange.sight?.answers(status);
    if (!exchange.swallowing) this.#strike(exchange, true);
  }

  /** The first byte of its answer is about to be sent. */
  answering(exchange: Exchange): void {
    if (this.#answering === exchange) return;
    this.#answering = exchange;
    exchange.swallowedBefore = this.#of.pumps?.downstream.bytesDropped ?? 0;
    this.#of.byteFaults.begin(exchange.passage, "downstream");
  }

  /** The head of that answer is about to be sent, and begins there in what goes to the client. */
  headGoes(at: number, bytes: number): void {
    if (this.#answering === null) return;
    this.#answering.headAt = at;
    this.#answering.headEndsAt = at + bytes;
    if (this.#answering.sight !== null) this.#seesHeadGo(this.#answering.sight, at);
  }

  #seesHeadGo(sight: Sight, at: number): void {
    this.#of.pumps?.downstream.whenLeft(at + 1, () => {
      sight.answerGoes();
    });
  }

  /** The first is over for the client: it makes way for the next one. */
  close(exchange: Exchange): void {
    const { host, byteFaults, requests } = this.#of;
    this.#queue.shift();
    if (this.#queue.length === PIPELINED_MAX - 1) this.#of.regulate();
    this.#lastOver = host.context.clock.now();
    if (this.#answering === exchange) this.#answering = null;
    giveBack(exchange);
    if (!exchange.concerned && this.#of.bare) {
      this.#conclude(exchange, this.#lastOver);
      return;
    }
    exchange.faults?.release();
    byteFaults.end(exchange.passage, "downstream");
    if (requests.receiving === exchange) byteFaults.end(exchange.passage, "upstream");
    // Where nothing is held, nothing of it can be waited for.
    if (!this.#of.ended && this.#of.bare && this.#of.pumps?.downstream.keepsNothing === true) {
      this.#noteSwallowed(exchange);
      this.#conclude(exchange, this.#lastOver);
      return;
    }
    this.#leaving ??= [];
    this.#leaving.push(exchange);
    // A fault of the connection may end it with these bytes, which are still to be let through.
    if (!this.#of.bare) this.#of.flush("downstream");
    // A byte fault may have ended the connection with its last bytes.
    if (this.#of.ended) return;
    // What byte faults still hold of it belongs to its time.
    this.#of.pumps?.downstream.whenEmpty(() => {
      if (!this.#leaves(exchange)) return;
      this.#noteSwallowed(exchange);
      this.#conclude(exchange, host.context.clock.now());
    });
  }

  /** Takes it off those that leave, in whose order they mostly do; false if it was not among them. */
  #leaves(exchange: Exchange): boolean {
    const at = this.#leaving?.indexOf(exchange) ?? -1;
    if (at < 0) return false;
    if (at === 0) this.#leaving?.shift();
    else this.#leaving?.splice(at, 1);
    return true;
  }

  /** A fault of the bytes kept some of its answer to itself, and the connection lives on: the client has no whole answer. */
  #noteSwallowed(exchange: Exchange): void {
    const down = this.#of.pumps?.downstream;
    if (down === undefined || down.bytesDropped === exchange.swallowedBefore) return;
    exchange.end ??= "cut";
    if (down.bytesOut < exchange.headEndsAt) exchange.clientStatus = null;
  }

  /** All that its client was to get of it has been let through. */
  #conclude(exchange: Exchange, at: Millis): void {
    if (this.#clientEndedAt === null) {
      exchange.end ??= "complete";
      this.#tell(exchange, at);
      return;
    }
    this.#of.flush("downstream");
    this.#unsettled ??= new Set();
    this.#unsettled.add(exchange);
    const known = (): void => {
      if (this.#unsettled?.delete(exchange) === true) this.#tellEnded(exchange, at);
    };
    if (this.sentSince) this.#of.clientEnd.settle(known);
    else known();
  }

  /** The same of a client that had ended its side, and took what it was sent since or refused it. */
  #tellEnded(exchange: Exchange, at: Millis): void {
    if (this.#tookNothing) this.#notTaken(exchange);
    exchange.end ??= "complete";
    this.#tell(exchange, exchange.end === "client_left" ? (this.#clientEndedAt ?? at) : at);
  }

  /** The client had ended its side, and has not taken a byte of it since. */
  #leftSilently({ end }: Exchange): boolean {
    if (this.#clientEndedAt === null || end === "reset" || end === "closed") return false;
    return this.#tookNothing;
  }

  /** Of a client that had ended its side: it has been sent nothing since, or answered with an RST. */
  get #tookNothing(): boolean {
    return this.#refused || !this.sentSince;
  }

  #notTaken(exchange: Exchange): void {
    exchange.end = "client_left";
    exchange.clientStatus = exchange.seenStatus;
  }

  #leave(exchange: Exchange): void {
    exchange.end ??= "client_left";
    if (this.#refused && this.sentSince) this.#notTaken(exchange);
  }

  #tell(exchange: Exchange, at: Millis): void {
    // A client may have ended its side before what it had asked for was begun.
    const millis = Math.max(0, at - exchange.startedAt);
    exchange.sight?.overAt(exchange.startedAt + millis, exchange.end);
    if (exchange.pending === 0) this.#over(exchange, millis);
    else
      exchange.whenSettled(() => {
        this.#over(exchange, millis);
      });
  }

  #over(exchange: Exchange, millis: Millis): void {
    exchange.finished();
    this.#of.host.exchangeOver(exchange, millis);
  }

  // -- its faults ---------------------------------------------------------------------------------

  /** The faults that wait for its status, or those that do not. */
  #strike(exchange: Exchange, withStatus: boolean): void {
    const { host, byteFaults } = this.#of;
    for (const armed of host.exchangeFaults)
      if (armed.needsStatus === withStatus) this.#hit(exchange, armed);
      else if (!withStatus) armed.number(exchange);
    for (const armed of host.streamFaults)
      if (armed.needsStatus === withStatus) byteFaults.hit(exchange, armed);
      else if (!withStatus) armed.number(exchange);
  }

  #hit(exchange: Exchange, armed: ArmedFault): void {
    const make = armed.type.exchange;
    if (make === undefined) return;
    const subject = armed.admit(exchange);
    if (subject === null) return;
    const { clock, facts } = this.#of.host.context;
    exchange.faults ??= new ExchangeFaults(
      clock,
      (error) => {
        facts.tell({ kind: "mistake", where: `exchange ${exchange.id}`, error });
      },
      this.#of,
    );
    exchange.faults.add(subject, make, exchange.seenBy(armed));
  }

  /** An exchange that is under way is hit by a byte fault that has just come into force, from here on. */
  hitLate(exchange: Exchange, armed: ArmedFault): void {
    const { byteFaults, requests } = this.#of;
    if (armed.needsStatus && exchange.status === null) {
      armed.number(exchange);
      return;
    }
    const hit = byteFaults.hit(exchange, armed);
    if (hit === null) return;
    const sending = requests.receiving === exchange && exchange.forwardedAt !== null;
    if (sending || exchange.tunnel) byteFaults.begin(exchange.passage, "upstream");
    if (this.#answering === exchange || exchange.tunnel) byteFaults.begin(exchange.passage, "downstream");
  }

  // -- the end of the connection ------------------------------------------------------------------

  /** The client has ended its side; it may have left, or wait for the rest. */
  clientEnds(): void {
    const { host, pumps } = this.#of;
    if (this.#clientEndedAt !== null) return;
    this.#clientEndedAt = host.context.clock.now();
    this.#sentBefore = pumps?.downstream.bytesOut ?? 0;
    const seen = pumps?.downstream.keepsNothing ?? true;
    for (const exchange of this.#queue) exchange.seenStatus = seen ? exchange.clientStatus : null;
  }

  get clientEnded(): boolean {
    return this.#clientEndedAt !== null;
  }

  /** The client has been sent something since it ended its side. */
  get sentSince(): boolean {
    return (this.#of.pumps?.downstream.bytesOut ?? 0) > this.#sentBefore;
  }

  /** The client has sent an RST. */
  refused(): void {
    this.#refused = true;
  }

  /** The client has gone, whatever else ends the connection then. */
  clientLeft(): void {
    this.clientEnds();
    this.#endKind = "client_left";
  }

  severed({ do: how }: Sever): void {
    this.#endKind ??= how === "reset" ? "reset" : "closed";
    this.#severedAt ??= this.#of.host.context.clock.now();
  }

  /** Nothing that waits may go on. */
  stopped(): void {
    for (const { faults } of this.#queue) faults?.release();
  }

  /** The connection is over: tells what became of those that were still under way. */
  finished(): void {
    const { host, pumps } = this.#of;
    const at = this.#severedAt ?? host.context.clock.now();
    const unsettled = [...(this.#unsettled ?? [])];
    this.#unsettled = null;
    for (const exchange of unsettled) this.#tellEnded(exchange, at);
    const down = pumps?.downstream;
    const whole = down?.bytesLost === 0 && down.bytesDropped === 0;
    const leaving = [...(this.#leaving ?? [])];
    for (const exchange of whole ? leaving : []) {
      if (this.#clientEndedAt !== null && this.#tookNothing) this.#notTaken(exchange);
      exchange.end ??= "complete";
    }
    const unfinished = [...leaving, ...this.#queue];
    this.#leaving = null;
    this.#queue = [];
    for (const exchange of unfinished) {
      giveBack(exchange);
      // What a fault of the bytes kept to itself the client has not seen.
      const sent = down?.bytesOut ?? 0;
      if (exchange.clientStatus !== null && sent < exchange.headEndsAt) {
        exchange.clientStatus = null;
        if (exchange.end === "cut" || exchange.end === "complete") exchange.end = null;
      }
      const unseen = exchange.seenStatus === null && this.#leftSilently(exchange);
      if (exchange.tunnel && !unseen && exchange.clientStatus !== null) exchange.end ??= "complete";
      else if (this.#endKind === "client_left" || this.#leftSilently(exchange)) this.#leave(exchange);
      // A part of a head is no status, and an answer that was cut short all the same.
      const began = exchange.headEndsAt > 0 && sent > exchange.headAt;
      exchange.end ??= exchange.clientStatus === null && !began ? (this.#endKind ?? "closed") : "cut";
      this.#tell(exchange, exchange.end === "client_left" ? (this.#clientEndedAt ?? at) : at);
    }
  }
}

/** Its upstream is no longer busy with it. */
function giveBack(exchange: Exchange): void {
  if (exchange.member === null || exchange.givenBack) return;
  exchange.givenBack = true;
  exchange.member.busy--;
}
