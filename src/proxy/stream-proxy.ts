/** A proxy with a listener and connections of bytes, and the faults in force on both; what TCP and HTTP proxies have in common. */
import type { Socket } from "node:net";
import { contained, type Owner } from "../core/containment.js";
import type { ConnectionFailure } from "../core/events.js";
import { Roster } from "../core/roster.js";
import type { ArmedFault } from "../pipeline/armed.js";
import type { FaultChange } from "../pipeline/bindings.js";
import type { Guest } from "../pipeline/party.js";
import { ByteSums } from "./byte-sums.js";
import type { Connection, ConnectionHost, Origin } from "./connection.js";
import type { PlaneContext } from "./context.js";
import { OneAddress } from "./one-address.js";
import { Lookout } from "./lookout.js";
import { ListeningProxy } from "./listening-proxy.js";
import { clientAddress, type ListenAddress } from "./port.js";
import { lossesOf } from "./kernel/losses.js";
import { Listener } from "./tcp/listener.js";
import type { AskUpstream } from "./secure/mirror.js";
import { nameByTls, type Peer } from "./secure/peer.js";
import type { HandshakeTally } from "./secure/tally.js";
import { isSecuredAlike, SecureClients, type SecureProxy } from "./secure/secure-clients.js";
import type { Newcomer, Severable } from "./secure/secure-host.js";
import type { Dialling, DialOptions, Endpoint, TlsOptions } from "./upstream/dial.js";
import { credentialsOf, type Credentials } from "./upstream/credentials.js";
import { FaultedNames } from "./upstream/faulted-names.js";
import { HealthChecks } from "./upstream/health.js";
import { ONLY_UPSTREAM, Pool, type Member } from "./upstream/pool.js";
import { reach, speaksFor, type Reached, type ReachOptions, type Waits } from "./upstream/reach.js";
import type { Take } from "./upstream/reader.js";
import { awaitProxyHeader, type ProxyHeader } from "./tcp/proxy-header.js";
import { turnsAway } from "./watched-connection.js";
import type { ProxyStats } from "./spec.js";
import type { StreamSpec } from "./spec-base.js";

