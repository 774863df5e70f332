/**
 * Who stands where: bots, proxies and upstreams in three columns, and the edges between them. Neighbours stand near each other, so that
 * few edges cross. Pure: it knows rows and heights, and nothing of elements.
 */
import type { LiveBot, LiveLink, LiveProxy, LiveUpstream } from "../../live/contract.js";
import { deedOf, gravest, type Deed } from "../deeds.js";
import type { LiveStore } from "../live/store.js";
import { byName } from "../order.js";

export interface Node<Row> {
  readonly row: Row;
  /** Of its upper edge. */
  readonly y: number;
  readonly height: number;
  readonly rate: number;
  readonly deed: Deed;
}

export interface Edge {
  readonly id: string;
  /** The ids of the rows that it leads from and to. */
  readonly source: string;
  readonly target: string;
  readonly from: number;
  readonly to: number;
  readonly rate: number;
  readonly open: number;
  readonly deed: Deed;
}

export interface Scene {
  readonly height: number;
  readonly bots: readonly Node<LiveBot>[];
  readonly proxies: readonly Node<LiveProxy>[];
  readonly upstreams: readonly Node<LiveUpstream>[];
  readonly toProxies: readonly Edge[];
  readonly toUpstreams: readonly Edge[];
  /** Bots that there is no room for here. */
  readonly more: number;
}

/** More than these are a crowd, in which nobody looks for one. */
export const BOTS_MAX = 200;
/** With more bots than these each has one line instead of two. */
export const ROOMY_MAX = 16;

export const HEIGHTS = {
  bot: 52,
  dense: 30,
  proxy: 76,
  fault: 24,
  trouble: 22,
  upstream: 56,
  gap: 12,
} as const;
const FAULTS_MAX = 4;

function proxyHeight({ faults, enabled, state }: LiveProxy): number {
  const lines = Math.min(faults.length, FAULTS_MAX) + (faults.length > FAULTS_MAX ? 1 : 0);
  const trouble = enabled && state === "listening" ? 0 : HEIGHTS.trouble;
  return HEIGHTS.proxy + trouble + lines * HEIGHTS.fault;
}

export function shownFaults({ faults }: LiveProxy): {
  readonly shown: LiveProxy["faults"];
  readonly more: number;
} {
  const shown = faults.slice(0, FAULTS_MAX);
  return { shown, more: faults.length - shown.length };
}

