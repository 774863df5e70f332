/** The picture of now: rows of bots, proxies, upstreams, what goes between them and what is on. Made four times a second while somebody looks. */
import { formatAddress } from "../config/address.js";
import type { Clock } from "../core/clock.js";
import type { Dealings } from "../pipeline/dealings.js";
import type { ActivationMoments } from "../plan/activation.js";
import type { LivePlan } from "../plan/live.js";
import type { ProxySet } from "../proxy/proxy-set.js";
import type { Proxy, ProxyClient } from "../proxy/spec.js";
import { ONLY_UPSTREAM, type Member } from "../proxy/upstream/pool.js";
import type {
  LiveActivation,
  LiveBand,
  LiveBot,
  LiveLink,
  LiveProxy,
  LiveTotals,
  LiveUpstream,
  Plane,
  Rows,
  UpstreamState,
} from "./contract.js";
import type { Bands } from "./bands.js";
import { LINKS_MAX, ROWS_MAX, SILENT_MS } from "./limits.js";
import { shortened } from "./masks.js";
import type { UpstreamSeen, Watching } from "./watching.js";

export interface Picture {
  readonly bots: Rows<LiveBot>;
  readonly proxies: Rows<LiveProxy>;
  readonly upstreams: Rows<LiveUpstream>;
  readonly links: Rows<LiveLink>;
  readonly active: Rows<LiveActivation>;
  readonly bands: Rows<LiveBand>;
  readonly totals: LiveTotals;
}

export interface PictureSources {
  readonly clock: Clock;
  readonly proxySet: Pick<ProxySet, "list">;
  readonly plan: Pick<LivePlan, "moments" | "soFar" | "again">;
}

/** A bot on a proxy: connections that it has open, and its bytes as they were counted last. */
interface Presence {
  open: number;
  bytes: number;
  /** Of flows: when one last carried anything. */
  usedAt: number | null;
}

const CLIENTS_READ_MAX = 20_000;

export class Painter {
  readonly #sources: PictureSources;
  readonly #watching: Watching;
  readonly #bands: Bands;
  /** What bots sent and got over streams, when that was last looked at, and when it last changed. */
  #bytes = new Map<string, { readonly bytes: number; readonly at: number }>();

  constructor(sources: PictureSources, watching: Watching, bands: Bands) {
    this.#sources = sources;
    this.#watching = watching;
    this.#bands = bands;
  }

