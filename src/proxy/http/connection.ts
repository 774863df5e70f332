/**
 * One client's HTTP connection: its requests in order, the connection to an upstream that they go over, and the
 * pumps through which both directions' bytes pass, as on a TCP proxy.
 *
 *     client -> reader -> [exchange faults] -> pump(upstream stages) -> upstream
 *            <- pump(downstream stages) <- [exchange faults] <- reader <-
 */
import type { Socket } from "node:net";
import type { Timer } from "../../core/clock.js";
import type { ConnectionFailure, ExchangeEnd } from "../../core/events.js";
import type { Answer, Direction, Sever } from "../../faults/contract.js";
import { failureStatus, personaAnswer } from "../../faults/personas.js";
import type { ArmedFault } from "../../pipeline/armed.js";
import type { FaultChange } from "../../pipeline/bindings.js";
import { ExchangeFaults, type FinalVerdict } from "../../pipeline/exchange.js";
import type { Origin } from "../connection.js";
import { HttpChannel, PIPELINED_MAX, type HttpHost } from "./channel.js";
import type { DialFailure, Dialling } from "../upstream/dial.js";
import type { Member, Pool } from "../upstream/pool.js";
import type { Intercepted, Reached } from "../upstream/reach.js";
import { resetSocket, type Take } from "../upstream/reader.js";
import { Exchange, type ExchangePlace, type Lost } from "./exchange.js";
import { askedBy } from "./response_reader.js";
import type { Link } from "./link.js";
import { farewell, localAnswer } from "./local_answer.js";
import { REFUSALS } from "./refusal.js";
import { Relay } from "./relay.js";
import { RequestSide, type Asking } from "./request_side.js";
import type { Answering } from "./response_side.js";
import type { RequestHead } from "./head.js";
import type { Cut, Refusal } from "./sink.js";
import { UpstreamSide, whyOf, type UpstreamHost } from "./upstream_side.js";

interface Decision {
  readonly exchange: Exchange;
  readonly verdict: FinalVerdict;
}

/** What becomes of bytes that are no HTTP: they belong to an agreed tunnel, are relayed as they are, or go to nobody. */
type Plain = "relayed" | "unheard";

export class HttpConnection extends HttpChannel implements Asking, Answering, UpstreamHost {
  protected override readonly requests: RequestSide;
  protected override readonly upstream: UpstreamSide;
  readonly #place: ExchangePlace;
  /** Answered, but byte faults still hold some of it. */
  readonly #leaving = new Set<Exchange>();
  #decision: Decision | null = null;
  /** Whose answer is being sent. */
  #answering: Exchange | null = null;
  #plain: Plain = "relayed";
  #relay: Relay | null = null;
  /** The client has said all it has to say. */
  #clientOver = false;
  /** It has ended its side, although what it said before may still wait to be heard. */
  #clientFin = false;
  /** A last word of the proxy's own, behind all answers. */
  #farewell: number | null = null;
  #lastOver: number | null = null;
  #headTimer: Timer | null = null;
  #retiring = false;
  /** The upstream of a connection that is relayed unread. */
  #member: Member | null = null;
  #endKind: ExchangeEnd | null = null;
  /** From then on the client gets nothing; its socket may linger. */
  #severedAt: number | null = null;

