/**
 * One client's HTTP connection: its requests in order, the connection to an upstream that they go over, and the
 * pumps through which both directions' bytes pass, as on a TCP proxy.
 *
 *     client -> reader -> [exchange faults] -> pump(upstream stages) -> upstream
 *            <- pump(downstream stages) <- [exchange faults] <- reader <-
 */
import type { Socket } from "node:net";
import type { ConnectionFailure } from "../../core/events.js";
import type { Direction, Sever } from "../../faults/contract/index.js";
import type { Sight } from "../../pipeline/sight.js";
import type { Bearer } from "../../pipeline/subject-info.js";
import type { FaultChange } from "../../pipeline/bindings.js";
import type { Origin } from "../connection.js";
import type { Guest } from "../../pipeline/party.js";
import type { Dialling } from "../upstream/dial.js";
import type { Member, Pool } from "../upstream/pool.js";
import type { Reached } from "../upstream/reach.js";
import type { Take } from "../upstream/reader.js";
import { Book, type BookHost } from "./book.js";
import { ClientEnd, type ClientEndHost } from "./client-end.js";
import { HttpChannel } from "./channel.js";
import { type HttpHost } from "./host.js";
import { sendCopies, type CopyingHost } from "./copies.js";
import { Departure, type DepartureHost } from "./departure.js";
import type { Exchange } from "./exchange.js";
import { Foreign, type ForeignHost } from "./foreign.js";
import { HeadWatch, type HeadWatchHost } from "./head-watch.js";
import type { RequestHead } from "./head.js";
import type { Link } from "./link.js";
import { RequestSide, type Asking } from "./request-side.js";
import { askedBy } from "./response-reader.js";
import type { Answering } from "./response-side.js";
import { Turns, type TurnsHost } from "./turns.js";
import { UpstreamFailures, type FailingHost } from "./upstream-failures.js";
import { UpstreamSide, type UpstreamHost } from "./upstream-side.js";
import { Verdicts, type VerdictsHost } from "./verdicts.js";

/** What its parts ask of it, among it each other. */
type Whole = Asking &
  Answering &
  UpstreamHost &
  BookHost &
  VerdictsHost &
  FailingHost &
  TurnsHost &
  DepartureHost &
  CopyingHost &
  ForeignHost &
  ClientEndHost &
  HeadWatchHost;

const CONTINUE = Buffer.from("HTTP/1.1 100 Continue\r\n\r\n");

export class HttpConnection extends HttpChannel implements Whole {
  override readonly book: Book;
  override readonly requests: RequestSide;
  override readonly upstream: UpstreamSide;
  readonly verdicts: Verdicts;
  readonly failures: UpstreamFailures;
  readonly turns: Turns;
  readonly departure: Departure;
  readonly foreign: Foreign = new Foreign(this);
  readonly clientEnd: ClientEnd = new ClientEnd(this);
  readonly #headWatch = new HeadWatch(this);
  /** What is seen of the connection itself; null unless it began while somebody watched. */
  ownSight: Sight | null = null;

  constructor(host: HttpHost, client: Socket, origin: Origin) {
    super(host, client, origin);
    const { id, address, port } = origin;
    const peer = origin.peer ?? null;
    this.book = new Book(this, { connection: id, client: address, port, identify: host.identify, peer });
    this.requests = new RequestSide(this, host.limits);
    this.upstream = new UpstreamSide(this, this);
    this.verdicts = new Verdicts(this);
    this.failures = new UpstreamFailures(this);
    this.turns = new Turns(this);
    this.departure = new Departure(this);
  }

  // -- for the parts that it is made of -----------------------------------------------------------

  report(reason: ConnectionFailure, text: string): void {
    this.host.failed(this, reason, text);
  }

  becomesOpaque(protocol: string, exchange: Exchange | null): void {
    this.host.opaque(this, protocol, exchange);
  }