  paint(): Picture {
    const now = this.#sources.clock.now();
    const proxies = this.#sources.proxySet.list().map(({ proxy }) => proxy);
    const links = this.#links(proxies, now);
    const rows = [...links.values()];
    const bots = cut(botsOf(rows, now, this.#watching.since), byImportance);
    return {
      bots,
      proxies: cut(proxies.map(proxyRow)),
      upstreams: cut(proxies.flatMap((proxy) => this.#upstreams(proxy))),
      links: linksOf(
        bots,
        rows.map(({ row }) => row),
      ),
      active: cut(this.#active(proxies)),
      bands: { rows: this.#bands.rows, more: 0 },
      totals: { seen: this.#watching.seen, left_out: this.#watching.leftOut },
    };
  }

  // -- bots ---------------------------------------------------------------------------------------

  #links(proxies: readonly Proxy[], now: number): Map<string, Between> {
    const links = new Map<string, Between>();
    const planes = new Map<string, Plane>(proxies.map(({ name, protocol }) => [name, protocol]));
    for (const dealings of this.#watching.allDealings()) {
      const plane = planes.get(dealings.proxy);
      if (plane !== undefined) links.set(linkId(dealings.bot, dealings.proxy), between(dealings, plane));
    }
    const bytes = new Map<string, { bytes: number; at: number }>();
    for (const proxy of proxies) {
      for (const [bot, presence] of presences(proxy)) {
        const id = linkId(bot, proxy.name);
        const link = links.get(id) ?? between({ proxy: proxy.name, bot }, proxy.protocol);
        link.row.open = presence.open;
        links.set(id, link);
        const before = this.#bytes.get(id);
        const at = before === undefined || before.bytes === presence.bytes ? (before?.at ?? -Infinity) : now;
        bytes.set(id, { bytes: presence.bytes, at });
        link.lastAt = latest(link.lastAt, at === -Infinity ? null : at, presence.usedAt);
      }
    }
    this.#bytes = bytes;
    return links;
  }

  // -- upstreams ----------------------------------------------------------------------------------

  #upstreams(proxy: Proxy): LiveUpstream[] {
    const { pool, name, enabled } = proxy;
    if (pool === undefined) {
      const { connectionsActive: open, connectionsTotal } = proxy.stats;
      const seen = this.#watching.upstreamSeen(`${name}/${ONLY_UPSTREAM}`);
      const state = stateOf(enabled, true, true, seen);
      return [
        {
          id: `${name}/${ONLY_UPSTREAM}`,
          proxy: name,
          name: ONLY_UPSTREAM,
          address: proxy.upstreamGiven,
          state,
          why: whyOf(state),
          open,
          total: exchangesOf(proxy) ?? connectionsTotal,
          failed: seen?.failed ?? 0,
          hits: seen?.hits ?? 0,
        },
      ];
    }
    return pool.members.map((member: Member): LiveUpstream => {
      const seen = this.#watching.upstreamSeen(`${name}/${member.name}`);
      const state = stateOf(enabled, member.healthy, pool.isUp(member), seen);
      return {
        id: `${name}/${member.name}`,
        proxy: name,
        name: member.name,
        address: formatAddress(member.endpoint),
        state,
        why: whyOf(state),
        open: member.busy,
        total: member.selected,
        failed: seen?.failed ?? 0,
        hits: seen?.hits ?? 0,
      };
    });
  }

  // -- what is on ---------------------------------------------------------------------------------

  #active(proxies: readonly Proxy[]): LiveActivation[] {
    const { plan } = this.#sources;
    const inForce = new Set(
      proxies.flatMap(({ faults }) =>
        faults.map(({ origin: { activation, proxy, fault, type } }) =>
          JSON.stringify([activation, proxy, fault, type]),
        ),
      ),
    );
    return plan.moments().map((moments): LiveActivation => {
      const { value, startedAt, endsAt } = moments;
      const faults = plan.soFar(value.id).map(({ proxy, fault, type, subjects, matched, hits, text }) => ({
        proxy,
        fault,
        type,
        on: inForce.has(JSON.stringify([value.id, proxy, fault, type])),
        subjects,
        matched,
        hits,
        text,
      }));
      return {
        id: value.id,
        profile: value.profile,
        mode: value.mode,
        fleet: value.fleet !== undefined,
        seed: value.seed,
        params: value.compiled.params,
        proxies: value.proxies,
        started_at: startedAt,
        started_wall: value.startedAt,
        ends_at: finite(endsAt),
        phase: phaseOf(moments),
        hits: faults.reduce((sum, { hits }) => sum + hits, 0),
        faults,
        again: plan.again(value),
      };
    });
  }
}

function phaseOf({ value: { compiled }, position }: ActivationMoments): LiveActivation["phase"] {
  const phase = position === null ? undefined : compiled.phases[position.index];
  if (position === null || phase === undefined) return null;
  return {
    name: phase.phase,
    index: position.index,
    count: compiled.phases.length,
    pass: position.pass + 1,
    passes: compiled.repeat === "forever" ? null : compiled.repeat,
    began_at: position.startsAt,
    ends_at: finite(position.endsAt),
  };
}

const finite = (at: number): number | null => (Number.isFinite(at) ? at : null);

/** A link as it is told, and what bots are made of besides. */
interface Between {
  readonly row: { -readonly [Key in keyof LiveLink]: LiveLink[Key] };
  readonly pending: number;
  lastAt: number | null;
}

function between(
  { proxy, bot, ...counted }: Pick<Dealings, "proxy" | "bot"> & Partial<Dealings>,
  plane: Plane,
): Between {
  const { total = 0, failed = 0, hits = 0, pending = 0, lastAt = null } = counted;
  return {
    row: { id: linkId(bot, proxy), bot: shortened(bot), proxy, open: 0, total, failed, hits },
    pending: plane === "http" || plane === "dns" ? pending : 0,
    lastAt,
  };
}

function linkId(bot: string, proxy: string): string {
  return `${bot.length}:${shortened(bot)}${proxy}`;
}

function botsOf(links: readonly Between[], now: number, since: number): LiveBot[] {
  const bots = new Map<string, { -readonly [Key in keyof LiveBot]: LiveBot[Key] }>();
  for (const { row, pending, lastAt } of links) {
    const bot = bots.get(row.bot) ?? {
      id: row.bot,
      open: 0,
      pending: 0,
      exchanges: 0,
      failed: 0,
      hits: 0,
      last_at: null,
      silent_since: null,
    };
    bot.open += row.open;
    bot.pending += pending;
    bot.exchanges += row.total;
    bot.failed += row.failed;
    bot.hits += row.hits;
    bot.last_at = latest(bot.last_at, lastAt);
    bots.set(row.bot, bot);
  }
  for (const bot of bots.values()) {
    const last = bot.last_at ?? since;
    if (bot.open > 0 && bot.pending === 0 && now - last >= SILENT_MS) bot.silent_since = last;
  }
  return [...bots.values()];
}

/** Clients of a proxy, by bot. */
function presences(proxy: Proxy): Map<string, Presence> {
  const bots = new Map<string, Presence>();
  let left = CLIENTS_READ_MAX;
  for (const client of proxy.clients ?? []) {
    if (left-- === 0) break;
    const bot = botOf(client, proxy);
    if (bot === null) continue;
    const presence = bots.get(bot) ?? { open: 0, bytes: 0, usedAt: null };
    presence.open++;
    if (proxy.protocol === "tcp") presence.bytes += bytesOf(client);
    presence.usedAt = latest(presence.usedAt, client.usedAt ?? null);
    bots.set(bot, presence);
  }
  return bots;
}

/** Whose connection it is; null where that is not known yet: of an HTTP client that has not asked for anything. */
function botOf({ bearer = null, bot }: ProxyClient, { protocol }: Proxy): string | null {
  return bearer?.bot ?? (protocol === "http" ? null : bot);
}

function bytesOf({ pumps = null }: ProxyClient): number {
  return pumps === null ? 0 : pumps.upstream.bytesIn + pumps.downstream.bytesIn;
}

function latest(...times: readonly (number | null)[]): number | null {
  const known = times.filter((time) => time !== null);
  return known.length === 0 ? null : Math.max(...known);
}

function proxyRow(proxy: Proxy): LiveProxy {
  const { connectionsActive, connectionsTotal, errors, bytesIn, bytesOut } = proxy.stats;
  const faults = proxy.faults.map(({ origin, observe, book }) => ({
    fault: origin.fault,
    type: origin.type,
    profile: origin.profile,
    activation: origin.activation,
    phase: origin.phase,
    observe,
    hits: book.hits,
  }));
  return {
    id: proxy.name,
    plane: proxy.protocol,
    listen: proxy.listenText,
    upstream: proxy.upstreamText,
    tls: proxy.handshakes !== undefined,
    enabled: proxy.enabled,
    state: proxy.state,
    open: connectionsActive,
    connections: connectionsTotal,
    exchanges: exchangesOf(proxy) ?? connectionsTotal,
    failures: [...errors.values()].reduce((sum, count) => sum + count, 0),
    bytes_up: bytesIn.upstream,
    bytes_down: bytesOut.downstream,
    hits: faults.reduce((sum, { hits }) => sum + hits, 0),
    faults,
  };
}

function exchangesOf({ exchanges, queries }: Proxy): number | null {
  if (exchanges !== undefined) return exchanges.requests;
  return queries === undefined ? null : queries.counts().reduce((sum, [, , count]) => sum + count, 0);
}

function stateOf(enabled: boolean, healthy: boolean, up: boolean, seen: UpstreamSeen | null): UpstreamState {
  if (!enabled) return "disabled";
  if (!healthy) return "unhealthy";
  if (!up) return "ejected";
  switch (seen?.unreached ?? null) {
    case null:
      return "up";
    case "upstream_refused":
    case "upstream_reset":
      return "refused";
    case "upstream_timeout":
      return "timeout";
    default:
      return "unreachable";
  }
}

function whyOf(state: UpstreamState): string | null {
  switch (state) {
    case "up":
      return null;
    case "disabled":
      return "its proxy is switched off";
    case "unhealthy":
      return "its health check fails";
    case "ejected":
      return "it failed clients too often in a row, and is left out for a while";
    case "refused":
      return "it refused the last connection";
    case "timeout":
      return "the last connection to it was not made in time";
    case "unreachable":
      return "the last connection to it could not be made";
  }
}

interface Weighed {
  readonly open: number;
  readonly hits: number;
  readonly failed: number;
}

/** Those that something happens to are shown where there is no room for all. */
function byImportance(one: Weighed, other: Weighed): number {
  return other.hits - one.hits || other.failed - one.failed || other.open - one.open;
}

/** Those of bots that are told: a bot without the line to where it comes from would look as if it had gone elsewhere. */
function linksOf(bots: Rows<LiveBot>, links: readonly LiveLink[]): Rows<LiveLink> {
  const told = new Set(bots.rows.map(({ id }) => id));
  const { rows } = cut(
    bots.more === 0 ? links : links.filter(({ bot }) => told.has(bot)),
    byImportance,
    LINKS_MAX,
  );
  return { rows, more: links.length - rows.length };
}

function cut<Row>(rows: readonly Row[], order?: (one: Row, other: Row) => number, max = ROWS_MAX): Rows<Row> {
  if (rows.length <= max) return { rows, more: 0 };
  const sorted = order === undefined ? rows : rows.toSorted(order);
  return { rows: sorted.slice(0, max), more: rows.length - max };
}
