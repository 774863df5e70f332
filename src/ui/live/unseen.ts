/** Of which stretch of time nothing is known when a stream begins again: it must not look as if nothing had happened. Pure. */
import type { LiveState } from "../../live/contract.js";

/** On the daemon's clock. */
export interface Unseen {
  readonly from: number;
  readonly until: number;
}

/** What the reader knew before it: nothing was told later than `until` by that life of the daemon. */
export interface Known {
  readonly run: string;
  readonly until: number;
}

/** Null where nothing was missed; times of another daemon say nothing about this one's. */
export function unseenBetween(known: Known, state: LiveState): Unseen | null {
  const until = state.exchanges_since ?? state.now;
  return known.run !== state.run || known.until >= until ? null : { from: known.until, until };
}
