/** The picture of now: begun by a state, changed by ticks, with rates of what they count. */
import { beforeEach, describe, expect, it } from "vitest";
import { Rates } from "../../../src/ui/live/rates.js";
import { LiveStore } from "../../../src/ui/live/store.js";
import type { LiveLink } from "../../../src/live/contract.js";
import { LIVE_STATE, LIVE_TICK } from "../../support/live-sample.js";

describe("the store", () => {
  let store: LiveStore;
  beforeEach(() => {
    store = new LiveStore();
    store.begin(LIVE_STATE, 5_000);
  });

  it("has what the state says", () => {
    expect(store.run).toBe(LIVE_STATE.run);
    expect(store.bots.list()).toEqual(LIVE_STATE.bots.rows);
    expect(store.proxies.list()).toEqual(LIVE_STATE.proxies.rows);
    expect(store.active.list()).toEqual(LIVE_STATE.active.rows);
    expect(store.totals).toEqual(LIVE_STATE.totals);
  });

  it("has after a tick each row as it was told last, and those alone that are still there", () => {
    store.change(LIVE_TICK, 5_250);
    for (const part of ["bots", "proxies", "upstreams", "links", "active", "bands"] as const) {
      const changes = LIVE_TICK[part];
      for (const row of changes?.rows ?? []) expect(store[part].get(row.id), part).toBe(row);
      for (const gone of changes?.gone ?? []) expect(store[part].get(gone), part).toBeUndefined();
      if (changes === undefined) expect(store[part].list()).toEqual(LIVE_STATE[part].rows);
      else expect(store[part].more).toBe(changes.more);
    }
    const [first] = LIVE_STATE.bots.rows;
    const at = { now: LIVE_TICK.now + 250, now_wall: LIVE_TICK.now_wall + 250 };
    store.change({ ...at, bots: { rows: [], gone: [first?.id ?? ""], more: 3 } }, 5_500);
    expect(store.bots.get(first?.id ?? "")).toBeUndefined();
    expect(store.bots.more).toBe(3);
  });

  it("tells the daemon's time by its own clock between two events, never backwards from an event", () => {
    expect(store.now(5_000)).toBe(LIVE_STATE.now);
    expect(store.now(5_400)).toBe(LIVE_STATE.now + 400);
    expect(store.now(4_000)).toBe(LIVE_STATE.now);
    expect(store.wall(LIVE_STATE.now)).toBe(LIVE_STATE.now_wall);
  });

  it("counts anew after a state: what another daemon has counted is no rate", () => {
    const link = { id: "x", bot: "b", proxy: "jobs", open: 1, failed: 0, hits: 0 };
    const with_ = (total: number, now: number): typeof LIVE_STATE => ({
      ...LIVE_STATE,
      now,
      links: { rows: [{ ...link, total }], more: 0 },
    });
    store.begin(with_(1_000, 100_000), 6_000);
    store.begin(with_(5_000, 101_000), 7_000);
    expect(store.rates.links.perSecond("x", 101_000)).toBe(0);
  });

  it("counts a link that has just come into being from nothing, hits and failures as well", () => {
    const link: LiveLink = { id: "new", bot: "b", proxy: "jobs", open: 1, total: 4, failed: 2, hits: 1 };
    store.change(
      { now: LIVE_STATE.now + 250, now_wall: 0, links: { rows: [link], gone: [], more: 0 } },
      5_250,
    );
    expect(store.rates.links.perSecond("new", LIVE_STATE.now + 250)).toBe(1);
    expect(store.rates.hits.perSecond("link new", LIVE_STATE.now + 250)).toBe(0.25);
    expect(store.rates.failed.perSecond("link new", LIVE_STATE.now + 250)).toBe(0.5);
    store.change(
      { now: LIVE_STATE.now + 500, now_wall: 0, links: { rows: [], gone: ["new"], more: 0 } },
      5_500,
    );
    expect(store.rates.links.perSecond("new", LIVE_STATE.now + 500)).toBe(0);
  });
});

describe("rates", () => {
  it("are of the last four seconds, and fade when nothing is told any more", () => {
    const rates = new Rates();
    for (let at = 0; at <= 10_000; at += 250) rates.count("a", at / 100, at);
    expect(rates.perSecond("a", 10_000)).toBeCloseTo(10);
    expect(rates.perSecond("a", 12_000)).toBeCloseTo(5);
    expect(rates.perSecond("a", 14_000)).toBe(0);
    expect(rates.perSecond("a", 1_000_000)).toBe(0);
    expect(rates.perSecond("unknown", 0)).toBe(0);
  });

  it("are never below nothing, though a counter may fall", () => {
    const rates = new Rates();
    rates.count("a", 10, 0);
    rates.count("a", 3, 1_000);
    expect(rates.perSecond("a", 1_000)).toBe(0);
  });
});
