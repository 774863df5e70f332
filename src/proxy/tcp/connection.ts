/**
 * One TCP connection through a proxy: client socket, upstream socket, a pump for each direction, and
 * the faults that act on it.
 *
 *     accepted -> [gate] -> dialled -> [gate] -> open -> over
 */
import type { Socket } from "node:net";
import type { Timer } from "../../core/clock.js";
import type { ConnectionFailure } from "../../core/events.js";
import {
  DIRECTIONS,
  type ConnectionFault,
  type ConnectionInfo,
  type Direction,
  type GateVerdict,
  type Sever,
} from "../../faults/contract.js";
import type { ArmedFault, SubjectInfo } from "../../pipeline/armed.js";
import { Binding, type FaultChange, type Pumps } from "../../pipeline/bindings.js";
import { Gate, type GateOutcome } from "../../pipeline/gate.js";
import { Pump, type PumpOwner } from "../../pipeline/pump.js";
import type { DialFailure, Dialling } from "../upstream/dial.js";
import type { Take } from "../upstream/reader.js";
import type { PlaneContext } from "../context.js";

/** What a connection needs of its proxy. */
export interface ConnectionHost {
  readonly context: PlaneContext;
  readonly faults: readonly ArmedFault[];
  readonly ranks: ReadonlyMap<ArmedFault, number>;
  dial(take: Take, done: (result: Socket | DialFailure) => void): Dialling;
  failed(connection: TcpConnection, reason: ConnectionFailure, text: string): void;
  over(connection: TcpConnection): void;
}

export interface Origin {
  readonly id: number;
  readonly address: string;
  readonly port: number;
  readonly bot: string;
}

/** How long a closed connection may take to get its last bytes out: a peer that reads slowly must get them all. */
const FLUSH_MAX_MS = 30_000;
/** How long a reset may be late for bytes that are still to go out, and how long a closed peer's FIN is waited for. */
const LINGER_MAX_MS = 2_000;

/** Shared by all connections: most servers say nothing before they are asked. */
const NOTHING: readonly never[] = [];

/** The connection that a socket belongs to: a property, so that handlers are shared and not made for each. */
const OWNER = Symbol("connection");
type Owned = Socket & { [OWNER]?: TcpConnection };

export class TcpConnection implements PumpOwner, SubjectInfo {
  readonly connection: number;
  readonly client: string;
  readonly bot: string;
  readonly #host: ConnectionHost;
  readonly #origin: Origin;
  readonly #acceptedAt: number;
  readonly #clientSocket: Socket;
  #upstreamSocket: Socket | null = null;
  #pumps: Pumps | null = null;
  #bindings: Binding[] = [];
  #gate: Gate | null = null;
  #dialling: Dialling | null = null;
  #timer: Timer | null = null;
  #timerAt = Infinity;
  #severed = false;
  #over = false;
  #socketsOpen = 1;
  /** What the upstream said before the pumps were there. */
  #spokenEarly: readonly Buffer[] = NOTHING;
  /** Sources that ended without a byte before the pumps were there; Node tells of that even where nobody reads. */
  readonly #endedEarly: Direction[] = [];

  constructor(host: ConnectionHost, client: Socket, origin: Origin) {
    this.#host = host;
    this.#clientSocket = client;
    this.#origin = origin;
    this.connection = origin.id;
    this.client = origin.address;
    this.bot = origin.bot;
    this.#acceptedAt = host.context.clock.now();
    (client as Owned)[OWNER] = this;
    client.on("error", onClientError).on("close", onSocketClose).on("end", onClientEnd);
  }

  get pumps(): Pumps | null {
    return this.#pumps;
  }

  /** Bytes of the upstream; true if nobody needs them any more. */
  fromUpstream(chunk: Buffer): boolean {
    const pump = this.#pumps?.downstream;
    if (pump === undefined) {
      // Held at the gate: what a server says first waits here, and no more is read.
      this.#spokenEarly = [...this.#spokenEarly, Buffer.from(chunk)];
      this.#upstreamSocket?.pause();
      return true;
    }
    pump.data(chunk);
    return this.#clientSocket.writableLength === 0 && pump.keepsNothing;
  }

