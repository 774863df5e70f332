/** Where bots, proxies and upstreams stand, and what their lines say. */
import { describe, expect, it } from "vitest";
import type { LiveBot, LiveLink, LiveProxy, LiveState, LiveUpstream } from "../../../src/live/contract.js";
import { FAULT_TYPES } from "../../../src/faults/kinds/index.js";
import { deedOf, gravest } from "../../../src/ui/deeds.js";
import { LiveStore } from "../../../src/ui/live/store.js";
import { BOTS_MAX, sceneOf, thickness, type Node, type Scene } from "../../../src/ui/now/scene.js";
import { LIVE_STATE } from "../../support/live-sample.js";

const NOW = LIVE_STATE.now;
const bot = (id: string): LiveBot => ({
  id,
  open: 1,
  pending: 0,
  exchanges: 1,
  failed: 0,
  hits: 0,
  last_at: NOW,
  silent_since: null,
});
const link = (id: string, proxy: string, change: Partial<LiveLink> = {}): LiveLink => ({
  id: `${id} ${proxy}`,
  bot: id,
  proxy,
  open: 1,
  total: 10,
  failed: 0,
  hits: 0,
  ...change,
});
const proxy = (id: string, change: Partial<LiveProxy> = {}): LiveProxy => ({
  id,
  plane: "http",
  listen: "127.0.0.1:9000",
  upstream: "http://127.0.0.1:3000",
  tls: false,
  enabled: true,
  state: "listening",
  open: 1,
  connections: 1,
  exchanges: 1,
  failures: 0,
  bytes_up: 0,
  bytes_down: 0,
  hits: 0,
  faults: [],
  ...change,
});
const upstream = (of: string, name: string, change: Partial<LiveUpstream> = {}): LiveUpstream => ({
  id: `${of}/${name}`,
  proxy: of,
  name,
  address: "127.0.0.1:3000",
  state: "up",
  why: null,
  open: 0,
  total: 0,
  failed: 0,
  hits: 0,
  ...change,
});

interface Rows {
  readonly bots: readonly LiveBot[];
  readonly proxies: readonly LiveProxy[];
  readonly upstreams: readonly LiveUpstream[];
  readonly links: readonly LiveLink[];
}

function storeOf({ bots, proxies, upstreams, links }: Rows): LiveStore {
  const store = new LiveStore();
  const rows = <Row>(of: readonly Row[]): { rows: readonly Row[]; more: number } => ({ rows: of, more: 0 });
  const state: LiveState = {
    ...LIVE_STATE,
    bots: rows(bots),
    proxies: rows(proxies),
    upstreams: rows(upstreams),
    links: rows(links),
  };
  store.begin(state, 0);
  return store;
}

const TWO_BY_TWO: Rows = {
  bots: ["b10", "b2", "c1"].map(bot),
  proxies: [proxy("jobs"), proxy("mail")],
  upstreams: [upstream("mail", "main"), upstream("jobs", "b"), upstream("jobs", "a")],
  links: [link("b10", "jobs"), link("b2", "jobs"), link("c1", "mail")],
};

function apart(nodes: readonly Node<unknown>[], scene: Scene): void {
  for (const [index, { y, height }] of nodes.entries()) {
    expect(y).toBeGreaterThanOrEqual(0);
    expect(y + height).toBeLessThanOrEqual(scene.height);
    const before = nodes[index - 1];
    if (before !== undefined) expect(y).toBeGreaterThan(before.y + before.height);
  }
}

