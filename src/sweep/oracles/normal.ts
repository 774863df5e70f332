/** What fault-free runs look like: learned once from all of them, and asked by each oracle. */
import type { SeenExchange } from "../contract/record.js";
import type { RunResult } from "../contract/run.js";
import { grouped, isAccepted, isGood, isSafe, wordingOf, type PlaceOf } from "./calls.js";

export interface NormalSite {
  readonly site: string;
  readonly name: string;
  readonly method: string;
  readonly safe: boolean;
  /** Calls that the upstream accepted in each fault-free run. */
  readonly accepted: readonly number[];
  /** The most calls that were accepted of one bot at one path in one run: above 1 where calls come again and again. */
  readonly perPath: number;
  /** The most calls that were accepted of one bot with the same path and the same body in one run. */
  readonly alike: number;
  /** The most bytes of request bodies that one bot sent to one path in one run, and in one call. */
  readonly uploaded: number;
  readonly largest: number;
  /** Whether two calls of one bot at one path were under way at a time. */
  readonly concurrent: boolean;
  /** The longest time between two good answers to one bot, in milliseconds; null where there were not two. */
  readonly gap: number | null;
}

export interface Normal {
  readonly runs: readonly RunResult[];
  readonly sites: ReadonlyMap<string, NormalSite>;
  /** The most exchanges of one run, and the most in one second of it on average. */
  readonly exchanges: number;
  readonly rate: number;
  /** The most processes that a run left behind. */
  readonly left: number;
  /** Sites of one bot class, `a` before `b`, wherever both were about the same: see `comesAfter`. */
  readonly after: ReadonlySet<string>;
}

export function learnNormal(runs: readonly RunResult[], place: PlaceOf): Normal {
  const sites = new Map<string, NormalSite>();
  const names = new Map<string, { name: string; method: string; safe: boolean }>();
  const bySite = runs.map(({ record }) => grouped(record.exchanges, (one) => place(one).site));
  for (const groups of bySite)
    for (const [site, [first]] of groups)
      if (first !== undefined)
        names.set(site, { name: place(first).name, method: first.method, safe: isSafe(first) });
  for (const [site, common] of names) {
    const calls = bySite.map((groups) => groups.get(site) ?? []);
    const most = (count: (of: readonly SeenExchange[]) => number): number => Math.max(0, ...calls.map(count));
    const gaps = calls.map(longestGap).filter((gap) => gap !== null);
    sites.set(site, {
      site,
      ...common,
      accepted: calls.map((of) => of.filter(isAccepted).length),
      perPath: most((of) => largest(of.filter(isAccepted), pathOf)),
      alike: most((of) => largest(of.filter(isAccepted), wordingOf)),
      uploaded: most((of) => Math.max(0, ...[...grouped(of, pathOf).values()].map(sentIn))),
      largest: most((of) => Math.max(0, ...of.map(({ request }) => request.bytes))),
      concurrent: calls.some(overlaps),
      gap: gaps.length === 0 ? null : Math.max(...gaps),
    });
  }
  const counts = runs.map(({ record }) => record.exchanges.length);
  return {
    runs,
    sites,
    exchanges: Math.max(0, ...counts),
    rate: Math.max(0, ...runs.map(({ record, ms }) => perSecond(record.exchanges.length, ms))),
    left: Math.max(0, ...runs.map(({ left }) => left.length)),
    after: orders(runs, place),
  };
}

export const perSecond = (count: number, ms: number): number => (count * 1000) / Math.max(ms, 1000);

/**
 * Whether `later` follows `earlier` in all fault-free runs, wherever both were about the same, and was never there before. What follows
 * may depend on what went before; what comes at any time, such as heartbeats, does not.
 */
export function comesAfter(normal: Normal, earlier: string, later: string): boolean {
  return normal.after.has(orderOf(earlier, later)) && !normal.after.has(orderOf(later, earlier));
}

const orderOf = (earlier: string, later: string): string => `${earlier}\n\n${later}`;

function orders(runs: readonly RunResult[], place: PlaceOf): Set<string> {
  const seen = new Set<string>();
  for (const { record } of runs) {
    /** Of each thing that calls were about, by one bot, the sites that were called so far. */
    const before = new Map<string, Set<string>>();
    for (const exchange of record.exchanges) {
      const { site, about } = place(exchange);
      for (const thing of about) {
        const key = `${exchange.bot}\n${thing}`;
        const known = before.get(key) ?? new Set<string>();
        for (const earlier of known) if (earlier !== site) seen.add(orderOf(earlier, site));
        known.add(site);
        before.set(key, known);
      }
    }
  }
  return seen;
}

const pathOf = ({ bot, path }: SeenExchange): string => `${bot}\n${path}`;

const sentIn = (exchanges: readonly SeenExchange[]): number =>
  exchanges.reduce((sum, { request }) => sum + request.bytes, 0);

function largest(exchanges: readonly SeenExchange[], keyOf: (one: SeenExchange) => string): number {
  return Math.max(0, ...[...grouped(exchanges, keyOf).values()].map(({ length }) => length));
}

function longestGap(exchanges: readonly SeenExchange[]): number | null {
  let longest: number | null = null;
  for (const group of grouped(exchanges, ({ bot }) => bot).values()) {
    const good = group.filter(isGood);
    for (const [index, { over }] of good.entries()) {
      const earlier = good[index - 1];
      if (earlier !== undefined) longest = Math.max(longest ?? 0, over - earlier.over);
    }
  }
  return longest;
}

function overlaps(exchanges: readonly SeenExchange[]): boolean {
  for (const group of grouped(exchanges, pathOf).values()) {
    let over = -Infinity;
    for (const one of group) {
      if (one.at < over) return true;
      over = one.over;
    }
  }
  return false;
}