  /** Asks the faults, dials, and lets bytes flow. */
  start(): void {
    for (const armed of this.#host.faults) this.#bind(armed, false);
    this.#throughGate((fault) => fault.accepted?.(), this.#dial);
    // Read as far as the socket's own buffer goes, so that a client that resets while it waits is noticed.
    if (this.#pumps === null && !this.#severed) this.#clientSocket.read(0);
  }

  // -- faults come and go -------------------------------------------------------------------------

  apply(change: FaultChange): void {
    if (this.#over || this.#severed) return;
    try {
      this.#apply(change);
    } catch (error) {
      this.failed(error);
    }
  }

  #apply({ removed, added, moved, assigned, ranks }: FaultChange): void {
    if (removed.size > 0 && this.#bindings.length > 0) this.#unbind(removed);
    if (moved.size > 0) this.#move(moved, ranks);
    for (const armed of added) {
      if (this.#severed) return;
      const binding = this.#bind(armed, true);
      if (binding === null) continue;
      this.#sort(ranks);
      if (this.#pumps !== null) this.#open(binding, this.#pumps);
    }
    if (this.#severed) return;
    if (removed.size > 0 || added.length > 0 || moved.size > 0) this.#gate?.changed(this.#connectionFaults());
    if (assigned.size > 0) {
      for (const binding of [...this.#bindings]) {
        if (!assigned.has(binding.armed)) continue;
        const sever = binding.assigned(this.#pumps, this.#bindings);
        if (sever !== null) this.severed(sever);
        if (this.#severed) return;
        this.#attend(binding);
      }
    }
    this.#rearm();
  }

  #unbind(removed: ReadonlySet<ArmedFault>): void {
    let sever: Sever | null = null;
    const staying: Binding[] = [];
    for (const binding of this.#bindings) {
      if (!removed.has(binding.armed)) staying.push(binding);
      else sever = binding.uninstall(this.#pumps) ?? sever;
    }
    this.#bindings = staying;
    if (sever !== null) this.severed(sever);
  }

  #move(moved: ReadonlySet<ArmedFault>, ranks: ReadonlyMap<ArmedFault, number>): void {
    const pumps = this.#pumps;
    const moving = this.#bindings.filter((binding) => moved.has(binding.armed));
    for (const binding of moving) {
      const sever = pumps === null ? null : binding.lift(pumps, DIRECTIONS);
      if (sever !== null) this.severed(sever);
    }
    this.#sort(ranks);
    if (pumps === null || this.#severed) return;
    for (const binding of this.#bindings)
      if (moving.includes(binding)) binding.install(pumps, this.#bindings);
  }

  #sort(ranks: ReadonlyMap<ArmedFault, number>): void {
    this.#bindings.sort((a, b) => (ranks.get(a.armed) ?? 0) - (ranks.get(b.armed) ?? 0));
  }

  #bind(armed: ArmedFault, live: boolean): Binding | null {
    if (armed.type.connection === undefined && armed.type.stream === undefined) return null;
    const subject = armed.admit(this);
    if (subject === null) return null;
    const info: ConnectionInfo = {
      id: this.connection,
      client: { address: this.#origin.address, port: this.#origin.port },
      bot: this.bot,
      acceptedAt: this.#acceptedAt,
      live: live && this.#pumps !== null,
      attend: () => {
        queueMicrotask(() => {
          if (!this.#over && this.#bindings.includes(binding)) this.#guarded(() => this.#attend(binding));
        });
      },
    };
    const binding: Binding = new Binding(armed, subject, info);
    this.#bindings.push(binding);
    return binding;
  }

  #connectionFaults(): ConnectionFault[] {
    const faults: ConnectionFault[] = [];
    for (const { fault } of this.#bindings) if (fault !== null) faults.push(fault);
    return faults;
  }

  // -- before bytes flow --------------------------------------------------------------------------

  #throughGate(question: (fault: ConnectionFault) => GateVerdict | undefined, then: () => void): void {
    const faults = this.#bindings.length === 0 ? [] : this.#connectionFaults();
    if (faults.length === 0) {
      then();
      return;
    }
    const done = (outcome: GateOutcome): void => {
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
    this.#gate = new Gate({ clock: this.#host.context.clock, faults, question: guarded, done });
    this.#gate.step();
  }

  readonly #dial = (): void => {
    if (this.#over || this.#severed) return;
    this.#dialling = this.#host.dial(takeUpstream, (result) => {
      this.#dialling = null;
      if ("reason" in result) {
        // As a server that is not there looks through a proxy: the client sees the end at once.
        this.#host.failed(this, result.reason, result.text);
        this.severed({ do: "close" });
        return;
      }
      this.#upstreamSocket = result;
      this.#socketsOpen++;
      (result as Owned)[OWNER] = this;
      result.on("error", onUpstreamError).on("close", onSocketClose).on("end", onUpstreamEnd);
      this.#throughGate((fault) => fault.connected?.(), this.#opened);
    });
  };

  readonly #opened = (): void => {
    const client = this.#clientSocket;
    const upstream = this.#upstreamSocket;
    if (this.#over || this.#severed || upstream === null) return;
    const { clock, budget } = this.#host.context;
    const pumps = {
      upstream: new Pump({ source: client, sink: upstream, clock, budget, owner: this }),
      downstream: new Pump({ source: upstream, sink: client, clock, budget, owner: this }),
    };
    this.#pumps = pumps;
    this.#guarded(() => {
      for (const binding of [...this.#bindings]) {
        if (this.#severed) return;
        this.#open(binding, pumps);
      }
      this.#rearm();
    });
    if (this.#severed) return;
    client.on("data", onClientData).on("drain", onClientDrain);
    upstream.on("drain", onUpstreamDrain);
    if (pumps.upstream.paused) client.pause();
    else client.resume();
    for (const chunk of this.#spokenEarly) pumps.downstream.data(chunk);
    this.#spokenEarly = NOTHING;
    if (pumps.downstream.paused) upstream.pause();
    else upstream.resume();
    for (const side of this.#endedEarly) pumps[side].end("fin");
  };

  #open(binding: Binding, pumps: Pumps): void {
    binding.install(pumps, this.#bindings);
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
    for (const binding of this.#bindings) earliest = Math.min(earliest, binding.wakeAt);
    if (earliest === this.#timerAt) return;
    this.#timer?.cancel();
    this.#timerAt = earliest;
    this.#timer = earliest === Infinity ? null : this.#host.context.clock.at(earliest, this.#wake);
  }

  readonly #wake = (): void => {
    this.#timer = null;
    this.#timerAt = Infinity;
    this.#guarded(() => {
      const now = this.#host.context.clock.now();
      for (const binding of [...this.#bindings]) {
        if (this.#severed) return;
        if (binding.wakeAt <= now) this.#wakeBinding(binding);
      }
      this.#rearm();
    });
  };

  // -- the ends -----------------------------------------------------------------------------------

  /** A fault, or a pump, ends the connection on both sides. */
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

  failed(error: unknown): void {
    this.#host.context.facts.tell({ kind: "mistake", where: `connection ${this.connection}`, error });
    this.#host.failed(this, "internal", String(error));
    this.severed({ do: "reset" });
  }

  /** The proxy goes: both sides are closed at once, without lingering. */
  destroy(): void {
    this.#severed = true;
    this.#stopWaiting();
    this.#closePumps();
    this.#clientSocket.destroy();
    this.#upstreamSocket?.destroy();
  }

  #stopWaiting(): void {
    this.#gate?.cancel();
    this.#gate = null;
    this.#dialling?.cancel();
    this.#dialling = null;
    this.#timer?.cancel();
    this.#timer = null;
  }

  #closePumps(): void {
    this.#pumps?.upstream.close();
    this.#pumps?.downstream.close();
  }

  #reset(): void {
    for (const socket of this.#sockets()) {
      if (socket.writableLength === 0) {
        socket.resetAndDestroy();
        continue;
      }
      // Bytes that were let through before the cut must arrive; a peer that does not read them is not waited for.
      const late = this.#host.context.clock.at(this.#host.context.clock.now() + LINGER_MAX_MS, () => {
        socket.resetAndDestroy();
      });
      const out = (): void => {
        late.cancel();
        if (!socket.destroyed) socket.resetAndDestroy();
      };
      if (socket.writableEnded) socket.once("finish", out).once("close", out);
      else socket.write("", out);
    }
  }

  /**
   * FIN after the bytes that were let through. What the peer still sends is read and thrown away for
   * a while: closing with unread bytes would send an RST and could cost the peer the tail of its answer.
   */
  #close(): void {
    const { clock } = this.#host.context;
    for (const socket of this.#sockets()) {
      socket.end();
      socket.resume();
      const wait = (time: number): Timer => clock.at(clock.now() + time, () => socket.destroy());
      let late = wait(socket.writableFinished ? LINGER_MAX_MS : FLUSH_MAX_MS);
      socket.once("finish", () => {
        late.cancel();
        late = wait(LINGER_MAX_MS);
      });
      socket.once("close", () => {
        late.cancel();
      });
    }
  }

  #sockets(): Socket[] {
    const sockets =
      this.#upstreamSocket === null ? [this.#clientSocket] : [this.#clientSocket, this.#upstreamSocket];
    return sockets.filter((socket) => !socket.destroyed);
  }

  // -- what the sockets say -----------------------------------------------------------------------

  /**
   * The source of a direction has ended, or seems to have: where an RST comes right behind the last bytes,
   * libuv reports an end in its place. Writing nothing tells the two apart, as the kernel then answers with
   * the error. Bytes that are still to be written will tell by themselves.
   */
  sourceEnded(side: Direction, socket: Socket): void {
    if (this.#severed || this.#over) return;
    const ended = (): void => {
      if (this.#severed) return;
      if (this.#pumps === null) this.#endedEarly.push(side);
      else this.#pumps[side].end("fin");
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

  broke(side: Direction, error: NodeJS.ErrnoException): void {
    if (this.#severed || this.#over) return;
    const reset = error.code === "ECONNRESET" || error.code === "EPIPE";
    // "upstream" here is the direction whose source broke: the client's.
    if (side === "upstream") this.#host.failed(this, reset ? "client_reset" : "client_error", error.message);
    else this.#host.failed(this, reset ? "upstream_reset" : "upstream_error", error.message);
    if (this.#pumps === null) {
      this.severed({ do: "reset" });
      return;
    }
    const opposite = side === "upstream" ? "downstream" : "upstream";
    this.#pumps[opposite].sinkLost();
    this.#pumps[side].end("reset");
  }

  socketClosed(): void {
    this.#socketsOpen--;
    if (this.#socketsOpen > 0) {
      if (this.#pumps === null && !this.#severed) {
        // The client left while it was held at a gate or while the upstream was dialled.
        this.severed({ do: "close" });
      }
      return;
    }
    this.#finish();
  }

  #finish(): void {
    if (this.#over) return;
    this.#over = true;
    this.#stopWaiting();
    this.#closePumps();
    for (const binding of this.#bindings) this.#guarded(() => binding.release());
    this.#bindings = [];
    this.#host.over(this);
  }

  #guarded(run: () => void): void {
    try {
      run();
    } catch (error) {
      this.failed(error);
    }
  }
}

// Handlers shared by all connections; `this` is the socket.

function onClientData(this: Socket, chunk: Buffer): void {
  (this as Owned)[OWNER]?.pumps?.upstream.data(chunk);
}

function takeUpstream(socket: Socket, chunk: Buffer): boolean {
  return (socket as Owned)[OWNER]?.fromUpstream(chunk) ?? true;
}

function onClientEnd(this: Socket): void {
  (this as Owned)[OWNER]?.sourceEnded("upstream", this);
}

function onUpstreamEnd(this: Socket): void {
  (this as Owned)[OWNER]?.sourceEnded("downstream", this);
}

function onClientDrain(this: Socket): void {
  (this as Owned)[OWNER]?.pumps?.downstream.drained();
}

function onUpstreamDrain(this: Socket): void {
  (this as Owned)[OWNER]?.pumps?.upstream.drained();
}

function onClientError(this: Socket, error: Error): void {
  (this as Owned)[OWNER]?.broke("upstream", error);
}

function onUpstreamError(this: Socket, error: Error): void {
  (this as Owned)[OWNER]?.broke("downstream", error);
}

function onSocketClose(this: Socket): void {
  (this as Owned)[OWNER]?.socketClosed();
}
