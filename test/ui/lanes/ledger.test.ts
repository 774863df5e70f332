/** What the lanes keep: in the order of time, on tracks, and no more than there is room for. */
import { describe, expect, it } from "vitest";
import { ENTRIES_MAX, KEPT_MS, Ledger, TRACKS_MAX } from "../../../src/ui/lanes/ledger.js";
import { brokenOne, entry } from "./entries.js";

function idsWithin(ledger: Ledger, bot: string, from: number, until: number): string[] {
  const ids: string[] = [];
  ledger.lanes.get(bot)?.within(from, until, (shelf, at) => ids.push(shelf.placed[at]?.entry.id ?? ""));
  return ids;
}

describe("the ledger of lanes", () => {
  it("finds what has a part in a window, however it came and however long it lasts", () => {
    const ledger = new Ledger();
    const all = [
      entry(5_000, 10, { id: "in" }),
      entry(1_000, 10, { id: "before" }),
      entry(9_000, 10, { id: "behind" }),
      entry(4_900, 200, { id: "into" }),
      entry(100, 60_000, { id: "long" }),
      entry(200, null, { id: "open" }),
    ];
    ledger.take(all.slice(0, 3), 70_000);
    ledger.take(all.slice(3), 70_000);
    expect(idsWithin(ledger, "bot-1", 5_000, 6_000).sort()).toEqual(["in", "into", "long", "open"]);
    expect(idsWithin(ledger, "bot-1", 0, 150).sort()).toEqual(["long"]);
  });

  it("puts one that has changed in the place of what it was, and counts it once", () => {
    const ledger = new Ledger();
    ledger.take([entry(100, null, { id: "7" })], 1_000);
    expect(ledger.lanes.get("bot-1")).toMatchObject({ size: 1, bad: 0 });
    ledger.take([brokenOne(100, 30, "reset", { id: "7" })], 1_000);
    expect(ledger.lanes.get("bot-1")).toMatchObject({ size: 1, bad: 1, lost: 1 });
    expect(idsWithin(ledger, "bot-1", 131, 500)).toEqual([]);
  });

  it("drops what was under way when the stream begins anew without it", () => {
    const ledger = new Ledger();
    ledger.take(
      [entry(100, null, { id: "7" }), entry(100, null, { id: "8" }), entry(90, 5, { id: "6" })],
      1_000,
    );
    ledger.renew([entry(100, null, { id: "8" })], 1_000);
    expect(idsWithin(ledger, "bot-1", 0, 500).sort()).toEqual(["6", "8"]);
    expect(ledger.tally.at(0)?.began).toBe(2);
  });

  it("knows what was tried again, for as long as it knows both", () => {
    const ledger = new Ledger();
    const [first, second] = [brokenOne(0, 5, "reset", { id: "1" }), entry(50, 5, { id: "2", again: "1" })];
    ledger.take([second, first], 1_000);
    expect(ledger.retryOf(first)?.id).toBe("2");
    ledger.take([entry(KEPT_MS + 50, 5, { id: "3" })], KEPT_MS + 60);
    expect(ledger.retryOf(first)).toBeNull();
    expect(ledger.size).toBe(1);
  });

  it("moves one to another lane once its bot has its name, and drops the lane that is empty", () => {
    const ledger = new Ledger();
    ledger.take([entry(100, null, { id: "7", bot: "127.0.0.1" })], 1_000);
    ledger.take([entry(100, 40, { id: "7", bot: "bot-3" })], 1_000);
    expect([...ledger.lanes.keys()]).toEqual(["bot-3"]);
  });

  it("gives those that overlap tracks of their own, up to a bound, and keeps the track of one that changes", () => {
    const ledger = new Ledger();
    ledger.take(
      [entry(0, 100, { id: "a" }), entry(10, 100, { id: "b" }), entry(150, 10, { id: "c" })],
      1_000,
    );
    expect(["a", "b", "c"].map((id) => ledger.find("jobs", id)?.track)).toEqual([0, 1, 0]);
    ledger.take([entry(200, null, { id: "d" })], 1_000);
    ledger.take([entry(210, 5, { id: "e" })], 1_000);
    ledger.take([entry(200, 40, { id: "d" })], 1_000);
    expect(ledger.find("jobs", "d")?.track).toBe(0);
    expect(ledger.find("jobs", "e")?.track).toBe(1);
    ledger.take([entry(245, 5, { id: "f" })], 1_000);
    expect(ledger.find("jobs", "f")?.track).toBe(0);
    ledger.take(
      Array.from({ length: 9 }, (_, index) => entry(300, 50, { id: `g${String(index)}` })),
      1_000,
    );
    expect(ledger.lanes.get("bot-1")?.tracks).toBe(TRACKS_MAX);
  });

  it("forgets what is older than ten minutes, and with it lanes that are empty; what is under way stays", () => {
    const ledger = new Ledger();
    ledger.take(
      [entry(0, 10, { bot: "old" }), entry(0, null, { bot: "open" }), entry(0, 9_000, { bot: "long" })],
      1_000,
    );
    ledger.take([entry(KEPT_MS + 9_500, 10, { bot: "new" })], KEPT_MS + 10_000);
    expect([...ledger.lanes.keys()].sort()).toEqual(["new", "open"]);
    expect(ledger.size).toBe(2);
  });

  it("keeps to its bound, the newest being left", () => {
    const ledger = new Ledger();
    const step = KEPT_MS / (2 * ENTRIES_MAX);
    const one = entry(0, 0.1);
    const count = ENTRIES_MAX + 5_000;
    for (let at = 0; at < count; at += 5_000) {
      const batch = Array.from({ length: 5_000 }, (_, index) => {
        const from = (at + index) * step;
        const client = { ...one.client, until: from + 0.1 };
        return { ...one, id: String(at + index), from, until: from + 0.1, client, upstream: null };
      });
      ledger.take(batch, (at + 5_000) * step);
    }
    expect(ledger.size).toBeLessThanOrEqual(ENTRIES_MAX);
    expect(ledger.size).toBeGreaterThan(ENTRIES_MAX - 10_000);
    expect(ledger.find("jobs", String(count - 1))).toBeDefined();
    expect(ledger.find("jobs", "0")).toBeUndefined();
  });

  it("lists bots worst first: lost answers, then bad ends, then hits, then names as people sort them", () => {
    const ledger = new Ledger();
    const act = {
      activation: "a",
      profile: "p",
      phase: "",
      fault: "slow",
      type: "latency",
      effect: "delayed",
    };
    const hit = { ...act, amount: 1, at: 0, detail: null, observed: false };
    ledger.take(
      [
        entry(0, 1, { bot: "bot-10" }),
        entry(0, 1, { bot: "bot-2" }),
        entry(0, 1, { bot: "slowed", acts: [hit] }),
        brokenOne(0, 1, "client_left", { bot: "left", upstream_side: null }),
        brokenOne(0, 1, "client_left", { bot: "left", upstream_side: null }),
        brokenOne(0, 1, "reset", { bot: "robbed" }),
      ],
      1_000,
    );
    expect(ledger.worstFirst().map(({ bot }) => bot)).toEqual([
      "robbed",
      "left",
      "slowed",
      "bot-2",
      "bot-10",
    ]);
  });
});
