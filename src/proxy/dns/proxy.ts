/** A DNS proxy: answers from its own records, asks its upstream for the rest, and passes those answers on as they are. */
import type { RemoteInfo, Socket as UdpSocket } from "node:dgram";
import type { Socket } from "node:net";
import { clash, formatAddress } from "../../config/address.js";
import type { ConnectionFailure } from "../../core/events.js";
import type { Seam } from "../../faults/contract.js";
import type { ArmedFault, SubjectInfo } from "../../pipeline/armed.js";
import { changeOf } from "../../pipeline/bindings.js";
import { QueryFaults } from "../../pipeline/query.js";
import type { MatchValue } from "../../plan/value.js";
import type { PlaneContext } from "../context.js";
import type { ListenAddress } from "../port.js";
import type { Proxy, ProxyState, ProxyStats } from "../spec.js";
import type { Asking } from "./channel.js";
import { errorReply, rcodeName, rcodeOf, readQuery, typeName, type Query } from "./codec.js";
import { DnsPort } from "./port.js";
import { questionOf, RunningQuestion, sendable, type Asker, type QuestionHost } from "./question.js";
import { Answers } from "./answers.js";
import { RESOLV_CONF, type SystemFile } from "./servers.js";
import type { DnsProxySpec } from "./spec.js";
import { DnsStream, type StreamHost } from "./stream.js";
import { QueryTally } from "./tally.js";

const SEAMS_OF_DNS: ReadonlySet<Seam> = new Set(["listener", "query"]);
const UNREADABLE = "unreadable";

export class DnsProxy implements Proxy<DnsProxySpec>, QuestionHost, StreamHost {
  readonly protocol = "dns";
  readonly name: string;
  readonly seams = SEAMS_OF_DNS;
  readonly queries = new QueryTally();
  readonly #context: PlaneContext;
  readonly #systemFile: SystemFile;
  readonly #errors = new Map<ConnectionFailure, number>();
  readonly #bytesIn = { upstream: 0, downstream: 0 };
  readonly #bytesOut = { upstream: 0, downstream: 0 };
  readonly #streams = new Set<DnsStream>();
  /** Questions that faults act on. */
  readonly #running = new Set<RunningQuestion>();
  #spec: DnsProxySpec;
  #port: DnsPort;
  #answers: Answers;
  #faults: readonly ArmedFault[] = [];
  #queryFaults: readonly ArmedFault[] = [];
  #enabled = false;
  #asked = 0;
  #underWay = 0;
  #connectionsTotal = 0;
  #refused = false;
  #drained: (() => void) | null = null;

  constructor(spec: DnsProxySpec, context: PlaneContext, systemFile: SystemFile = RESOLV_CONF) {
    this.#spec = spec;
    this.name = spec.name;
    this.#context = context;
    this.#systemFile = systemFile;
    this.#port = this.#portOn(spec.listen);
    this.#answers = this.#answersOf(spec);
  }

