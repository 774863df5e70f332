/**
 * Whoever watches, as the data path meets him: counts what each bot does, sees some of it closer, and hands over what has changed. It is put
 * in the data path's way when the first one comes, and taken out when the last one has gone: then nothing of it is left.
 */
import type { Clock, Millis } from "../core/clock.js";
import { BoundedMap } from "../core/lru.js";
import { Dealings, type HandshakeSeen } from "../pipeline/dealings.js";
import { Sight, type SightOf } from "../pipeline/sight.js";
import type { Watcher } from "../pipeline/watch.js";
import type { LiveExchange, Plane } from "./contract.js";
import { DEALINGS_MAX, SEEN_PER_BOT, SEEN_PER_SECOND } from "./limits.js";
import { Ring, type Ranks } from "./ring.js";

/** What watching has seen of one upstream. */
export interface UpstreamSeen {
  failed: number;
  hits: number;
  /** Why it was not reached when that was last tried; null if it was. */
  unreached: string | null;
}

const HANDSHAKES_MAX = 2_000;

interface Window {
  /** The second that it counts in, on the monotonic clock. */
  second: number;
  seen: number;
}

export interface LeftOut {
  readonly rate: number;
  readonly bot: number;
}

export class Watching implements Watcher {
  readonly since: Millis;
  readonly #clock: Clock;
  readonly #bodiesMax: number;
  readonly #ranks: Ranks;
  readonly #planeOf: (proxy: string) => Plane;
  readonly #dealings = new BoundedMap<string, BoundedMap<string, Dealings>>(DEALINGS_MAX);
  readonly #upstreams = new Map<string, UpstreamSeen>();
  readonly #handshakes = new BoundedMap<string, HandshakeSeen>(HANDSHAKES_MAX);
  readonly #windows = new BoundedMap<string, Window>(DEALINGS_MAX);
  readonly #window: Window = { second: -1, seen: 0 };
  #changed: Sight[] = [];
  #overRate = 0;
  #overBot = 0;
  #ring: Ring | null = null;
  seen = 0;

  constructor(parts: {
    readonly clock: Clock;
    readonly bodiesMax: number;
    readonly ranks?: Ranks;
    readonly planeOf: (proxy: string) => Plane;
  }) {
    this.#clock = parts.clock;
    this.#bodiesMax = parts.bodiesMax;
    this.#ranks = parts.ranks ?? { last: 0 };
    this.#planeOf = parts.planeOf;
    this.since = parts.clock.now();
  }

  // -- what the data path says --------------------------------------------------------------------

  dealings(proxy: string, bot: string): Dealings {
    this.seen++;
    let ofProxy = this.#dealings.get(proxy);
    if (ofProxy === undefined) {
      ofProxy = new BoundedMap(DEALINGS_MAX);
      this.#dealings.set(proxy, ofProxy);
    }
    const known = ofProxy.get(bot);
    if (known !== undefined) return known;
    const fresh = new Dealings(proxy, bot);
    ofProxy.set(bot, fresh);
    return fresh;
  }

  sight(of: SightOf, at: Millis, within: Sight | null): Sight | null {
    if (this.#ring === null || !this.#admits(of.bot, at)) return null;
    const sight = this.#sightOf(of, at, within);
    sight.touch();
    return sight;
  }

  #sightOf(of: SightOf, at: Millis, within: Sight | null): Sight {
    return new Sight({
      of,
      clock: this.#clock,
      at,
      within,
      bodiesMax: this.#bodiesMax,
      changed: this.#note,
    });
  }

  readonly #note = (sight: Sight): void => {
    // Of a connection that has exchanges, or may still have, nothing is shown but those.
    if (sight.hidden) sight.dirty = false;
    else if (this.#ring !== null) this.#changed.push(sight);
  };