export abstract class StreamProxy<Spec extends StreamSpec, Conn extends Connection>
  extends ListeningProxy<Spec, Listener>
  implements ConnectionHost, SecureProxy
{
  readonly #connections = new Roster<Conn>();
  /** Clients whose PROXY protocol header is still to come; they take up places like all others. */
  readonly #unnamed = new Roster<Socket>();
  readonly #secure = new SecureClients(this);
  readonly #bytes = new ByteSums();
  #ranks: ReadonlyMap<ArmedFault, number> = new Map();
  #connectionsTotal = 0;
  #refused = 0;
  readonly #addresses = new OneAddress();
  #drained: (() => void) | null = null;
  #draining = false;
  readonly #lookout = new Lookout(this.context, this.#connections, this.mistakes);
  #pool: Pool;
  #health: HealthChecks | null = null;
  readonly #names: FaultedNames;
  #credentials: Credentials | null;

  constructor(spec: Spec, context: PlaneContext) {
    super(spec, context);
    this.#pool = this.#poolOf(spec);
    this.#names = new FaultedNames(spec.name, context);
    this.#credentials = credentialsOf(spec, context);
    this.#secure.configure(spec);
  }

  protected override portOn(address: ListenAddress): Listener {
    return new Listener({
      name: this.name,
      address,
      context: this.context,
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
        for (const connection of this.#connections)
          connection.guarded(() => {
            connection.upstreamsChanged(pool);
          });
      },
    });
  }

  get pool(): Pool {
    return this.#pool;
  }

  /** The Host of health checks over HTTP; null for the upstream's own host and port. */
  protected checkedAs(_endpoint: Endpoint): string | null {
    return null;
  }

  /** How its upstreams are spoken to. */
  protected get tls(): TlsOptions | null {
    return this.#credentials?.current ?? null;
  }

  /** How the upstream of a client is spoken to. */
  protected tlsFor(_guest: Guest): TlsOptions | null {
    return this.tls;
  }

  /** Asks the upstream what protocol it would speak; null where it speaks no TLS. */
  get askUpstream(): AskUpstream | null {
    return null;
  }

  /** `owner` pays for what goes wrong in `done`. */
  reach(
    member: Member,
    guest: Guest,
    take: Take,
    done: (result: Reached) => void,
    owner: Owner,
    waits: Waits | null = null,
  ): Dialling {
    const pool = this.#pool;
    const { context, name } = this;
    const { clock, resolver, descriptors, keepalive } = context;
    const options: ReachOptions = {
      clock,
      resolver,
      descriptors,
      keepalive,
      lookUp: this.#names.lookUp,
      tls: this.tlsFor(guest),
      timeout: this.spec.dialTimeout,
      take,
      book: member.book,
      turn: member.dialled++,
      asking: guest,
      waits,
    };
    return reach(pool, member, options, (result) => {
      try {
        finish(result);
      } catch (error) {
        if ("destroy" in result) result.destroy();
        owner.failed(error);
      }
    });
    function finish(result: Reached): void {
      pool.used(member, speaksFor(result));
      context.watch?.watcher?.reached(name, member.name, "reason" in result ? result.reason : null);
      done(result);
    }
  }

  /** What a client is answered that does not speak the TLS that it is to speak; null where nobody knows what it speaks. */
  get plainAnswer(): Buffer | null {
    return null;
  }

  protected dialOptions(): Omit<DialOptions, "take" | "timeout"> {
    const { clock, resolver, descriptors, keepalive } = this.context;
    return { clock, resolver, descriptors, keepalive, tls: this.tls, lookUp: this.#names.lookUp };
  }

  #startHealth(): void {
    const { health } = this.#pool.spec;
    if (health === null) return;
    this.#health = new HealthChecks({
      pool: this.#pool,
      spec: health,
      clock: this.context.clock,
      mistakes: this.mistakes,
      options: () => this.dialOptions(),
      hostOf: (endpoint) => this.checkedAs(endpoint),
    });
    this.#health.start();
  }

  #stopHealth(): void {
    this.#health?.stop();
    this.#health = null;
  }

  get handshakes(): HandshakeTally | undefined {
    return this.#secure.expected ? this.#secure.tally : undefined;
  }

  get named(): boolean {
    return this.spec.proxyProtocol === "accept";
  }

  get clients(): Iterable<Conn> {
    return this.#connections;
  }

  get ranks(): ReadonlyMap<ArmedFault, number> {
    return this.#ranks;
  }

  /** The connection for a client's socket. */
  protected abstract connect(socket: Socket, origin: Origin): Conn;

  override get stats(): ProxyStats {
    return {
      connectionsTotal: this.#connectionsTotal,
      connectionsActive: this.#active,
      errors: this.errors,
      ...this.#bytes.with(this.#connections),
    };
  }

  protected override started(): void {
    this.#draining = false;
    this.#tellKernel();
    this.#startHealth();
  }

  protected override check(spec: Spec): void {
    this.#secure.check(spec);
  }

  protected override reconfigured(before: Spec): void {
    this.#tellKernel();
    const { pool, upstream, tls } = this.spec;
    if (tls !== before.tls) this.#credentials = credentialsOf(this.spec, this.context);
    if (!isSecuredAlike(before, this.spec)) this.#secure.configure(this.spec);
    if (JSON.stringify([before.pool, before.upstream]) === JSON.stringify([pool, upstream])) return;
    // Connections keep the members that they have; what is known of those is forgotten.
    this.#stopHealth();
    this.#pool.stop();
    this.#pool = this.#poolOf(this.spec);
    this.#pool.apply(this.faults, new Set());
    if (this.enabled) this.#startHealth();
  }

  protected override stopped(): void {
    this.#tellKernel();
    this.#stopHealth();
  }

  protected override closeClients(): void {
    for (const socket of this.#unnamed) socket.destroy();
    this.#secure.closeUnderWay();
    for (const connection of this.#connections)
      connection.guarded(() => {
        connection.destroy();
      });
  }

  override drain(deadline: number): Promise<number> {
    this.port.stop();
    this.#draining = true;
    this.#secure.retire();
    for (const connection of this.#connections)
      connection.guarded(() => {
        connection.retire();
      });
    if (this.#active === 0) return Promise.resolve(0);
    return new Promise((resolve) => {
      let closed = 0;
      const timer = this.context.clock.at(deadline, () => {
        closed = this.#active;
        this.closeClients();
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

  protected override faultsChanged(change: FaultChange): void {
    this.#ranks = change.ranks;
    this.#names.apply(change);
    this.#pool.apply(change.faults, change.assigned);
    this.#tellKernel();
  }

  protected override tellClients(change: FaultChange): void {
    this.#secure.apply(change);
    for (const connection of this.#connections) connection.apply(change);
  }

  /** What the kernel is to lose for this proxy, and between whom. */
  #tellKernel(): void {
    const { kernel } = this.context;
    if (kernel === undefined) return;
    const wanted = this.enabled && this.address.port !== 0;
    kernel.want(this.name, wanted ? lossesOf(this.faults, this.address, this.#pool.spec.members) : []);
  }

  protected override steer(listener: Listener): void {
    listener.mute(this.faults.some((fault) => fault.listener?.silent?.() === true));
    super.steer(listener);
  }

  // -- connections --------------------------------------------------------------------------------

  #accepted(socket: Socket): void {
    this.context.overdue?.look();
    this.#connectionsTotal++;
    const { descriptors, slots } = this.context;
    if (descriptors?.isReserved(socket) === true) {
      this.#refuse(socket, "descriptor_limit", "descriptors", descriptors.limit);
      return;
    }
    if (this.#active >= this.spec.connections || !slots.take()) {
      this.#refuse(socket, "connection_limit", "connections", Math.min(this.spec.connections, slots.limit));
      return;
    }
    const id = this.#connectionsTotal;
    const { remoteAddress: address = "", remotePort: port = 0 } = socket;
    if (this.spec.proxyProtocol === "accept") this.#acceptWithHeader(socket, id, { address, port });
    else this.#arrive(socket, id, address, port);
  }

  #acceptWithHeader(
    socket: Socket,
    id: number,
    peer: { readonly address: string; readonly port: number },
  ): void {
    const seat = this.#unnamed.enter(socket);
    const named = (result: ProxyHeader): void => {
      seat.leave();
      if ("reason" in result) {
        this.context.slots.give();
        this.#failed("proxy_header", id, peer.address, result.reason);
        socket.destroy();
        this.#released();
        return;
      }
      const source = result.source ?? peer;
      this.#arrive(socket, id, source.address, source.port);
    };
    const broken = {
      failed: (error: unknown): void => {
        socket.destroy();
        this.mistakes.failed(error);
      },
    };
    awaitProxyHeader(socket, this.context.clock, contained(broken, named), broken);
  }

  /** Its TLS comes first, where the proxy ends that or looks into it. */
  #arrive(socket: Socket, id: number, address: string, port: number): void {
    const client = { id, address: clientAddress(address), port };
    if (this.#secure.expected) this.#secure.accept(socket, client);
    else this.#begin(socket, client);
  }

  arrived(socket: Socket, origin: Origin): Conn {
    const { id, address, port, peer = null } = origin;
    if (peer === null) return this.#begin(socket, origin);
    return this.#begin(socket, { id, address, port, peer, bot: this.knownAs(peer, true) });
  }

  free(): void {
    this.context.slots.give();
    this.#released();
  }

  failedBefore({ connection, client, bot, peer }: Newcomer, reason: ConnectionFailure, text: string): void {
    // Its certificate may have a name for it by now, whether that is believed or not.
    const named = peer === null ? undefined : this.knownAs(peer, peer.version !== null);
    this.#failed(reason, connection, client, text, named ?? bot);
  }

  knownAs(peer: Peer, isSecure: boolean): string | undefined {
    return nameByTls(this.spec.identify ?? [], peer, isSecure);
  }

  #begin(socket: Socket, origin: Origin): Conn {
    const plain = origin.address;
    let connection: Conn;
    try {
      connection = this.connect(socket, origin);
    } catch (error) {
      // Nobody is there who could give the place back.
      this.context.slots.give();
      throw error;
    }
    connection.seat = this.#connections.enter(connection);
    this.#lookout.begin();
    if (this.#addresses.isNews(plain, this.#connections.size))
      this.context.facts.tell({ kind: "bots_unidentified", proxy: this.name, client: plain });
    connection.guarded(() => {
      connection.start();
      // It was accepted before, and what came first, a handshake or a PROXY header, is over.
      if (this.#draining) connection.retire();
    });
    return connection;
  }

  #refuse(socket: Socket, reason: ConnectionFailure, limit: string, value: number): void {
    this.#refused++;
    const text =
      reason === "connection_limit" ? "too many connections" : "no descriptor is left for a client";
    this.#failed(reason, this.#connectionsTotal, socket.remoteAddress, text);
    if (this.#refused === 1)
      this.context.facts.tell({ kind: "limit_reached", proxy: this.name, limit, value });
    socket.resetAndDestroy();
  }

  failed(connection: Connection, reason: ConnectionFailure, text: string): void {
    const { connection: id, client, bot, bearer }: Connection & Severable = connection;
    connection.ending.failed(reason);
    this.count(reason);
    this.tellFailed(reason, id, client, text, bearer?.bot ?? bot);
  }

  #failed(reason: ConnectionFailure, connection: number, client = "", text: string, bot?: string): void {
    this.count(reason);
    this.tellFailed(reason, connection, clientAddress(client), text, bot);
    turnsAway(this, reason, connection, clientAddress(client), bot);
  }

  over(connection: Connection): void {
    this.told(connection as Conn);
    connection.seat?.leave();
    this.#lookout.endIfNobody();
    this.context.slots.give();
    this.#bytes.add(connection);
    this.#released();
  }

  /** This connection is over: tells those who record, or watch. */
  protected abstract told(connection: Conn): void;

  #released(): void {
    if (this.#active < this.spec.connections) this.#refused = 0;
    if (this.#active === 0) this.#drained?.();
  }

  get #active(): number {
    return this.#connections.size + this.#unnamed.size + this.#secure.underWay;
  }
}
