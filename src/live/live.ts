/**
 * What the dashboard is told, and to whom. Nobody is in the data path's way while nobody watches: a reader of the stream, or a call of
 * `GET /exchanges` within the last 30 s. All readers share one computation, and each tick is written down once.
 */
import type { Millis, Timer } from "../core/clock.js";
import { SquallError } from "../core/errors.js";
import type { Fact } from "../core/events.js";
import type { Watch } from "../pipeline/watch.js";
import { Bands } from "./bands.js";
import type {
  ExchangesAnswer,
  ExchangeTrace,
  FindingsAnswer,
  LiveExchange,
  LiveState,
  LiveTick,
  Moment,
} from "./contract.js";
import { Told } from "./differences.js";
import { findingsOf } from "./findings.js";
import { FIRST_MAX, LEASE_MS, LINGER_MS, TICK_MS } from "./limits.js";
import { Past, type PastSources } from "./past.js";
import { Painter, type Picture, type PictureSources } from "./picture.js";
import type { Ranks, Ring } from "./ring.js";
import { traceOf } from "./trace-view.js";
import { Watching } from "./watching.js";

export interface LiveSources extends Omit<PictureSources, "plan"> {
  readonly plan: PictureSources["plan"] & PastSources["plan"];
  readonly watch: Watch;
  readonly telemetry: PastSources["telemetry"] & {
    notice(listener: (fact: Fact) => void): () => void;
  };
  readonly version: string;
  /** Of this life of the daemon. */
  readonly run: string;
  readonly startedWall: Millis;
  /** Bytes of bodies that are shown; 0 for none. */
  readonly bodiesMax: number;
}

/** Whoever reads the stream. */
export interface LiveReader {
  readonly exchanges: boolean;
  /** A tick, written down. */
  tick(json: string): void;
}

export interface ExchangeFilter {
  readonly bot?: string | undefined;
  readonly proxy?: string | undefined;
  readonly since?: number | undefined;
  readonly limit: number;
}

/** All that is there only while somebody watches. */
interface Session {
  readonly watching: Watching;
  readonly bands: Bands;
  readonly painter: Painter;
  readonly told: {
    readonly bots: Told<Picture["bots"]["rows"][number]>;
    readonly proxies: Told<Picture["proxies"]["rows"][number]>;
    readonly upstreams: Told<Picture["upstreams"]["rows"][number]>;
    readonly links: Told<Picture["links"]["rows"][number]>;
    readonly active: Told<Picture["active"]["rows"][number]>;
    readonly bands: Told<Picture["bands"]["rows"][number]>;
  };
  totals: string;
  readonly unnotice: () => void;
  timer: Timer | null;
}

export class Live {
  readonly #sources: LiveSources;
  readonly #readers = new Set<LiveReader>();
  readonly #ranks: Ranks = { last: 0 };
  #session: Session | null = null;
  /** Until when the session, and its ring, are kept though nobody reads. */
  #sessionUntil = -Infinity;
  #ringUntil = -Infinity;
  #closed = false;

  constructor(sources: LiveSources) {
    this.#sources = sources;
  }

  get readers(): number {
    return this.#readers.size;
  }

  /** Whether anything is there that costs something. */
  get watching(): boolean {
    return this.#session !== null;
  }

  // -- the stream ---------------------------------------------------------------------------------

  /** Answers the whole picture, and how to leave; ticks follow it. */
  open(reader: LiveReader): { readonly state: LiveState; readonly leave: () => void } {
    const session = this.#begin();
    // Everybody's next tick starts from the same picture.
    const picture = this.#beat(session);
    if (reader.exchanges) session.watching.keep();
    this.#readers.add(reader);
    return {
      state: this.#stateOf(session, picture, reader.exchanges),
      leave: () => {
        if (!this.#readers.delete(reader)) return;
        const until = this.#now + LINGER_MS;
        this.#sessionUntil = Math.max(this.#sessionUntil, until);
        if (reader.exchanges) this.#ringUntil = Math.max(this.#ringUntil, until);
      },
    };
  }

  #stateOf({ watching }: Session, picture: Picture, exchanges: boolean): LiveState {
    const { run, version, startedWall } = this.#sources;
    const { ring } = watching;
    const kept = exchanges && ring !== null ? lastOf(ring) : {};
    return {
      ...this.#moment(),
      run,
      version,
      started_wall: startedWall,
      watched_since: watching.since,
      tick_ms: TICK_MS,
      ...picture,
      ...kept,
    };
  }

