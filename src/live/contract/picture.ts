/** `GET /live`: the whole picture, and its differences. */
import type { LiveExchange } from "./exchange.js";
import type { Moment, Plane } from "./moment.js";

/**
 * `GET /live[?exchanges=true]` is a stream of server-sent events. The first one is `state`; then come `tick`, at most four a second and
 * only when something has changed, and a comment line every 15 s. A reader that falls behind gets a new `state` in place of
 * the ticks that it has missed; one that takes nothing is dropped. The stream ends when the daemon stops; a `state` with another `run` says that it is another daemon.
 */
export interface LiveEvents {
  readonly state: LiveState;
  readonly tick: LiveTick;
}

/** The whole picture. */
export interface LiveState extends Moment {
  /** Of this life of the daemon: numbers of another one mean something else. */
  readonly run: string;
  readonly version: string;
  readonly started_wall: number;
  /** When somebody began to watch: bots, and what is counted for them, begin there. Nobody's watching forgets them. */
  readonly watched_since: number;
  readonly tick_ms: number;
  /** Rows, each with a key of its own (`id`), in no order. */
  readonly bots: Rows<LiveBot>;
  readonly proxies: Rows<LiveProxy>;
  readonly upstreams: Rows<LiveUpstream>;
  readonly links: Rows<LiveLink>;
  readonly active: Rows<LiveActivation>;
  /** Phases that were entered and marks that were set while somebody watched, the last 200. */
  readonly bands: Rows<LiveBand>;
  readonly totals: LiveTotals;
  /** With `exchanges=true`: what the ring has, oldest first, the last 1,000 at most. */
  readonly exchanges?: readonly LiveExchange[];
  /** Of what began from then on all that was seen is among them: before that some have made room, or nobody was watching. */
  readonly exchanges_since?: number;
}

export interface Rows<Row> {
  readonly rows: readonly Row[];
  /** Rows that there is no room for: "and N more". */
  readonly more: number;
}

/** Differences: a part that is not there has not changed. */
export interface LiveTick extends Moment {
  readonly bots?: Changes<LiveBot>;
  readonly proxies?: Changes<LiveProxy>;
  readonly upstreams?: Changes<LiveUpstream>;
  readonly links?: Changes<LiveLink>;
  readonly active?: Changes<LiveActivation>;
  readonly bands?: Changes<LiveBand>;
  readonly totals?: LiveTotals;
  /** With `exchanges=true`: new ones and those that have changed, each whole, in the order of `rank`. */
  readonly exchanges?: readonly LiveExchange[];
}

export interface Changes<Row> {
  /** Rows that are new or that have changed, each whole: it takes the place of the one with the same `id`. */
  readonly rows: readonly Row[];
  /** The ids of those that are there no more. */
  readonly gone: readonly string[];
  readonly more: number;
}

export interface LiveTotals {
  /** Of exchanges, connections of tcp proxies, queries and flows that began while somebody watched. */
  readonly seen: number;
  /** Of these, those that the ring was not given, since there were too many in a second: over all, and of one bot. */
  readonly left_out: { readonly rate: number; readonly bot: number };
}

/** Whoever asks: one bot by the name that its proxy knows it by, over all proxies. */
export interface LiveBot {
  /** Its name. */
  readonly id: string;
  /** Connections, and flows, that are open now. */
  readonly open: number;
  /** Exchanges and questions that are under way. */
  readonly pending: number;
  /** Exchanges, connections of tcp proxies, queries and flows that began since somebody watches. */
  readonly exchanges: number;
  /** Of these, those that ended badly: without a whole answer, or with a status of 500 or more. */
  readonly failed: number;
  /** Of these, those that a fault acted on. */
  readonly hits: number;
  /** When it last began or ended anything; null if it only has a connection open from before. */
  readonly last_at: number | null;
  /** It has a connection open, nothing under way, and has had nothing since then for at least 5 s; null otherwise. */
  readonly silent_since: number | null;
}

