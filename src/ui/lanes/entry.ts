/** What a lane keeps of an exchange, a connection, a query or a flow: as little as drawing and telling it needs, for there are 120,000. */
import type { ClientEnd, EntryKind, LiveExchange, Party, UpstreamEnd } from "../../live/contract.js";

export interface LaneEntry {
  readonly proxy: string;
  readonly id: string;
  readonly kind: EntryKind;
  readonly bot: string;
  /** `POST /v1/jobs/17/complete`; of bytes `connection 12`. As the client sent it: to be made safe where it is shown. */
  readonly what: string;
  readonly route: string | null;
  /** Milliseconds on the daemon's clock. */
  readonly from: number;
  /** When the last of both sides was over; Infinity while it is under way. */
  readonly until: number;
  readonly client: ClientBar;
  readonly upstream: UpstreamBar | null;
  /** Pairs of times, one behind the other: from, until, from, until. */
  readonly delays: readonly number[];
  /** Names of the faults that acted on it. */
  readonly faults: readonly string[];
  /** They only observed. */
  readonly observed: boolean;
  /** The id, on the same proxy, of the one that it is a second try of. */
  readonly again: string | null;
  readonly failure: string | null;
  readonly retryAfter: number | null;
}

export interface ClientBar {
  readonly until: number;
  readonly status: number | null;
  readonly rcode: string | null;
  readonly end: ClientEnd | null;
  readonly by: Party | null;
}

export interface UpstreamBar {
  readonly name: string;
  readonly from: number;
  readonly until: number;
  readonly status: number | null;
  readonly end: UpstreamEnd | null;
  readonly copies: number;
}

const NONE: readonly never[] = [];

/** Lists of names are few, and are shared by thousands. */
const lists = new Map<string, readonly string[]>();
const LISTS_MAX = 500;

export function entryOf(live: LiveExchange): LaneEntry {
  const { client_side: client, upstream_side: upstream, acts, delays } = live;
  const until = client.over ?? Infinity;
  const upUntil = upstream === null ? 0 : (upstream.over ?? (live.pending ? Infinity : until));
  return {
    proxy: live.proxy,
    id: live.id,
    kind: live.kind,
    bot: live.bot,
    what: whatOf(live),
    route: live.route,
    from: client.at,
    until: Math.max(until, upUntil),
    client: { until, status: client.status, rcode: client.rcode, end: client.end, by: client.by },
    upstream:
      upstream === null
        ? null
        : {
            name: upstream.name,
            from: upstream.forwarded ?? upstream.dialled ?? client.at,
            until: upUntil,
            status: upstream.status,
            end: upstream.end,
            copies: upstream.copies,
          },
    delays: delays.length === 0 ? NONE : delays.flatMap(({ at, until: end }) => [at, end ?? Infinity]),
    faults: acts.length === 0 ? NONE : namesOf(live),
    observed: acts.length > 0 && acts.every(({ observed }) => observed),
    again: live.again,
    failure: live.failure,
    retryAfter: live.retry_after_ms,
  };
}

export function keyOf(proxy: string, id: string): string {
  return `${proxy}\n${id}`;
}

/** What it was, in the client's words. */
export function whatOf({ kind, method, path, connection }: LiveExchange): string {
  if (method !== null && path !== null) return `${method} ${path}`;
  return `${kind} ${String(connection)}`;
}

function namesOf({ acts }: LiveExchange): readonly string[] {
  const names = [...new Set(acts.map(({ fault }) => fault))];
  const key = names.join("\n");
  const known = lists.get(key);
  if (known !== undefined) return known;
  if (lists.size >= LISTS_MAX) lists.clear();
  lists.set(key, names);
  return names;
}

/** It is over for the client, and not with a whole answer; or with one that says that the server failed. */
export function isBad({ client: { end, status }, kind }: LaneEntry): boolean {
  if (end === null) return false;
  return end !== "complete" || (status !== null && (kind === "query" ? status !== 0 : status >= 500));
}

/** The upstream gave a whole answer, and the client has not got it. */
export function isLost({ client, upstream, kind, observed }: LaneEntry): boolean {
  if (kind !== "exchange" || observed || upstream === null || client.end === null) return false;
  return (
    upstream.end === "complete" && (client.end !== "complete" || wasReplaced(client.status, upstream.status))
  );
}

/** A good answer became a bad one. */
export function wasReplaced(client: number | null, upstream: number | null): boolean {
  return client !== null && upstream !== null && upstream < 400 && client >= 400;
}
