/** A DNS proxy: answers from its own records, asks its upstream for the rest, and passes those answers on as they are. */
import type { RemoteInfo } from "node:dgram";
import type { Socket } from "node:net";
import { formatAddress } from "../../config/address.js";
import { contained, type Owner } from "../../core/containment.js";
import type { ConnectionFailure } from "../../core/events.js";
import { Roster } from "../../core/roster.js";
import type { ArmedFault } from "../../pipeline/armed.js";
import type { SubjectInfo } from "../../pipeline/subject-info.js";
import type { FaultChange } from "../../pipeline/bindings.js";
import { QueryFaults } from "../../pipeline/query.js";
import type { PlaneContext } from "../context.js";
import { ListeningProxy } from "../listening-proxy.js";
import { seamsOf } from "../seams.js";
import { clientAddress, type ListenAddress } from "../port.js";
import type { ProxyStats } from "../spec.js";
import type { Asking } from "./channel.js";
import { errorReply, rcodeName, rcodeOf, readQuery, typeName, type Query } from "./codec.js";
import { Neighbours } from "./neighbours.js";
import type { DatagramSocket } from "../sockets/datagram.js";
import { DnsPort } from "./port.js";
import { questionOf, RunningQuestion, sendable, type Asker, type QuestionHost } from "./question.js";
import { Answers } from "./answers.js";
import { RESOLV_CONF, type SystemFile } from "./servers.js";
import type { DnsProxySpec } from "./spec.js";
import { DnsStream, type StreamHost } from "./stream.js";
import { endQuestion, seesAsking, seesReply, watchedQuestion, type QuestionRecord } from "./watching.js";
import { QueryTally } from "./tally.js";

const UNREADABLE = "unreadable";

export class DnsProxy extends ListeningProxy<DnsProxySpec, DnsPort> implements QuestionHost, StreamHost {
  readonly protocol = "dns";
  readonly seams = seamsOf({ protocol: "dns" });
  readonly queries = new QueryTally();
  readonly #systemFile: SystemFile;
  readonly #neighbours: Pick<Neighbours, "isStranger">;
  readonly #bytesIn = { upstream: 0, downstream: 0 };
  readonly #bytesOut = { upstream: 0, downstream: 0 };
  readonly #streams = new Roster<DnsStream>();
  /** Questions that faults act on. */
  readonly #running = new Roster<RunningQuestion>();
  #answers: Answers;
  #queryFaults: readonly ArmedFault[] = [];
  #asked = 0;
  #underWay = 0;
  #connectionsTotal = 0;
  #refused = false;
  #drained: (() => void) | null = null;

  constructor(
    spec: DnsProxySpec,
    context: PlaneContext,
    systemFile: SystemFile = RESOLV_CONF,
    neighbours: Pick<Neighbours, "isStranger"> = new Neighbours(context.clock),
  ) {
    super(spec, context);
    this.#neighbours = neighbours;
    this.#systemFile = systemFile;
    this.#answers = this.#answersOf(spec);
  }

  protected override portOn(address: ListenAddress): DnsPort {
    return new DnsPort({
      name: this.name,
      address,
      context: this.context,
      onMessage: contained(this.mistakes, (message, from, socket) => {
        this.#received(message, from, socket);
      }),
      onConnection: (socket) => {
        try {
          this.#accepted(socket);
        } catch (error) {
          socket.destroy();
          this.mistakes.failed(error);
        }
      },
    });
  }

  #answersOf(spec: DnsProxySpec): Answers {
    return new Answers(spec, this.context, () => this.address, this.#systemFile, {
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

  get clock(): PlaneContext["clock"] {
    return this.context.clock;
  }

  override get upstreamText(): string {
    return `dns://${this.#server}`;
  }

  get #server(): string {
    const { source, upstream } = this.spec;
    return source === "server" ? formatAddress(upstream) : source;
  }

