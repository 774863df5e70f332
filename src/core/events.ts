/**
 * Facts: what happened, as data. The data path and the plan tell them; telemetry turns them into
 * the journal, the log and the event stream. Nobody who tells a fact knows who listens.
 */
import type { FleetFact } from "./fleet-facts.js";
import type { Tally } from "./ledger.js";
import type { Problem } from "./errors.js";
import type { DrawnBy } from "./verdict-reasons.js";

/** Who was hit by what. */
export interface FaultOrigin {
  readonly proxy: string;
  readonly activation: string;
  readonly profile: string;
  readonly phase: string;
  readonly fault: string;
  readonly type: string;
  readonly bot: string;
  readonly connection: number;
  /** Of HTTP exchanges; the path is without its query, which may hold secrets. */
  readonly exchange?: ExchangeName | undefined;
  /** Of DNS questions. */
  readonly query?: QueryName | undefined;
  /** The upstream whose health check it hit, and no client: such a hit is none of those that metrics count. */
  readonly health_check?: string | undefined;
}

export interface QueryName {
  /** In lower case, without the last dot. */
  readonly name: string;
  /** `A`, `AAAA`, `TYPE65280`. */
  readonly type: string;
  readonly transport: string;
}

export interface ExchangeName {
  /** Counts the proxy's exchanges, from 1. */
  readonly id: number;
  readonly method: string;
  /** Without the query, as it was sent. */
  readonly path: string;
  /** Where everything is recorded: method and route, such as `POST /v1/jobs/:n/complete`. */
  readonly site?: string | undefined;
  /** And which call of its bot there this is, from 1, since faults were switched on or healed last. */
  readonly nth?: number | undefined;
}

/** When something began and was over: milliseconds on the daemon's monotonic clock, the same for all entries. */
export interface Span {
  readonly at: number;
  readonly over: number;
}

/** A message as it is compared: its body by size, and by a hash of the first 4 KiB and the length. */
export interface MessageSeen {
  /** Of the body, without its framing. */
  readonly bytes: number;
  /** Null where there is no body, or where it did not come to its end. */
  readonly hash: string | null;
  /** The media type, without parameters and in lower case; null for none. */
  readonly type: string | null;
}

export interface ExchangeSeen extends Span {
  /** Its connection had carried another exchange before. */
  readonly reused: boolean;
  /** Its head, at least, was sent to the upstream. */
  readonly forwarded: boolean;
  readonly request: MessageSeen & {
    /** A hash of its idempotency key or request id; null for none. */
    readonly key: string | null;
    /** It had an Authorization field. */
    readonly authorized: boolean;
    /** What tells operations of one route apart; null for nothing. */
    readonly operation: string | null;
  };
  /** The upstream's, whatever the client got; null if none came. */
  readonly response: (MessageSeen & { readonly retry_after_ms: number | null }) | null;
}

export interface FaultReport extends Tally {
  readonly proxy: string;
  readonly fault: string;
  readonly type: string;
  /** Of a fault with `only`: those of its ordinals for which nobody came, the lowest 100 at most. */
  readonly not_reached?: readonly number[] | undefined;
}

/** A fault that a proxy has of its own, such as a toxic. */
export interface OwnFaultFact extends Pick<
  FaultOrigin,
  "proxy" | "activation" | "profile" | "fault" | "type"
> {
  readonly params: Readonly<Record<string, unknown>>;
  readonly direction?: string;
  readonly probability?: number;
  /** What it is called in Toxiproxy's API, if it was set there. */
  readonly toxic?: string;
}

