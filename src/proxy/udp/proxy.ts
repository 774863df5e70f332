/** A UDP proxy: one port for all clients, and for each of them a flow with a socket of its own to the upstream. */
import type { RemoteInfo } from "node:dgram";
import { networkInterfaces } from "node:os";
import { formatAddress, isLoopback } from "../../config/address.js";
import type { Millis, Timer } from "../../core/clock.js";
import { contained } from "../../core/containment.js";
import type { ConnectionFailure } from "../../core/events.js";
import type { FaultChange } from "../../pipeline/bindings.js";
import type { PlaneContext } from "../context.js";
import { ListeningProxy } from "../listening-proxy.js";
import { seamsOf } from "../seams.js";
import { clientAddress, type ListenAddress } from "../port.js";
import type { ProxyStats } from "../spec.js";
import { FaultedNames } from "../upstream/faulted-names.js";
import { beginFlow, endFlow } from "./watching.js";
import { ONLY_UPSTREAM } from "../upstream/pool.js";
import { Flow, type FlowHost } from "./flow.js";
import { Flows } from "./flows.js";
import type { FlowHolder } from "./places.js";
import { DatagramPort, type DatagramPortOwner } from "./port.js";
import type { Sent } from "../sockets/datagram.js";
import type { UdpProxySpec } from "./spec.js";
import { DatagramTally } from "./tally.js";
import { Target } from "./target.js";

/** How often a running drain looks whether faults still hold something. */
const DRAIN_LOOK: Millis = 50;

export class UdpProxy extends ListeningProxy<UdpProxySpec, DatagramPort> implements FlowHost, FlowHolder {
  readonly protocol = "udp";
  readonly seams = seamsOf({ protocol: "udp" });
  readonly tally = new DatagramTally();
  target: Target;
  readonly #flows = new Flows<Flow>();
  #flowsTotal = 0;
  #full = false;
  #draining = false;
  #timer: Timer | null = null;
  readonly #names: FaultedNames;

  constructor(spec: UdpProxySpec, context: PlaneContext) {
    super(spec, context);
    this.#names = new FaultedNames(spec.name, context);
    this.target = this.#targetAt(spec);
  }

