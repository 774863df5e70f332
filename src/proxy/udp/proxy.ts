/** A UDP proxy: one port for all clients, and for each of them a flow with a socket of its own to the upstream. */
import type { RemoteInfo } from "node:dgram";
import { clash, formatAddress } from "../../config/address.js";
import type { Millis, Timer } from "../../core/clock.js";
import type { ConnectionFailure } from "../../core/events.js";
import type { Seam } from "../../faults/contract.js";
import type { ArmedFault } from "../../pipeline/armed.js";
import { changeOf } from "../../pipeline/bindings.js";
import type { MatchValue } from "../../plan/value.js";
import type { PlaneContext } from "../context.js";
import type { ListenAddress } from "../port.js";
import type { Proxy, ProxyState, ProxyStats } from "../spec.js";
import { FaultedNames } from "../upstream/faulted_names.js";
import { Flow, type FlowHost } from "./flow.js";
import { Flows } from "./flows.js";
import { DatagramPort, type DatagramPortOwner } from "./port.js";
import type { Sent } from "./socket.js";
import type { UdpProxySpec } from "./spec.js";
import { DatagramTally } from "./tally.js";
import { Target } from "./target.js";

const SEAMS_OF_UDP: ReadonlySet<Seam> = new Set(["listener", "datagram", "query"]);
/** How often a running drain looks whether faults still hold something. */
const DRAIN_LOOK: Millis = 50;

export class UdpProxy implements Proxy<UdpProxySpec>, FlowHost, DatagramPortOwner {
  readonly protocol = "udp";
  readonly seams = SEAMS_OF_UDP;
  readonly name: string;
  readonly context: PlaneContext;
  readonly tally = new DatagramTally();
  spec: UdpProxySpec;
  target: Target;
  #port: DatagramPort;
  readonly #flows = new Flows<Flow>();
  readonly #errors = new Map<ConnectionFailure, number>();
  #faults: readonly ArmedFault[] = [];
  #flowsTotal = 0;
  #full = false;
  #running = false;
  #draining = false;
  #timer: Timer | null = null;
  readonly #names: FaultedNames;

  constructor(spec: UdpProxySpec, context: PlaneContext) {
    this.spec = spec;
    this.name = spec.name;
    this.context = context;
    this.#names = new FaultedNames(spec.name, context);
    this.target = this.#targetAt(spec);
    this.#port = this.#portOn(spec.listen);
  }

  #targetAt({ upstream }: UdpProxySpec): Target {
    const { clock, resolver } = this.context;
    return new Target(upstream, { clock, resolver, names: this.#names });
  }

  #portOn(address: ListenAddress): DatagramPort {
    return new DatagramPort({ name: this.name, address, context: this.context, owner: this });
  }

  get except(): readonly MatchValue[] {
    return this.spec.except;
  }

  get faults(): readonly ArmedFault[] {
    return this.#faults;
  }

  get state(): ProxyState {
    return this.#running ? this.#port.state : "stopped";
  }

  get enabled(): boolean {
    return this.#running;
  }

  get address(): ListenAddress {
    return this.#port.bound ?? this.spec.listen;
  }

  get listenText(): string {
    const { bound } = this.#port;
    return bound === null
      ? (this.spec.given?.listen ?? formatAddress(this.spec.listen))
      : formatAddress(bound);
  }

  get upstreamText(): string {
    return `udp://${formatAddress(this.spec.upstream)}`;
  }

  get upstreamGiven(): string {
    return this.spec.given?.upstream ?? formatAddress(this.spec.upstream);
  }

  get datagrams(): DatagramTally {
    return this.tally;
  }

  get stats(): ProxyStats {
    return {
      connectionsTotal: this.#flowsTotal,
      connectionsActive: this.#flows.size,
      errors: this.#errors,
      bytesIn: { ...this.tally.bytesIn },
      bytesOut: { ...this.tally.bytesOut },
    };
  }

  // -- its life -----------------------------------------------------------------------------------

  /** Binds the address. Throws SQ_LISTEN_FAILED; nothing is left behind then. */
  async start(): Promise<void> {
    this.#running = true;
    this.#draining = false;
    try {
      await this.#port.start(this.#wantsToListen());
    } catch (error) {
      this.#running = false;
      throw error;
    }
    // The plan may have become another one while the address was bound.
    this.#port.want(this.#wantsToListen());
    this.#tellStarted();
  }

