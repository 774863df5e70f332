/**
 * A flow: what one client's address and port exchange with the upstream. It has an upstream socket of its own, connected,
 * so that the kernel lets answers by from nowhere else, and tells when nobody listens there.
 */
import type { RemoteInfo } from "node:dgram";
import type { Millis } from "../../core/clock.js";
import { contained } from "../../core/containment.js";
import type { ConnectionFailure } from "../../core/events.js";
import type { Direction } from "../../faults/contract/index.js";
import type { ArmedFault } from "../../pipeline/armed.js";
import type { Sight } from "../../pipeline/sight.js";
import type { Dealings } from "../../pipeline/dealings.js";
import { costOf, DatagramPath, type PathOwner } from "../../pipeline/datagram.js";
import type { PlaneContext } from "../context.js";
import { isLocalLack, lackOf } from "../local-lacks.js";
import { clientAddress } from "../port.js";
import type { Listed } from "./flows.js";
import { DatagramSocket, type Sent } from "../sockets/datagram.js";
import type { DatagramLoss, DatagramTally } from "./tally.js";
import { seesDatagram } from "./watching.js";
import type { Found, Target } from "./target.js";

/** What may wait for the upstream's name to be resolved, within the budget for held bytes. */
const WAITING_BYTES_MAX = 1024 * 1024;

export interface FlowHost {
  readonly context: PlaneContext;
  readonly tally: DatagramTally;
  readonly faults: readonly ArmedFault[];
  /** Where its upstream is, as it is configured now. */
  readonly target: Target;
  reply(flow: Flow, payload: Buffer): Sent;
  used(flow: Flow): void;
  answered(flow: Flow): void;
  /** `news` is false if that was told of this flow before. */
  failed(flow: Flow, reason: ConnectionFailure, text: string, news: boolean): void;
  over(flow: Flow): void;
}

const REASONS: Readonly<Record<string, ConnectionFailure>> = {
  ECONNREFUSED: "upstream_refused",
  EHOSTUNREACH: "upstream_unreachable",
  ENETUNREACH: "upstream_unreachable",
  ENETDOWN: "upstream_unreachable",
  EHOSTDOWN: "upstream_unreachable",
  EADDRNOTAVAIL: "upstream_unreachable",
  EAFNOSUPPORT: "upstream_unreachable",
};
/** Nobody is at that address, or there is no way to it: another one may do. */
const NOBODY_THERE: ReadonlySet<ConnectionFailure> = new Set(["upstream_refused", "upstream_unreachable"]);
/** A flow that has been answered stays where it is over a restart, but not for good. */
const REFUSALS_MAX = 3;
/** Addresses that a flow tries before its first datagram leaves. */
const TRIES_MAX = 4;

export class Flow implements Listed, PathOwner {
  readonly key: string;
  readonly connection: number;
  readonly client: string;
  readonly port: number;
  /** As the kernel writes it, for answers. */
  readonly address: string;
  readonly beganAt: Millis;
  usedAt: Millis;
  answered = false;
  /** Datagrams that were delivered. */
  readonly delivered: Record<Direction, number> = { upstream: 0, downstream: 0 };
  /** The names of the faults that acted on it. */
  readonly hits: string[] = [];
  /** What its client does on this proxy, and what is seen of it; null unless it began while somebody watched. */
  dealings: Dealings | null = null;
  sight: Sight | null = null;
  before: Listed | null = null;
  behind: Listed | null = null;
  readonly path: DatagramPath;
  readonly #host: FlowHost;
  readonly #target: Target;
  #socket: DatagramSocket | null = null;
  /** Where the socket is connected, or about to be. */
  #upstream: string | null = null;
  /** A fault sent it there: if nobody is there, that is the fault's doing. */
  #misled = false;
  #connected = false;
  /** In a row, without an answer between them. */
  #refusals = 0;
  #tries = 0;
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #over = false;
  /** What has been told of it: an upstream that is away may refuse each of its datagrams. */
  readonly #told = new Set<ConnectionFailure>();

  constructor(host: FlowHost, id: number, key: string, { address, port }: RemoteInfo) {
    this.key = key;
    this.connection = id;
    this.address = address;
    this.client = clientAddress(address);
    this.port = port;
    const { clock, budget } = host.context;
    this.beganAt = this.usedAt = clock.now();
    this.#host = host;
    this.#target = host.target;
    this.path = new DatagramPath({ owner: this, clock, budget }, host.faults);
  }

  get bot(): string {
    return this.client;
  }

  struck(fault: string): void {
    if (!this.hits.includes(fault)) this.hits.push(fault);
  }

  fromClient(payload: Buffer): void {
    this.sight?.requestEnds();
    this.path.push(payload, "upstream");
  }

  deliver(payload: Buffer, direction: Direction): void {
    if (this.#over) return;
    this.#host.used(this);
    if (direction === "downstream") {
      this.#count("downstream", payload, this.#host.reply(this, payload));
      return;
    }
    this.#target.look();
    if (this.#connected && this.#socket !== null && this.#isRight()) {
      this.#count("upstream", payload, this.#socket.send(payload));
    } else {
      this.#keep(payload);
    }
  }

  #keep(payload: Buffer): void {
    const { budget } = this.#host.context;
    const cost = costOf(payload);
    if (cost > Math.min(WAITING_BYTES_MAX - this.#waitingBytes, budget.limit - budget.held)) {
      this.#lose("held");
      return;
    }
    budget.add(cost);
    this.#waitingBytes += cost;
    // The buffer is the datagram's own, so it may be kept.
    this.#waiting.push(payload);
    if (this.#waiting.length === 1) this.#target.find(this.#found);
  }

  #takeWaiting(): readonly Buffer[] {
    const waiting = this.#waiting;
    this.#host.context.budget.add(-this.#waitingBytes);
    this.#waiting = [];
    this.#waitingBytes = 0;
    return waiting;
  }

  /** Something of it is still to be sent: a fault holds it, or the upstream is not known yet. */
  get busy(): boolean {
    return this.path.held > 0 || this.#waiting.length > 0;
  }

  /** Whether it is connected where the upstream is, which may have moved since. */
  #isRight(): boolean {
    return this.#upstream !== null && this.#target.has(this.#upstream);
  }

