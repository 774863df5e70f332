/**
 * Whether somebody watches, and whom the data path tells then. Every place that does asks first whether `watcher` is null: while
 * nobody watches that is all that it costs.
 */
import type { Millis } from "../core/clock.js";
import type { Dealings, HandshakeSeen } from "./dealings.js";
import type { Sight, SightOf } from "./sight.js";

export class Watch {
  watcher: Watcher | null = null;
}

export interface Watcher {
  /** What one bot does on one proxy. */
  dealings(proxy: string, bot: string): Dealings;
  /** For one that begins now. Null where none is to be had: nobody wants to see so much, or there were too many in this second. */
  sight(of: SightOf, at: Millis, within: Sight | null): Sight | null;
  /** For a connection of exchanges, which is shown only if it comes to none. Null where nobody wants to see it. */
  connectionSight(of: SightOf): Sight | null;
  /** That connection is over: shown if it came to no exchange, and anything is to be said of it. */
  connectionOver(sight: Sight): void;
  /** Who came to nothing before there was a connection: a refused one, or a handshake that failed. */
  turnedAway(of: SightOf, reason: string): void;
  /** How a client took what faults did to its handshake. */
  handshake(of: SightOf, seen: HandshakeSeen): void;
  /** An attempt to reach an upstream, and why it failed; null if it did not. */
  reached(proxy: string, upstream: string, reason: string | null): void;
  /** Something that was sent to an upstream is over. */
  upstreamOver(proxy: string, upstream: string, failed: boolean, hit: boolean): void;
}
