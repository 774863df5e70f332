/**
 * What connections of all byte planes have in common: a client's socket, the faults bound to the connection,
 * a pump for each direction, and the ways it can end.
 */
import type { Socket } from "node:net";
import type { Clock } from "../core/clock.js";
import { contained, ContainedClock } from "../core/containment.js";
import type { ConnectionFailure } from "../core/events.js";
import type { Seat } from "../core/roster.js";
import {
  DIRECTIONS,
  type ConnectionFault,
  type ConnectionInfo,
  type Direction,
  type GateVerdict,
  type Sever,
} from "../faults/contract/index.js";
import type { ArmedFault, Subject } from "../pipeline/armed.js";
import { Binding, type FaultChange, type Pumps } from "../pipeline/bindings.js";
import { Party, type Guest } from "../pipeline/party.js";
import type { PumpOwner } from "../pipeline/pump.js";
import { failureOf, isReset } from "./client-failure.js";
import { BoundFaults, type BoundHost } from "./bound-faults.js";
import type { PlaneContext } from "./context.js";
import { Early } from "./early.js";
import { closeSoon, resetSoon } from "./partings.js";
import { Ending } from "./ending.js";
import type { Origin } from "./origin.js";
import type { Peer } from "./secure/peer.js";
import type { Pool } from "./upstream/pool.js";
import { probe } from "./upstream/reader.js";
import { adoptClient, adoptUpstream, readClient, type SocketOwner } from "./socket-owner.js";

/** What a connection needs of its proxy. */
export interface ConnectionHost {
  readonly context: PlaneContext;
  readonly faults: readonly ArmedFault[];
  readonly ranks: ReadonlyMap<ArmedFault, number>;
  failed(connection: Connection, reason: ConnectionFailure, text: string): void;
  over(connection: Connection): void;
}

export type { Origin };

export abstract class Connection implements PumpOwner, BoundHost, SocketOwner, Guest {
  readonly connection: number;
  readonly client: string;
  readonly bot: string;
  readonly peer: Peer | null | undefined;
  protected readonly host: ConnectionHost;
  /** Its place among those of its proxy, which gives it. */
  seat: Seat | null = null;
  protected readonly origin: Origin;
  protected readonly acceptedAt: number;
  /** What its timers throw costs this connection. */
  readonly clock: Clock;
  readonly overdue: PlaneContext["overdue"];
  readonly clientSocket: Socket;
  readonly ending = new Ending();
  protected readonly bound = new BoundFaults(this);
  #pumps: Pumps | null = null;
  #severed = false;
  #over = false;
  #broken = false;
  /** The client went on talking although its connection had ended. */
  #heardLate = false;
  #socketsOpen = 1;
  #party: Party | null = null;
  /** Sources that ended without a byte before the pumps were there; Node tells of that even where nobody reads. */
  readonly #endedEarly: Direction[] = [];
  /** What the client says while a fault holds it for good before that. */
  #early: Early | null = null;

  constructor(host: ConnectionHost, client: Socket, origin: Origin) {
    this.host = host;
    this.clientSocket = client;
    this.origin = origin;
    this.connection = origin.id;
    this.client = origin.address;
    this.peer = origin.peer;
    this.bot = origin.bot ?? origin.address;
    this.clock = new ContainedClock(host.context.clock, this);
    this.overdue = host.context.overdue;
    this.acceptedAt = this.clock.now();
    adoptClient(client, this);
  }

  // -- what planes add ----------------------------------------------------------------------------

  /** Whether this fault is bound to the connection as a whole. */
  abstract concerns(armed: ArmedFault): boolean;
  /** The faults have let the client in. */
  protected abstract admitted(): void;
  /** The upstream sockets that end with this connection. */
  protected abstract upstreams(): readonly Socket[];
  abstract fromClient(chunk: Buffer): void;
  abstract fromUpstream(socket: Socket, chunk: Buffer): boolean;
  /** A fault that acts on the connection as a whole has done something. */
  struck(_fault: string): void {} // It goes over nothing else.
  /** A source has ended in order. */
  protected abstract sourceOver(direction: Direction, socket: Socket): void;
  /** A socket broke; its failure has been told. */
  protected abstract sourceBroke(direction: Direction, socket: Socket): void;
  abstract drained(direction: Direction, socket: Socket): void;
  /** Faults have come or gone or changed; those of the connection itself are seen to. */
  protected abstract changed(change: FaultChange): void;
  /** A socket has closed for good. */
  protected left(_socket: Socket): void {} // Nothing is kept of it.
  /** It is severed: nothing that waits may go on. */
  protected abstract stopped(): void;
  /** It is over; called once. */
  protected abstract finished(): void;