  #count(direction: Direction, payload: Buffer, sent: Sent): void {
    if (sent !== "sent") {
      this.#lose(sent);
      return;
    }
    this.#host.tally.went(direction, payload);
    this.delivered[direction]++;
    if (this.sight !== null) seesDatagram(this.sight, direction);
  }

  #lose(why: DatagramLoss): void {
    this.#host.tally.lost[why]++;
  }

  overflowed(): void {
    this.#lose("held");
  }

  failed(error: unknown): void {
    this.#host.context.facts.tell({ kind: "mistake", where: "udp flow", error });
    this.#fail("internal", String(error));
    this.close();
  }

  readonly #found = contained(this, (found: Found): void => {
    if (this.#over) return;
    if ("problem" in found) {
      const waiting = this.#takeWaiting();
      if (found.misled) return;
      for (const _lost of waiting) this.#lose("unresolved");
      this.#fail(found.problem.reason, found.problem.text);
      return;
    }
    if (this.#connected && this.#upstream === found.address) this.#sendWaiting();
    else this.#connect(found.address, found.misled);
  });

  #connect(address: string, misled: boolean): void {
    this.#disconnect();
    this.#upstream = address;
    this.#misled = misled;
    const broke = contained(this, (error: NodeJS.ErrnoException) => {
      this.#broke(error);
    });
    const opened = new DatagramSocket({ address }, broke);
    this.#socket = opened;
    const { socket } = opened;
    socket.on("error", broke);
    const answered = contained(this, (payload: Buffer) => {
      const { tally, context } = this.#host;
      context.overdue?.look();
      tally.came("downstream", payload);
      this.sight?.answers(null);
      this.#heard(address);
      this.#host.used(this);
      this.path.push(payload, "downstream");
    });
    socket.on("message", answered);
    const connected = contained(this, (error?: Error) => {
      if (this.#socket !== opened) return;
      if (error !== undefined) {
        this.#gaveUp(error);
        return;
      }
      opened.enlarge();
      this.#connected = true;
      this.#tries = 0;
      this.#sendWaiting();
    });
    socket.connect(this.#target.endpoint.port, address, connected);
  }

  #heard(address: string): void {
    this.#host.answered(this);
    if (this.#refusals === 0) return;
    this.#refusals = 0;
    this.#target.answered(address);
  }

  #disconnect(): void {
    this.#socket?.close();
    this.#socket = null;
    this.#connected = false;
    this.#upstream = null;
  }

  #sendWaiting(): void {
    for (const payload of this.#takeWaiting()) this.deliver(payload, "upstream");
  }

  /** An ICMP error, of whichever datagram, or one that the kernel did not send. */
  #broke(error: NodeJS.ErrnoException): void {
    if (!this.#connected && this.#socket !== null) {
      this.#gaveUp(error);
      return;
    }
    const reason = this.#reasonOf(error);
    if (reason === "upstream_error" || isLocalLack(reason)) this.#lose("unsent");
    if (NOBODY_THERE.has(reason) && this.#upstream !== null) {
      this.#refusals++;
      const others = this.#target.refused(this.#upstream);
      if (others && (!this.answered || this.#refusals >= REFUSALS_MAX)) this.#disconnect();
    }
    this.#fail(reason, this.#textOf(error));
  }

  #reasonOf({ code = "" }: NodeJS.ErrnoException): ConnectionFailure {
    return lackOf(code, this.#upstream ?? "") ?? REASONS[code] ?? "upstream_error";
  }

  /** There is no socket to be had for that address. If not for another either, the next datagram tries again, as another flow. */
  #gaveUp(error: NodeJS.ErrnoException): void {
    const reason = this.#reasonOf(error);
    if (NOBODY_THERE.has(reason) && this.#upstream !== null && this.#target.refused(this.#upstream)) {
      this.#tries++;
      this.#disconnect();
      if (this.#tries < TRIES_MAX) {
        this.#target.find(this.#found);
        return;
      }
    }
    const waiting = this.#takeWaiting();
    if (!this.#isInjected(reason)) for (const _lost of waiting) this.#lose("unsent");
    this.#fail(reason, this.#textOf(error));
    this.close();
  }

  #isInjected(reason: ConnectionFailure): boolean {
    return this.#misled && NOBODY_THERE.has(reason);
  }

  #fail(reason: ConnectionFailure, text: string): void {
    if (this.#isInjected(reason)) return;
    this.#host.failed(this, reason, text, !this.#told.has(reason));
    this.#told.add(reason);
  }

  #textOf({ message }: Error): string {
    const { host, port } = this.#target.endpoint;
    return `${host}:${port}: ${message}`;
  }

  close(): void {
    if (this.#over) return;
    this.#over = true;
    for (const _lost of this.#takeWaiting()) this.#lose("unresolved");
    this.path.end();
    this.#socket?.close();
    this.#host.over(this);
  }
}