  #tellStarted(): void {
    const { name: proxy, listenText: listen, upstreamText: upstream } = this;
    this.context.facts.tell({ kind: "proxy_started", proxy, listen, upstream });
  }

  /** Takes another configuration; flows keep the upstream that they have. Throws SQ_LISTEN_FAILED, and changes nothing then. */
  async reconfigure(spec: UdpProxySpec): Promise<void> {
    const { listen, upstream } = this.spec;
    if (listen.host !== spec.listen.host || listen.port !== spec.listen.port) await this.#moveTo(spec.listen);
    this.spec = spec;
    if (upstream.host !== spec.upstream.host || upstream.port !== spec.upstream.port)
      this.target = this.#targetAt(spec);
    this.#watchIdle();
  }

  /** The same, and no flow outlives it. */
  async restart(spec: UdpProxySpec): Promise<void> {
    await this.reconfigure(spec);
    if (!this.#running) return;
    this.#closeFlows();
    this.context.facts.tell({ kind: "proxy_stopped", proxy: this.name });
    this.#tellStarted();
  }

  async #moveTo(address: ListenAddress): Promise<void> {
    const old = this.#port;
    const next = this.#portOn(address);
    if (this.#running) {
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
      next.want(this.#wantsToListen());
      old.stop();
    }
    this.#port = next;
  }

  stop(): void {
    if (!this.#running) return;
    this.#running = false;
    this.#port.stop();
    this.#closeFlows();
    this.target.cancel();
    this.context.facts.tell({ kind: "proxy_stopped", proxy: this.name });
  }

  #closeFlows(): void {
    for (const flow of this.#flows.all()) flow.close();
  }

  /**
   * No new flows. A flow does not say when it is done, so it ends as soon as nothing of its is held; what is held at
   * the deadline is lost. Answers how many flows lost something.
   */
  drain(deadline: number): Promise<number> {
    this.#draining = true;
    return new Promise((resolve) => {
      const look = (): void => {
        const holding = this.#flows.all().filter(({ busy }) => busy);
        const { clock } = this.context;
        if (holding.length > 0 && clock.now() < deadline) {
          clock.at(Math.min(deadline, clock.now() + DRAIN_LOOK), look);
          return;
        }
        this.#port.stop();
        this.#closeFlows();
        resolve(holding.length);
      };
      look();
    });
  }

  apply(faults: readonly ArmedFault[], assigned: ReadonlySet<ArmedFault>): void {
    const change = changeOf(this.#faults, faults, assigned);
    if (change === null) return;
    this.#faults = change.faults;
    this.#names.apply(change);
    if (this.#running && !this.#draining) this.#port.want(this.#wantsToListen());
    for (const flow of this.#flows.all()) flow.path.apply(change);
  }

  #wantsToListen(): boolean {
    return this.#faults.every((fault) => fault.listener?.listening() ?? true);
  }

  // -- datagrams ----------------------------------------------------------------------------------

  received(payload: Buffer, from: RemoteInfo): void {
    this.tally.came("upstream", payload);
    const key = `${from.address} ${from.port}`;
    const flow = this.#flows.get(key) ?? this.#begin(key, from);
    if (flow === null) {
      this.tally.lost.flow_limit++;
      return;
    }
    this.used(flow);
    flow.fromClient(payload);
  }

  unsent(): void {
    this.tally.lost.unsent++;
    this.#count("client_error");
  }

  #begin(key: string, from: RemoteInfo): Flow | null {
    if (this.#draining || !this.#makeRoom()) return null;
    this.#flowsTotal++;
    const flow = new Flow(this, this.#flowsTotal, key, from);
    this.#flows.add(flow);
    if (this.#timer === null) this.#watchIdle();
    return flow;
  }

  /**
   * Whether there is room for one more. Of flows that nobody has answered the idlest makes room; those that are in use
   * stay, whatever floods in: it is what Linux does when its table of connections is full.
   */
  #makeRoom(): boolean {
    const { slots } = this.context;
    if (this.#flows.size < this.spec.connections && slots.take()) return true;
    this.#count("connection_limit");
    if (!this.#full) {
      const value = Math.min(this.spec.connections, slots.limit);
      this.context.facts.tell({ kind: "limit_reached", proxy: this.name, limit: "connections", value });
    }
    this.#full = true;
    const idlest = this.#flows.idlestUnanswered;
    if (idlest === null) return false;
    idlest.close();
    return slots.take();
  }

  reply(flow: Flow, payload: Buffer): Sent {
    return this.#port.send(payload, flow.port, flow.address);
  }

  used(flow: Flow): void {
    this.#flows.used(flow, this.context.clock.now());
  }

  answered(flow: Flow): void {
    this.#flows.answered(flow);
  }

  failed(flow: Flow, reason: ConnectionFailure, text: string, news: boolean): void {
    this.#count(reason);
    const { connection, client } = flow;
    if (news)
      this.context.facts.tell({
        kind: "connection_failed",
        proxy: this.name,
        connection,
        client,
        reason,
        text,
      });
  }

  #count(reason: ConnectionFailure): void {
    this.#errors.set(reason, (this.#errors.get(reason) ?? 0) + 1);
  }

  over(flow: Flow): void {
    this.#flows.remove(flow);
    this.context.slots.give();
    if (this.#flows.size * 2 < this.spec.connections) this.#full = false;
  }

  // -- idle flows ---------------------------------------------------------------------------------

  /** One timer for all: it waits for the flow that has been idle for longest. */
  #watchIdle(): void {
    this.#timer?.cancel();
    const { idlest } = this.#flows;
    this.#timer =
      idlest === null ? null : this.context.clock.at(idlest.usedAt + this.spec.idleTimeout, this.#endIdle);
  }

  readonly #endIdle = (): void => {
    const now = this.context.clock.now();
    for (let flow = this.#flows.idlest; flow !== null; flow = this.#flows.idlest) {
      if (flow.usedAt + this.spec.idleTimeout > now) break;
      if (flow.busy) this.used(flow);
      else flow.close();
    }
    this.#watchIdle();
  };
}