  /** As one who is sent to an upstream himself, and not for the sake of an exchange. */
  get party(): Party {
    this.#party ??= new Party(this, (fault) => {
      this.struck(fault);
    });
    return this.#party;
  }

  get pumps(): Pumps | null {
    return this.#pumps;
  }

  get isSevered(): boolean {
    return this.#severed;
  }

  get isOver(): boolean {
    return this.#over;
  }

  get ended(): boolean {
    return this.#severed || this.#over;
  }

  /** Bytes of the client that go nowhere, since it has been told the end, or is about to be. */
  protected heardLate(): void {
    this.#heardLate = true;
  }

  /** Calls back when nothing is to be learnt any more from a client that has ended its side, and may be sent a FIN or an RST. */
  protected beforeEnd(then: () => void): void {
    then();
  }

  /** Whether anything is. */
  get untold(): boolean {
    return false;
  }

  /** Whether a failure of that source comes of what its other side was told. */
  protected foreseen(_direction: Direction): boolean {
    return false;
  }

  /** The client has sent an RST, perhaps for what it was sent last; called before anything else hears of it. */
  protected clientBroke(): void {} // Of a stream there is nothing to tell.

  get atGate(): boolean {
    return this.bound.atGate;
  }

  /** Asks the faults, and goes on. */
  start(): void {
    this.bound.bindAll(this.host.faults);
    this.throughGate(
      (fault) => fault.accepted?.(),
      () => {
        this.admitted();
      },
    );
    // Read as far as the socket's own buffer goes, so that a client that resets while it waits is noticed.
    if (this.#pumps === null && !this.#severed) this.clientSocket.read(0);
  }

  /** An upstream socket that is to end with this connection. */
  attach(socket: Socket): void {
    this.#socketsOpen++;
    adoptUpstream(socket, this);
  }

  /** An upstream socket is somebody else's from now on. */
  detached(): void {
    this.#socketsOpen--;
    // The client may have gone before.
    queueMicrotask(
      contained(this, () => {
        if (this.#socketsOpen === 0) this.#finish();
      }),
    );
  }

  /** Bytes may flow: the faults put their stages in. False if one of them ended the connection. */
  protected open(pumps: Pumps): boolean {
    this.#pumps = pumps;
    this.bound.open(pumps);
    if (this.#severed) return false;
    readClient(this.clientSocket);
    const early = this.#early?.handOver() ?? [];
    this.#early = null;
    for (const chunk of early) if (!this.ended) this.fromClient(chunk);
    return !this.ended;
  }

  /** A fault holds it for good: listens whether its client leaves, if nobody does yet. */
  protected listenEarly(): void {
    if (this.#pumps === null && !this.ended) this.#early ??= new Early(this.clientSocket, this);
  }

  /** The client has ended its side, and nobody has heard of that yet. */
  protected get leftEarly(): boolean {
    return this.#endedEarly.includes("upstream");
  }

  /**
   * Nothing comes of it for as long as the fault is there, and the client waits for nothing any more: it would keep its
   * place till then, and what it asked for would be carried out for nobody.
   */
  #leaveIfHanging(): void {
    if (this.leftEarly && this.bound.isHanging) this.severed({ do: "close" });
  }

  /** The ends that came before the pumps did. */
  protected endsBeforeOpening(): readonly Direction[] {
    return this.#endedEarly;
  }

  // -- faults come and go -------------------------------------------------------------------------

  apply(change: FaultChange): void {
    if (this.#over || this.#severed) return;
    this.guarded(() => {
      this.bound.apply(change);
      if (!this.#severed) this.changed(change);
    });
  }

  /** Planes may have more to see to for a fault's stages. */
  bindingOf(armed: ArmedFault, subject: Subject, info: ConnectionInfo): Binding {
    return new Binding(armed, subject, info);
  }

  connectionInfo(live: boolean, attend: () => void): ConnectionInfo {
    const { address, port } = this.origin;
    return {
      id: this.connection,
      client: { address, port },
      bot: this.bot,
      acceptedAt: this.acceptedAt,
      live,
      attend,
    };
  }

  protected throughGate(
    question: (fault: ConnectionFault) => GateVerdict | undefined,
    then: () => void,
  ): void {
    this.bound.through(question, then);
  }

  hangs(): void {
    this.listenEarly();
    this.#leaveIfHanging();
  }

  // -- the ends -----------------------------------------------------------------------------------

  /** A fault, a pump or the plane ends the connection on both sides. */
  severed(how: Sever): void {
    if (this.#severed || this.#over) return;
    this.#severed = true;
    this.ending.severed(this.#pumps !== null);
    this.#stopWaiting();
    this.#closePumps();
    if (how.do === "reset") this.#reset();
    else this.#close();
  }

  resetArrived(): void {
    this.severed({ do: "reset" });
  }

  /** A mistake of ours ends this connection, and nothing else. */
  failed(error: unknown): void {
    this.host.context.facts.tell({ kind: "mistake", where: `connection ${this.connection}`, error });
    this.host.failed(this, "internal", String(error));
    this.#broken = true;
    if (!this.#severed && !this.#over) {
      try {
        this.severed({ do: "reset" });
        this.#finishIfBroken();
        return;
      } catch (another) {
        const where = `the end of connection ${this.connection}`;
        this.host.context.facts.tell({ kind: "mistake", where, error: another });
      }
    }
    // The mistake is in its end, so nobody knows whether that comes by itself.
    for (const socket of this.#sockets()) socket.destroy();
    this.#finishIfBroken();
  }

  /** Once a mistake was made the count of sockets cannot be relied on. */
  #finishIfBroken(): void {
    if (this.#broken && this.#sockets().length === 0) this.#finish();
  }

  /** What faults say of the pool may have changed: whether its open upstream connections may stay. */
  abstract upstreamsChanged(pool: Pool): void;

  /** The daemon is about to stop: ends by itself as soon as nothing is under way. */
  retire(): void {
    // Of a stream nobody knows when nothing is under way.
  }

  /** The proxy goes: both sides are closed at once, without lingering. */
  destroy(): void {
    this.#severed = true;
    this.ending.came("stopped");
    this.#stopWaiting();
    this.#closePumps();
    for (const socket of this.#sockets()) socket.destroy();
  }

  #stopWaiting(): void {
    this.bound.stop();
    this.stopped();
  }

  #closePumps(): void {
    this.#pumps?.upstream.close();
    this.#pumps?.downstream.close();
  }

  get #before(): (then: () => void) => void {
    return (then) => {
      this.beforeEnd(then);
    };
  }

  #reset(): void {
    for (const socket of this.#sockets()) {
      // Whether a client took what it was sent only its own RST says, and none comes behind ours.
      const untold = socket === this.clientSocket && this.untold && !socket.writableEnded;
      resetSoon(socket, this.clock, untold ? this.#before : null);
    }
  }

  #close(): void {
    for (const socket of this.#sockets()) {
      const client = socket === this.clientSocket;
      closeSoon(socket, this.clock, client ? this.#before : null, () => client && this.#heardLate);
    }
  }

  /**
   * A socket that has read its end, or is not read from for others' sake, is not watched: that its peer has gone altogether,
   * as keepalive finds out, comes out only where something is written, and nothing will do.
   */
  lookForPeers(): void {
    if (this.ended) return;
    for (const socket of this.#sockets()) {
      const unwatched = socket.readableEnded || socket.isPaused();
      if (unwatched && socket.writable && socket.writableLength === 0) probe(socket);
    }
  }

  #sockets(): Socket[] {
    return [this.clientSocket, ...this.upstreams()].filter((socket) => !socket.destroyed);
  }

  // -- what the sockets say -----------------------------------------------------------------------

  /**
   * The source of a direction has ended, or seems to have: where an RST comes right behind the last bytes,
   * libuv reports an end in its place. Writing nothing tells the two apart, as the kernel then answers with
   * the error. Bytes that are still to be written will tell by themselves.
   */
  sourceEnded(direction: Direction, socket: Socket): void {
    if (this.#severed || this.#over) return;
    const ended = (): void => {
      if (this.#severed) return;
      this.ending.closed(direction === "upstream" ? "client" : "upstream");
      if (this.#pumps === null) {
        this.#endedEarly.push(direction);
        this.#leaveIfHanging();
      } else this.guarded(() => this.sourceOver(direction, socket));
    };
    if (!socket.writable || socket.writableLength > 0) {
      ended();
      return;
    }
    probe(socket, (error) => {
      // With an error the socket breaks, and `broke` hears of it.
      if (!error) ended();
    });
  }

  broke(direction: Direction, socket: Socket, error: NodeJS.ErrnoException): void {
    if (direction === "upstream" && !this.#over) this.clientBroke();
    if (this.#severed || this.#over) return;
    if (isReset(error)) this.ending.came(direction === "upstream" ? "client_reset" : "upstream_reset");
    // "upstream" here is the direction whose source broke: the client's.
    if (direction === "upstream") this.host.failed(this, ...failureOf(error));
    else if (!this.foreseen(direction))
      this.host.failed(this, isReset(error) ? "upstream_reset" : "upstream_error", error.message);
    if (this.#pumps === null) this.severed({ do: "reset" });
    else this.guarded(() => this.sourceBroke(direction, socket));
  }

  socketClosed(socket: Socket): void {
    this.#socketsOpen--;
    this.left(socket);
    if (this.#socketsOpen > 0) {
      if (this.#pumps === null && !this.#severed) {
        // The client left while it was held at a gate or while the upstream was dialled.
        this.ending.closed("client");
        this.severed({ do: "close" });
      }
      this.#finishIfBroken();
      return;
    }
    this.#finish();
  }

  #finish(): void {
    if (this.#over) return;
    this.#over = true;
    // Whatever goes wrong in one of these, its place is given back.
    this.guarded(() => {
      this.#stopWaiting();
    });
    for (const direction of DIRECTIONS) this.guarded(() => this.#pumps?.[direction].close());
    this.guarded(() => this.finished());
    this.#party?.finished();
    this.bound.release();
    this.host.over(this);
  }

  guarded(run: () => void): void {
    try {
      run();
    } catch (error) {
      this.failed(error);
    }
  }
}
