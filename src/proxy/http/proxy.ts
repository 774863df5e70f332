/** An HTTP proxy: understands exchanges, and passes on byte for byte what no fault touches. */
import type { Socket } from "node:net";
import type { Millis, Timer } from "../../core/clock.js";
import { contained } from "../../core/containment.js";
import { formatAddress } from "../../config/address.js";
import type { Seam } from "../../faults/contract/index.js";
import { aboutExchanges } from "../../faults/subjects.js";
import type { ArmedFault } from "../../pipeline/armed.js";
import { nameOf } from "../../pipeline/subject.js";
import type { FaultChange } from "../../pipeline/bindings.js";
import { type Connection, type Origin } from "../connection.js";
import { adoptUpstream, own, takeFromUpstream } from "../socket-owner.js";
import type { PlaneContext } from "../context.js";
import { StreamProxy } from "../stream-proxy.js";
import type { Dialling, Endpoint, TlsOptions } from "../upstream/dial.js";
import type { Reached } from "../upstream/reach.js";
import { HttpConnection, type HttpHost } from "./connection.js";
import { namingOf, type Naming } from "./naming.js";
import { Detached, DETACHED_MAX, NOBODY } from "./detached.js";
import type { Exchange } from "./exchange.js";
import { compileIdentify, type Identify } from "./identify.js";
import { DEFAULT_LIMITS, type CodecLimits } from "./limits.js";
import { Link } from "./link.js";
import { farewell } from "./local-answer.js";
import { askedBy } from "./response-reader.js";
import { seamsOf } from "../seams.js";
import { beginConnection, endConnection } from "../watched-connection.js";
import { endWatched, seesAnswer } from "./watching.js";
import { Sites } from "./sites.js";
import type { HttpProxySpec } from "./spec.js";
import type { Unattended } from "../spec.js";
import { ExchangeTally } from "./tally.js";

const HTTP_1_1: readonly string[] = ["http/1.1"];
/** For a client that speaks plain HTTP where TLS is spoken. */
const PLAIN_ANSWER = farewell({
  do: "answer",
  head: { status: 400, reason: "Bad Request", fields: [["content-type", "text/plain; charset=utf-8"]] },
  body: Buffer.from("This port speaks HTTPS, and the request came without TLS.\n"),
});
/** W3C Trace Context 3.2: version, trace-id, parent-id, flags. */
const TRACEPARENT = /^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}/u;

export class HttpProxy extends StreamProxy<HttpProxySpec, HttpConnection> implements HttpHost {
  readonly protocol = "http";
  readonly exchanges = new ExchangeTally();
  readonly sites = new Sites();
  readonly #detached = new Set<Detached>();
  readonly #dialling = new Set<Dialling>();
  /** What is to be done later, with its timer. */
  readonly #later = new Map<() => void, Timer>();
  #identify: Identify;
  #exchangeFaults: readonly ArmedFault[] = [];
  #streamFaults: readonly ArmedFault[] = [];
  #limits: CodecLimits;
  #naming: Naming | null;

  constructor(spec: HttpProxySpec, context: PlaneContext) {
    super(spec, context);
    this.#identify = compileIdentify(spec.identify, spec.salt);
    this.#limits = { ...DEFAULT_LIMITS, headBytes: spec.headBytes };
    this.#naming = namingOf(spec, spec.tls !== null);
  }

  get seams(): ReadonlySet<Seam> {
    return seamsOf(this.spec);
  }

  override get plainAnswer(): Buffer {
    return PLAIN_ANSWER;
  }

  override get upstreamText(): string {
    const scheme = this.spec.tls === null ? "http" : "https";
    const members = this.spec.pool?.members ?? [this.spec.upstream];
    return members.map((member) => `${scheme}://${formatAddress(member)}`).join(", ");
  }

  get tally(): ExchangeTally {
    return this.exchanges;
  }

  get identify(): Identify {
    return this.#identify;
  }

  get naming(): Naming | null {
    return this.#naming;
  }

  get limits(): CodecLimits {
    return this.#limits;
  }

  get exchangeFaults(): readonly ArmedFault[] {
    return this.#exchangeFaults;
  }

  get streamFaults(): readonly ArmedFault[] {
    return this.#streamFaults;
  }

  protected override reconfigured(before: HttpProxySpec): void {
    const { identify, salt, headBytes } = this.spec;
    this.#identify = compileIdentify(identify, salt);
    this.#limits = { ...DEFAULT_LIMITS, headBytes };
    this.#naming = namingOf(this.spec, this.spec.tls !== null);
    super.reconfigured(before);
  }