describe("the scene", () => {
  it("has those of one proxy together, in the order in which people count", () => {
    const scene = sceneOf(storeOf(TWO_BY_TWO), NOW);
    expect(scene.bots.map(({ row }) => row.id)).toEqual(["b2", "b10", "c1"]);
    expect(scene.proxies.map(({ row }) => row.id)).toEqual(["jobs", "mail"]);
    expect(scene.upstreams.map(({ row }) => row.id)).toEqual(["jobs/a", "jobs/b", "mail/main"]);
  });

  it.each([
    ["few", TWO_BY_TWO],
    [
      "many bots at one proxy",
      {
        ...TWO_BY_TWO,
        bots: Array.from({ length: 60 }, (_, index) => bot(`b${index}`)),
        links: Array.from({ length: 60 }, (_, index) => link(`b${index}`, "mail")),
      },
    ],
    [
      "nobody but upstreams",
      {
        bots: [],
        links: [],
        proxies: [proxy("jobs")],
        upstreams: Array.from({ length: 30 }, (_, index) => upstream("jobs", `u${index}`)),
      },
    ],
    ["nothing", { bots: [], links: [], proxies: [], upstreams: [] }],
    [
      "proxies whose faults take room",
      {
        ...TWO_BY_TWO,
        proxies: ["jobs", "mail", "more"].map((id) =>
          proxy(id, {
            state: "closed by a fault",
            faults: Array.from({ length: 9 }, (_, index) => ({
              fault: `f${index}`,
              type: "latency",
              profile: "p",
              activation: "a",
              phase: "",
              observe: false,
              hits: 0,
            })),
          }),
        ),
      },
    ],
  ] as const)("has boxes that do not overlap and lines that end at them: %s", (_what, rows) => {
    const scene = sceneOf(storeOf(rows), NOW);
    apart(scene.bots, scene);
    apart(scene.proxies, scene);
    apart(scene.upstreams, scene);
    for (const { target, source, from, to } of scene.toProxies) {
      const end = scene.proxies.find(({ row }) => row.id === target);
      const begin = scene.bots.find(({ row }) => row.id === source);
      expect(to).toBeGreaterThan(end?.y ?? Infinity);
      expect(to).toBeLessThan((end?.y ?? 0) + (end?.height ?? 0));
      expect(from).toBe((begin?.y ?? 0) + (begin?.height ?? 0) / 2);
    }
    expect(scene.toUpstreams).toHaveLength(
      rows.upstreams.filter(({ proxy: of }) => rows.proxies.some(({ id }) => id === of)).length,
    );
  });

  it("counts those who find no room", () => {
    const bots = Array.from({ length: BOTS_MAX + 40 }, (_, index) => bot(`b${index}`));
    const scene = sceneOf(storeOf({ ...TWO_BY_TWO, bots }), NOW);
    expect([scene.bots.length, scene.more]).toEqual([BOTS_MAX, 40]);
  });

  const lost = {
    fault: "lose",
    type: "lost_response",
    profile: "lost-ack",
    activation: "a",
    phase: "",
    observe: false,
    hits: 1,
  };

  it("marks with what is done the link that was hit, its bot and its proxy, and no other; and only while it is", () => {
    const store = storeOf({ ...TWO_BY_TWO, proxies: [proxy("jobs", { faults: [lost] }), proxy("mail")] });
    const hit = [link("b2", "jobs", { total: 14, hits: 1 }), link("b10", "jobs", { total: 14 })];
    store.change(
      {
        now: NOW + 250,
        now_wall: 0,
        links: { rows: hit, gone: [], more: 0 },
        proxies: { rows: [proxy("jobs", { faults: [lost], hits: 1 })], gone: [], more: 0 },
      },
      250,
    );
    const deeds = (now: number): unknown => {
      const { bots, proxies, toProxies } = sceneOf(store, now);
      return {
        bots: Object.fromEntries(bots.map(({ row, deed }) => [row.id, deed])),
        proxies: proxies.map(({ deed }) => deed),
        links: Object.fromEntries(toProxies.map(({ source, deed }) => [source, deed])),
      };
    };
    expect(deeds(NOW + 250)).toEqual({
      bots: { b2: "cut", b10: "fine", c1: "fine" },
      proxies: ["cut", "fine"],
      links: { b2: "cut", b10: "fine", c1: "fine" },
    });
    expect(sceneOf(store, NOW + 250).toProxies.map(({ rate }) => rate)).toEqual([1, 1, 0]);
    expect(deeds(NOW + 60_000)).toMatchObject({ links: { b2: "fine" } });
  });

  it("says observed of what only observes, and failed of what no fault did", () => {
    const store = storeOf({
      ...TWO_BY_TWO,
      proxies: [proxy("jobs", { faults: [{ ...lost, observe: true }] }), proxy("mail")],
    });
    const rows = [link("b2", "jobs", { hits: 1 }), link("c1", "mail", { failed: 1 })];
    store.change({ now: NOW + 250, now_wall: 0, links: { rows, gone: [], more: 0 } }, 250);
    const deeds = Object.fromEntries(sceneOf(store, NOW + 250).bots.map(({ row, deed }) => [row.id, deed]));
    expect(deeds).toEqual({ b2: "observed", b10: "fine", c1: "failed" });
  });

  it("says of a proxy that listens no more, and of an upstream that is away, without waiting for traffic", () => {
    const scene = sceneOf(
      storeOf({
        ...TWO_BY_TWO,
        proxies: [
          proxy("jobs", { state: "closed by a fault" }),
          proxy("mail", { enabled: false, state: "stopped" }),
        ],
        upstreams: [upstream("jobs", "a", { state: "refused" })],
      }),
      NOW,
    );
    expect(scene.proxies.map(({ deed }) => deed)).toEqual(["down", "fine"]);
    expect(scene.upstreams.map(({ deed }) => deed)).toEqual(["failed"]);
  });
});

describe("deeds", () => {
  it("are thicker for more, and never too thick", () => {
    const widths = [0, 0.3, 1, 10, 100, 1_000, 100_000].map(thickness);
    expect(widths).toEqual(widths.toSorted((a, b) => a - b));
    expect(widths.at(-1)).toBeLessThanOrEqual(9);
  });

  it("are one for each type of fault, and the gravest counts", () => {
    for (const { type } of FAULT_TYPES) expect(["late", "changed", "cut", "down"]).toContain(deedOf(type));
    expect(deedOf("lost_response")).toBe("cut");
    expect(gravest(["late", "cut", "observed"])).toBe("cut");
    expect(gravest([])).toBe("fine");
  });
});
