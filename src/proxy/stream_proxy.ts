/** A proxy with a listener and connections of bytes, and the faults in force on both; what TCP and HTTP proxies have in common. */
import type { Socket } from "node:net";
import { clash, formatAddress } from "../config/address.js";
import type { ConnectionFailure } from "../core/events.js";
import type { Seam } from "../faults/contract.js";
import type { ArmedFault } from "../pipeline/armed.js";
import { changeOf } from "../pipeline/bindings.js";
import type { PlanTarget } from "../plan/live.js";
import type { MatchValue } from "../plan/value.js";
import type { Connection, ConnectionHost, Origin } from "./connection.js";
import type { PlaneContext } from "./context.js";
import { Listener, type ListenAddress } from "./tcp/listener.js";
import type { Dialling, DialOptions, TlsOptions } from "./upstream/dial.js";
import { FaultedNames } from "./upstream/faulted_names.js";
import { HealthChecks } from "./upstream/health.js";
import { ONLY_UPSTREAM, Pool, type Member } from "./upstream/pool.js";
import { reach, type Reached } from "./upstream/reach.js";
import type { Take } from "./upstream/reader.js";
import { awaitProxyHeader } from "./tcp/proxy_header.js";
import type { Protocol, ProxyStats, ProxySpecBase, ProxyState } from "./spec.js";

/** After so many connections from one address alone, bots evidently cannot be told apart by address. */
const ONE_ADDRESS_NOTICE = 50;