export interface LiveProxy {
  /** Its name. */
  readonly id: string;
  readonly plane: Plane;
  /** Where it listens, such as `127.0.0.1:9000`. */
  readonly listen: string;
  readonly upstream: string;
  readonly tls: boolean;
  readonly enabled: boolean;
  /** `listening`, `stopped`, `closed by fault` or `cannot listen`, as in `GET /status`. */
  readonly state: string;
  readonly open: number;
  /** Connections, or flows, since the daemon started. */
  readonly connections: number;
  /** HTTP exchanges, or DNS queries, since the daemon started; of other planes connections or flows. */
  readonly exchanges: number;
  /** What failed since the daemon started, by reason (`upstream_refused`, ...); in all. */
  readonly failures: number;
  /** Bytes that came from clients, and that went to them. */
  readonly bytes_up: number;
  readonly bytes_down: number;
  /** Hits of all faults that are in force on it now. */
  readonly hits: number;
  readonly faults: readonly LiveProxyFault[];
}

export interface LiveProxyFault {
  readonly fault: string;
  readonly type: string;
  readonly profile: string;
  /** The id of the activation; `proxy` for a fault of the proxy's own, such as a toxic. */
  readonly activation: string;
  readonly phase: string;
  readonly observe: boolean;
  readonly hits: number;
}

/** An upstream of a proxy: also the edge between the two. */
export interface LiveUpstream {
  /** `PROXY/NAME`; `NAME` is `main` where it was given none. */
  readonly id: string;
  readonly proxy: string;
  readonly name: string;
  readonly address: string;
  readonly state: UpstreamState;
  /** In a sentence, where it is not up. */
  readonly why: string | null;
  /** Exchanges or connections that are with it now. */
  readonly open: number;
  /** How often it was chosen since the daemon started. */
  readonly total: number;
  /** While somebody watched: what was sent there and ended badly on its side, and what faults acted on. */
  readonly failed: number;
  readonly hits: number;
}

/**
 * `up`: nothing is known against it. `unhealthy`: its health check fails. `ejected`: taken out for what clients met with.
 * `refused`, `unreachable`, `timeout`: what dialling it last gave, while somebody watched. `disabled`: its proxy is switched off.
 */
export type UpstreamState =
  "up" | "unhealthy" | "ejected" | "refused" | "unreachable" | "timeout" | "disabled";

/** The edge between a bot and a proxy. */
export interface LiveLink {
  /** Made of both names; not to be read. */
  readonly id: string;
  readonly bot: string;
  readonly proxy: string;
  readonly open: number;
  readonly total: number;
  readonly failed: number;
  readonly hits: number;
}

export interface LiveActivation {
  readonly id: string;
  readonly profile: string;
  readonly mode: "inject" | "observe";
  /** The fleet switched it on, and not somebody here: healing ends it on this daemon alone. */
  readonly fleet: boolean;
  readonly seed: number;
  readonly params: Readonly<Record<string, unknown>>;
  /** Null for all. */
  readonly proxies: readonly string[] | null;
  readonly started_at: number;
  readonly started_wall: number;
  /** When it ends by itself, for its time to live or as its phases are through; null for never. */
  readonly ends_at: number | null;
  /** Null in a profile without phases. */
  readonly phase: LivePhase | null;
  /** The sum over its faults. */
  readonly hits: number;
  readonly faults: readonly LiveFault[];
  /** The command that starts the same run again. */
  readonly again: string;
}

export interface LivePhase {
  readonly name: string;
  /** From 0, of `count`. */
  readonly index: number;
  readonly count: number;
  /** From 1. */
  readonly pass: number;
  /** How many passes there will be; null for as many as its time allows. */
  readonly passes: number | null;
  readonly began_at: number;
  readonly ends_at: number | null;
}

/** A fault of an activation on one proxy on which it is or was in force. */
export interface LiveFault {
  readonly proxy: string;
  readonly fault: string;
  readonly type: string;
  /** It is in force now. */
  readonly on: boolean;
  /** Subjects that came by, that matched, that were hit. */
  readonly subjects: number;
  readonly matched: number;
  readonly hits: number;
  /** Such as `0 of 66 exchanges so far: no path matches`. */
  readonly text: string;
}

/** A phase as a span, an activation as a whole (`phase` null), or a mark (`mark` set, `until` equal to `at`). */
export interface LiveBand {
  readonly id: string;
  readonly activation: string | null;
  readonly profile: string | null;
  readonly phase: string | null;
  readonly mark: string | null;
  readonly at: number;
  /** Null while it lasts. */
  readonly until: number | null;
}
