/** What proxies are made from, and what can be asked of any of them. */
import type { BytePage } from "./byte-pages.js";
import { formatAddress } from "../config/address.js";
import type { ConnectionFailure } from "../core/events.js";
import type { Direction } from "../faults/contract/index.js";
import type { ArmedFault } from "../pipeline/armed.js";
import type { PlanTarget } from "../plan/targets.js";
import type { DnsProxySpec } from "./dns/spec.js";
import type { QueryTally } from "./dns/tally.js";
import type { HttpProxySpec } from "./http/spec.js";
import type { ExchangeTally } from "./http/tally.js";
import type { ListenAddress } from "./tcp/listener.js";
import type { HandshakeTally } from "./secure/tally.js";
import type { UdpProxySpec } from "./udp/spec.js";
import type { DatagramTally } from "./udp/tally.js";
import type { Pool } from "./upstream/pool.js";
import type { Protocol, ProxySpecBase, TcpProxySpec } from "./spec-base.js";

export type ProxySpec = TcpProxySpec | HttpProxySpec | DnsProxySpec | UdpProxySpec;

/** Whom it asks, without the protocol and in the words that were given. */
export function upstreamWords(spec: ProxySpecBase & Partial<Pick<DnsProxySpec, "source">>): string {
  const { given, source = "server", upstream } = spec;
  return given?.upstream ?? (source === "server" ? formatAddress(upstream) : source);
}

export type ProxyState = "stopped" | "listening" | "closed by fault" | "cannot listen";

export interface ProxyStats {
  readonly connectionsTotal: number;
  readonly connectionsActive: number;
  readonly errors: ReadonlyMap<ConnectionFailure, number>;
  /** Bytes that came in from each side, and that went out to the other. */
  readonly bytesIn: Readonly<Record<Direction, number>>;
  readonly bytesOut: Readonly<Record<Direction, number>>;
}

/** What goes on at the upstream without any client. */
export interface Unattended {
  /** Copies of requests that a fault has still to send. */
  readonly copies: number;
  /** Connections on which an answer is awaited for nobody, and those that are about to be made for a copy. */
  readonly open: number;
}

export interface ProxyClient {
  readonly bot: string;
  /** Whose exchange is under way, or was last. */
  readonly bearer?: { readonly bot: string } | null | undefined;
  /** Of a stream. */
  readonly pumps?: {
    readonly upstream: { readonly bytesIn: number };
    readonly downstream: { readonly bytesIn: number };
  } | null;
  /** Of a flow: when it last carried anything. */
  readonly usedAt?: number;
}

/** A proxy of any protocol. */
export interface Proxy<Spec extends ProxySpecBase = ProxySpec> extends PlanTarget {
  readonly protocol: Protocol;
  readonly spec: Spec;
  readonly state: ProxyState;
  readonly enabled: boolean;
  readonly address: ListenAddress;
  readonly listenText: string;
  readonly upstreamText: string;
  readonly upstreamGiven: string;
  readonly stats: ProxyStats;
  readonly bytePages: readonly BytePage[];
  readonly faults: readonly ArmedFault[];
  readonly exchanges?: ExchangeTally;
  /** Of proxies that speak TLS with their clients, or hear it. */
  readonly handshakes?: HandshakeTally | undefined;
  /** Of proxies that answer DNS. */
  readonly queries?: QueryTally;
  /** Of a udp proxy, whose flows count as connections. */
  readonly datagrams?: DatagramTally;
  /** Of proxies that dial: who is up, and who was chosen. */
  readonly pool?: Pool;
  /** Of an http proxy. */
  readonly unattended?: Unattended;
  /** Whom it serves now, of proxies that have connections or flows. */
  readonly clients?: Iterable<ProxyClient>;
  start(): Promise<void>;
  /** The same, but an address that cannot be had yet is tried again until it can. */
  insist(): Promise<void>;
  reconfigure(spec: Spec): Promise<void>;
  restart(spec: Spec): Promise<void>;
  stop(): void;
  /** As `stop`, for one that is to come back: its port is kept from others where the system lets us. */
  switchOff(): void;
  drain(deadline: number): Promise<number>;
  /** Of a udp proxy: forgets its flows, as where it is known that their clients have gone; what is held of them is lost. */
  endFlows?(): void;
}