  reach(member: Member, guest: Guest | null, take: Take, done: (result: Reached) => void): Dialling {
    return this.host.reach(member, guest ?? this, take, done, this, this.departure);
  }

  /** Whom faults of the connection itself hit, beside the connection. */
  get bearer(): Bearer | null {
    return this.book.bearer;
  }

  /** Of the exchange that such a fault acts on, and of the connection itself where there is none. */
  get sight(): Sight | null {
    return this.book.sight ?? this.ownSight;
  }

  override struck(fault: string): void {
    this.book.struck(fault);
  }

  get bare(): boolean {
    return this.bound.all.length === 0;
  }

  adopt(link: Link, over: () => void): void {
    this.host.adopt(link, over);
  }

  connected(then: () => void): void {
    this.throughGate((fault) => fault.connected?.(), then);
  }

  // -- bytes --------------------------------------------------------------------------------------

  override fromClient(chunk: Buffer): void {
    // Behind a last word, which may still wait for earlier answers, nothing is heard.
    if (this.ended || this.verdicts.concluding || !this.clientEnd.admitsBytes) {
      this.heardLate();
      return;
    }
    try {
      this.upRun.begin(chunk);
      this.requests.push(chunk);
      this.upRun.done();
      this.#headWatch.look();
      if (this.book.full || this.requests.reader.stopped || this.upPaused) this.regulate();
    } catch (error) {
      this.failed(error);
    }
  }

  override fromUpstream(socket: Socket, chunk: Buffer): boolean {
    const link = this.link;
    if (this.ended || link?.socket !== socket) return true;
    const pump = this.pumps?.downstream;
    try {
      if (link.opaque) {
        pump?.data(chunk);
      } else {
        this.downRun.begin(chunk);
        link.push(chunk);
        this.downRun.done();
      }
    } catch (error) {
      this.failed(error);
    }
    return this.clientSocket.writableLength === 0 && (pump?.keepsNothing ?? true);
  }

  override watchHead(): void {
    this.#headWatch.lookAgain();
  }

  // -- the end, as the client is told it ----------------------------------------------------------

  override clientTold(): void {
    this.clientEnd.tell();
  }

  protected override beforeEnd(then: () => void): void {
    this.clientEnd.before(then);
  }

  override get untold(): boolean {
    return this.book.clientEnded && this.book.sentSince;
  }

  protected override clientBroke(): void {
    this.book.refused();
  }

  protected override foreseen(direction: Direction): boolean {
    return direction === "downstream" && this.departure.told;
  }

  // -- an exchange --------------------------------------------------------------------------------

  begun(head: RequestHead): Exchange | null {
    return this.admitsMore() ? this.book.begin(head) : null;
  }

  admitsMore(): boolean {
    if (this.clientEnd.admitsRequests && !this.ended) return true;
    this.heardLate();
    return false;
  }

  forwarding(exchange: Exchange): void {
    const link = this.link;
    if (link === null) return;
    exchange.forwardedAt = this.host.context.clock.now();
    link.expect(exchange, askedBy(exchange.head), false);
    this.host.tally.upstreamSent();
    this.byteFaults.begin(exchange.passage, "upstream");
    if (exchange.sight !== null) this.#seesForwarded(exchange.sight, link.member.name);
  }

