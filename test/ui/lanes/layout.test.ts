/** Lanes as data: bars of both sides, merged where they are narrow, with hatching, glyphs and threads. */
import { describe, expect, it } from "vitest";
import type { LiveExchange } from "../../../src/live/contract.js";
import { BAR_MIN, entryAt, layLane, type Bar, type LaneLayout } from "../../../src/ui/lanes/layout.js";
import { Ledger } from "../../../src/ui/lanes/ledger.js";
import type { LaneEntry } from "../../../src/ui/lanes/entry.js";
import { LOST_ACK, TRIED_AGAIN } from "../../support/live-sample.js";
import { entryOf } from "../../../src/ui/lanes/entry.js";
import { brokenOne, entry, liveOne } from "./entries.js";

const NOW = 10_000;
const SECOND = { from: 0, until: 1_000, live: false };

function lay(entries: readonly LaneEntry[], window = SECOND, width = 1_000, now = NOW): LaneLayout {
  const ledger = new Ledger();
  ledger.take(entries, now);
  const lane = ledger.lanes.get("bot-1");
  if (lane === undefined) throw new Error("no lane");
  return layLane(lane, ledger, window, width, now);
}

const rough = ({ side, x, width, tone, torn }: Bar) => [side, Math.round(x), Math.round(width), tone, torn];

describe("a lane", () => {
  it("shows a lost answer as a short whole bar of the upstream below a broken one of the client", () => {
    const entries = [entryOf(LOST_ACK), entryOf(TRIED_AGAIN)];
    const drawn = lay(entries, { from: 89_900, until: 91_900, live: false }, 2_000, 100_000);
    expect(drawn.bars.map(rough)).toEqual([
      ["client", 100, 9, "broken", true],
      ["upstream", 101, 8, "lost", false],
      ["client", 1_100, 12, "whole", false],
      ["upstream", 1_101, 8, "whole", false],
    ]);
    expect(drawn.glyphs).toEqual([{ x: 109, shape: "reset", side: "client", track: 0 }]);
  });

  it("joins a second try to what it repeats", () => {
    const entries = [entryOf(LOST_ACK), entryOf(TRIED_AGAIN)];
    const window = { from: 89_900, until: 91_900, live: false };
    expect(lay(entries, window, 2_000, 100_000).threads).toEqual([
      { from: 109, to: 1_100, fromTrack: 0, toTrack: 0 },
    ]);
    // Also where the first one is out of sight.
    const later = { from: 90_500, until: 91_500, live: false };
    expect(lay(entries, later, 1_000, 100_000).threads).toMatchObject([{ from: -491, to: 500 }]);
  });

  it("hatches what Squall added, as far as the client lived through it", () => {
    const delay = { side: "answer", activation: "a", fault: "slow", type: "latency" } as const;
    const held = entry(100, 300, { delays: [{ ...delay, at: 150, until: 350 }] });
    expect(lay([held]).hatches).toEqual([{ x: 150, width: 200, track: 0 }]);
    const open = entry(100, null, { delays: [{ ...delay, at: 150, until: null }] });
    expect(lay([open], SECOND, 1_000, 700).hatches).toEqual([{ x: 150, width: 550, track: 0 }]);
  });

  it("ends what is under way at now", () => {
    expect(lay([entry(100, null)], SECOND, 1_000, 600).bars.map(rough)).toEqual([
      ["client", 100, 500, "open", false],
      ["upstream", 100, 500, "open", false],
    ]);
  });

  it("merges what falls on one pixel, and shows the worst of it", () => {
    const minute = { from: 0, until: 600_000, live: false };
    const many = Array.from({ length: 400 }, (_, index) => entry(index * 10, 5));
    const one = brokenOne(2_000, 5, "reset");
    const { bars, count } = lay([...many, one], minute, 600, 600_000);
    expect(count).toBe(401);
    expect(bars.length).toBeLessThan(20);
    expect(bars.reduce((sum, bar) => sum + (bar.side === "client" ? bar.count : 0), 0)).toBe(401);
    const broken = bars.find(({ tone, side }) => tone === "broken" && side === "client");
    expect(broken?.x).toBeCloseTo(2, 0);
    expect(broken?.width).toBeLessThanOrEqual(4);
  });

  it("draws no bar too thin to be seen, and none beyond its edges", () => {
    const minute = { from: 1_000, until: 61_000, live: false };
    const { bars } = lay([entry(0, 200_000), entry(30_000, 1)], minute, 600, 300_000);
    for (const { x, width } of bars) {
      expect(width).toBeGreaterThanOrEqual(BAR_MIN);
      expect(x).toBeGreaterThanOrEqual(-2);
      expect(x + width).toBeLessThanOrEqual(602);
    }
  });

  it.each<[string, Partial<LiveExchange>, string, string | null]>([
    ["an answer of the server", {}, "whole", null],
    ["an error of the server", client({ status: 503 }), "error", null],
    ["one that was cut", client({ end: "cut", by: "fault" }), "broken", "cut"],
    ["one that was reset", client({ end: "reset", status: null, by: "fault" }), "broken", "reset"],
    ["one that was closed", client({ end: "closed", status: null, by: "upstream" }), "broken", "closed"],
    ["a client that left", client({ end: "client_left", status: null, by: "client" }), "left", "left"],
    ["one that was refused", client({ end: "refused", status: null, by: "fault" }), "broken", "refused"],
    [
      "an answer of Squall",
      { ...client({ status: 503, by: "fault" }), upstream_side: null },
      "error",
      "made_up",
    ],
    [
      "a query that got no answer",
      { ...client({ end: "unanswered", status: null, by: "fault" }), kind: "query", upstream_side: null },
      "broken",
      "unanswered",
    ],
    [
      "a query of a name that is not",
      { ...client({ status: 3, rcode: "NXDOMAIN" }), kind: "query" },
      "error",
      null,
    ],
  ])("shows %s", (_, change, tone, shape) => {
    const { bars, glyphs } = lay([entry(100, 100, change)]);
    expect(bars.find(({ side }) => side === "client")?.tone).toBe(tone);
    expect(glyphs.find(({ side }) => side === "client")?.shape ?? null).toBe(shape);
  });

  it("says at a point the worst of what is there", () => {
    const ledger = new Ledger();
    const lost = brokenOne(500, 4, "reset", { id: "lost" });
    ledger.take([entry(0, 900, { id: "long" }), entry(501, 4, { id: "fine" }), lost], NOW);
    const lane = ledger.lanes.get("bot-1");
    if (lane === undefined) throw new Error("no lane");
    expect(entryAt(lane, 502, 2, null, NOW)?.id).toBe("lost");
    expect(entryAt(lane, 300, 2, null, NOW)?.id).toBe("long");
    expect(entryAt(lane, 950, 2, null, NOW)).toBeNull();
  });
});

function client(change: Partial<LiveExchange["client_side"]>): Pick<LiveExchange, "client_side"> {
  return { client_side: { ...liveOne(100, 100).client_side, ...change } };
}