export abstract class StreamProxy<Spec extends ProxySpecBase, Conn extends Connection>
  implements PlanTarget, ConnectionHost
{
  readonly name: string;
  readonly context: PlaneContext;
  abstract readonly protocol: Protocol;
  abstract readonly seams: ReadonlySet<Seam>;
  spec: Spec;
  #listener: Listener;
  readonly #connections = new Set<Conn>();
  /** Clients whose PROXY protocol header is still to come; they take up places like all others. */
  readonly #unnamed = new Set<Socket>();
  readonly #errors = new Map<ConnectionFailure, number>();
  readonly #bytesIn = { upstream: 0, downstream: 0 };
  readonly #bytesOut = { upstream: 0, downstream: 0 };
  #faults: readonly ArmedFault[] = [];
  #ranks: ReadonlyMap<ArmedFault, number> = new Map();
  #connectionsTotal = 0;
  #refused = 0;
  #onlyAddress: string | null = null;
  #addressesDiffer = false;
  #noticed = false;
  #drained: (() => void) | null = null;
  #running = false;
  #pool: Pool;
  #health: HealthChecks | null = null;
  readonly #names: FaultedNames;

  constructor(spec: Spec, context: PlaneContext) {
    this.spec = spec;
    this.name = spec.name;
    this.context = context;
    this.#pool = this.#poolOf(spec);
    this.#names = new FaultedNames(spec.name, context);
    this.#listener = this.#listenerOn(spec.listen);
  }

  #listenerOn(address: ListenAddress): Listener {
    return new Listener({
      name: this.name,
      address,
      context: this.context,
      onConnection: (socket) => {
        this.#accepted(socket);
      },
    });
  }

  #poolOf({ pool, upstream }: Spec): Pool {
    const { clock, facts } = this.context;
    const alone = { name: ONLY_UPSTREAM, ...upstream };
    return new Pool({
      proxy: this.name,
      spec: pool ?? { members: [alone], balance: "first", health: null, eject: null, seed: 0 },
      clock,
      facts,
      changed: () => {
        const pool = this.#pool;
        for (const connection of [...this.#connections]) connection.upstreamsChanged(pool);
      },
    });
  }

  get pool(): Pool {
    return this.#pool;
  }

  /** How its upstreams are spoken to. */
  protected get tls(): TlsOptions | null {
    return null;
  }

  reach(member: Member, take: Take, done: (result: Reached) => void): Dialling {
    const pool = this.#pool;
    const options = { ...this.#dialOptions(), timeout: this.spec.dialTimeout, take };
    return reach(pool, member, options, (result) => {
      pool.used(member, !("reason" in result || "verdict" in result));
      done(result);
    });
  }

  #dialOptions(): Omit<DialOptions, "take" | "timeout"> {
    const { clock, resolver } = this.context;
    return { clock, resolver, tls: this.tls, lookUp: this.#names.lookUp };
  }

  #startHealth(): void {
    const { health } = this.#pool.spec;
    if (health === null) return;
    this.#health = new HealthChecks({
      pool: this.#pool,
      spec: health,
      clock: this.context.clock,
      options: () => this.#dialOptions(),
    });
    this.#health.start();
  }

  #stopHealth(): void {
    this.#health?.stop();
    this.#health = null;
  }

  get named(): boolean {
    return this.spec.proxyProtocol === "accept";
  }

  get except(): readonly MatchValue[] {
    return this.spec.except;
  }

  protected get connections(): ReadonlySet<Conn> {
    return this.#connections;
  }

  get faults(): readonly ArmedFault[] {
    return this.#faults;
  }

  get ranks(): ReadonlyMap<ArmedFault, number> {
    return this.#ranks;
  }

  get state(): ProxyState {
    return this.#running ? this.#listener.state : "stopped";
  }

  /** Whether it is there for clients, as far as its owner is concerned: a fault may keep it closed all the same. */
  get enabled(): boolean {
    return this.#running;
  }

  /** The bound address once it listens, the configured one before. */
  get address(): ListenAddress {
    return this.#listener.bound ?? this.spec.listen;
  }

  /** The bound address once it has listened, the words that were given before. */
  get listenText(): string {
    const { bound } = this.#listener;
    return bound === null
      ? (this.spec.given?.listen ?? formatAddress(this.spec.listen))
      : formatAddress(bound);
  }

  /** The connection for a client's socket. */
  protected abstract connect(socket: Socket, origin: Origin): Conn;

  /** With its protocol, as in a configuration. */
  abstract get upstreamText(): string;

  /** Without the protocol, and in the words that were given. */
  get upstreamGiven(): string {
    return this.spec.given?.upstream ?? formatAddress(this.spec.upstream);
  }

  get stats(): ProxyStats {
    const bytesIn = { ...this.#bytesIn };
    const bytesOut = { ...this.#bytesOut };
    for (const { pumps } of this.#connections) {
      if (pumps === null) continue;
      for (const direction of ["upstream", "downstream"] as const) {
        bytesIn[direction] += pumps[direction].bytesIn;
        bytesOut[direction] += pumps[direction].bytesOut;
      }
    }
    return {
      connectionsTotal: this.#connectionsTotal,
      connectionsActive: this.#connections.size,
      errors: this.#errors,
      bytesIn,
      bytesOut,
    };
  }

  /** Binds the address. Throws SQ_LISTEN_FAILED; nothing is left behind then. */
  async start(): Promise<void> {
    this.#running = true;
    const wanted = this.#wantsToListen();
    try {
      await this.#listener.start(wanted);
    } catch (error) {
      this.#running = false;
      throw error;
    }
    // The plan may have become another one while the address was bound.
    this.#steer(this.#listener);
    this.#tellKernel();
    this.#startHealth();
    this.#tellStarted();
  }

  #tellStarted(): void {
    this.context.facts.tell({
      kind: "proxy_started",
      proxy: this.name,
      listen: this.listenText,
      upstream: this.upstreamText,
    });
  }

  /**
   * Takes another configuration. Connections live on as they are; a new address is bound before the old
   * one is given up, so that a mistake in it changes nothing. Throws SQ_LISTEN_FAILED.
   */
  async reconfigure(spec: Spec): Promise<void> {
    const { listen } = this.spec;
    if (listen.host !== spec.listen.host || listen.port !== spec.listen.port) await this.#moveTo(spec.listen);
    const same =
      JSON.stringify([this.spec.pool, this.spec.upstream]) === JSON.stringify([spec.pool, spec.upstream]);
    this.spec = spec;
    this.#tellKernel();
    if (same) return;
    // Connections keep the members that they have; what is known of those is forgotten.
    this.#stopHealth();
    this.#pool.stop();
    this.#pool = this.#poolOf(spec);
    this.#pool.apply(this.#faults, new Set());
    if (this.#running) this.#startHealth();
  }

  /** The same, and no connection outlives it. */
  async restart(spec: Spec): Promise<void> {
    await this.reconfigure(spec);
    if (!this.#running) return;
    this.#closeConnections();
    this.context.facts.tell({ kind: "proxy_stopped", proxy: this.name });
    this.#tellStarted();
  }

  async #moveTo(address: ListenAddress): Promise<void> {
    const old = this.#listener;
    const next = this.#listenerOn(address);
    if (this.#running) {
      // 127.0.0.1:80 and [::]:80 cannot be had at once: then the old one must go first, and comes back if need be.
      const first = old.bound !== null && clash(old.bound, address);
      if (first) old.stop();
      try {
        await next.start(this.#wantsToListen());
      } catch (error) {
        if (first && this.#running) await old.resume(this.#wantsToListen());
        throw error;
      }
      // Stopped, or under another plan, by the time it is bound.
      if (!this.#running) next.stop();
      this.#steer(next);
      old.stop();
    }
    this.#listener = next;
  }

  /** Closes the listener and every connection. */
  stop(): void {
    if (!this.#running) return;
    this.#running = false;
    this.#listener.stop();
    this.#tellKernel();
    this.#stopHealth();
    this.#closeConnections();
    this.context.facts.tell({ kind: "proxy_stopped", proxy: this.name });
  }

  #closeConnections(): void {
    for (const socket of [...this.#unnamed]) socket.destroy();
    for (const connection of [...this.#connections]) connection.destroy();
  }

  /** Accepts nobody any more, and resolves when the last connection is over or has been closed at the deadline. */
  drain(deadline: number): Promise<number> {
    this.#listener.stop();
    for (const connection of [...this.#connections]) connection.retire();
    if (this.#active === 0) return Promise.resolve(0);
    return new Promise((resolve) => {
      let closed = 0;
      const timer = this.context.clock.at(deadline, () => {
        closed = this.#active;
        this.#closeConnections();
      });
      const before = this.#drained;
      this.#drained = () => {
        before?.();
        timer.cancel();
        resolve(closed);
      };
    });
  }

  // -- the plan -----------------------------------------------------------------------------------

  apply(faults: readonly ArmedFault[], assigned: ReadonlySet<ArmedFault>): void {
    const change = changeOf(this.#faults, faults, assigned);
    if (change === null) return;
    this.#faults = change.faults;
    this.#ranks = change.ranks;
    this.faultsChanged();
    this.#names.apply(change);
    this.#pool.apply(this.#faults, assigned);
    this.#tellKernel();
    if (this.#running) this.#steer(this.#listener);
    for (const connection of [...this.#connections]) connection.apply(change);
  }

  /** Others are in force from now on; connections hear of it next. */
  protected faultsChanged(): void {
    // Nothing to prepare.
  }

  /** What the kernel is to lose for this proxy, and between whom. */
  #tellKernel(): void {
    const { kernel } = this.context;
    if (kernel === undefined) return;
    const { members } = this.#pool.spec;
    const wanted = this.#faults.flatMap((fault) =>
      fault.kernel === null
        ? []
        : [{ fault, ends: fault.kernel.leg === "client" ? [this.address] : members }],
    );
    kernel.want(this.name, this.#running && this.address.port !== 0 ? wanted : []);
  }

  #steer(listener: Listener): void {
    listener.mute(this.#faults.some((fault) => fault.listener?.silent?.() === true));
    listener.want(this.#wantsToListen());
  }

  #wantsToListen(): boolean {
    return this.#faults.every((fault) => fault.listener?.listening() ?? true);
  }

  // -- connections --------------------------------------------------------------------------------

  #accepted(socket: Socket): void {
    this.#connectionsTotal++;
    if (this.#active >= this.spec.connections || !this.context.slots.take()) {
      this.#refuse(socket);
      return;
    }
    const id = this.#connectionsTotal;
    const peer = { address: socket.remoteAddress ?? "", port: socket.remotePort ?? 0 };
    if (this.spec.proxyProtocol === "accept") this.#acceptWithHeader(socket, id, peer);
    else this.#begin(socket, id, peer);
  }

  #acceptWithHeader(
    socket: Socket,
    id: number,
    peer: { readonly address: string; readonly port: number },
  ): void {
    this.#unnamed.add(socket);
    awaitProxyHeader(socket, this.context.clock, (result) => {
      this.#unnamed.delete(socket);
      if ("reason" in result) {
        this.context.slots.give();
        this.#count("proxy_header", id, peer.address, result.reason);
        socket.destroy();
        this.#released();
        return;
      }
      this.#begin(socket, id, result.source ?? peer);
    });
  }

  #begin(
    socket: Socket,
    id: number,
    { address, port }: { readonly address: string; readonly port: number },
  ): void {
    const plain = address.startsWith("::ffff:") ? address.slice(7) : address;
    const connection = this.connect(socket, { id, address: plain, port });
    this.#connections.add(connection);
    this.#noticeAddress(plain);
    connection.start();
  }

  #refuse(socket: Socket): void {
    this.#refused++;
    const { limit } = this.context.slots;
    this.#count(
      "connection_limit",
      this.#connectionsTotal,
      socket.remoteAddress ?? "",
      "too many connections",
    );
    if (this.#refused === 1) {
      const value = Math.min(this.spec.connections, limit);
      this.context.facts.tell({ kind: "limit_reached", proxy: this.name, limit: "connections", value });
    }
    socket.resetAndDestroy();
  }

  /** Without anything that tells them apart, all bots would share one row of draws: said once, loudly. */
  #noticeAddress(address: string): void {
    if (this.#addressesDiffer) return;
    this.#onlyAddress ??= address;
    if (this.#onlyAddress !== address) {
      this.#addressesDiffer = true;
    } else if (this.#connectionsTotal >= ONE_ADDRESS_NOTICE && this.#connections.size > 1 && !this.#noticed) {
      this.#noticed = true;
      this.context.facts.tell({ kind: "bots_unidentified", proxy: this.name, client: address });
    }
  }

  failed(connection: Connection, reason: ConnectionFailure, text: string): void {
    this.#count(reason, connection.connection, connection.client, text);
  }

  #count(reason: ConnectionFailure, connection: number, client: string, text: string): void {
    this.#errors.set(reason, (this.#errors.get(reason) ?? 0) + 1);
    this.context.facts.tell({
      kind: "connection_failed",
      proxy: this.name,
      connection,
      client,
      reason,
      text,
    });
  }

  over(connection: Connection): void {
    this.#connections.delete(connection as Conn);
    this.context.slots.give();
    const { pumps } = connection;
    if (pumps !== null) {
      for (const direction of ["upstream", "downstream"] as const) {
        this.#bytesIn[direction] += pumps[direction].bytesIn;
        this.#bytesOut[direction] += pumps[direction].bytesOut;
      }
    }
    this.#released();
  }

  #released(): void {
    if (this.#active < this.spec.connections) this.#refused = 0;
    if (this.#active === 0) this.#drained?.();
  }

  get #active(): number {
    return this.#connections.size + this.#unnamed.size;
  }
}
