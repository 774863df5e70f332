/** What metrics are read from: proxies and their pools. */
import type { Direction } from "../faults/contract/index.js";
import type { DatagramTally } from "../proxy/udp/tally.js";
import type { QueryTally } from "../proxy/dns/tally.js";
import type { HandshakeTally } from "../proxy/secure/tally.js";
import type { ExchangeTally } from "../proxy/http/tally.js";

/** The upstreams of a proxy, as far as they are measured. */
export interface MeasuredPool {
  readonly members: readonly { readonly name: string; readonly selected: number }[];
  isUp(member: { readonly name: string }): boolean;
}

/** A proxy of any protocol, as far as it is measured. */
export interface MeasuredProxy {
  readonly name: string;
  readonly state: string;
  /** Its addresses, as Toxiproxy's API shows them. */
  readonly listenText: string;
  readonly upstreamGiven: string;
  /** Of proxies that choose among upstreams; one upstream is a pool too. */
  readonly pool?: MeasuredPool | undefined;
  readonly stats: {
    readonly connectionsTotal: number;
    readonly connectionsActive: number;
    readonly errors: ReadonlyMap<string, number>;
    readonly bytesIn: Readonly<Record<Direction, number>>;
    readonly bytesOut: Readonly<Record<Direction, number>>;
  };
  /** Its bytes by the addresses that it had when they passed; missing where those never change. */
  readonly bytePages?: readonly MeasuredBytes[] | undefined;
  /** Of a udp proxy. */
  readonly datagrams?: DatagramTally | undefined;
  /** Of a proxy that understands HTTP. */
  readonly exchanges?: ExchangeTally | undefined;
  /** Of a proxy that speaks TLS with its clients, or hears it. */
  readonly handshakes?: HandshakeTally | undefined;
  /** Of a proxy that answers DNS. */
  readonly queries?: QueryTally | undefined;
}

interface MeasuredBytes {
  readonly listen: string;
  readonly upstream: string;
  readonly bytesIn: Readonly<Record<Direction, number>>;
  readonly bytesOut: Readonly<Record<Direction, number>>;
}
