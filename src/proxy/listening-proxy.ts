/** A proxy as far as it has a port and faults: how it starts, moves, stops and takes a plan, whatever it does with its clients. */
import type { MatchEntry } from "../config/match.js";
import { clash, formatAddress } from "../config/address.js";
import { contained, type Owner } from "../core/containment.js";
import type { ConnectionFailure } from "../core/events.js";
import type { Seam } from "../faults/contract/index.js";
import type { ArmedFault } from "../pipeline/armed.js";
import { changeOf, type FaultChange } from "../pipeline/bindings.js";
import type { Subject } from "../pipeline/armed.js";
import { BytePages, type BytePage } from "./byte-pages.js";
import type { PlaneContext } from "./context.js";
import type { ListenAddress, Port } from "./port.js";
import { upstreamWords, type Proxy, type ProxyState, type ProxyStats } from "./spec.js";
import { type Protocol, type ProxySpecBase } from "./spec-base.js";

export abstract class ListeningProxy<Spec extends ProxySpecBase, Own extends Port> implements Proxy<Spec> {
  abstract readonly protocol: Protocol;
  abstract readonly seams: ReadonlySet<Seam>;
  readonly name: string;
  readonly context: PlaneContext;
  spec: Spec;
  #port: Own;
  readonly #errors = new Map<ConnectionFailure, number>();
  #faults: readonly ArmedFault[] = [];
  #running = false;
  readonly #pages = new BytePages();
  /** Faults that keep the port closed, each with the proxy as its subject. */
  readonly #closing = new Map<ArmedFault, Subject>();

  constructor(spec: Spec, context: PlaneContext) {
    this.spec = spec;
    this.name = spec.name;
    this.context = context;
    this.#port = this.portOn(spec.listen);
  }

  // -- what differs -------------------------------------------------------------------------------

  /** A port that is not bound yet. Called before the fields of a heir are there. */
  protected abstract portOn(address: ListenAddress): Own;

  /** With its protocol, as in a configuration. */
  abstract get upstreamText(): string;

  abstract get stats(): ProxyStats;

  /** Accepts nobody any more, and resolves when the last client is done or was cut off at the deadline: how many that were. */
  abstract drain(deadline: number): Promise<number>;

  /** Ends whatever goes on with any client. */
  protected abstract closeClients(): void;

  /** Other faults are in force, and the port knows: those that are being served are to hear of it. */
  protected abstract tellClients(change: FaultChange): void;

  /** Other faults are in force from now on; port and clients hear of it next. */
  protected faultsChanged(_change: FaultChange): void {
    // Nothing to prepare.
  }

  /** It listens, or would if no fault were in the way. */
  protected started(): void {
    // Nothing else to start.
  }

  /** Throws what is wrong with another specification before anything is changed. */
  protected check(_spec: Spec): void {
    // Nothing is made from it that could fail.
  }

  /** `spec` is another one now. */
  protected reconfigured(_before: Spec): void {
    // Nothing was made from it.
  }

  /** Port and clients are gone. */
  protected stopped(): void {
    // Nothing else to stop.
  }

