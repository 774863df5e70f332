/** The picture that `GET /live` gives, kept up to date by its differences, with rates made of its counters. Pure: it is told the time. */
import type {
  Changes,
  LiveActivation,
  LiveBand,
  LiveBot,
  LiveLink,
  LiveProxy,
  LiveState,
  LiveTick,
  LiveTotals,
  LiveUpstream,
  Rows,
} from "../../live/contract.js";
import { Rates } from "./rates.js";

interface Keyed {
  readonly id: string;
}

/** Rows of one part, by their ids. */
export class Table<Row extends Keyed> {
  readonly #rows = new Map<string, Row>();
  #more = 0;

  get size(): number {
    return this.#rows.size;
  }

  /** Rows that the daemon had no room for. */
  get more(): number {
    return this.#more;
  }

  get(id: string): Row | undefined {
    return this.#rows.get(id);
  }

  list(): Row[] {
    return [...this.#rows.values()];
  }

  begin({ rows, more }: Rows<Row>): void {
    this.#rows.clear();
    for (const row of rows) this.#rows.set(row.id, row);
    this.#more = more;
  }

  change({ rows, gone, more }: Changes<Row>): void {
    for (const id of gone) this.#rows.delete(id);
    for (const row of rows) this.#rows.set(row.id, row);
    this.#more = more;
  }
}

const NOTHING: LiveTotals = { seen: 0, left_out: { rate: 0, bot: 0 } };

export class LiveStore {
  readonly bots = new Table<LiveBot>();
  readonly proxies = new Table<LiveProxy>();
  readonly upstreams = new Table<LiveUpstream>();
  readonly links = new Table<LiveLink>();
  readonly active = new Table<LiveActivation>();
  readonly bands = new Table<LiveBand>();
  /**
   * Of what `links`, `upstreams` and `proxies` count, by their ids; of hits and failures by `link ID`, `upstream ID` and (hits only) `proxy ID`.
   */
  readonly rates = {
    links: new Rates(),
    upstreams: new Rates(),
    proxies: new Rates(),
    hits: new Rates(),
    failed: new Rates(),
  };
  totals: LiveTotals = NOTHING;
  /** Of this life of the daemon; empty until the first picture. */
  run = "";
  version = "";
  startedWall = 0;
  watchedSince = 0;
  /** The daemon's clock at the last event, and how far its wall clock is ahead of it. */
  #now = 0;
  #wall = 0;
  /** When that event came, on the reader's own clock. */
  #heardAt = 0;

  /** `at`: on the reader's monotonic clock, as in all calls. */
  begin(state: LiveState, at: number): void {
    // Numbers of another daemon, or of the time before a gap, say nothing about rates.
    for (const rates of Object.values(this.rates)) rates.clear();
    this.run = state.run;
    this.version = state.version;
    this.startedWall = state.started_wall;
    this.watchedSince = state.watched_since;
    this.bots.begin(state.bots);
    this.proxies.begin(state.proxies);
    this.upstreams.begin(state.upstreams);
    this.links.begin(state.links);
    this.active.begin(state.active);
    this.bands.begin(state.bands);
    this.totals = state.totals;
    this.#moment(state, at);
    this.#count(state.links.rows, state.upstreams.rows, state.proxies.rows, null);
  }

  change(tick: LiveTick, at: number): void {
    const { bots, proxies, upstreams, links, active, bands, totals } = tick;
    if (bots !== undefined) this.bots.change(bots);
    if (proxies !== undefined) this.proxies.change(proxies);
    if (upstreams !== undefined) this.upstreams.change(upstreams);
    if (links !== undefined) this.links.change(links);
    if (active !== undefined) this.active.change(active);
    if (bands !== undefined) this.bands.change(bands);
    if (totals !== undefined) this.totals = totals;
    this.#moment(tick, at);
    this.#count(links?.rows ?? [], upstreams?.rows ?? [], proxies?.rows ?? [], 0);
    for (const id of links?.gone ?? []) this.#forget("link", id);
    for (const id of upstreams?.gone ?? []) this.#forget("upstream", id);
    for (const id of proxies?.gone ?? []) this.#forget("proxy", id);
  }

  /** The daemon's monotonic clock now, as far as that can be told from the last event. */
  now(at: number): number {
    return this.#now + Math.max(0, at - this.#heardAt);
  }

  /** A time on that clock as milliseconds since 1970. */
  wall(time: number): number {
    return time + this.#wall;
  }

  #moment({ now, now_wall }: { readonly now: number; readonly now_wall: number }, at: number): void {
    this.#now = now;
    this.#wall = now_wall - now;
    this.#heardAt = at;
  }

  #forget(part: "link" | "upstream" | "proxy", id: string): void {
    const counted = { link: "links", upstream: "upstreams", proxy: "proxies" } as const;
    this.rates[counted[part]].forget(id);
    this.rates.hits.forget(`${part} ${id}`);
    this.rates.failed.forget(`${part} ${id}`);
  }

  #count(
    links: readonly LiveLink[],
    upstreams: readonly LiveUpstream[],
    proxies: readonly LiveProxy[],
    before: 0 | null,
  ): void {
    const { rates } = this;
    const now = this.#now;
    const add = (counters: Rates, id: string, total: number): void => {
      counters.count(id, total, now, before ?? total);
    };
    for (const { id, total, hits, failed } of links) {
      add(rates.links, id, total);
      add(rates.hits, `link ${id}`, hits);
      add(rates.failed, `link ${id}`, failed);
    }
    for (const { id, total, hits, failed } of upstreams) {
      add(rates.upstreams, id, total);
      add(rates.hits, `upstream ${id}`, hits);
      add(rates.failed, `upstream ${id}`, failed);
    }
    for (const { id, exchanges, hits } of proxies) {
      add(rates.proxies, id, exchanges);
      add(rates.hits, `proxy ${id}`, hits);
    }
  }
}
