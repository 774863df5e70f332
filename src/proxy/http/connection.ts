/**
 * One client's HTTP connection: its requests in order, the connection to an upstream that they go over, and the
 * pumps through which both directions' bytes pass, as on a TCP proxy.
 *
 *     client -> reader -> [exchange faults] -> pump(upstream stages) -> upstream
 *            <- pump(downstream stages) <- [exchange faults] <- reader <-
 */
import type { Socket } from "node:net";
import { contained } from "../../core/containment.js";
import type { ConnectionFailure } from "../../core/events.js";
import type { Direction, Sever } from "../../faults/contract/index.js";
import type { Bearer } from "../../pipeline/subject-info.js";
import type { FaultChange } from "../../pipeline/bindings.js";
import type { FinalVerdict } from "../../pipeline/exchange.js";
import type { Origin } from "../connection.js";
import type { Guest } from "../../pipeline/party.js";
import type { DialFailure, Dialling } from "../upstream/dial.js";
import type { Member, Pool } from "../upstream/pool.js";
import type { Reached } from "../upstream/reach.js";
import type { Intercepted } from "../upstream/intercepted.js";
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
import type { Cut, Refusal } from "./sink.js";
import { UpstreamFailures, type FailingHost } from "./upstream-failures.js";
import { UpstreamSide, type UpstreamHost } from "./upstream-side.js";
import { Verdicts, type VerdictsHost } from "./verdicts.js";