/** `now` is the daemon's clock. */
export function sceneOf(store: LiveStore, now: number): Scene {
  const proxies = store.proxies.list().sort(byId);
  const order = new Map(proxies.map(({ id }, index) => [id, index]));
  const links = store.links.list();
  const bots = orderedBots(store.bots.list(), links, order);
  const shown = bots.slice(0, BOTS_MAX);
  const upstreams = store.upstreams
    .list()
    .sort((a, b) => place(order, a.proxy) - place(order, b.proxy) || byName(a.name, b.name));
  const dense = shown.length > ROOMY_MAX;

  const botBoxes = stacked(
    shown.map(() => (dense ? HEIGHTS.dense : HEIGHTS.bot)),
    dense ? 4 : HEIGHTS.gap,
  );
  // Each proxy stands where its bots are, and each upstream where its proxy is, as far as there is room.
  const centreOf = new Map(shown.map(({ id }, index) => [id, centre(botBoxes, index)]));
  const proxyBoxes = near(
    proxies.map(({ id }) =>
      mean(links.filter(({ proxy }) => proxy === id).map(({ bot }) => centreOf.get(bot))),
    ),
    proxies.map(proxyHeight),
    HEIGHTS.gap * 2,
    botBoxes.height,
  );
  const upstreamBoxes = near(
    upstreams.map(({ proxy }) => {
      const index = order.get(proxy);
      return index === undefined ? null : (proxyBoxes.tops[index] ?? 0) + HEIGHTS.proxy / 2;
    }),
    upstreams.map(() => HEIGHTS.upstream),
    HEIGHTS.gap,
    Math.max(botBoxes.height, proxyBoxes.height),
  );
  const height = Math.max(botBoxes.height, proxyBoxes.height, upstreamBoxes.height, 1);

  const linkDeed = new Map(links.map((link) => [link.id, deedOfLink(link, store, now)]));
  const botNodes = shown.map((row, index) => ({
    row,
    ...boxOf(botBoxes, index),
    rate: sum(
      links.filter(({ bot }) => bot === row.id).map(({ id }) => store.rates.links.perSecond(id, now)),
    ),
    deed: gravest(links.filter(({ bot }) => bot === row.id).map(({ id }) => linkDeed.get(id) ?? "fine")),
  }));
  const proxyNodes = proxies.map((row, index) => ({
    row,
    ...boxOf(proxyBoxes, index),
    rate: store.rates.proxies.perSecond(row.id, now),
    deed: deedOfProxy(row, store, now),
  }));
  const upstreamNodes = upstreams.map((row, index) => ({
    row,
    ...boxOf(upstreamBoxes, index),
    rate: store.rates.upstreams.perSecond(row.id, now),
    deed: deedOfUpstream(row, store, now),
  }));

  const botAt = new Map(botNodes.map((node) => [node.row.id, node]));
  const proxyAt = new Map(proxyNodes.map((node) => [node.row.id, node]));
  return {
    height,
    bots: botNodes,
    proxies: proxyNodes,
    upstreams: upstreamNodes,
    toProxies: links.flatMap((link) => {
      const [from, to] = [botAt.get(link.bot), proxyAt.get(link.proxy)];
      if (from === undefined || to === undefined) return [];
      const rate = store.rates.links.perSecond(link.id, now);
      const deed = linkDeed.get(link.id) ?? "fine";
      return [
        {
          id: link.id,
          source: link.bot,
          target: link.proxy,
          from: middle(from),
          to: door(to),
          rate,
          open: link.open,
          deed,
        },
      ];
    }),
    toUpstreams: upstreamNodes.flatMap((node) => {
      const from = proxyAt.get(node.row.proxy);
      if (from === undefined) return [];
      const { id, open, proxy } = node.row;
      return [
        {
          id,
          source: proxy,
          target: id,
          from: door(from),
          to: middle(node),
          rate: node.rate,
          open,
          deed: node.deed,
        },
      ];
    }),
    more: store.bots.more + bots.length - shown.length,
  };
}

/** How thick a line is, in pixels: it grows with the order of magnitude, so that one bot and a hundred can be told apart. */
export function thickness(rate: number): number {
  return rate <= 0 ? 1 : Math.min(9, 1.5 + 2.2 * Math.log2(1 + rate) ** 0.85);
}

/** The worst off first among those of a proxy, then by name; those of one proxy stand together. */
function orderedBots(
  bots: readonly LiveBot[],
  links: readonly LiveLink[],
  order: ReadonlyMap<string, number>,
): LiveBot[] {
  const main = new Map<string, { readonly proxy: number; readonly total: number }>();
  for (const { bot, proxy, total } of links) {
    const best = main.get(bot);
    if (best === undefined || total > best.total) main.set(bot, { proxy: place(order, proxy), total });
  }
  const at = ({ id }: LiveBot): number => main.get(id)?.proxy ?? order.size;
  return [...bots].sort((a, b) => at(a) - at(b) || byName(a.id, b.id));
}

function deedOfLink(link: LiveLink, store: LiveStore, now: number): Deed {
  const faults = store.proxies.get(link.proxy)?.faults ?? [];
  if (store.rates.hits.perSecond(`link ${link.id}`, now) > 0) return deedOfFaults(faults);
  return store.rates.failed.perSecond(`link ${link.id}`, now) > 0 ? "failed" : "fine";
}

