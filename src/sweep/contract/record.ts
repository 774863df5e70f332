/**
 * What one run left on the wire, in the words of the sweep: what record mode (`journal.exchanges: all`) writes down, read back from the
 * journal's entries. Everything that names sites, judges runs or shrinks them reads this and nothing else, so a recorded file will do
 * as well as a run that just ended.
 */
import type { ConnectionEnd, ConnectionFailure, ExchangeEnd, ExchangeName } from "../../core/events.js";

/** Milliseconds since the command was started. */
export type RunTime = number;

/** One side's message, as far as it is compared: sizes in bytes, bodies by a hash of what record mode read of them. */
export interface Message {
  readonly bytes: number;
  /** Of the body's first 4 KiB and its length; null for no body. */
  readonly hash: string | null;
  /** The media type, without parameters and in lower case; null for none. */
  readonly type: string | null;
}

export interface Request extends Message {
  /** A hash of the idempotency or request key; null for none. Keys themselves are nobody's business. */
  readonly key: string | null;
  /** Whether it carried an Authorization header. */
  readonly authorized: boolean;
  /** What tells operations of one route apart, such as a GraphQL `operationName`; null for nothing. */
  readonly operation: string | null;
}

export interface Response extends Message {
  /** What Retry-After asked for, in milliseconds; null for nothing. */
  readonly retryAfter: number | null;
}

export interface SeenExchange {
  readonly proxy: string;
  readonly bot: string;
  readonly connection: number;
  /** The number of the exchange on its proxy, in the order in which requests came. */
  readonly id: number;
  readonly method: string;
  /** Without its query. */
  readonly path: string;
  readonly at: RunTime;
  /** When it was over for the client. */
  readonly over: RunTime;
  /** Whether its connection had carried another exchange before. */
  readonly reused: boolean;
  readonly request: Request;
  /** The upstream's; null if there was none. */
  readonly response: Response | null;
  readonly upstreamStatus: number | null;
  readonly clientStatus: number | null;
  /** Whether any of the request went to the upstream. */
  readonly forwarded: boolean;
  readonly end: ExchangeEnd;
  /** The faults that acted on it. */
  readonly faults: readonly string[];
}

/** A connection of a tcp proxy. */
export interface SeenConnection {
  readonly proxy: string;
  readonly bot: string;
  readonly connection: number;
  readonly at: RunTime;
  readonly over: RunTime;
  /** Client to upstream, and upstream to client. */
  readonly bytes: { readonly up: number; readonly down: number };
  /** Who ended it, and how. */
  readonly end: ConnectionEnd;
  readonly failure: ConnectionFailure | null;
  readonly faults: readonly string[];
}

/** A handshake of TLS at a proxy with `secure`. */
export interface SeenHandshake {
  readonly proxy: string;
  readonly bot: string;
  /** The connection that came of it has the same number. */
  readonly connection: number;
  /** When it came, and when it was known how the client took it. */
  readonly at: RunTime;
  readonly over: RunTime;
  /** The name that it asked for; null for none. */
  readonly sni: string | null;
  /** As in TLSv1.3; null where it did not get so far, or passed through. */
  readonly version: string | null;
  /** What was wrong with the certificate that it was shown; null for nothing. */
  readonly problem: string | null;
  /** `accepted`, `alert NAME`, `closed`, `reset` or `undecided`. */
  readonly took: string;
  readonly faults: readonly string[];
}

export interface SeenQuery {
  readonly proxy: string;
  readonly bot: string;
  /** In lower case, without the last dot. */
  readonly name: string;
  readonly type: string;
  readonly transport: string;
  readonly at: RunTime;
  /** `NOERROR`, `NXDOMAIN`; null for no answer. */
  readonly rcode: string | null;
  readonly faults: readonly string[];
}

export interface SeenFlow {
  readonly proxy: string;
  readonly bot: string;
  readonly flow: number;
  readonly at: RunTime;
  readonly over: RunTime;
  readonly datagrams: { readonly up: number; readonly down: number };
  readonly faults: readonly string[];
}

/** One `fault_hit`: which fault acted on what, in the order of the journal. */
export interface Hit {
  readonly seq: number;
  readonly at: RunTime;
  readonly activation: string;
  readonly fault: string;
  readonly type: string;
  readonly proxy: string;
  readonly bot: string;
  readonly connection: number;
  /** In record mode with its site, by the patterns of the faults that were on, and the ordinal of its bot there. */
  readonly exchange: ExchangeName | null;
  readonly query: { readonly name: string; readonly type: string; readonly transport: string } | null;
  readonly effect: string;
  readonly detail: Readonly<Record<string, unknown>>;
}

export interface RunRecord {
  readonly exchanges: readonly SeenExchange[];
  readonly connections: readonly SeenConnection[];
  readonly queries: readonly SeenQuery[];
  readonly flows: readonly SeenFlow[];
  /** Undefined where nobody spoke TLS with a proxy. */
  readonly handshakes?: readonly SeenHandshake[];
  readonly hits: readonly Hit[];
  /** Entries of the journal that are not in it, since the run had more than are kept; undefined for none. */
  readonly cut?: number;
}