  /** Has the port do what faults want of it. */
  protected steer(port: Own): void {
    port.want(this.wantsToListen);
    if (this.#running) this.#countClosed();
  }

  /** Those who are turned away at a closed port are seen by nobody: that it is closed is what can be told. */
  #countClosed(): void {
    for (const [fault, itself] of this.#closing) {
      if (this.#faults.includes(fault) && closes(fault)) continue;
      this.#closing.delete(fault);
      itself.finished();
    }
    for (const fault of this.#faults) {
      if (!closes(fault) || this.#closing.has(fault)) continue;
      const itself = fault.itself();
      this.#closing.set(fault, itself);
      itself.count(fault.listener?.effect ?? "closed", 1, { listen: this.listenText });
    }
  }

  // -- what can be asked of any proxy -------------------------------------------------------------

  protected get port(): Own {
    return this.#port;
  }

  get except(): readonly MatchEntry[] {
    return this.spec.except;
  }

  get faults(): readonly ArmedFault[] {
    return this.#faults;
  }

  get errors(): ReadonlyMap<ConnectionFailure, number> {
    return this.#errors;
  }

  get state(): ProxyState {
    return this.#running ? this.#port.state : "stopped";
  }

  /** Whether it is there for clients, as far as its owner is concerned: a fault may keep it closed all the same. */
  get enabled(): boolean {
    return this.#running;
  }

  /** The bound address once it listens, the configured one before. */
  get address(): ListenAddress {
    return this.#port.bound ?? this.spec.listen;
  }

  /** The bound address once it has listened, the words that were given before. */
  get listenText(): string {
    const { bound } = this.#port;
    return bound === null
      ? (this.spec.given?.listen ?? formatAddress(this.spec.listen))
      : formatAddress(bound);
  }

  /** Without the protocol, and in the words that were given. */
  get upstreamGiven(): string {
    return upstreamWords(this.spec);
  }

  /** Its bytes by the addresses that it had. */
  get bytePages(): readonly BytePage[] {
    return this.#pages.all(this.stats);
  }

  #turnPage(): void {
    this.#pages.turn({ listen: this.listenText, upstream: this.upstreamGiven }, this.stats);
  }

  // -- its life -----------------------------------------------------------------------------------

  /** Binds the address. Throws SQ_LISTEN_FAILED; nothing is left behind then. */
  async start(): Promise<void> {
    this.#running = true;
    try {
      await this.#port.start(this.wantsToListen);
    } catch (error) {
      this.#running = false;
      throw error;
    }
    // The plan may have become another one while the address was bound.
    this.steer(this.#port);
    this.started();
    this.#tellStarted();
  }

  /** The same for one that is to be there whatever comes: an address that cannot be had yet is tried again until it can. */
  async insist(): Promise<void> {
    this.#running = true;
    await this.#port.resume(this.wantsToListen);
    if (!this.#running) return;
    this.steer(this.#port);
    this.started();
    if (this.state !== "cannot listen") this.#tellStarted();
  }

  #tellStarted(): void {
    this.#turnPage();
    const { name: proxy, listenText: listen, upstreamText: upstream } = this;
    this.context.facts.tell({ kind: "proxy_started", proxy, listen, upstream });
  }

  /**
   * Takes another configuration. Who is being served lives on as he is; a new address is bound before the old
   * one is given up, so that a mistake in it changes nothing. Throws SQ_LISTEN_FAILED.
   */
  async reconfigure(spec: Spec): Promise<void> {
    const { listen } = this.spec;
    await this.#reconfigure(spec, listen.host !== spec.listen.host || listen.port !== spec.listen.port);
  }

  async #reconfigure(spec: Spec, moves: boolean): Promise<void> {
    this.check(spec);
    if (moves) await this.#moveTo(spec.listen);
    const before = this.spec;
    this.spec = spec;
    this.reconfigured(before);
    this.#turnPage();
  }

  /** The same, and no client outlives it; any free port is another one than it has. */
  async restart(spec: Spec): Promise<void> {
    const { listen } = this.spec;
    if (spec.listen.port === 0 && spec.listen !== listen) await this.#reconfigure(spec, true);
    else await this.reconfigure(spec);
    if (!this.#running) return;
    this.closeClients();
    this.context.facts.tell({ kind: "proxy_stopped", proxy: this.name });
    this.#tellStarted();
  }

  async #moveTo(address: ListenAddress): Promise<void> {
    const old = this.#port;
    const next = this.portOn(address);
    if (this.#running) {
      // 127.0.0.1:80 and [::]:80 cannot be had at once: then the old one must go first, and comes back if need be.
      const first = old.bound !== null && clash(old.bound, address);
      if (first) old.stop();
      try {
        await next.start(this.wantsToListen);
      } catch (error) {
        if (first && this.#running) await old.resume(this.wantsToListen);
        throw error;
      }
      // Stopped, or under another plan, by the time it is bound.
      if (!this.#running) next.stop();
      this.steer(next);
    }
    old.stop();
    this.#port = next;
  }

  /** Closes the port, and ends whatever goes on with any client. */
  stop(): void {
    this.#port.stop();
    this.#ended();
  }

  /** The same for one that is to come back: its port is kept from others where the system lets us. */
  switchOff(): void {
    if (!this.#running) return;
    this.#port.rest();
    this.#ended();
  }

  #ended(): void {
    if (!this.#running) return;
    this.#running = false;
    for (const itself of this.#closing.values()) itself.finished();
    this.#closing.clear();
    this.closeClients();
    this.stopped();
    this.context.facts.tell({ kind: "proxy_stopped", proxy: this.name });
  }

  // -- the plan -----------------------------------------------------------------------------------

  apply(faults: readonly ArmedFault[], assigned: ReadonlySet<ArmedFault>): void {
    const change = changeOf(this.#faults, faults, assigned);
    if (change === null) return;
    this.#faults = change.faults;
    // A mistake in one of these must not keep the others, or other proxies, from hearing of the plan.
    const tell = (run: () => void): void => {
      contained(this.mistakes, run)();
    };
    tell(() => {
      this.faultsChanged(change);
    });
    tell(() => {
      if (this.#running) this.steer(this.#port);
    });
    tell(() => {
      this.tellClients(change);
    });
  }

  /** Whether no fault is in the way of it. */
  protected get wantsToListen(): boolean {
    return this.#faults.every((fault) => fault.listener?.listening() ?? true);
  }

  // -- what went wrong ----------------------------------------------------------------------------

  /** For what happens outside of any one client's affairs: a mistake of ours there is told and counted, and nothing ends. */
  readonly mistakes: Owner = {
    failed: (error) => {
      this.context.facts.tell({ kind: "mistake", where: `proxy ${this.name}`, error });
      this.count("internal");
    },
  };

  protected count(reason: ConnectionFailure): void {
    this.#errors.set(reason, (this.#errors.get(reason) ?? 0) + 1);
  }

  /** `bot` as it is known, which may be by its address alone. */
  protected tellFailed(
    reason: ConnectionFailure,
    connection: number,
    client: string,
    text: string,
    bot = client,
  ): void {
    this.context.facts.tell({
      kind: "connection_failed",
      proxy: this.name,
      connection,
      client,
      ...(bot === client ? {} : { bot }),
      reason,
      text,
    });
  }
}

/** Whether it keeps everybody out, so that nobody of them is seen. */
function closes({ listener }: ArmedFault): boolean {
  return listener !== null && (!listener.listening() || listener.silent?.() === true);
}