  override get stats(): ProxyStats {
    return {
      connectionsTotal: this.#connectionsTotal,
      connectionsActive: this.#streams.size,
      errors: this.errors,
      bytesIn: { ...this.#bytesIn },
      bytesOut: { ...this.#bytesOut },
    };
  }

  /** Questions under way are answered as they would have been. */
  protected override reconfigured({ source, upstream, records }: DnsProxySpec): void {
    const now = [this.spec.source, this.spec.upstream, this.spec.records];
    if (JSON.stringify([source, upstream, records]) === JSON.stringify(now)) return;
    this.#answers.retire();
    this.#answers = this.#answersOf(this.spec);
  }

  protected override stopped(): void {
    // Whoever waits for an upstream hears nothing more.
    this.#answers.close();
    this.#answers = this.#answersOf(this.spec);
    this.#underWay = 0;
  }

  /** No connection and no question outlives this. */
  protected override closeClients(): void {
    for (const stream of this.#streams) stream.destroy();
    for (const question of this.#running) {
      question.cancel();
      this.over(question, null);
    }
  }

  /** UDP answers need the socket, so it closes last. */
  override drain(deadline: number): Promise<number> {
    for (const stream of this.#streams) stream.retire();
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

  protected override faultsChanged({ faults }: FaultChange): void {
    this.#queryFaults = faults.filter(({ type }) => type.query !== undefined);
  }

  protected override tellClients({ removed, assigned }: FaultChange): void {
    if (!this.wantsToListen) for (const stream of this.#streams) stream.sever({ do: "reset" });
    for (const question of this.#running)
      contained(question.owner, () => {
        question.removed(removed);
        question.assigned(assigned);
      })();
  }

  // -- questions ----------------------------------------------------------------------------------

  #received(message: Buffer, { address, port }: RemoteInfo, socket: DatagramSocket): void {
    this.#ask(message, {
      transport: "udp",
      address: clientAddress(address),
      answer: (reply) => {
        this.#bytesOut.downstream += reply.length;
        socket.send(reply, port, address);
      },
      sever: () => undefined,
    });
  }

  #accepted(socket: Socket): void {
    this.#connectionsTotal++;
    const { slots, descriptors } = this.context;
    const address = clientAddress(socket.remoteAddress ?? "");
    if (descriptors?.isReserved(socket) === true) {
      this.#failed("descriptor_limit", address, "no descriptor is left for a client");
      socket.resetAndDestroy();
      return;
    }
    if (this.#streams.size >= this.spec.connections || !slots.take()) {
      this.#failed("connection_limit", address, "too many connections");
      socket.resetAndDestroy();
      return;
    }
    const stream = new DnsStream(this, socket, address);
    stream.seat = this.#streams.enter(stream);
  }

  closed(stream: DnsStream): void {
    stream.seat?.leave();
    stream.seat = null;
    this.context.slots.give();
    for (const question of this.#running) {
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
    this.context.overdue?.look();
    this.#bytesIn.upstream += message.length;
    const read = readQuery(message);
    if ("unreadable" in read) {
      const { unreadable } = read;
      if (unreadable !== null) asker.answer(errorReply(unreadable));
      this.#count(asker, UNREADABLE, unreadable === null ? null : rcodeName(unreadable.rcode));
      return;
    }
    const short = asker.transport === "udp" && this.#neighbours.isStranger(asker.address);
    const query = short ? { ...read, udpBytes: message.length } : read;
    if (this.#underWay >= this.spec.queries) {
      this.#overloaded();
      this.#count(asker, typeName(query.type), null);
      this.#tell(query, asker, null, this.#recordOf(this.#asked, query, asker));
      return;
    }
    this.#underWay++;
    this.#asked++;
    const record = this.#recordOf(this.#asked, query, asker);
    let running: RunningQuestion | null = null;
    let open = true;
    const done = (rcode: string | null): void => {
      if (open) this.#done(query, asker, rcode, record);
      open = false;
    };
    const owner: Owner = {
      failed: (error) => {
        this.mistakes.failed(error);
        if (running === null) {
          done(null);
          return;
        }
        running.cancel();
        this.over(running, null);
      },
    };
    contained(owner, () => {
      const faults = this.#queryFaults.length === 0 ? null : this.#hit(query, asker, owner, record);
      if (faults !== null) {
        running = new RunningQuestion(this, query, asker, faults, owner, record);
        running.seat = this.#running.enter(running);
        running.begin();
        return;
      }
      const sight = record?.sight ?? null;
      if (sight !== null) seesAsking(sight);
      const answered = contained(owner, (reply: Buffer | null) => {
        if (sight !== null) seesReply(sight, reply);
        if (reply !== null) asker.answer(sendable(query, asker.transport, reply));
        done(reply === null ? null : rcodeName(rcodeOf(reply)));
      });
      this.resolve(query, asker, answered);
    })();
  }

  #recordOf(id: number, query: Query, asker: Asker): QuestionRecord | null {
    const { facts, clock, watch } = this.context;
    const watcher = watch?.watcher ?? null;
    if (watcher !== null) return watchedQuestion(watcher, id, questionOf(query, asker), this);
    return facts.recording === true ? { id, at: clock.now(), faults: [], dealings: null, sight: null } : null;
  }

  #tell(query: Query, asker: Asker, rcode: string | null, record: QuestionRecord | null): void {
    if (record === null) return;
    if (record.dealings !== null) endQuestion(record, record.dealings, rcode, this.clock.now());
    if (this.context.facts.recording !== true) return;
    const { bot, ...asked } = questionOf(query, asker);
    this.context.facts.tell({
      kind: "query_over",
      proxy: this.name,
      bot,
      connection: record.id,
      query: asked,
      rcode,
      faults: record.faults,
      seen: { at: record.at, over: this.clock.now() },
    });
  }

  #hit(query: Query, asker: Asker, owner: Owner, record: QuestionRecord | null): QueryFaults | null {
    const question = questionOf(query, asker);
    const subject: SubjectInfo = {
      bot: asker.address,
      client: asker.address,
      connection: this.#asked,
      query: question,
      ...(record === null
        ? {}
        : {
            sight: record.sight,
            struck: (fault) => {
              noteOnce(record.faults, fault);
            },
          }),
    };
    const tell = (error: unknown): void => {
      this.context.facts.tell({ kind: "mistake", where: `a question to ${this.name}`, error });
    };
    return QueryFaults.of(this.#queryFaults, subject, question, this.clock, tell, owner);
  }

  resolve(query: Query, asker: Asker, done: (reply: Buffer | null) => void): Asking | null {
    return this.#answers.find(query, asker.transport === "tcp", done);
  }

  over(question: RunningQuestion, rcode: string | null): void {
    if (question.seat === null) return;
    question.seat.leave();
    question.seat = null;
    this.#done(question.query, question.asker, rcode, question.record);
  }

  #done(query: Query, asker: Asker, rcode: string | null, record: QuestionRecord | null): void {
    this.#tell(query, asker, rcode, record);
    this.#underWay--;
    if (this.#refused && this.#underWay < this.spec.queries / 2) this.#refused = false;
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
    const value = this.spec.queries;
    this.context.facts.tell({ kind: "limit_reached", proxy: this.name, limit: "queries", value });
  }

  #failed(reason: ConnectionFailure, client: string, text: string): void {
    this.count(reason);
    this.tellFailed(reason, this.#connectionsTotal, client, text);
  }
}

function noteOnce(names: string[], name: string): void {
  if (!names.includes(name)) names.push(name);
}