function deedOfFaults(faults: LiveProxy["faults"]): Deed {
  // What only observes does nothing, whatever type it is.
  return faults.length === 0
    ? "changed"
    : gravest(faults.map(({ type, observe }) => (observe ? "observed" : deedOf(type))));
}

function deedOfProxy({ id, state, enabled, faults }: LiveProxy, store: LiveStore, now: number): Deed {
  if (enabled && state !== "listening") return "down";
  return store.rates.hits.perSecond(`proxy ${id}`, now) > 0 ? deedOfFaults(faults) : "fine";
}

function deedOfUpstream({ id, state, proxy }: LiveUpstream, store: LiveStore, now: number): Deed {
  if (state !== "up" && state !== "disabled") return "failed";
  if (store.rates.hits.perSecond(`upstream ${id}`, now) > 0)
    return deedOfFaults(store.proxies.get(proxy)?.faults ?? []);
  return store.rates.failed.perSecond(`upstream ${id}`, now) > 0 ? "failed" : "fine";
}

interface Boxes {
  readonly tops: readonly number[];
  readonly heights: readonly number[];
  readonly height: number;
}

function stacked(heights: readonly number[], gap: number): Boxes {
  let y = 0;
  const tops = heights.map((height) => {
    const top = y;
    y += height + gap;
    return top;
  });
  return { tops, heights, height: Math.max(0, y - gap) };
}

/**
 * In that order, each as near to where it would like its centre to be as the ones above allow; those without a wish follow the one before. Neighbours
 * that wish for the same place share it evenly.
 */
function near(
  wishes: readonly (number | null)[],
  heights: readonly number[],
  gap: number,
  room: number,
): Boxes {
  // Of a run that wants the same place, the middle is there.
  const tops: number[] = [];
  let index = 0;
  let free = 0;
  while (index < wishes.length) {
    const wish = wishes[index] ?? null;
    let end = index + 1;
    while (end < wishes.length && (wishes[end] === null || wishes[end] === wish)) end++;
    const run = heights.slice(index, end);
    const all = sum(run) + gap * (run.length - 1);
    let top = Math.max(free, wish === null ? free : wish - all / 2);
    for (const height of run) {
      tops.push(Math.round(top));
      top += height + gap;
    }
    free = top;
    index = end;
  }
  // What was pushed out below moves up again, as far as those above leave room.
  let limit = Math.max(room, sum(heights) + gap * (heights.length - 1));
  for (let last = tops.length - 1; last >= 0; last--) {
    const top = Math.min(tops[last] ?? 0, limit - (heights[last] ?? 0));
    tops[last] = Math.round(top);
    limit = top - gap;
  }
  const bottom = (tops.at(-1) ?? 0) + (heights.at(-1) ?? 0);
  return { tops, heights, height: bottom };
}

function boxOf({ tops, heights }: Boxes, index: number): { readonly y: number; readonly height: number } {
  return { y: tops[index] ?? 0, height: heights[index] ?? 0 };
}

function centre({ tops, heights }: Boxes, index: number): number {
  return (tops[index] ?? 0) + (heights[index] ?? 0) / 2;
}

function mean(numbers: readonly (number | undefined)[]): number | null {
  const known = numbers.filter((one) => one !== undefined);
  return known.length === 0 ? null : sum(known) / known.length;
}

const middle = ({ y, height }: { readonly y: number; readonly height: number }): number => y + height / 2;
/** A proxy's lines meet at its name, whatever list of faults it has below. */
const door = ({ y }: { readonly y: number }): number => y + HEIGHTS.proxy / 2;
const sum = (numbers: readonly number[]): number => numbers.reduce((all, one) => all + one, 0);
const place = (order: ReadonlyMap<string, number>, proxy: string): number => order.get(proxy) ?? order.size;
const byId = (a: { readonly id: string }, b: { readonly id: string }): number => byName(a.id, b.id);