  #seesForwarded(sight: Sight, upstream: string): void {
    this.pumps?.upstream.whenNextLeft(this.upRun.pending, () => {
      sight.forwards(upstream);
    });
  }

  requestRead(exchange: Exchange): void {
    const { upgrade, connect } = exchange.head.framing;
    if (!exchange.tunnel && !upgrade && !connect) this.byteFaults.end(exchange.passage, "upstream");
    // The client may have ended its side while this one waited to be sent. Behind others that is heard in its turn.
    if ((upgrade || connect) && this.departure.ended) this.departure.tellUpstreamSoon();
    if (exchange.sight !== null) this.#seesSent(exchange.sight);
    if (exchange.dispatches.length > 0) sendCopies(exchange, this);
    this.turns.moveOn(exchange);
    this.clientEnd.closeIfTold(false);
  }

  #seesSent(sight: Sight): void {
    this.flush("upstream");
    this.pumps?.upstream.whenEmpty(() => {
      sight.sends();
    });
  }

  /** RFC 9110 10.1.1: whoever keeps a head with such an expectation has to answer it itself. */
  goOn(exchange: Exchange): void {
    // Before an answer that is still to come it cannot be told; then the body is waited for no longer than others are.
    if (this.book.first !== exchange || exchange.minor === 0) return;
    this.book.answering(exchange);
    this.down(CONTINUE, "head");
    this.flush("downstream");
  }

  requestCutShort(exchange: Exchange): void {
    exchange.end ??= "closed";
    this.upRun.flush();
    this.pumps?.upstream.cut({ do: "close" });
  }

  settled(exchange: Exchange, protocol: string | null): void {
    if (protocol !== null) {
      exchange.tunnel = true;
      this.becomesOpaque(protocol, exchange);
      // Nobody else would find out that the one who is to speak in it has gone.
      if (this.book.clientEnded) this.clientEnd.settle(() => undefined);
    }
    this.requests.settle(protocol !== null);
    this.regulate();
  }

  // -- the ends -----------------------------------------------------------------------------------

  protected override sourceOver(direction: Direction, socket: Socket): void {
    if (direction === "upstream") {
      this.departure.fin();
      this.clientEnd.closeIfTold(true);
      return;
    }
    const link = this.link;
    if (link?.socket !== socket) {
      this.upstream.left(socket, false);
      return;
    }
    if (link.opaque) {
      link.over = true;
      this.pumps?.downstream.end("fin");
    } else {
      link.end();
      this.downRun.done();
    }
  }

  protected override sourceBroke(direction: Direction, socket: Socket): void {
    const link = this.link;
    if (direction === "upstream") this.departure.broke();
    else if (link?.socket === socket) this.failures.linkBroke(link);
    else this.upstream.left(socket, false);
  }

  override severed(how: Sever): void {
    this.book.severed(how);
    super.severed(how);
  }

  override retire(): void {
    this.turns.retire();
  }

  protected override upstreams(): readonly Socket[] {
    return this.upstream.sockets;
  }

  protected override left(socket: Socket): void {
    this.upstream.left(socket, this.ended || this.book.empty);
  }

  protected override stopped(): void {
    this.upstream.cancel();
    this.requests.drop();
    this.departure.stopped();
    this.#headWatch.stop();
    this.clientEnd.stopped();
    this.verdicts.cancel();
    this.book.stopped();
  }

  protected override finished(): void {
    this.clientEnd.finished();
    this.foreign.finished();
    this.book.finished();
  }

  override upstreamsChanged(pool: Pool): void {
    if (!this.ended) this.failures.poolChanged(pool);
  }

  // -- faults come and go -------------------------------------------------------------------------

  override apply(change: FaultChange): void {
    if (!this.departure.leaveIfHeld(change.removed, this.bound.all)) super.apply(change);
  }

  protected override changed({ removed, added, assigned }: FaultChange): void {
    if (removed.size > 0) {
      this.byteFaults.lose(this.book.open, removed);
      this.foreign.lose(removed);
      for (const { faults } of [...this.book.open]) faults?.removed(removed);
      this.requests.healed();
      this.upstream.responses?.healed();
    }
    for (const armed of added) {
      if (this.ended || !this.host.streamFaults.includes(armed)) continue;
      for (const exchange of [...this.book.open]) this.book.hitLate(exchange, armed);
      this.foreign.hit(armed);
    }
    if (assigned.size > 0) for (const { faults } of [...this.book.open]) faults?.assigned(assigned);
    this.byteFaults.noteParts();
  }
}

export type { HttpHost } from "./host.js";