export type Fact =
  | ({
      readonly kind: "fault_hit";
      readonly effect: string;
      readonly amount: number;
      readonly detail?: Readonly<Record<string, string | number | boolean>> | undefined;
      /** Of a fault with `draw`: by what its draws are named. */
      readonly draw?: DrawnBy | undefined;
      /** The activation only observes: nothing was done. */
      readonly observed?: true;
    } & FaultOrigin)
  | ({
      /** A fault let somebody be whom it would have acted on, or noticed something, and why: no hit. */
      readonly kind: "fault_spared";
      readonly effect: string;
      readonly detail?: Readonly<Record<string, string | number | boolean>> | undefined;
    } & FaultOrigin)
  | ({ readonly kind: "fault_total"; readonly effects: Readonly<Record<string, number>> } & FaultOrigin)
  | {
      readonly kind: "connection_failed";
      readonly proxy: string;
      readonly connection: number;
      readonly client: string;
      /** Where more is known of it than its address. */
      readonly bot?: string;
      readonly reason: ConnectionFailure;
      readonly text: string;
    }
  | {
      /** An exchange that faults acted on is over: what the upstream did, beside what the client got. */
      readonly kind: "exchange_over";
      readonly proxy: string;
      readonly connection: number;
      readonly bot: string;
      readonly exchange: ExchangeName;
      readonly upstream: string;
      /** The names of the faults that acted on it, in order. */
      readonly faults: readonly string[];
      /** What the upstream answered; null if it was not asked, or gave no answer. */
      readonly upstream_status: number | null;
      /** From the moment the head was forwarded to the head of the answer. */
      readonly upstream_ms: number | null;
      /** What the client saw; null if it got no status. */
      readonly client_status: number | null;
      /** From the request's head to the end, as far as the client is concerned. */
      readonly client_ms: number;
      readonly end: ExchangeEnd;
      /** The trace-id of its W3C traceparent, if it has one. */
      readonly trace?: string | undefined;
      /** What else was seen of it, where everything is recorded. */
      readonly seen?: ExchangeSeen | undefined;
    }
  | {
      /** A connection of a tcp proxy is over. Told only where everything is recorded, as the next two are. */
      readonly kind: "connection_over";
      readonly proxy: string;
      readonly connection: number;
      readonly bot: string;
      readonly end: ConnectionEnd;
      /** What failed first; null for nothing. */
      readonly failure: ConnectionFailure | null;
      /** The names of the faults that acted on it, in order. */
      readonly faults: readonly string[];
      /** `up` and `down` are the bytes that were delivered to the upstream, and to the client. */
      readonly seen: Span & { readonly up: number; readonly down: number };
    }
  | {
      /** A DNS query is over. */
      readonly kind: "query_over";
      readonly proxy: string;
      readonly bot: string;
      /** Counts the queries of the proxy, from 1, as hits name them. */
      readonly connection: number;
      readonly query: QueryName;
      /** What it was answered, such as `NOERROR`; null for no answer. */
      readonly rcode: string | null;
      readonly faults: readonly string[];
      readonly seen: Span;
    }
  | {
      /** A flow of datagrams is over, which it was with its last one. */
      readonly kind: "flow_over";
      readonly proxy: string;
      readonly bot: string;
      /** Its number on the proxy. */
      readonly connection: number;
      readonly faults: readonly string[];
      /** `up` and `down` are the datagrams that were delivered to the upstream, and to the client. */
      readonly seen: Span & { readonly up: number; readonly down: number };
    }
  | {
      /** A handshake on which faults acted is decided: how the client took it. Where everything is recorded, any handshake. */
      readonly kind: "tls_over";
      readonly proxy: string;
      readonly connection: number;
      readonly bot: string;
      /** The names of the faults that acted on it, in order. */
      readonly faults: readonly string[];
      /** The server's name that it asked for. */
      readonly sni: string | null;
      /** As in TLSv1.3; null if the handshake did not get so far. */
      readonly version: string | null;
      readonly alpn: string | null;
      /** What was wrong with the certificate that it was shown; null if nothing was. */
      readonly problem: string | null;
      /** `accepted`, `alert NAME`, `closed`, `reset` or `undecided`. */
      readonly took: string;
      /** From its first byte. */
      readonly ms: number;
      /** When it came and when that was known, where everything is recorded. */
      readonly seen?: Span | undefined;
    }
  | {
      /** Files of a certificate have changed: they are in force now, or `trouble` says why not. */
      readonly kind: "certificate_reread";
      readonly proxy: string;
      readonly cert: string;
      readonly trouble?: string;
      /** In force, and over, still to come, or as good as over. */
      readonly warning?: string;
    }
  | {
      /** The CA's files have changed: what is in force now, or `trouble` says why it is the one before. */
      readonly kind: "ca_reread";
      readonly subject: string;
      /** SHA-256, in hexadecimal pairs. */
      readonly fingerprint: string;
      /** Until when it is good, ISO 8601. */
      readonly until: string;
      readonly trouble?: string;
    }
  | {
      readonly kind: "activation_started";
      readonly activation: string;
      readonly profile: string;
      readonly seed: number;
      readonly params: Readonly<Record<string, unknown>>;
      readonly mode: "inject" | "observe";
      /** One line that starts the same run again. */
      readonly again: string;
    }
  | {
      /** It was on when the daemon ended, and goes on. */
      readonly kind: "activation_resumed";
      readonly activation: string;
      readonly profile: string;
      readonly seed: number;
      readonly params: Readonly<Record<string, unknown>>;
      readonly mode: "inject" | "observe";
      /** When it began, ISO 8601. */
      readonly since: string;
      readonly again: string;
    }
  | {
      readonly kind: "phase_entered";
      readonly activation: string;
      readonly profile: string;
      readonly phase: string;
      readonly pass: number;
    }
  | {
      readonly kind: "activation_ended";
      readonly activation: string;
      readonly profile: string;
      readonly why: "finished" | "expired" | "healed" | "replaced" | "profile deleted";
      readonly mode: "inject" | "observe";
      readonly faults: readonly FaultReport[];
      readonly warnings: readonly string[];
    }
  | {
      /** Of a fault that the kernel can act for: who does, and why. */
      readonly kind: "engine_chosen";
      readonly proxy: string;
      readonly activation: string;
      readonly profile: string;
      readonly phase: string;
      readonly fault: string;
      readonly type: string;
      readonly engine: "kernel" | "model";
      readonly why: string;
    }
  | {
      /** The kernel has stopped dropping segments for a fault; how many it saw, and dropped. */
      readonly kind: "kernel_loss_ended";
      readonly proxy: string;
      readonly activation: string;
      readonly profile: string;
      readonly phase: string;
      readonly fault: string;
      readonly type: string;
      readonly segments: number;
      readonly dropped: number;
    }
  | {
      /** What held the kernel's rules is gone, and the rules with it. */
      readonly kind: "kernel_loss_failed";
      readonly why: string;
      /** Whether it is tried again; if not, faults fall back to the model. */
      readonly again: boolean;
    }
  | ({ readonly kind: "fault_set" } & OwnFaultFact)
  | ({ readonly kind: "fault_changed" } & OwnFaultFact)
  | ({
      /** A proxy no longer has it, and this is what it did since it was set. */
      readonly kind: "fault_removed";
    } & Pick<FaultOrigin, "proxy" | "activation" | "profile" | "fault" | "type"> &
      Tally)
  | { readonly kind: "plan_changed"; readonly revision: number }
  | {
      readonly kind: "reload";
      readonly ok: boolean;
      readonly problems: readonly Problem[];
      readonly changed: readonly string[];
      /** What of the files is not in force all the same. */
      readonly warnings: readonly string[];
    }
  | {
      /** What the API had made before the daemon was started is there again. */
      readonly kind: "state_restored";
      readonly file: string;
      readonly profiles: readonly string[];
      /** Those that the API made, changed or removed. */
      readonly proxies: readonly string[];
      readonly activations: readonly string[];
      /** Activations whose time ran out while nobody was there. */
      readonly over: readonly { readonly activation: string; readonly why: "expired" | "finished" }[];
      /** What could not be restored, and stays in the file. */
      readonly left_out: readonly { readonly what: string; readonly name: string; readonly why: string }[];
    }
  | {
      /** What the API changes is in force, and would not be there after a restart. */
      readonly kind: "state_failed";
      readonly file: string;
      readonly reason: string;
    }
  | { readonly kind: "state_saved"; readonly file: string }
  | FleetFact
  | {
      readonly kind: "proxy_started";
      readonly proxy: string;
      readonly listen: string;
      readonly upstream: string;
    }
  | { readonly kind: "proxy_stopped"; readonly proxy: string }
  | { readonly kind: "listener_closed"; readonly proxy: string; readonly why: string }
  | { readonly kind: "listener_opened"; readonly proxy: string; readonly listen: string }
  | {
      readonly kind: "listen_failed";
      readonly proxy: string;
      readonly listen: string;
      readonly reason: string;
    }
  | { readonly kind: "limit_reached"; readonly proxy: string; readonly limit: string; readonly value: number }
  | {
      /** A connection to an HTTP proxy whose bytes are passed on as they are from here on: only byte faults act on them. */
      readonly kind: "opaque_connection";
      readonly proxy: string;
      readonly connection: number;
      readonly client: string;
      /** `tls`, `h2`, `connect`, `ambiguous`, or what an Upgrade agreed on, such as `websocket`. */
      readonly protocol: string;
      /** Of the exchange that agreed on it, or whose answer could not be read. */
      readonly bot?: string;
      readonly exchange?: ExchangeName;
    }
  | {
      /** A health check, or what clients met with, has taken an upstream out of its pool or brought it back. */
      readonly kind: "upstream_changed";
      readonly proxy: string;
      readonly upstream: string;
      readonly up: boolean;
      readonly why: string;
    }
  | { readonly kind: "bots_unidentified"; readonly proxy: string; readonly client: string }
  | { readonly kind: "mark"; readonly text: string }
  | { readonly kind: "mistake"; readonly where: string; readonly error: unknown };

