/**
 * The seam of upstreams. There is one fault for each proxy, so that its rhythm goes on across connections. What it counts
 * while it is asked about somebody is told of that bot, and what it counts in `wake` of the proxy.
 */
import type { Millis } from "../../core/clock.js";
import type { Answer } from "./exchange.js";
import type { Hang, Hold, Pass, Sever } from "./verdicts.js";

export interface Upstream {
  readonly name: string;
}
/** Who is to be sent to one of them. */
export interface Asker {
  readonly bot: string;
  readonly client: string;
}
/** What becomes of an attempt to reach the one that was chosen. An `answer` is given on HTTP proxies only. */
export type ReachVerdict = Pass | Hold | Hang | Sever | { readonly do: "refuse" } | Answer;

export interface UpstreamsFault {
  /**
   * Those that the balancer may choose among; empty when nobody is up, and one alone leaves it no choice. Called for
   * each choice, with those that health checks and the faults before have left.
   */
  candidates(pool: readonly Upstream[], asker: Asker): readonly Upstream[];
  /** For balancers that have not noticed yet: what reaching this one gives. */
  reach?(upstream: Upstream): ReachVerdict;
  /** What becomes of connections to this one that are open; asked after each `wake`. `drain` lets exchanges finish. */
  existing?(upstream: Upstream): Pass | Sever | { readonly do: "drain" };
  /** One of them is being ended, as `existing` said. */
  ended?(upstream: Upstream): void;
  readonly wakeAt: Millis;
  wake?(): void;
  /**
   * Called before a question once `wakeAt` has come but its timer has not fired: counts what has begun, as `wake` would, so that
   * nobody is told of what comes of it before. `wake` follows, and does not count it again.
   */
  notice?(): void;
  released?(): void;
}