  #targetAt({ upstream }: UdpProxySpec): Target {
    const { clock, resolver } = this.context;
    return new Target(upstream, { clock, resolver, names: this.#names });
  }

  protected override portOn(address: ListenAddress): DatagramPort {
    const owner: DatagramPortOwner = {
      received: contained(this.mistakes, (payload: Buffer, from: RemoteInfo) => {
        this.received(payload, from);
      }),
      unsent: contained(this.mistakes, () => {
        this.unsent();
      }),
    };
    return new DatagramPort({ name: this.name, address, context: this.context, owner });
  }

  override get upstreamText(): string {
    return `udp://${formatAddress(this.spec.upstream)}`;
  }

  get datagrams(): DatagramTally {
    return this.tally;
  }

  override get stats(): ProxyStats {
    return {
      connectionsTotal: this.#flowsTotal,
      connectionsActive: this.#flows.size,
      errors: this.errors,
      bytesIn: { ...this.tally.bytesIn },
      bytesOut: { ...this.tally.bytesOut },
    };
  }

  // -- its life -----------------------------------------------------------------------------------

  override async start(): Promise<void> {
    this.#draining = false;
    await super.start();
  }

  /** Flows keep the upstream that they have. */
  protected override reconfigured({ upstream }: UdpProxySpec): void {
    const { host, port } = this.spec.upstream;
    if (upstream.host !== host || upstream.port !== port) this.target = this.#targetAt(this.spec);
    this.#watchIdle();
  }

  protected override stopped(): void {
    this.target.cancel();
  }

  protected override closeClients(): void {
    this.endFlows();
  }

  endFlows(): void {
    for (const flow of this.#flows.all()) flow.close();
  }

  /**
   * No new flows. A flow does not say when it is done, so it ends as soon as nothing of its is held; what is held at
   * the deadline is lost. Answers how many flows lost something.
   */
  override drain(deadline: number): Promise<number> {
    this.#draining = true;
    return new Promise((resolve) => {
      const look = (): void => {
        const holding = this.#flows.all().filter(({ busy }) => busy);
        const { clock } = this.context;
        if (holding.length > 0 && clock.now() < deadline) {
          clock.at(Math.min(deadline, clock.now() + DRAIN_LOOK), look);
          return;
        }
        this.port.stop();
        this.closeClients();
        resolve(holding.length);
      };
      look();
    });
  }

  protected override faultsChanged(change: FaultChange): void {
    this.#names.apply(change);
  }

  /** Answers leave through the port, so that it stays as it is while it drains. */
  protected override steer(port: DatagramPort): void {
    if (!this.#draining) super.steer(port);
  }

  protected override tellClients(change: FaultChange): void {
    for (const flow of this.#flows.all())
      contained(flow, () => {
        flow.path.apply(change);
      })();
  }

  // -- datagrams ----------------------------------------------------------------------------------

  received(payload: Buffer, from: RemoteInfo): void {
    this.context.overdue?.look();
    this.tally.came("upstream", payload);
    const key = `${from.address} ${from.port}`;
    const known = this.#flows.get(key);
    if (known === undefined && this.#isItself(from)) {
      this.tally.lost.forged++;
      return;
    }
    const flow = known ?? this.#begin(key, from);
    if (flow === null) {
      this.tally.lost.flow_limit++;
      return;
    }
    this.used(flow);
    try {
      flow.fromClient(payload);
    } catch (error) {
      flow.failed(error);
    }
  }

  #isItself({ address, port }: RemoteInfo): boolean {
    const { bound } = this.port;
    if (bound === null || port !== bound.port) return false;
    const from = clientAddress(address).replace(/%.*$/u, "");
    if (bound.host !== "::" && bound.host !== "0.0.0.0") return from === bound.host;
    return (
      isLoopback(from) ||
      Object.values(networkInterfaces())
        .flat()
        .some((own) => own?.address === from)
    );
  }

  unsent(): void {
    this.tally.lost.unsent++;
    this.count("client_error");
  }

  #begin(key: string, from: RemoteInfo): Flow | null {
    if (this.#draining || !this.#makeRoom()) return null;
    this.#flowsTotal++;
    const flow = new Flow(this, this.#flowsTotal, key, from);
    const watcher = this.context.watch?.watcher ?? null;
    if (watcher !== null) beginFlow(watcher, flow, this);
    this.#flows.add(flow);
    this.context.flows.note(this);
    if (this.#timer === null) this.#watchIdle();
    return flow;
  }

  /**
   * Whether there is room for one more. Of flows that nobody has answered the idlest makes room, as in Linux when its table
   * of connections is full, and where all were answered the idlest of these: servers answer floods as well.
   */
  #makeRoom(): boolean {
    const { flows } = this.context;
    const isOver = this.#flows.size >= this.spec.connections;
    if (!isOver && flows.take()) return true;
    this.count("connection_limit");
    if (!this.#full) {
      const value = Math.min(this.spec.connections, flows.limit);
      this.context.facts.tell({ kind: "limit_reached", proxy: this.name, limit: "connections", value });
    }
    this.#full = true;
    if (isOver && !this.giveWay()) return false;
    return flows.takeFor(this);
  }

  /** Whom it serves now. */
  get clients(): Iterable<Flow> {
    return this.#flows.all();
  }

  get flowCount(): number {
    return this.#flows.size;
  }

  giveWay(): boolean {
    const flow = this.#flows.idlestUnanswered ?? this.#flows.idlest;
    flow?.close();
    return flow !== null;
  }

  reply(flow: Flow, payload: Buffer): Sent {
    return this.port.send(payload, flow.port, flow.address);
  }

  used(flow: Flow): void {
    this.#flows.used(flow, this.context.clock.now());
  }

  answered(flow: Flow): void {
    this.#flows.answered(flow);
  }

  failed(flow: Flow, reason: ConnectionFailure, text: string, news: boolean): void {
    this.count(reason);
    this.context.watch?.watcher?.reached(this.name, ONLY_UPSTREAM, reason);
    flow.sight?.notReached(reason);
    if (news) this.tellFailed(reason, flow.connection, flow.client, text, flow.bot);
  }

  over(flow: Flow): void {
    if (flow.dealings !== null) endFlow(flow, flow.dealings);
    if (this.context.facts.recording === true) this.#record(flow);
    this.#flows.remove(flow);
    this.context.flows.note(this);
    this.context.flows.give();
    if (this.#flows.size * 2 < this.spec.connections) this.#full = false;
  }

  #record({ connection, bot, hits: faults, beganAt, usedAt, delivered }: Flow): void {
    const seen = { at: beganAt, over: usedAt, up: delivered.upstream, down: delivered.downstream };
    this.context.facts.tell({ kind: "flow_over", proxy: this.name, bot, connection, faults, seen });
  }

  // -- idle flows ---------------------------------------------------------------------------------

  /** One timer for all: it waits for the flow that has been idle for longest. */
  #watchIdle(): void {
    this.#timer?.cancel();
    const { idlest } = this.#flows;
    this.#timer =
      idlest === null ? null : this.context.clock.at(idlest.usedAt + this.spec.idleTimeout, this.#endIdle);
  }

  readonly #endIdle = contained(this.mistakes, (): void => {
    const now = this.context.clock.now();
    for (let flow = this.#flows.idlest; flow !== null; flow = this.#flows.idlest) {
      if (flow.usedAt + this.spec.idleTimeout > now) break;
      if (flow.busy) this.used(flow);
      else flow.close();
    }
    this.#watchIdle();
  });
}