  /** The daemon is stopping. */
  close(): void {
    this.#closed = true;
    this.#readers.clear();
    this.#end();
  }

  // -- what is asked for once ---------------------------------------------------------------------

  exchanges({ bot, proxy, since, limit }: ExchangeFilter): ExchangesAnswer {
    const { watching } = this.#lease();
    const ring = watching.keep();
    const all = [...ring.views()].filter(
      (one) => (bot === undefined || one.bot === bot) && (proxy === undefined || one.proxy === proxy),
    );
    const chosen =
      since === undefined
        ? all.slice(-limit)
        : all
            // One that was never given out here is of the daemon before: all is new since then.
            .filter(({ rank }) => rank > since || since > ring.rank)
            .toSorted((one, other) => one.rank - other.rank)
            .slice(0, limit);
    const last = chosen.at(-1);
    return {
      ...this.#moment(),
      exchanges: chosen,
      // Where some had no room, the next call goes on behind the last that had.
      rank: since !== undefined && last !== undefined && chosen.length === limit ? last.rank : ring.rank,
      kept_since: ring.since,
      left_out: watching.leftOut,
      forgotten: ring.forgotten,
    };
  }

  trace(proxy: string, id: string): ExchangeTrace {
    const past = new Past(this.#sources);
    const session = this.#session;
    if (session !== null) this.#harvest(session);
    const entry = session?.watching.ring?.find(proxy, id);
    const trace =
      entry === undefined
        ? past.trace(proxy, id, this.#moment())
        : traceOf(entry, { ...this.#sources, past, moment: this.#moment() });
    if (trace !== null) return trace;
    const known = session?.watching.ring ?? null;
    throw new SquallError("SQ_EXCHANGE_NOT_FOUND", `nothing is known of ${id} on ${proxy}`, {
      hint:
        known === null
          ? "nobody was watching, and no fault acted on it: GET /exchanges keeps the next ones for 30 s"
          : `the last ${known.size} that were seen are kept; it may have been left out, or have made room for newer ones`,
    });
  }

  findings(bot: string | undefined): FindingsAnswer {
    const { watching } = this.#lease();
    const ring = watching.keep();
    const moment = this.#moment();
    const exchanges = [...ring.views()];
    const findings = findingsOf(exchanges, moment.now);
    return {
      ...moment,
      findings: bot === undefined ? findings : findings.filter(({ bots }) => bots.includes(bot)),
      from: ring.since,
      exchanges: exchanges.length,
    };
  }

  // -- inside -------------------------------------------------------------------------------------

  get #now(): Millis {
    return this.#sources.clock.now();
  }

  #moment(): Moment {
    const { clock } = this.#sources;
    return { now: clock.now(), now_wall: clock.wallTime() };
  }

  #lease(): Session {
    const session = this.#begin();
    this.#harvest(session);
    const until = this.#now + LEASE_MS;
    this.#sessionUntil = Math.max(this.#sessionUntil, until);
    this.#ringUntil = Math.max(this.#ringUntil, until);
    return session;
  }

  #begin(): Session {
    if (this.#session !== null) return this.#session;
    if (this.#closed) throw new SquallError("SQ_STOPPING", "the daemon is stopping");
    const { clock, watch, proxySet, plan, telemetry, bodiesMax } = this.#sources;
    const planeOf = (name: string): Picture["proxies"]["rows"][number]["plane"] =>
      proxySet.list().find(({ proxy }) => proxy.name === name)?.proxy.protocol ?? "tcp";
    const watching = new Watching({ clock, bodiesMax, ranks: this.#ranks, planeOf });
    const bands = new Bands(clock, plan.moments());
    const session: Session = {
      watching,
      bands,
      painter: new Painter(this.#sources, watching, bands),
      told: {
        bots: new Told(),
        proxies: new Told(),
        upstreams: new Told(),
        links: new Told(),
        active: new Told(),
        bands: new Told(),
      },
      totals: "",
      unnotice: telemetry.notice((fact) => {
        bands.tell(fact);
      }),
      timer: null,
    };
    this.#session = session;
    watch.watcher = watching;
    this.#wait(session);
    return session;
  }

  #end(): void {
    const session = this.#session;
    if (session === null) return;
    this.#session = null;
    this.#sources.watch.watcher = null;
    session.timer?.cancel();
    session.unnotice();
    session.watching.forget();
    this.#sessionUntil = this.#ringUntil = -Infinity;
  }

  #wait(session: Session): void {
    const { clock } = this.#sources;
    session.timer = clock.at(clock.now() + TICK_MS, () => {
      this.#tick(session);
    });
  }

  #tick(session: Session): void {
    const now = this.#now;
    if (this.#readers.size === 0 && this.#sessionUntil <= now) {
      this.#end();
      return;
    }
    const keeps = this.#ringUntil > now || [...this.#readers].some(({ exchanges }) => exchanges);
    if (!keeps) session.watching.forget();
    if (this.#readers.size === 0) this.#harvest(session);
    else this.#beat(session);
    this.#wait(session);
  }

  /** With nobody to tell it to, so that what is seen does not pile up. */
  #harvest(session: Session): void {
    const changed = session.watching.harvest();
    if (changed.length > 0 && this.#readers.size > 0) this.#tell({}, changed);
  }

  /** Tells everybody what is different. */
  #beat(session: Session): Picture {
    const { told } = session;
    const changed = session.watching.harvest();
    const picture = session.painter.paint();
    const totals = JSON.stringify(picture.totals);
    const tick: Omit<LiveTick, keyof Moment> = {
      ...part("bots", told.bots.change(picture.bots)),
      ...part("proxies", told.proxies.change(picture.proxies)),
      ...part("upstreams", told.upstreams.change(picture.upstreams)),
      ...part("links", told.links.change(picture.links)),
      ...part("active", told.active.change(picture.active)),
      ...part("bands", told.bands.change(picture.bands)),
      ...(totals === session.totals ? {} : { totals: picture.totals }),
    };
    session.totals = totals;
    this.#tell(tick, changed);
    return picture;
  }

  #tell(tick: Omit<LiveTick, keyof Moment>, exchanges: readonly LiveExchange[]): void {
    const isEmpty = Object.keys(tick).length === 0;
    if (isEmpty && exchanges.length === 0) return;
    let plain: string | null = null;
    let whole: string | null = null;
    const moment = this.#moment();
    for (const reader of [...this.#readers]) {
      if (reader.exchanges && exchanges.length > 0)
        reader.tick((whole ??= JSON.stringify({ ...moment, ...tick, exchanges })));
      else if (!isEmpty) reader.tick((plain ??= JSON.stringify({ ...moment, ...tick })));
    }
  }
}

/** The last of them, and from when on none is missing. */
function lastOf(ring: Ring): Required<Pick<LiveState, "exchanges" | "exchanges_since">> {
  const all = [...ring.views()];
  const exchanges = all.slice(-FIRST_MAX);
  const isWhole = exchanges.length === all.length && ring.forgotten === 0;
  return { exchanges, exchanges_since: isWhole ? ring.since : (exchanges[0]?.client_side.at ?? ring.since) };
}

function part<Name extends string, Value>(name: Name, value: Value | null): Partial<Record<Name, Value>> {
  return value === null ? {} : ({ [name]: value } as Record<Name, Value>);
}
