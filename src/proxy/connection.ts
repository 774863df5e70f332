/**
 * What connections of all byte planes have in common: a client's socket, the faults bound to the connection,
 * a pump for each direction, and the ways it can end.
 */
import type { Socket } from "node:net";
import type { Clock, Timer } from "../core/clock.js";
import { contained, ContainedClock, type Owner } from "../core/containment.js";
import type { ConnectionFailure } from "../core/events.js";
import {
  DIRECTIONS,
  type ConnectionFault,
  type ConnectionInfo,
  type Direction,
  type GateVerdict,
  type Pass,
  type Sever,
} from "../faults/contract/index.js";
import type { ArmedFault, Subject } from "../pipeline/armed.js";
import type { SubjectInfo } from "../pipeline/subject-info.js";
import { Binding, type FaultChange, type Pumps } from "../pipeline/bindings.js";
import { Gate } from "../pipeline/gate.js";
import { Party, type Guest } from "../pipeline/party.js";
import type { PumpOwner } from "../pipeline/pump.js";
import type { PlaneContext } from "./context.js";
import { Early } from "./early.js";
import type { Pool } from "./upstream/pool.js";
import { resetSocket } from "./upstream/reader.js";

/** What a connection needs of its proxy. */
export interface ConnectionHost {
  readonly context: PlaneContext;
  readonly faults: readonly ArmedFault[];
  readonly ranks: ReadonlyMap<ArmedFault, number>;
  failed(connection: Connection, reason: ConnectionFailure, text: string): void;
  over(connection: Connection): void;
}

export interface Origin {
  readonly id: number;
  readonly address: string;
  readonly port: number;
}

/** How long a closed connection may take to get its last bytes out: a peer that reads slowly must get them all. */
const FLUSH_MAX_MS = 30_000;
/** How long a reset may be late for bytes that are still to go out: a peer that does not read them is not waited for. */
const RESET_MAX_MS = 2_000;
/** How long the FIN of a peer that has been sent ours is waited for. */
export const LINGER_MAX_MS = 800;

/** The connection that a socket belongs to: a property, so that handlers are shared and not made for each. */
const OWNER = Symbol("connection");
type Owned = Socket & { [OWNER]?: SocketOwner };

/** Whoever hears of a socket. A direction is named by its source: `upstream` is the client's. */
export interface SocketOwner extends Owner {
  /** Bytes of the client. */
  fromClient(chunk: Buffer): void;
  /** Bytes of an upstream; true if nobody needs them any more. */
  fromUpstream(socket: Socket, chunk: Buffer): boolean;
  sourceEnded(direction: Direction, socket: Socket): void;
  broke(direction: Direction, socket: Socket, error: NodeJS.ErrnoException): void;
  /** There is room again in the socket that this direction writes to. */
  drained(direction: Direction, socket: Socket): void;
  socketClosed(socket: Socket): void;
}

function ownerOf(socket: Socket): SocketOwner | undefined {
  return (socket as Owned)[OWNER];
}

/** The socket's handlers, set by whoever attached it first, tell this one from now on. */
export function own(socket: Socket, owner: SocketOwner): void {
  (socket as Owned)[OWNER] = owner;
}

/** Sets the handlers of an upstream socket. */
export function adoptUpstream(socket: Socket, owner: SocketOwner): void {
  own(socket, owner);
  socket.on("error", onUpstreamError).on("close", onSocketClose).on("end", onUpstreamEnd);
  socket.on("drain", onUpstreamDrain);
}