  constructor(host: HttpHost, client: Socket, origin: Origin) {
    super(host, client, origin);
    this.requests = new RequestSide(this, host.limits);
    this.#place = {
      connection: origin.id,
      client: origin.address,
      port: origin.port,
      identify: host.identify,
    };
    this.upstream = new UpstreamSide(this, this);
  }

  // -- for the parts that it is made of -----------------------------------------------------------

  isFirst(exchange: Exchange): boolean {
    return this.queue[0] === exchange;
  }

  chooseForAll(): Member | null {
    this.#member ??= this.host.pool.choose(this);
    return this.#member;
  }

  reach(member: Member, take: Take, done: (result: Reached) => void): Dialling {
    return this.host.reach(member, take, done);
  }

  adopt(link: Link, over: () => void): void {
    this.host.adopt(link, over);
  }

  connected(then: () => void): void {
    this.throughGate((fault) => fault.connected?.(), then);
  }

  notReached(exchange: Exchange | null, failure: DialFailure | Intercepted): void {
    if ("verdict" in failure) {
      if (exchange !== null) this.#inTurn(exchange, failure.verdict);
      else this.severed(failure.verdict.do === "reset" ? failure.verdict : { do: "close" });
      return;
    }
    this.host.failed(this, failure.reason, failure.text);
    if (exchange === null) this.severed({ do: "close" });
    else this.#upstreamFailed(exchange, failure.reason, null);
  }

  // -- bytes --------------------------------------------------------------------------------------

  override fromClient(chunk: Buffer): void {
    // Behind a last word, which may still wait for earlier answers, nothing is heard.
    if (this.ended || this.#farewell !== null) return;
    try {
      this.upRun.begin(chunk);
      this.requests.push(chunk);
      this.upRun.done();
      if (this.requests.reader.bytesHeld > 0 || this.#headTimer !== null) this.watchHead();
      if (this.queue.length >= PIPELINED_MAX || this.requests.reader.stopped) this.regulate();
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

  /** A head that does not come to its end would keep a place for ever. */
  protected override watchHead(): void {
    const partial =
      this.requests.reader.bytesHeld > 0 && this.requests.receiving === null && !this.requests.reader.stopped;
    if (!partial) {
      this.#headTimer?.cancel();
      this.#headTimer = null;
      return;
    }
    const { clock } = this.host.context;
    const { headTimeout } = this.host.spec;
    this.#headTimer ??= clock.at(clock.now() + headTimeout, () => {
      this.#headTimer = null;
      if (this.ended) return;
      this.host.failed(this, "client_slow_head", `a request's head took longer than ${headTimeout} ms`);
      this.#sayFarewell(408);
    });
  }

  // -- an exchange begins -------------------------------------------------------------------------

  begun(head: RequestHead): Exchange {
    const host = this.host;
    const { clock } = this.host.context;
    const now = clock.now();
    const idle = this.#lastOver === null || this.queue.length > 0 ? null : now - this.#lastOver;
    const exchange = new Exchange(host.nextExchange(), head, this.#place, now, idle);
    exchange.member = host.pool.choose(exchange);
    this.queue.push(exchange);
    for (const armed of host.exchangeFaults) if (!armed.needsStatus) this.#hit(exchange, armed);
    for (const armed of host.streamFaults) if (!armed.needsStatus) this.byteFaults.hit(exchange, armed);
    return exchange;
  }

  #hit(exchange: Exchange, armed: ArmedFault): void {
    const make = armed.type.exchange;
    if (make === undefined) return;
    const subject = armed.admit(exchange);
    if (subject === null) return;
    exchange.faults ??= new ExchangeFaults(this.host.context.clock, (error) => {
      this.host.context.facts.tell({ kind: "mistake", where: `exchange ${exchange.id}`, error });
    });
    exchange.faults.add(subject, (attend) => make(subject, exchange.info(armed.routeOf(exchange), attend)));
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
    if (!exchange.tunnel && !exchange.head.framing.upgrade && !exchange.head.framing.connect)
      this.byteFaults.end(exchange.passage, "upstream");
    if (exchange.dispatches.length > 0) this.#sendCopies(exchange);
    this.#settleExchange(exchange);
  }

  #sendCopies(exchange: Exchange): void {
    const bytes = this.requests.takeCopy();
    if (bytes === null) return;
    for (const dispatch of exchange.dispatches) {
      for (let copy = 1; copy <= dispatch.copies; copy++) {
        exchange.pending++;
        this.host.later(copy * dispatch.gap, () => {
          this.guarded(() => {
            if (this.host.enabled && exchange.faults?.wants(dispatch, this.host.exchangeFaults) === true) {
              dispatch.copied?.();
              if (dispatch.connection === "another" || !this.#copyHere(exchange, bytes))
                this.host.sendCopy(exchange, bytes);
            }
            exchange.settled();
          });
        });
      }
    }
  }

  /** On the connection that it went over itself, if that can be done between two messages. */
  #copyHere(exchange: Exchange, bytes: Buffer): boolean {
    const link = this.link;
    if (this.ended || link === null || link.over || link.opaque || this.requests.receiving !== null)
      return false;
    link.expect(exchange, askedBy(exchange.head), true);
    this.host.tally.upstreamSent();
    this.up(bytes, "wire");
    this.upRun.flush();
    return true;
  }

  requestCutShort(exchange: Exchange): void {
    exchange.end ??= "closed";
    this.upRun.flush();
    this.pumps?.upstream.cut({ do: "close" });
  }

  tooMuchDiscarded(): void {
    this.pumps?.downstream.cut({ do: "close" });
  }

  // -- to the client ------------------------------------------------------------------------------

  headCame(exchange: Exchange, status: number): void {
    const { clock } = this.host.context;
    exchange.status = status;
    exchange.upstreamMillis = clock.now() - (exchange.forwardedAt ?? exchange.startedAt);
    this.host.tally.upstreamAnswered(status, exchange.upstreamMillis);
    if (exchange.swallowing) return;
    for (const armed of this.host.exchangeFaults) if (armed.needsStatus) this.#hit(exchange, armed);
    for (const armed of this.host.streamFaults) if (armed.needsStatus) this.byteFaults.hit(exchange, armed);
  }

  answering(exchange: Exchange): void {
    if (this.#answering === exchange) return;
    this.#answering = exchange;
    this.byteFaults.begin(exchange.passage, "downstream");
  }

  sent(exchange: Exchange, status: number): void {
    exchange.clientStatus = status;
  }

  decided(exchange: Exchange, verdict: FinalVerdict): void {
    this.#decision = { exchange, verdict };
    this.#decide();
  }

  #decide(): void {
    const decision = this.#decision;
    if (decision === null || this.queue[0] !== decision.exchange) return;
    this.#decision = null;
    this.instead(decision.exchange, decision.verdict);
  }

  instead(exchange: Exchange, verdict: FinalVerdict): void {
    if (exchange.forwardedAt !== null) exchange.swallowing = true;
    switch (verdict.do) {
      case "answer":
        this.#answer(exchange, verdict);
        return;
      case "raw":
        this.answering(exchange);
        this.down(verdict.bytes, "wire");
        this.#end(exchange, { do: "close" });
        return;
      case "reset":
      case "close":
        this.#end(exchange, verdict);
        return;
    }
  }

  /** The connection ends here, for this exchange's sake; its upstream may go on if it is to. */
  #end(exchange: Exchange, how: Sever): void {
    exchange.end ??= how.do === "reset" ? "reset" : "closed";
    this.upRun.flush();
    this.downRun.flush();
    if (exchange.detached && this.link !== null) this.upstream.letGo(this.link);
    this.pumps?.downstream.cut(how);
  }

  #answer(exchange: Exchange, answer: Answer): void {
    const { framing } = exchange.head;
    const { head, body, closing } = localAnswer(exchange, answer, this.faultHeader ? exchange.marks : []);
    this.answering(exchange);
    this.down(head, "head");
    if (body !== null) this.down(body, "body");
    this.downRun.flush();
    this.sent(exchange, answer.head.status);
    if (framing.upgrade || framing.connect) this.settled(exchange, false);
    exchange.answered = true;
    if (closing) {
      this.#closeBook(exchange);
      this.pumps?.downstream.cut({ do: "close" });
      return;
    }
    this.requests.discard(exchange);
    this.#settleExchange(exchange);
  }

  answered(exchange: Exchange): void {
    if (exchange.tunnel) return;
    exchange.answered = true;
    this.#settleExchange(exchange);
  }

  /** Takes an exchange that is over for both sides off the queue, and lets the next one go on. */
  #settleExchange(exchange: Exchange): void {
    if (!exchange.complete || this.queue[0] !== exchange) return;
    this.#closeBook(exchange);
    if (this.queue.length > 0) {
      this.#failLost();
      this.#decide();
      this.upstream.prepare();
      return;
    }
    if (this.#farewell !== null) this.#sayFarewell(this.#farewell);
    else if (this.#retiring) this.pumps?.downstream.cut({ do: "close" });
    else if (this.#clientOver) this.#passClientEnd();
  }

  #closeBook(exchange: Exchange): void {
    this.queue.shift();
    if (this.queue.length === PIPELINED_MAX - 1) this.regulate();
    this.#lastOver = this.host.context.clock.now();
    if (this.#answering === exchange) this.#answering = null;
    giveBack(exchange);
    if (exchange.faults === null && exchange.streams.length === 0) {
      exchange.end ??= "complete";
      this.host.exchangeOver(exchange, this.#lastOver - exchange.startedAt);
      return;
    }
    exchange.faults?.release();
    this.byteFaults.end(exchange.passage, "downstream");
    if (this.requests.receiving === exchange) this.byteFaults.end(exchange.passage, "upstream");
    this.#leaving.add(exchange);
    // A byte fault may have ended the connection with its last bytes.
    if (this.ended) return;
    // What byte faults still hold of it belongs to its time.
    this.pumps?.downstream.whenEmpty(() => {
      if (!this.#leaving.delete(exchange)) return;
      exchange.end ??= "complete";
      this.#tell(exchange, this.host.context.clock.now());
    });
  }

  #tell(exchange: Exchange, at: number): void {
    const millis = at - exchange.startedAt;
    exchange.whenSettled(() => {
      exchange.faults?.finished();
      for (const { subject } of exchange.streams) subject.finished();
      this.host.exchangeOver(exchange, millis);
    });
  }

  cutShort(exchange: Exchange): void {
    exchange.end ??= "cut";
    this.#end(exchange, { do: "close" });
  }

  settled(exchange: Exchange, accepted: boolean): void {
    if (accepted) exchange.tunnel = true;
    this.requests.settle(accepted);
    this.regulate();
  }

  free(): void {
    this.upstream.prepare();
  }

  // -- when upstreams fail ------------------------------------------------------------------------

  /** `how` it went, for those that were there; null for those that could not be reached. */
  #upstreamFailed(exchange: Exchange, reason: ConnectionFailure, how: "fin" | "reset" | null): void {
    const done = (outcome: FinalVerdict | { readonly do: "pass" }): void => {
      const link = this.link;
      if (outcome.do !== "pass") {
        if (link?.over === true) this.upstream.drop(link);
        exchange.swallowing = false;
        this.#inTurn(exchange, outcome);
        return;
      }
      const { persona } = this.host.spec;
      if (how === null || persona !== "plain" || this.host.pool.balances) {
        if (link?.over === true) this.upstream.drop(link);
        const why = how === null ? whyOf(reason) : "reset";
        const status = failureStatus(persona, why);
        const answer = personaAnswer(persona, status, { now: this.host.context.clock.wallTime(), why });
        this.#inTurn(exchange, answer);
        return;
      }
      // As without a proxy between: the client sees what the upstream did.
      exchange.end ??= how === "reset" ? "reset" : "closed";
      const unfinished = link?.unfinished ?? null;
      if (unfinished !== null) {
        this.answering(exchange);
        this.down(unfinished, "head");
      }
      this.downRun.flush();
      this.pumps?.downstream.end(how);
    };
    if (exchange.faults === null) done({ do: "pass" });
    else exchange.faults.askResponse({ failed: reason }, done);
  }

  #inTurn(exchange: Exchange, verdict: FinalVerdict): void {
    exchange.forwardedAt ??= null;
    this.#decision = { exchange, verdict };
    this.#decide();
  }

  linkEnded(link: Link, exchange: Exchange | null, cut: Cut | null): void {
    if (link !== this.link) return;
    if (exchange !== null && exchange.status === null) {
      const where = cut === "head" ? "in the middle of its head" : "before it answered";
      this.host.failed(this, "upstream_closed", `the upstream closed the connection ${where}`);
      this.#upstreamLost(link, { reason: "upstream_closed", how: "fin" });
      return;
    }
    if (exchange !== null && cut !== null) {
      this.host.failed(
        this,
        "upstream_closed",
        `the upstream closed the connection in the middle of its ${cut}`,
      );
      exchange.end ??= "cut";
      this.downRun.flush();
      this.pumps?.downstream.end("fin");
      return;
    }
    if (exchange?.tunnel === true || this.#endsWithLink) {
      this.downRun.flush();
      this.pumps?.downstream.end("fin");
    } else {
      this.upstream.drop(link);
      this.upstream.prepare();
    }
  }

  /** Nobody waits for another upstream, or ever will: nothing is under way but perhaps a body that was answered early. */
  get #endsWithLink(): boolean {
    const [first] = this.queue;
    return first === undefined ? !this.host.pool.balances || this.#clientOver : first.answered;
  }

  /** It went without the answers to what was sent over it. */
  #upstreamLost(link: Link, lost: Lost): void {
    for (const { exchange, copy } of link.awaited) if (!copy) exchange.lost = lost;
    this.#failLost();
  }

  /** The next in turn is one that will not be answered. */
  #failLost(): void {
    const [first] = this.queue;
    if (first === undefined || first.lost === null || first.answered) return;
    this.#upstreamFailed(first, first.lost.reason, first.lost.how);
  }

  unreadable(link: Link, exchange: Exchange | null, text: string): boolean {
    // Behind the last answer to what was read come those to what was not.
    if (this.#relay?.open === true) return true;
    this.host.failed(this, "upstream_protocol", text);
    if (this.host.spec.ambiguous === "relay" && exchange !== null) {
      this.answering(exchange);
      exchange.tunnel = true;
      return true;
    }
    this.upstream.drop(link);
    link.socket.destroy();
    if (exchange !== null && exchange.clientStatus === null) {
      exchange.forwardedAt = null;
      const { persona } = this.host.spec;
      const answer = personaAnswer(persona, 502, { now: this.host.context.clock.wallTime(), why: "reset" });
      this.#inTurn(exchange, { ...answer, close: true });
    } else if (exchange !== null) {
      this.#end(exchange, { do: "reset" });
    }
    return false;
  }

  // -- bytes that are no HTTP ---------------------------------------------------------------------

  foreign(protocol: "tls" | "h2"): void {
    this.host.foreign(this, protocol);
    this.#passOn();
  }

  refused({ reason, offset }: Refusal): void {
    const { status, text } = REFUSALS[reason];
    this.host.failed(this, "client_protocol", `refused: ${text}, at byte ${offset} of what the client sent`);
    if (this.host.spec.ambiguous === "relay") {
      this.#passOn();
      return;
    }
    this.#plain = "unheard";
    const broken = this.requests.receiving;
    if (broken !== null && this.queue.includes(broken)) {
      // Its upstream waits for a rest that never comes, so it is no use waiting for its answer.
      this.#farewell = status;
      this.decided(broken, this.#refusalOf(broken, status));
      return;
    }
    this.host.tally.clientDone("", status, 0);
    this.#sayFarewell(status);
  }

  #refusalOf(exchange: Exchange, status: number): FinalVerdict {
    if (exchange.clientStatus !== null) return { do: "close" };
    const answer = personaAnswer("plain", status, { now: this.host.context.clock.wallTime() });
    return { ...answer, close: true };
  }

  /** From here on both directions are bytes, for good. Answers that are still to come are read first. */
  #passOn(): void {
    const relay = new Relay(this.byteFaults, this, this.host.streamFaults);
    this.#relay = relay;
    const begin = (): void => {
      const link = this.link;
      if (link === null) return;
      if (link.awaited.length === 0) link.opaque = true;
      for (const bytes of relay.begin()) this.up(bytes, "wire");
      this.upRun.flush();
      if (this.#clientOver) this.#passClientEnd();
    };
    if (this.upstream.isReady(this.link?.member ?? null)) begin();
    else this.upstream.whenReady(null, begin);
  }

  opaque(bytes: Buffer): void {
    if (this.#plain === "unheard") return;
    if (this.#relay?.open === false) this.#relay.keep(bytes);
    else if (this.link !== null) this.up(bytes, "wire");
  }

  /** Says what is wrong, behind all answers that are under way, and closes. */
  #sayFarewell(status: number): void {
    this.#farewell = status;
    if (this.queue.length > 0) return;
    const answer = personaAnswer("plain", status, { now: this.host.context.clock.wallTime() });
    this.downRun.flush();
    this.pumps?.downstream.data(farewell(answer));
    this.pumps?.downstream.cut({ do: "close" });
  }

  // -- the ends -----------------------------------------------------------------------------------

  protected override sourceOver(direction: Direction, socket: Socket): void {
    if (direction === "upstream") {
      this.upRun.flush();
      this.#clientFin = true;
      this.requests.end();
      this.leaveIfHanging();
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

  /**
   * A client that has ended its side may still want its answer. Where none will come, it has evidently left, and
   * would keep its place for as long as the fault is there.
   */
  leaveIfHanging(): void {
    const [first] = this.queue;
    if (!this.#clientFin || first?.faults?.hanging !== true || this.ended) return;
    this.#endKind = "client_left";
    if (first.detached && first.requestRead && this.link !== null) this.#leaveBehind(this.link);
    else this.severed({ do: "close" });
  }

  clientEnded(cut: Cut | null): void {
    this.#clientOver = true;
    if (cut !== null && this.link !== null) {
      const text = `the client ended the connection in the middle of a request's ${cut}`;
      this.host.failed(this, "client_protocol", text);
    }
    this.#passClientEnd();
  }

  #passClientEnd(): void {
    if (this.#relay?.open === false || this.upstream.awaited || this.#decision !== null) return;
    const [first] = this.queue;
    // The client may have left; whoever is detached from it does not hear of that.
    if (first?.detached === true && first.requestRead && !first.tunnel) return;
    this.upRun.flush();
    this.upstream.dropParked();
    if (this.link !== null) this.pumps?.upstream.end("fin");
    else if (this.queue.length === 0) this.severed({ do: "close" });
  }

  protected override sourceBroke(direction: Direction, socket: Socket): void {
    if (direction === "upstream") {
      this.#endKind = "client_left";
      this.downRun.flush();
      const [first] = this.queue;
      // Of a request that never comes to its end there is no work to go on with.
      if (first?.detached === true && first.requestRead && this.link !== null) {
        this.#leaveBehind(this.link);
        return;
      }
      this.pumps?.downstream.sinkLost();
      if (this.link === null) this.severed({ do: "reset" });
      else this.pumps?.upstream.end("reset");
      return;
    }
    const link = this.link;
    if (link?.socket === socket) this.#linkBroke(link);
    else this.upstream.left(socket, false);
  }

  /** The client has gone, and its upstream is to go on: with all of the request, of which byte faults may hold some. */
  #leaveBehind(link: Link): void {
    for (const { exchange } of link.awaited) exchange.leftBehind = exchange.detached;
    this.pumps?.downstream.sinkLost();
    this.pumps?.upstream.whenEmpty(() => {
      if (this.ended) return;
      if (this.link === link) this.upstream.letGo(link);
      this.severed({ do: "reset" });
    });
  }

  /** As if by an RST: of the upstream's, or of a fault's that cuts its connections. */
  #linkBroke(link: Link): void {
    const next = link.awaited[0];
    const exchange = next === undefined || next.copy || next.exchange.swallowing ? null : next.exchange;
    link.over = true;
    this.upstream.responses?.broke();
    if (exchange !== null && exchange.status === null && !link.opaque) {
      this.#upstreamLost(link, { reason: "upstream_reset", how: "reset" });
    } else if (exchange !== null || this.#endsWithLink || link.opaque) {
      if (exchange !== null) exchange.end ??= "cut";
      this.downRun.flush();
      this.pumps?.downstream.end("reset");
    } else {
      this.upstream.drop(link);
      this.upstream.prepare();
    }
  }

  override severed(how: Sever): void {
    this.#endKind ??= how.do === "reset" ? "reset" : "closed";
    this.#severedAt ??= this.host.context.clock.now();
    super.severed(how);
  }

  override retire(): void {
    this.#retiring = true;
    if (this.queue.length === 0 && this.pumps !== null) this.pumps.downstream.cut({ do: "close" });
  }

  protected override upstreams(): readonly Socket[] {
    return this.upstream.sockets;
  }

  protected override left(socket: Socket): void {
    this.upstream.left(socket, this.ended || this.queue.length === 0);
  }

  protected override stopped(): void {
    this.upstream.cancel();
    this.#headTimer?.cancel();
    this.#headTimer = null;
    this.#decision = null;
    for (const { faults } of this.queue) faults?.release();
  }

  protected override finished(): void {
    const at = this.#severedAt ?? this.host.context.clock.now();
    const down = this.pumps?.downstream;
    const whole = down?.bytesLost === 0 && down.bytesDropped === 0;
    if (whole) for (const exchange of this.#leaving) exchange.end ??= "complete";
    const unfinished = [...this.#leaving, ...this.queue];
    this.#leaving.clear();
    this.queue = [];
    this.#relay?.finished();
    if (this.#member !== null) this.#member.busy--;
    for (const exchange of unfinished) {
      giveBack(exchange);
      if (exchange.tunnel) exchange.end ??= "complete";
      else if (this.#endKind === "client_left") exchange.end ??= "client_left";
      exchange.end ??= exchange.clientStatus === null ? (this.#endKind ?? "closed") : "cut";
      this.#tell(exchange, at);
    }
  }

  override upstreamsChanged(pool: Pool): void {
    if (this.ended) return;
    for (const link of this.upstream.links) {
      const verdict = pool.existing(link.member);
      if (verdict.do === "drain") {
        link.draining = true;
        if (link !== this.link || link.awaited.length === 0) this.upstream.drop(link);
      } else if (verdict.do !== "pass") {
        this.guarded(() => {
          this.#cutLink(link, verdict);
        });
      }
    }
  }

  #cutLink(link: Link, { do: how }: Sever): void {
    if (how === "reset") resetSocket(link.socket);
    else link.socket.end();
    if (link === this.link) this.#linkBroke(link);
    else this.upstream.drop(link);
  }

  // -- faults come and go -------------------------------------------------------------------------

  protected override changed({ removed, added, assigned }: FaultChange): void {
    if (removed.size > 0) {
      this.byteFaults.lose(this.queue, removed);
      this.#relay?.lose(removed);
      for (const { faults } of [...this.queue]) faults?.removed(removed);
    }
    for (const armed of added) {
      if (this.ended || !this.host.streamFaults.includes(armed)) continue;
      for (const exchange of [...this.queue]) this.#hitLate(exchange, armed);
      this.#relay?.hit(armed);
    }
    if (assigned.size > 0) for (const { faults } of [...this.queue]) faults?.assigned(assigned);
    this.byteFaults.noteParts();
  }

  /** An exchange that is under way is hit by what has just come into force, from here on. */
  #hitLate(exchange: Exchange, armed: ArmedFault): void {
    if (armed.needsStatus && exchange.status === null) return;
    const hit = this.byteFaults.hit(exchange, armed);
    if (hit === null) return;
    const sending = this.requests.receiving === exchange && exchange.forwardedAt !== null;
    if (sending || exchange.tunnel) this.byteFaults.begin(exchange.passage, "upstream");
    if (this.#answering === exchange || exchange.tunnel)
      this.byteFaults.begin(exchange.passage, "downstream");
  }
}

/** Its upstream is no longer busy with it. */
function giveBack(exchange: Exchange): void {
  if (exchange.member === null || exchange.givenBack) return;
  exchange.givenBack = true;
  exchange.member.busy--;
}

export type { HttpHost } from "./channel.js";