  #admits(bot: string, at: Millis): boolean {
    const second = Math.floor(at / 1_000);
    const window = this.#window;
    if (window.second !== second) {
      window.second = second;
      window.seen = 0;
    }
    if (window.seen >= SEEN_PER_SECOND) {
      this.#overRate++;
      return false;
    }
    let own = this.#windows.get(bot);
    if (own === undefined) {
      own = { second, seen: 0 };
      this.#windows.set(bot, own);
    }
    if (own.second !== second) {
      own.second = second;
      own.seen = 0;
    }
    if (own.seen >= SEEN_PER_BOT) {
      this.#overBot++;
      return false;
    }
    window.seen++;
    own.seen++;
    return true;
  }

  connectionSight(of: SightOf): Sight | null {
    if (this.#ring === null) return null;
    const sight = this.#sightOf(of, this.#clock.now(), null);
    sight.hidden = true;
    return sight;
  }

  connectionOver(sight: Sight): void {
    if (sight.parted || this.#ring === null) return;
    // Whoever came and went without a word is nobody's news.
    if (sight.failure === null && sight.acts.length === 0 && sight.up + sight.down === 0) return;
    if (!this.#admits(sight.of.bot, sight.at)) return;
    sight.hidden = false;
    sight.touch();
  }

  turnedAway(of: SightOf, reason: string): void {
    const now = this.#clock.now();
    const dealings = this.dealings(of.proxy, of.bot);
    dealings.begins(now);
    dealings.ends(now, true, false);
    const isTold = this.#handshakes.get(`${of.proxy}\n${of.connection}`) !== undefined;
    if (!isTold || this.#ring?.touch(of.proxy, of.connection) !== true) this.#turnsAway(of, reason);
  }

  handshake(of: SightOf, seen: HandshakeSeen): void {
    this.#handshakes.set(`${of.proxy}\n${of.connection}`, seen);
    // What came of the connection may have been told by now. Of one that was refused nothing comes, and nobody else may tell of it.
    const known = this.#ring?.touch(of.proxy, of.connection) ?? false;
    if (!known && seen.took !== "accepted" && seen.took !== "undecided") this.#turnsAway(of, "client_tls");
  }

  #turnsAway(of: SightOf, reason: string): void {
    const sight = this.sight(of, this.#clock.now(), null);
    if (sight === null) return;
    sight.failure = reason;
    sight.overAt(sight.at, "refused");
    sight.ends();
  }

  reached(proxy: string, upstream: string, reason: string | null): void {
    this.#upstream(proxy, upstream).unreached = reason;
  }

  upstreamOver(proxy: string, upstream: string, failed: boolean, hit: boolean): void {
    const seen = this.#upstream(proxy, upstream);
    if (failed) seen.failed++;
    if (hit) seen.hits++;
  }

  #upstream(proxy: string, upstream: string): UpstreamSeen {
    const key = `${proxy}/${upstream}`;
    const known = this.#upstreams.get(key);
    if (known !== undefined) return known;
    const fresh: UpstreamSeen = { failed: 0, hits: 0, unreached: null };
    this.#upstreams.set(key, fresh);
    return fresh;
  }

  // -- what is read of it -------------------------------------------------------------------------

  *allDealings(): Iterable<Dealings> {
    for (const ofProxy of this.#dealings.values()) yield* ofProxy.values();
  }

  upstreamSeen(id: string): UpstreamSeen | null {
    return this.#upstreams.get(id) ?? null;
  }

  get leftOut(): LeftOut {
    return { rate: this.#overRate, bot: this.#overBot };
  }

  get ring(): Ring | null {
    return this.#ring;
  }

  /** What is begun from now on is seen closer. */
  keep(): Ring {
    this.#ring ??= new Ring({
      since: this.#clock.now(),
      ranks: this.#ranks,
      planeOf: this.#planeOf,
      handshakeOf: (proxy, connection) => this.#handshakes.get(`${proxy}\n${connection}`) ?? null,
    });
    return this.#ring;
  }

  /** Nobody wants to see it closer any more. */
  forget(): void {
    this.#ring = null;
    this.#changed = [];
  }

  /** What has changed since it was last asked, as it is told. */
  harvest(): readonly LiveExchange[] {
    const changed = this.#changed;
    if (changed.length === 0 || this.#ring === null) return [];
    this.#changed = [];
    return this.#ring.take(changed);
  }
}
