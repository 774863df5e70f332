/** Entries of lanes for tests, in as few words as a test needs. */
import type { LiveExchange } from "../../../src/live/contract.js";
import { entryOf, type LaneEntry } from "../../../src/ui/lanes/entry.js";
import { liveExchange } from "../../support/live-sample.js";

let ids = 0;

/** Begun at `at`, over after `took` milliseconds; null for one that is under way. The upstream had it for all of that time. */
export function liveOne(at: number, took: number | null, change: Partial<LiveExchange> = {}): LiveExchange {
  const whole = liveExchange(at, { id: `x${String(++ids)}` });
  const over = took === null ? null : at + took;
  return {
    ...whole,
    pending: took === null,
    client_side: {
      ...whole.client_side,
      over,
      answer_first: over,
      answer_last: over,
      ...(took === null ? { status: null, end: null, by: null } : {}),
    },
    upstream_side:
      whole.upstream_side === null
        ? null
        : {
            ...whole.upstream_side,
            forwarded: at,
            over,
            ...(took === null ? { answered: null, status: null, end: null } : {}),
          },
    ...change,
  };
}

export function entry(at: number, took: number | null, change: Partial<LiveExchange> = {}): LaneEntry {
  return entryOf(liveOne(at, took, change));
}

/** The client saw it broken. */
export function brokenOne(
  at: number,
  took: number,
  end: "cut" | "reset" | "closed" | "client_left",
  change: Partial<LiveExchange> = {},
): LaneEntry {
  const live = liveOne(at, took, change);
  const by = end === "client_left" ? "client" : "fault";
  return entryOf({ ...live, client_side: { ...live.client_side, status: null, end, by } });
}