export type FactKind = Fact["kind"];

/**
 * How an exchange ended for the client: with a whole answer; with one that was cut short or never came, by a fault
 * or by the upstream; or because the client left.
 */
export const EXCHANGE_ENDS = ["complete", "cut", "reset", "closed", "client_left"] as const;
export type ExchangeEnd = (typeof EXCHANGE_ENDS)[number];

/** Who ended a connection first, and how: by a FIN (`closed`) or an RST; a fault; what failed; or the end of its proxy. */
export const CONNECTION_ENDS = [
  "client_closed",
  "client_reset",
  "upstream_closed",
  "upstream_reset",
  "fault",
  "failed",
  "stopped",
] as const;
export type ConnectionEnd = (typeof CONNECTION_ENDS)[number];

export const CONNECTION_FAILURES = [
  "client_reset",
  "client_error",
  "client_protocol",
  "client_slow_head",
  "client_tls",
  "upstream_reset",
  "upstream_error",
  "upstream_refused",
  "upstream_unreachable",
  "upstream_timeout",
  "upstream_unresolved",
  "no_upstream",
  "upstream_closed",
  "upstream_tls",
  "upstream_protocol",
  "proxy_header",
  "connection_limit",
  "descriptor_limit",
  "port_limit",
  "memory_limit",
  "not_permitted",
  "internal",
] as const;
export type ConnectionFailure = (typeof CONNECTION_FAILURES)[number];

export interface Facts {
  tell(fact: Fact): void;
  /** Everything is to be told of, and not only what faults acted on: asked when an exchange, a connection, a query or a flow begins. */
  readonly recording?: boolean;
}

/** For whoever must hand in a sink and has nobody to tell. */
export const nobody: Facts = { tell: () => undefined };
