/** `GET /exchanges`: exchanges, connections, questions and flows with both of their sides. */
import type { Moment, Plane } from "./moment.js";

/**
 * `GET /exchanges?bot=&proxy=&since=&limit=`: the newest of the ring, oldest first; with `since` those whose `rank` is higher, lowest first,
 * or all if it is higher than any that was given out, as it is of a daemon before. Ranks go on over the life of the daemon.
 * A call keeps the ring for 30 s; so does an open `/live?exchanges=true` for as long as it is open. Without either there is none:
 * the first call after a pause has `kept_since` equal to `now`, and nothing to show but what is begun from then on.
 */
export interface ExchangesAnswer extends Moment {
  readonly exchanges: readonly LiveExchange[];
  /** For the next `since`. */
  readonly rank: number;
  readonly kept_since: number;
  readonly left_out: { readonly rate: number; readonly bot: number };
  /** Those that had to make room for newer ones. */
  readonly forgotten: number;
}

/** What it is: an exchange of an http proxy, a connection, a question to a dns proxy, a flow of datagrams. */
export type EntryKind = "exchange" | "connection" | "query" | "flow";

/**
 * One exchange, both sides on one axis. `connection` entries are those of tcp proxies, and of http proxies those that came to no exchange
 * (a handshake that failed, bytes that are no HTTP).
 */
export interface LiveExchange {
  readonly proxy: string;
  /** Unique on its proxy: the exchange's number; for connections `c` and its number, for queries `q`, for flows `f`. As in `/exchanges/PROXY/ID`. */
  readonly id: string;
  readonly kind: EntryKind;
  readonly plane: Plane;
  /** Grows with each change of any entry. */
  readonly rank: number;
  readonly bot: string;
  readonly client: string;
  /** The number of its connection, or flow, on that proxy, as in the journal. */
  readonly connection: number;
  /** `POST` and `/v1/jobs/17/complete`, without its query; of a DNS question `A` and its name; null for bytes. */
  readonly method: string | null;
  readonly path: string | null;
  /** With ids taken out, such as `POST /v1/jobs/:n/complete` or `A orders.test`; null for bytes. */
  readonly route: string | null;
  /** True while it is under way: it comes again when it has changed. */
  readonly pending: boolean;
  /** What the client lived through. */
  readonly client_side: ClientSide;
  /** What the upstream did; null if it was not sent there, as yet or at all. */
  readonly upstream_side: UpstreamSide | null;
  /** Time that Squall added, in the order in which it began. */
  readonly delays: readonly LiveDelay[];
  /** Faults that acted on it, in the order in which they first did. */
  readonly acts: readonly LiveAct[];
  /** The id, on the same proxy, of the one that this looks like a second try of; null if it looks like none. See `Again`. */
  readonly again: string | null;
  /** Why. */
  readonly again_by: Again | null;
  /** Bytes of the two bodies as they came; of streams bytes, and of flows datagrams, that were delivered to the upstream and to the client. */
  readonly up: number;
  readonly down: number;
  /** Of a client that speaks TLS to the proxy; null otherwise. */
  readonly tls: LiveTls | null;
  /** Read from the answer's `Retry-After`, as far as the client got that; null if there is none. */
  readonly retry_after_ms: number | null;
  /** A hash of its idempotency key or request id; null for none. */
  readonly key: string | null;
  /** What failed first, in the journal's words such as `upstream_refused`; null for nothing. */
  readonly failure: string | null;
}

/**
 * `failed`: the same bot asked for the same (method and path) as one that ended badly (no whole answer, 408, 425, 429 or 5xx), within 60 s of that one's
 * end; the first such one only. `key`: it has the same idempotency key as an earlier one.
 */
export type Again = "failed" | "key";

/** Null: it has not happened, or not been seen. */
export interface ClientSide {
  /** The first byte of the request has come, as far as it came apart from its head; its connection was accepted, of connections. */
  readonly first: number;
  /** Its head was complete: the exchange begins. */
  readonly at: number;
  /** The last byte of the request. */
  readonly last: number | null;
  /** The first byte of the answer was written to the client. */
  readonly answer_first: number | null;
  /** The last one. */
  readonly answer_last: number | null;
  /** It was over for the client. */
  readonly over: number | null;
  /** The status that the client got (of a DNS question its rcode as a number); null for none. */
  readonly status: number | null;
  /** `NOERROR`, for DNS; null otherwise. */
  readonly rcode: string | null;
  readonly end: ClientEnd | null;
  /** Who brought the end about; null while it is pending. */
  readonly by: Party | null;
}

/**
 * `complete`: a whole answer, or of bytes an orderly end. `cut`: an answer that broke off. `reset`: an RST in its place. `closed`: the connection was
 * closed without one. `client_left`: the client did not wait for it. `refused`: Squall took the connection and closed it at once, or its
 * handshake failed. `unanswered`: a question or a flow that got no datagram back.
 */
export type ClientEnd = "complete" | "cut" | "reset" | "closed" | "client_left" | "refused" | "unanswered";

/** `proxy`: Squall itself, without a fault: a limit, its end, an upstream that could not be reached. */
export type Party = "client" | "upstream" | "fault" | "proxy";

export interface UpstreamSide {
  /** Its name in the pool. */
  readonly name: string;
  /** A connection was begun for it, and stood; both null where it went over one that was open, or where there is none (dns, udp). */
  readonly dialled: number | null;
  readonly connected: number | null;
  /** The head of the request, or the first byte of a stream, was sent on. */
  readonly forwarded: number | null;
  /** All of the request had been sent on. */
  readonly sent: number | null;
  /** The head of its answer came, or its first byte. */
  readonly answered: number | null;
  /** All of its answer had come. */
  readonly over: number | null;
  readonly status: number | null;
  readonly end: UpstreamEnd | null;
  /** How many more times a fault sent the same request. */
  readonly copies: number;
  /** It went on although the client had left. */
  readonly detached: boolean;
}

/**
 * `complete`: a whole answer, whatever became of it. `cut`: it broke off within an answer. `reset`, `closed`: before it answered. `refused`, `unreachable`,
 * `timeout`: dialling it failed. `abandoned`: Squall closed the connection before the answer was whole, for its client had left or a fault ended it.
 */
export type UpstreamEnd =
  "complete" | "cut" | "reset" | "closed" | "refused" | "unreachable" | "timeout" | "abandoned";

export interface LiveDelay {
  readonly at: number;
  /** Null while it lasts. */
  readonly until: number | null;
  readonly side: "request" | "answer";
  readonly activation: string;
  readonly fault: string;
  readonly type: string;
}

export interface LiveAct {
  readonly activation: string;
  readonly profile: string;
  readonly phase: string;
  readonly fault: string;
  readonly type: string;
  /** As documented for that type: `delayed`, `reset`, `answered`, ... */
  readonly effect: string;
  /** How often, or how much: bytes, for effects that count bytes. */
  readonly amount: number;
  /** When it first did. */
  readonly at: number;
  /** What was drawn or decided, such as `{"delay_ms": 207}`. */
  readonly detail: Readonly<Record<string, string | number | boolean>> | null;
  /** Its activation only observes: nothing was done. */
  readonly observed: boolean;
}

export interface LiveTls {
  readonly sni: string | null;
  /** As in `TLSv1.3`. */
  readonly version: string | null;
  readonly alpn: string | null;
  /** What was wrong with the certificate that it was shown by a fault; null if nothing was. */
  readonly problem: string | null;
  /** `accepted`, `alert NAME`, `closed`, `reset`, `undecided`; null where no fault acted on the handshake. */
  readonly took: string | null;
}