  #portOn(address: ListenAddress): DnsPort {
    return new DnsPort({
      name: this.name,
      address,
      context: this.#context,
      onMessage: (message, from, socket) => {
        this.#received(message, from, socket);
      },
      onConnection: (socket) => {
        this.#accepted(socket);
      },
    });
  }

  #answersOf(spec: DnsProxySpec): Answers {
    return new Answers(spec, this.#context, () => this.address, this.#systemFile, {
      sent: (bytes) => {
        this.#bytesOut.upstream += bytes;
      },
      received: (bytes) => {
        this.#bytesIn.downstream += bytes;
      },
      failed: (reason, text) => {
        this.#failed(reason, "", text);
      },
    });
  }

  // -- what can be asked of any proxy -------------------------------------------------------------

  get spec(): DnsProxySpec {
    return this.#spec;
  }

  get clock(): PlaneContext["clock"] {
    return this.#context.clock;
  }

  get except(): readonly MatchValue[] {
    return this.#spec.except;
  }

  get faults(): readonly ArmedFault[] {
    return this.#faults;
  }

  get state(): ProxyState {
    return this.#enabled ? this.#port.state : "stopped";
  }

  get enabled(): boolean {
    return this.#enabled;
  }

  get address(): ListenAddress {
    return this.#port.bound ?? this.#spec.listen;
  }

  get listenText(): string {
    const { bound } = this.#port;
    if (bound !== null) return formatAddress(bound);
    return this.#spec.given?.listen ?? formatAddress(this.#spec.listen);
  }

  get upstreamText(): string {
    return `dns://${this.#server}`;
  }

  get upstreamGiven(): string {
    return this.#spec.given?.upstream ?? this.#server;
  }

  get #server(): string {
    const { source, upstream } = this.#spec;
    return source === "server" ? formatAddress(upstream) : source;
  }

  get stats(): ProxyStats {
    return {
      connectionsTotal: this.#connectionsTotal,
      connectionsActive: this.#streams.size,
      errors: this.#errors,
      bytesIn: { ...this.#bytesIn },
      bytesOut: { ...this.#bytesOut },
    };
  }

  async start(): Promise<void> {
    this.#enabled = true;
    try {
      await this.#port.start(this.#wantsToListen());
    } catch (error) {
      this.#enabled = false;
      throw error;
    }
    this.#port.want(this.#wantsToListen());
    this.#tellStarted();
  }

  #tellStarted(): void {
    const { listenText: listen, upstreamText: upstream } = this;
    this.#context.facts.tell({ kind: "proxy_started", proxy: this.name, listen, upstream });
  }

  /** Questions under way are answered as they would have been. Throws SQ_LISTEN_FAILED. */
  async reconfigure(spec: DnsProxySpec): Promise<void> {
    const { listen, source, upstream, records } = this.#spec;
    if (listen.host !== spec.listen.host || listen.port !== spec.listen.port) await this.#moveTo(spec.listen);
    this.#spec = spec;
    if (
      JSON.stringify([source, upstream, records]) ===
      JSON.stringify([spec.source, spec.upstream, spec.records])
    )
      return;
    this.#answers.retire();
    this.#answers = this.#answersOf(spec);
  }

  async restart(spec: DnsProxySpec): Promise<void> {
    await this.reconfigure(spec);
    if (!this.#enabled) return;
    this.#end();
    this.#context.facts.tell({ kind: "proxy_stopped", proxy: this.name });
    this.#tellStarted();
  }

  async #moveTo(address: ListenAddress): Promise<void> {
    const old = this.#port;
    const next = this.#portOn(address);
    if (this.#enabled) {
      const first = old.bound !== null && clash(old.bound, address);
      if (first) old.stop();
      try {
        await next.start(this.#wantsToListen());
      } catch (error) {
        if (first && this.#enabled) await old.resume(this.#wantsToListen());
        throw error;
      }
      if (!this.#enabled) next.stop();
      next.want(this.#wantsToListen());
      old.stop();
    }
    this.#port = next;
  }

  stop(): void {
    if (!this.#enabled) return;
    this.#enabled = false;
    this.#port.stop();
    this.#end();
    // Whoever waits for an upstream hears nothing more.
    this.#answers.close();
    this.#answers = this.#answersOf(this.#spec);
    this.#underWay = 0;
    this.#context.facts.tell({ kind: "proxy_stopped", proxy: this.name });
  }

  /** No connection and no question outlives this. */
  #end(): void {
    for (const stream of [...this.#streams]) stream.destroy();
    for (const question of [...this.#running]) {
      question.cancel();
      this.over(question, null);
    }
  }

  /** UDP answers need the socket, so it closes last. */
  drain(deadline: number): Promise<number> {
    for (const stream of [...this.#streams]) stream.retire();
    const over = (closed: number): number => {
      this.stop();
      return closed;
    };
    if (this.#quiet) return Promise.resolve(over(0));
    return new Promise((resolve) => {
      const timer = this.clock.at(deadline, () => {
        this.#drained = null;
        resolve(over(this.#streams.size));
      });
      this.#drained = () => {
        this.#drained = null;
        timer.cancel();
        // A datagram leaves a moment after it was sent, and would be lost with its socket.
        setImmediate(() => {
          resolve(over(0));
        });
      };
    });
  }

  get #quiet(): boolean {
    return this.#underWay === 0 && this.#streams.size === 0;
  }

  // -- the plan -----------------------------------------------------------------------------------

  apply(faults: readonly ArmedFault[], assigned: ReadonlySet<ArmedFault>): void {
    const change = changeOf(this.#faults, faults, assigned);
    if (change === null) return;
    this.#faults = change.faults;
    this.#queryFaults = change.faults.filter(({ type }) => type.query !== undefined);
    const wanted = this.#wantsToListen();
    if (this.#enabled) this.#port.want(wanted);
    if (!wanted) for (const stream of [...this.#streams]) stream.sever({ do: "reset" });
    for (const question of [...this.#running]) {
      question.removed(change.removed);
      question.assigned(change.assigned);
    }
  }

  #wantsToListen(): boolean {
    return this.#faults.every((fault) => fault.listener?.listening() ?? true);
  }

  // -- questions ----------------------------------------------------------------------------------

  #received(message: Buffer, { address, port }: RemoteInfo, socket: UdpSocket): void {
    this.#ask(message, {
      transport: "udp",
      address: plain(address),
      answer: (reply) => {
        this.#bytesOut.downstream += reply.length;
        // The port may have closed while the question was under way.
        try {
          socket.send(reply, port, address, ignored);
        } catch {
          return;
        }
      },
      sever: () => undefined,
    });
  }

  #accepted(socket: Socket): void {
    this.#connectionsTotal++;
    const { slots } = this.#context;
    const address = plain(socket.remoteAddress ?? "");
    if (this.#streams.size >= this.#spec.connections || !slots.take()) {
      this.#failed("connection_limit", address, "too many connections");
      socket.resetAndDestroy();
      return;
    }
    this.#streams.add(new DnsStream(this, socket, address));
  }

  closed(stream: DnsStream): void {
    this.#streams.delete(stream);
    this.#context.slots.give();
    for (const question of [...this.#running]) {
      if (question.asker !== stream) continue;
      question.cancel();
      this.over(question, null);
    }
    this.#settle();
  }

  asked(message: Buffer, stream: DnsStream): void {
    this.#ask(message, stream);
  }

  #ask(message: Buffer, asker: Asker): void {
    this.#bytesIn.upstream += message.length;
    const query = readQuery(message);
    if ("unreadable" in query) {
      const { unreadable } = query;
      if (unreadable !== null) asker.answer(errorReply(unreadable));
      this.#count(asker, UNREADABLE, unreadable === null ? null : rcodeName(unreadable.rcode));
      return;
    }
    if (this.#underWay >= this.#spec.queries) {
      this.#overloaded();
      this.#count(asker, typeName(query.type), null);
      return;
    }
    this.#underWay++;
    this.#asked++;
    const faults = this.#queryFaults.length === 0 ? null : this.#hit(query, asker);
    if (faults === null) {
      this.resolve(query, asker, (reply) => {
        if (reply !== null) asker.answer(sendable(query, asker.transport, reply));
        this.#done(query, asker, reply === null ? null : rcodeName(rcodeOf(reply)));
      });
      return;
    }
    const question = new RunningQuestion(this, query, asker, faults);
    this.#running.add(question);
    question.begin();
  }

  #hit(query: Query, asker: Asker): QueryFaults | null {
    const question = questionOf(query, asker);
    const subject: SubjectInfo = {
      bot: asker.address,
      client: asker.address,
      connection: this.#asked,
      query: question,
    };
    return QueryFaults.of(this.#queryFaults, subject, question, this.clock, (error) => {
      this.#context.facts.tell({ kind: "mistake", where: `a question to ${this.name}`, error });
    });
  }

  resolve(query: Query, asker: Asker, done: (reply: Buffer | null) => void): Asking | null {
    return this.#answers.find(query, asker.transport === "tcp", done);
  }

  over(question: RunningQuestion, rcode: string | null): void {
    if (!this.#running.delete(question)) return;
    this.#done(question.query, question.asker, rcode);
  }

  #done(query: Query, asker: Asker, rcode: string | null): void {
    this.#underWay--;
    if (this.#refused && this.#underWay < this.#spec.queries / 2) this.#refused = false;
    this.#count(asker, typeName(query.type), rcode);
    this.#settle();
  }

  #count(asker: Asker, qtype: string, rcode: string | null): void {
    this.queries.add(qtype, rcode);
    if (asker instanceof DnsStream) asker.done(rcode !== null);
  }

  #settle(): void {
    if (this.#drained !== null && this.#quiet) this.#drained();
  }

  #overloaded(): void {
    if (this.#refused) return;
    this.#refused = true;
    const value = this.#spec.queries;
    this.#context.facts.tell({ kind: "limit_reached", proxy: this.name, limit: "queries", value });
  }

  #failed(reason: ConnectionFailure, client: string, text: string): void {
    this.#errors.set(reason, (this.#errors.get(reason) ?? 0) + 1);
    const connection = this.#connectionsTotal;
    this.#context.facts.tell({
      kind: "connection_failed",
      proxy: this.name,
      connection,
      client,
      reason,
      text,
    });
  }
}

/** An IPv4 client of a dual-stack socket arrives as ::ffff:a.b.c.d. */
function plain(address: string): string {
  return address.startsWith("::ffff:") ? address.slice(7) : address;
}

/** Whom a datagram does not reach must ask again. */
function ignored(): void {
  return undefined;
}