  protected override stopped(): void {
    super.stopped();
    for (const [run, timer] of this.#later) {
      timer.cancel();
      run();
    }
    this.#later.clear();
    for (const dialling of this.#dialling) dialling.cancel();
    this.#dialling.clear();
    for (const detached of [...this.#detached]) detached.destroy();
  }

  protected override connect(socket: Socket, origin: Origin): HttpConnection {
    const connection = new HttpConnection(this, socket, origin);
    const watcher = this.context.watch?.watcher ?? null;
    if (watcher !== null) connection.ownSight = beginConnection(watcher, this.name, connection);
    return connection;
  }

  protected override told(connection: HttpConnection): void {
    const { ownSight } = connection;
    if (ownSight === null) return;
    endConnection(ownSight, connection);
    this.context.watch?.watcher?.connectionOver(ownSight);
  }

  protected override faultsChanged(change: FaultChange): void {
    this.#exchangeFaults = this.faults.filter(({ type }) => type.exchange !== undefined);
    this.#streamFaults = this.faults.filter(
      ({ type, at }) => type.stream !== undefined && type.exchange === undefined && aboutExchanges(type, at),
    );
    this.sites.known(this.faults.flatMap(({ paths }) => paths));
    super.faultsChanged(change);
  }

  /** Faults are about to be switched on, or were healed. */
  beginsAnew(): void {
    this.sites.anew();
  }

  get unattended(): Unattended {
    return { copies: this.#later.size, open: this.#dialling.size + this.#detached.size };
  }

  nextExchange(): number {
    return ++this.exchanges.requests;
  }

  protected override checkedAs(endpoint: Endpoint): string | null {
    return this.#naming?.nameFor(endpoint) ?? null;
  }

  protected override get tls(): TlsOptions | null {
    const tls = super.tls;
    return tls === null ? null : { alpn: HTTP_1_1, ...tls };
  }

  adopt(link: Link, over: () => void): void {
    if (this.#detached.size >= DETACHED_MAX) {
      own(link.socket, NOBODY);
      link.socket.destroy();
      over();
      return;
    }
    const detached = new Detached(link, {
      clock: this.context.clock,
      mistakes: this.mistakes,
      answered: (exchange, head, copy) => {
        const { status } = head;
        const millis = this.context.clock.now() - (exchange.forwardedAt ?? exchange.startedAt);
        if (!copy) {
          exchange.status = status;
          exchange.upstreamMillis = millis;
          exchange.witness?.answer(head, this.context.clock.wallTime());
          if (exchange.sight !== null) {
            exchange.sight.answers(status);
            seesAnswer(exchange.sight, head, this.context.clock.wallTime());
          }
        }
        this.exchanges.upstreamAnswered(status, millis);
      },
      over: () => {
        this.#detached.delete(detached);
        over();
      },
    });
    this.#detached.add(detached);
    detached.begin();
  }

  later(wait: Millis, run: () => void): void {
    const { clock } = this.context;
    const contents = contained(this.mistakes, run);
    const timer = clock.at(clock.now() + wait, () => {
      this.#later.delete(contents);
      contents();
    });
    this.#later.set(contents, timer);
  }

  sendCopy(exchange: Exchange, bytes: Buffer): void {
    if (!this.enabled || this.#detached.size + this.#dialling.size >= DETACHED_MAX) return;
    const { member } = exchange;
    if (member === null) return;
    const reached = (result: Reached): void => {
      this.#dialling.delete(dialling);
      if ("verdict" in result) return;
      if ("reason" in result) {
        if (result.injected === true) return;
        this.context.facts.tell({
          kind: "connection_failed",
          proxy: this.name,
          connection: exchange.connection,
          client: exchange.client,
          reason: result.reason,
          text: `a copy of ${exchange.method} ${exchange.path} could not be sent: ${result.text}`,
        });
        return;
      }
      const link = new Link(member, result, this.#limits);
      link.expect(exchange, askedBy(exchange.head), true);
      if (exchange.sight !== null) exchange.sight.copies++;
      this.exchanges.upstreamSent();
      adoptUpstream(result, NOBODY);
      this.adopt(link, () => undefined);
      result.write(bytes);
    };
    const dialling = this.reach(member, exchange, takeFromUpstream, reached, this.mistakes);
    this.#dialling.add(dialling);
  }

  exchangeOver(exchange: Exchange, millis: number): void {
    this.exchanges.clientDone(exchange.method, exchange.clientStatus, millis);
    const faults = exchange.hits;
    if (exchange.dealings !== null) endWatched(exchange, exchange.dealings, this, faults.length > 0);
    if (faults.length === 0 && exchange.witness === null) return;
    const parent = exchange.header("traceparent");
    const trace = parent === undefined ? undefined : TRACEPARENT.exec(parent)?.[1];
    this.context.facts.tell({
      kind: "exchange_over",
      proxy: this.name,
      connection: exchange.connection,
      bot: exchange.bot,
      exchange: nameOf(exchange),
      upstream: exchange.upstream,
      faults,
      upstream_status: exchange.status,
      upstream_ms: exchange.upstreamMillis,
      client_status: exchange.clientStatus,
      client_ms: millis,
      end: exchange.end ?? "complete",
      trace,
      seen: exchange.witness?.seen(exchange, exchange.startedAt + millis),
    });
  }

  opaque({ connection, client }: Connection, protocol: string, exchange: Exchange | null): void {
    this.context.facts.tell({
      kind: "opaque_connection",
      proxy: this.name,
      connection,
      client,
      protocol,
      ...(exchange === null
        ? {}
        : {
            bot: exchange.bot,
            exchange: nameOf(exchange),
          }),
    });
  }
}