/** What its parts ask of it. */
type Whole = Asking &
  Answering &
  UpstreamHost &
  BookHost &
  VerdictsHost &
  FailingHost &
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
  readonly #failures: UpstreamFailures;
  readonly #departure: Departure;
  readonly #foreign = new Foreign(this);
  readonly #headWatch = new HeadWatch(this);
  readonly #clientEnd = new ClientEnd(this);
  #retiring = false;
  /** The last answer was said to be the last: behind one that lasts until the connection ends, another would be a part of it. */
  #answersOver = false;

  constructor(host: HttpHost, client: Socket, origin: Origin) {
    super(host, client, origin);
    const { id, address, port } = origin;
    this.book = new Book(this, { connection: id, client: address, port, identify: host.identify });
    this.requests = new RequestSide(this, host.limits);
    this.upstream = new UpstreamSide(this, this);
    this.verdicts = new Verdicts(this);
    this.#failures = new UpstreamFailures(this);
    this.#departure = new Departure(this);
  }

  // -- for the parts that it is made of -----------------------------------------------------------

  report(reason: ConnectionFailure, text: string): void {
    this.host.failed(this, reason, text);
  }

  isFirst(exchange: Exchange): boolean {
    return this.book.first === exchange;
  }

  get clientOver(): boolean {
    return this.#departure.over;
  }

  get endPassedOn(): boolean {
    return this.#departure.told;
  }

  get relaying(): boolean {
    return this.#foreign.open;
  }

  get relayWaits(): boolean {
    return this.#foreign.waits;
  }

  chooseForAll(): Member | null {
    return this.#foreign.choose();
  }

  reach(member: Member, guest: Guest | null, take: Take, done: (result: Reached) => void): Dialling {
    return this.host.reach(member, guest ?? this, take, done, this, this.#departure);
  }

  /** Whom faults of the connection itself hit, beside the connection. */
  get bearer(): Bearer | null {
    return this.book.bearer;
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

  notReached(exchange: Exchange | null, failure: DialFailure | Intercepted): void {
    this.#failures.notReached(exchange, failure);
  }

  // -- bytes --------------------------------------------------------------------------------------

  override fromClient(chunk: Buffer): void {
    // Behind a last word, which may still wait for earlier answers, nothing is heard.
    if (this.ended || this.verdicts.concluding || !this.admitsBytes) {
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

  protected override watchHead(): void {
    this.#headWatch.lookAgain();
  }

  // -- the end, as the client is told it ----------------------------------------------------------

  /** Its bytes pass unread, by agreement or not. */
  get tunnels(): boolean {
    return this.#foreign.relays || this.book.first?.tunnel === true;
  }

  /** The client is in the middle of a request, or of a tunnel, whose beginning has gone to an upstream. */
  get underWay(): boolean {
    if (this.#departure.over || this.#foreign.unheard) return false;
    return this.requests.receiving !== null || this.tunnels;
  }

  /** Its connection ends: what is under way goes on, and nothing new begins. */
  get admitsBytes(): boolean {
    return this.pumps?.downstream.closing !== true || this.underWay;
  }

  get admitsRequests(): boolean {
    return this.pumps?.downstream.closing !== true;
  }

  protected override clientTold(): void {
    this.#clientEnd.tell();
  }

  closed(): void {
    this.#clientEnd.close();
  }

  protected override beforeEnd(then: () => void): void {
    this.#clientEnd.before(then);
  }

  /** It has ended its side, and was sent something since. */
  get clientSaidFin(): boolean {
    return this.#departure.ended;
  }

  override get untold(): boolean {
    return this.book.clientEnded && this.book.sentSince;
  }

  settle(then: () => void): void {
    this.#clientEnd.settle(then);
  }

  protected override clientBroke(): void {
    this.book.refused();
  }

  protected override foreseen(direction: Direction): boolean {
    return direction === "downstream" && this.#departure.told;
  }

  // -- an exchange --------------------------------------------------------------------------------

  begun(head: RequestHead): Exchange | null {
    if (this.admitsRequests && !this.ended) return this.book.begin(head);
    this.heardLate();
    return null;
  }

  /** Takes an exchange that is over for both sides off the book, and lets the next one go on. */
  moveOn(exchange: Exchange): void {
    if (!exchange.complete || this.book.first !== exchange) return;
    this.book.close(exchange);
    if (!this.book.empty) {
      this.#failures.failLost();
      this.verdicts.decide();
      this.upstream.prepare();
      this.#departure.next();
    } else if (this.verdicts.concluding) {
      this.verdicts.sayFarewell();
    } else if (this.#retiring) {
      this.#closeClient();
    } else {
      this.#departure.tellUpstream();
    }
  }

  // -- to the upstream ----------------------------------------------------------------------------

  ready({ member }: Exchange): boolean {
    return this.upstream.isReady(member);
  }

  whenReady(exchange: Exchange, then: () => void): void {
    this.upstream.whenReady(exchange, then);
  }

  forwarding(exchange: Exchange): void {
    const link = this.link;
    if (link === null) return;
    exchange.forwardedAt = this.host.context.clock.now();
    link.expect(exchange, askedBy(exchange.head), false);
    this.host.tally.upstreamSent();
    this.byteFaults.begin(exchange.passage, "upstream");
  }

  requestRead(exchange: Exchange): void {
    const { upgrade, connect } = exchange.head.framing;
    if (!exchange.tunnel && !upgrade && !connect) this.byteFaults.end(exchange.passage, "upstream");
    // The client may have ended its side while this one waited to be sent. Behind others that is heard in its turn.
    if ((upgrade || connect) && this.#departure.ended) this.#tellUpstreamSoon();
    if (exchange.dispatches.length > 0) sendCopies(exchange, this);
    this.moveOn(exchange);
    this.#clientEnd.closeIfTold(false);
  }

  /** RFC 9110 10.1.1: whoever keeps a head with such an expectation has to answer it itself. */
  goOn(exchange: Exchange): void {
    // Before an answer that is still to come it cannot be told; then the body is waited for no longer than others are.
    if (!this.isFirst(exchange) || exchange.minor === 0) return;
    this.answering(exchange);
    this.down(CONTINUE, "head");
    this.flush("downstream");
  }

  requestCutShort(exchange: Exchange): void {
    exchange.end ??= "closed";
    this.upRun.flush();
    this.pumps?.upstream.cut({ do: "close" });
  }

  tooMuchDiscarded(): void {
    this.#closeClient();
  }

  // -- to the client ------------------------------------------------------------------------------

  headCame(exchange: Exchange, status: number): void {
    this.book.headCame(exchange, status);
  }

  answering(exchange: Exchange): void {
    this.book.answering(exchange);
  }

  sent(exchange: Exchange, status: number): void {
    exchange.clientStatus = status;
  }

  decided(exchange: Exchange, verdict: FinalVerdict): void {
    this.verdicts.decided(exchange, verdict);
  }

  instead(exchange: Exchange, verdict: FinalVerdict): void {
    this.verdicts.instead(exchange, verdict);
  }

  answered(exchange: Exchange, persistent: boolean): void {
    if (exchange.tunnel) return;
    exchange.answered = true;
    if (!persistent || !exchange.head.framing.persistent) {
      this.#answersOver = true;
      if (!this.#endComesFromUpstream) {
        this.book.close(exchange);
        this.#closeClient();
        return;
      }
    }
    this.moveOn(exchange);
  }

  get answersOver(): boolean {
    return this.#answersOver;
  }

  /** As without a proxy between: what else was asked was asked there, and is for that upstream to end. */
  get #endComesFromUpstream(): boolean {
    if (this.host.pool.balances) return false;
    const [, next] = this.book.open;
    return next === undefined || this.link?.awaited.some(({ exchange }) => exchange === next) === true;
  }

  cutShort(exchange: Exchange): void {
    exchange.end ??= "cut";
    this.verdicts.end(exchange, { do: "close" });
  }

  settled(exchange: Exchange, protocol: string | null): void {
    if (protocol !== null) {
      exchange.tunnel = true;
      this.host.opaque(this, protocol, exchange);
      // Nobody else would find out that the one who is to speak in it has gone.
      if (this.book.clientEnded) this.settle(() => undefined);
    }
    this.requests.settle(protocol !== null);
    this.regulate();
  }

  relayBoth(exchange: Exchange): void {
    this.host.opaque(this, "ambiguous", exchange);
    this.verdicts.cancel();
    this.upstream.cancel();
    this.upstream.dropParked();
    // Faults on exchanges have no more to do with what is under way, and are to give back what they keep for it.
    for (const { faults } of this.book.open) faults?.release();
    for (const open of this.book.open) open.tunnel = true;
    this.requests.relay();
    this.#foreign.join();
    this.flush("upstream");
    this.#departure.tellUpstream();
    this.watchHead();
    this.regulate();
  }

  unwanted(link: Link): void {
    this.upstream.drop(link);
    this.upstream.prepare();
  }

  dropped(): void {
    this.#tellUpstreamSoon();
  }

  /** When whoever is at it has come to an end. */
  #tellUpstreamSoon(): void {
    queueMicrotask(
      contained(this, () => {
        this.#departure.tellUpstream();
      }),
    );
  }

  free(): void {
    this.upstream.prepare();
  }

  linkEnded(link: Link, exchange: Exchange | null, cut: Cut | null): void {
    this.#failures.linkEnded(link, exchange, cut);
  }

  unreadable(link: Link, exchange: Exchange | null, text: string): boolean {
    return this.#failures.unreadable(link, exchange, text);
  }

  // -- bytes that are no HTTP ---------------------------------------------------------------------

  foreign(protocol: "tls" | "h2"): void {
    this.#foreign.spoken(protocol);
  }

  refused(refusal: Refusal): void {
    this.#foreign.refused(refusal);
  }

  becomesOpaque(protocol: string): void {
    this.host.opaque(this, protocol, null);
  }

  relayed(): void {
    this.#departure.tellUpstream();
  }

  opaque(bytes: Buffer): void {
    this.#foreign.bytes(bytes);
  }

  // -- the ends -----------------------------------------------------------------------------------

  protected override sourceOver(direction: Direction, socket: Socket): void {
    if (direction === "upstream") {
      this.#departure.fin();
      this.#clientEnd.closeIfTold(true);
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
    if (direction === "upstream") this.#departure.broke();
    else if (link?.socket === socket) this.#failures.linkBroke(link);
    else this.upstream.left(socket, false);
  }

  leaveIfHanging(): void {
    this.#departure.leaveIfHanging();
  }

  clientEnded(cut: Cut | null): void {
    this.#departure.heard(cut);
  }

  override severed(how: Sever): void {
    this.book.severed(how);
    super.severed(how);
  }

  override retire(): void {
    this.#retiring = true;
    if (this.book.empty) this.#closeClient();
  }

  /** Behind all that was said to it, what is joined and not written yet included. */
  #closeClient(): void {
    this.flush("downstream");
    this.pumps?.downstream.cut({ do: "close" });
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
    this.#departure.stopped();
    this.#headWatch.stop();
    this.#clientEnd.stopped();
    this.verdicts.cancel();
    this.book.stopped();
  }

  protected override finished(): void {
    this.#clientEnd.finished();
    this.#foreign.finished();
    this.book.finished();
  }

  override upstreamsChanged(pool: Pool): void {
    if (!this.ended) this.#failures.poolChanged(pool);
  }

  // -- faults come and go -------------------------------------------------------------------------

  override apply(change: FaultChange): void {
    if (this.#heldForNobody(change)) {
      this.book.clientLeft();
      this.severed({ do: "close" });
      return;
    }
    super.apply(change);
  }

  /**
   * A fault that would have held a request for good goes, and the client has ended its side meanwhile: it waits for
   * nothing any more, so what it asked for is not to be carried out.
   */
  #heldForNobody({ removed }: FaultChange): boolean {
    if (removed.size === 0 || !this.#departure.ended || this.ended || this.book.first?.detached === true)
      return false;
    return this.bound.all.some((binding) => {
      const stage = removed.has(binding.armed) ? binding.stage("upstream") : null;
      return stage !== null && stage.held > 0 && stage.wakeAt === Infinity;
    });
  }

  protected override changed({ removed, added, assigned }: FaultChange): void {
    if (removed.size > 0) {
      this.byteFaults.lose(this.book.open, removed);
      this.#foreign.lose(removed);
      for (const { faults } of [...this.book.open]) faults?.removed(removed);
      this.requests.healed();
      this.upstream.responses?.healed();
    }
    for (const armed of added) {
      if (this.ended || !this.host.streamFaults.includes(armed)) continue;
      for (const exchange of [...this.book.open]) this.book.hitLate(exchange, armed);
      this.#foreign.hit(armed);
    }
    if (assigned.size > 0) for (const { faults } of [...this.book.open]) faults?.assigned(assigned);
    this.byteFaults.noteParts();
  }
}

export type { HttpHost } from "./host.js";