export abstract class Connection implements PumpOwner, SubjectInfo, SocketOwner, Guest {
  readonly connection: number;
  readonly client: string;
  readonly bot: string;
  protected readonly host: ConnectionHost;
  protected readonly origin: Origin;
  protected readonly acceptedAt: number;
  /** What its timers throw costs this connection. */
  readonly clock: Clock;
  protected readonly clientSocket: Socket;
  protected bindings: Binding[] = [];
  /** Those that a fault's probability has spared, while that fault is in force. */
  #spared: Map<ArmedFault, Subject> | null = null;
  #pumps: Pumps | null = null;
  #gate: Gate<ConnectionFault, Sever> | null = null;
  #timer: Timer | null = null;
  #timerAt = Infinity;
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
    this.bot = origin.address;
    this.clock = new ContainedClock(host.context.clock, this);
    this.acceptedAt = this.clock.now();
    own(client, this);
    client.on("error", onClientError).on("close", onSocketClose).on("end", onClientEnd);
  }

  // -- what planes add ----------------------------------------------------------------------------

  /** Whether this fault is bound to the connection as a whole. */
  protected abstract concerns(armed: ArmedFault): boolean;
  /** The faults have let the client in. */
  protected abstract admitted(): void;
  /** The upstream sockets that end with this connection. */
  protected abstract upstreams(): readonly Socket[];
  abstract fromClient(chunk: Buffer): void;
  abstract fromUpstream(socket: Socket, chunk: Buffer): boolean;
  /** A fault that acts on the connection as a whole has done something. */
  struck(_fault: string): void {
    // It goes over nothing else.
  }

  /** A source has ended in order. */
  protected abstract sourceOver(direction: Direction, socket: Socket): void;
  /** A socket broke; its failure has been told. */
  protected abstract sourceBroke(direction: Direction, socket: Socket): void;
  abstract drained(direction: Direction, socket: Socket): void;
  /** Faults have come or gone or changed; those of the connection itself are seen to. */
  protected abstract changed(change: FaultChange): void;
  /** A socket has closed for good. */
  protected left(_socket: Socket): void {
    // Nothing is kept of it.
  }
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
  protected get untold(): boolean {
    return false;
  }

  /** Whether a failure of that source comes of what its other side was told. */
  protected foreseen(_direction: Direction): boolean {
    return false;
  }

  /** The client has sent an RST, perhaps for what it was sent last; called before anything else hears of it. */
  protected clientBroke(): void {
    // Of a stream there is nothing to tell.
  }

  get atGate(): boolean {
    return this.#gate !== null;
  }

  /** Asks the faults, and goes on. */
  start(): void {
    for (const armed of this.host.faults) {
      const subject = this.#admit(armed);
      if (subject !== null) this.#bind(subject, false);
    }
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
    this.guarded(() => {
      for (const binding of [...this.bindings]) {
        if (this.#severed) return;
        this.#open(binding, pumps);
      }
      this.#rearm();
    });
    if (this.#severed) return false;
    this.clientSocket.on("data", onClientData).on("drain", onClientDrain);
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
    if (this.leftEarly && this.#gate?.hanging === true) this.severed({ do: "close" });
  }

  /** The ends that came before the pumps did. */
  protected endsBeforeOpening(): readonly Direction[] {
    return this.#endedEarly;
  }

  // -- faults come and go -------------------------------------------------------------------------

  apply(change: FaultChange): void {
    if (this.#over || this.#severed) return;
    this.guarded(() => {
      this.#apply(change);
      if (!this.#severed) this.changed(change);
    });
  }

  #apply({ removed, added, moved, assigned, ranks }: FaultChange): void {
    if (removed.size > 0 && this.bindings.length > 0) this.#unbind(removed);
    if (this.#spared !== null) for (const armed of removed) this.#spared.delete(armed);
    if (moved.size > 0) this.#move(moved, ranks);
    for (const armed of added) {
      if (this.#severed) return;
      this.#bindLate(this.#admit(armed), ranks);
    }
    if (this.#severed) return;
    const reweighed = assigned.size > 0 && this.#reweigh(assigned, ranks);
    if (this.#severed) return;
    if (removed.size > 0 || added.length > 0 || moved.size > 0 || reweighed)
      this.#gate?.changed(this.#connectionFaults());
    if (assigned.size > 0) {
      for (const binding of [...this.bindings]) {
        if (!assigned.has(binding.armed)) continue;
        const sever = binding.assigned(this.#pumps, this.bindings);
        if (sever !== null) this.severed(sever);
        if (this.#severed) return;
        this.#attend(binding);
      }
    }
    this.#rearm();
  }

  #unbind(removed: ReadonlySet<ArmedFault>): void {
    let sever: Sever | null = null;
    // The last of them first: what an earlier one hands over must not be acted on by a later one that goes as well.
    for (const binding of this.bindings.toReversed())
      if (removed.has(binding.armed)) sever = binding.uninstall(this.#pumps) ?? sever;
    this.bindings = this.bindings.filter((binding) => !removed.has(binding.armed));
    if (sever !== null) this.severed(sever);
  }

  /**
   * Compares the numbers that were drawn for this connection with probabilities that may be others now: who was spared
   * may be hit from here on, and who was hit is let go. Says whether that came about.
   */
  #reweigh(assigned: ReadonlySet<ArmedFault>, ranks: ReadonlyMap<ArmedFault, number>): boolean {
    let changed = false;
    for (const { armed, subject } of [...this.bindings]) {
      if (!assigned.has(armed) || armed.weighs(subject) !== false) continue;
      this.#unbind(new Set([armed]));
      subject.rested();
      this.#spare(subject);
      changed = true;
      if (this.#severed) return true;
    }
    for (const subject of [...(this.#spared?.values() ?? [])]) {
      const { armed } = subject;
      if (!assigned.has(armed) || armed.weighs(subject) !== true) continue;
      this.#spared?.delete(armed);
      this.#bindLate(subject, ranks);
      changed = true;
      if (this.#severed) return true;
    }
    return changed;
  }

  #spare(subject: Subject): void {
    this.#spared ??= new Map();
    this.#spared.set(subject.armed, subject);
  }

  #move(moved: ReadonlySet<ArmedFault>, ranks: ReadonlyMap<ArmedFault, number>): void {
    const pumps = this.#pumps;
    const moving = this.bindings.filter((binding) => moved.has(binding.armed));
    for (const binding of moving) {
      const sever = pumps === null ? null : binding.lift(pumps, DIRECTIONS);
      if (sever !== null) this.severed(sever);
    }
    this.sort(ranks);
    if (pumps === null || this.#severed) return;
    for (const binding of this.bindings) if (moving.includes(binding)) binding.install(pumps, this.bindings);
  }

  protected sort(ranks: ReadonlyMap<ArmedFault, number>): void {
    this.bindings.sort((a, b) => (ranks.get(a.armed) ?? 0) - (ranks.get(b.armed) ?? 0));
  }

  #admit(armed: ArmedFault): Subject | null {
    if (!this.concerns(armed)) return null;
    return armed.admit(this, (subject) => {
      this.#spare(subject);
    });
  }

  /** A fault takes hold of a connection that has begun. */
  #bindLate(subject: Subject | null, ranks: ReadonlyMap<ArmedFault, number>): void {
    if (subject === null) return;
    const binding = this.#bind(subject, true);
    this.sort(ranks);
    if (this.#pumps !== null) this.#open(binding, this.#pumps);
  }

  #bind(subject: Subject, live: boolean): Binding {
    const { armed } = subject;
    const binding: Binding = this.bindingOf(
      armed,
      subject,
      this.connectionInfo(live && this.#pumps !== null, () => {
        queueMicrotask(() => {
          if (!this.#over && this.bindings.includes(binding)) this.guarded(() => this.#attend(binding));
        });
      }),
    );
    this.bindings.push(binding);
    return binding;
  }

  /** Planes may have more to see to for a fault's stages. */
  protected bindingOf(armed: ArmedFault, subject: Subject, info: ConnectionInfo): Binding {
    return new Binding(armed, subject, info);
  }

  protected connectionInfo(live: boolean, attend: () => void): ConnectionInfo {
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

  #connectionFaults(): ConnectionFault[] {
    const faults: ConnectionFault[] = [];
    for (const { fault } of this.bindings) if (fault !== null) faults.push(fault);
    return faults;
  }

  // -- before bytes flow --------------------------------------------------------------------------

  protected throughGate(
    question: (fault: ConnectionFault) => GateVerdict | undefined,
    then: () => void,
  ): void {
    const faults = this.bindings.length === 0 ? [] : this.#connectionFaults();
    if (faults.length === 0) {
      then();
      return;
    }
    const done = (outcome: Pass | Sever): void => {
      this.#gate = null;
      if (outcome.do === "pass") then();
      else this.severed(outcome);
    };
    const guarded = (fault: ConnectionFault): GateVerdict | undefined => {
      // Asked from timers too, where nobody else would catch what a fault throws.
      try {
        return question(fault);
      } catch (error) {
        this.failed(error);
        return undefined;
      }
    };
    const hangs = (): void => {
      this.listenEarly();
      this.#leaveIfHanging();
    };
    this.#gate = new Gate({ clock: this.clock, faults, question: guarded, done, hangs });
    this.#gate.step();
  }

  #open(binding: Binding, pumps: Pumps): void {
    binding.install(pumps, this.bindings);
    const verdict = binding.fault?.opened?.();
    if (verdict !== undefined && verdict.do !== "pass") this.severed(verdict);
  }

  // -- faults that wake ---------------------------------------------------------------------------

  #attend(binding: Binding): void {
    if (binding.fault === null) return;
    if (this.#gate !== null) {
      this.#gate.attend(binding.fault);
    } else if (this.#pumps !== null) {
      this.#wakeBinding(binding);
      this.#rearm();
    }
  }

  #wakeBinding(binding: Binding): void {
    const verdict = binding.fault?.wake?.();
    if (verdict !== undefined && verdict.do !== "pass") {
      this.severed(verdict);
      return;
    }
    this.#pumps?.upstream.settle();
    this.#pumps?.downstream.settle();
  }

  #rearm(): void {
    if (this.#severed || this.#pumps === null) return;
    let earliest = Infinity;
    for (const binding of this.bindings) earliest = Math.min(earliest, binding.wakeAt);
    if (earliest === this.#timerAt) return;
    this.#timer?.cancel();
    this.#timerAt = earliest;
    this.#timer = earliest === Infinity ? null : this.clock.at(earliest, this.#wake);
  }

  readonly #wake = (): void => {
    this.#timer = null;
    this.#timerAt = Infinity;
    this.guarded(() => {
      const now = this.clock.now();
      for (const binding of [...this.bindings]) {
        if (this.#severed) return;
        if (binding.wakeAt <= now) this.#wakeBinding(binding);
      }
      this.#rearm();
    });
  };

  // -- the ends -----------------------------------------------------------------------------------

  /** A fault, a pump or the plane ends the connection on both sides. */
  severed(how: Sever): void {
    if (this.#severed || this.#over) return;
    this.#severed = true;
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
    this.#stopWaiting();
    this.#closePumps();
    for (const socket of this.#sockets()) socket.destroy();
  }

  #stopWaiting(): void {
    this.#gate?.cancel();
    this.#gate = null;
    this.#timer?.cancel();
    this.#timer = null;
    this.stopped();
  }

  #closePumps(): void {
    this.#pumps?.upstream.close();
    this.#pumps?.downstream.close();
  }

  #reset(): void {
    for (const socket of this.#sockets()) {
      // Whether a client took what it was sent only its own RST says, and none comes behind ours.
      const untold = socket === this.clientSocket && this.untold && !socket.writableEnded;
      if (socket.writableLength === 0 && !untold) {
        resetSocket(socket);
        continue;
      }
      // Bytes that were let through before the cut must arrive; a peer that does not read them is not waited for.
      const late = this.clock.at(this.clock.now() + RESET_MAX_MS, () => {
        resetSocket(socket);
      });
      const reset = (): void => {
        late.cancel();
        if (!socket.destroyed) resetSocket(socket);
      };
      if (untold) {
        socket.once("close", reset);
        this.beforeEnd(reset);
      } else if (socket.writableEnded) {
        socket.once("finish", reset).once("close", reset);
      } else {
        socket.write("", reset);
      }
    }
  }

  /**
   * FIN after the bytes that were let through. What the peer still sends is read and thrown away for a while, since an
   * RST that comes at once could cost it the tail of its answer (RFC 9112 9.6). Then it gets one, as it would get from
   * the kernel of a peer that has closed.
   */
  #close(): void {
    const { clock } = this;
    for (const socket of this.#sockets()) {
      if (socket.writableFinished) {
        // It was sent its FIN before, and has had its time.
        if (this.#heardLate && socket === this.clientSocket) resetSocket(socket);
        else socket.destroy();
        continue;
      }
      if (socket === this.clientSocket) {
        this.beforeEnd(() => {
          socket.end();
        });
      } else {
        socket.end();
      }
      socket.resume();
      const wait = (time: number): Timer =>
        clock.at(clock.now() + time, () => {
          if (this.#heardLate && socket === this.clientSocket) resetSocket(socket);
          else socket.destroy();
        });
      let late = wait(FLUSH_MAX_MS);
      socket.once("finish", () => {
        late.cancel();
        late = wait(LINGER_MAX_MS);
      });
      socket.once("close", () => {
        late.cancel();
      });
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
      if (unwatched && socket.writable && socket.writableLength === 0) socket.write("");
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
      if (this.#pumps === null) {
        this.#endedEarly.push(direction);
        this.#leaveIfHanging();
      } else this.guarded(() => this.sourceOver(direction, socket));
    };
    if (!socket.writable || socket.writableLength > 0) {
      ended();
      return;
    }
    socket.write("", (error) => {
      // With an error the socket breaks, and `broke` hears of it.
      if (!error) ended();
    });
  }

  broke(direction: Direction, socket: Socket, error: NodeJS.ErrnoException): void {
    if (direction === "upstream" && !this.#over) this.clientBroke();
    if (this.#severed || this.#over) return;
    const reset = error.code === "ECONNRESET" || error.code === "EPIPE";
    // "upstream" here is the direction whose source broke: the client's.
    if (direction === "upstream")
      this.host.failed(this, reset ? "client_reset" : "client_error", error.message);
    else if (!this.foreseen(direction))
      this.host.failed(this, reset ? "upstream_reset" : "upstream_error", error.message);
    if (this.#pumps === null) this.severed({ do: "reset" });
    else this.guarded(() => this.sourceBroke(direction, socket));
  }

  socketClosed(socket: Socket): void {
    this.#socketsOpen--;
    this.left(socket);
    if (this.#socketsOpen > 0) {
      if (this.#pumps === null && !this.#severed) {
        // The client left while it was held at a gate or while the upstream was dialled.
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
    for (const binding of this.bindings) this.guarded(() => binding.release());
    this.bindings = [];
    this.#spared = null;
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

// Handlers shared by all connections; `this` is the socket. What they throw is contained here, once for all owners.

function onClientData(this: Socket, chunk: Buffer): void {
  const owner = ownerOf(this);
  try {
    owner?.fromClient(chunk);
  } catch (error) {
    owner?.failed(error);
  }
}

function onClientEnd(this: Socket): void {
  attempt(this, (owner) => {
    owner.sourceEnded("upstream", this);
  });
}

function onUpstreamEnd(this: Socket): void {
  attempt(this, (owner) => {
    owner.sourceEnded("downstream", this);
  });
}

function onClientDrain(this: Socket): void {
  attempt(this, (owner) => {
    owner.drained("downstream", this);
  });
}

function onUpstreamDrain(this: Socket): void {
  attempt(this, (owner) => {
    owner.drained("upstream", this);
  });
}

function onClientError(this: Socket, error: Error): void {
  attempt(this, (owner) => {
    owner.broke("upstream", this, error);
  });
}

function onUpstreamError(this: Socket, error: Error): void {
  attempt(this, (owner) => {
    owner.broke("downstream", this, error);
  });
}

function onSocketClose(this: Socket): void {
  attempt(this, (owner) => {
    owner.socketClosed(this);
  });
}

function attempt(socket: Socket, run: (owner: SocketOwner) => void): void {
  const owner = ownerOf(socket);
  if (owner === undefined) return;
  try {
    run(owner);
  } catch (error) {
    owner.failed(error);
  }
}

/** Takes what upstream sockets read; for `dial`. */
export function takeFromUpstream(socket: Socket, chunk: Buffer): boolean {
  const owner = ownerOf(socket);
  if (owner === undefined) return true;
  try {
    return owner.fromUpstream(socket, chunk);
  } catch (error) {
    owner.failed(error);
    return true;
  }
}
