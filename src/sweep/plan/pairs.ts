/**
 * Pairs along edges. What a client does about a fault shows in its calls: it asks again, gets another token, asks another name. Each such
 * call is none of the fault-free runs, and a second fault hits it. All other pairs are left to the hunt: they are too many, and few of
 * them have anything to do with one another.
 */
import type { Case, Cell } from "../contract/case.js";
import type { CaseResult } from "../contract/finding.js";
import type { RunRecord, SeenExchange } from "../contract/record.js";
import type { Site } from "../contract/site.js";
import { kindOf } from "../kinds/kinds.js";
import type { KindOptions } from "../kinds/kind.js";
import { httpSites, inOrder, type HttpCalls } from "../sites/http.js";
import { caseOf, type SiteNames } from "./cases.js";

/** Pairs of all singles together, for each single. */
export const PAIRS_PER_SINGLE = 2;
/** What is done to a second call: lost behind it, lost before it, refused. */
const SECOND_KINDS: Readonly<Record<Site["protocol"], readonly string[]>> = {
  http: ["lost", "request-lost", "503"],
  tcp: ["lost", "reset"],
  tls: ["reset"],
  udp: ["lost"],
  dns: ["servfail", "silent"],
};

export interface PairMeans {
  /** Of the fault-free runs. */
  readonly sites: readonly Site[];
  readonly calls: HttpCalls;
  readonly names: SiteNames;
  readonly options: KindOptions;
}

/** Cases of two faults: that of the result, and another at a call that it brought about. None for a result that is not of one fault. */
export function pairsAfter({ case: of, run, edges }: CaseResult, means: PairMeans): Case[] {
  const [first, more] = of.cells;
  if (first === undefined || more !== undefined || run === null) return [];
  const seconds = secondCalls(first, run.record, edges, means);
  const names = new Map(means.names);
  for (const { site } of seconds) if (!names.has(site.id)) names.set(site.id, site.id);
  return seconds.flatMap(({ site, ordinal }) =>
    SECOND_KINDS[site.protocol]
      .filter((kind) => kindOf(site.protocol, kind)?.applies(site) === true)
      .map((kind) => caseOf([first, { site, kind, ordinal }], names, means.options)),
  );
}

type Place = Pick<Cell, "site" | "ordinal">;

function secondCalls(first: Cell, record: RunRecord, edges: readonly string[], means: PairMeans): Place[] {
  switch (first.site.protocol) {
    case "http":
      return edges.flatMap((edge) => extraExchange(edge, record, means) ?? []);
    case "tcp":
    case "tls":
    case "udp":
    case "dns":
      return extraSubject(first, record);
  }
}

/** The first call at the site that comes after what was hit: by the same bot if it made one, and else by any. */
function extraExchange(edge: string, record: RunRecord, { sites, calls }: PairMeans): Place | null {
  const inTime = inOrder(record.exchanges);
  const hit = inTime.find(({ faults }) => faults.length > 0);
  if (hit === undefined) return null;
  const after = inTime.filter(
    (one) =>
      calls.siteOf(one) === edge &&
      one !== hit &&
      (one.proxy === hit.proxy ? one.id > hit.id : one.at >= hit.at),
  );
  const next = after.find(({ bot }) => bot === hit.bot) ?? after[0];
  if (next === undefined) return null;
  const site = sites.find(({ id }) => id === edge) ?? siteUnderFaults(next, record, calls);
  const nth = calls.ordinals(record).get(next);
  // On a route that is told apart by operations no ordinal but that among all of its calls is known here.
  return nth === undefined || site === null
    ? null
    : { site: aimedAt(site, next.bot), ordinal: { word: "nth", nth } };
}

function siteUnderFaults(one: SeenExchange, record: RunRecord, calls: HttpCalls): Site | null {
  const id = calls.siteOf(one);
  const exchanges = record.exchanges.filter((other) => calls.siteOf(other) === id);
  return httpSites([{ ...record, exchanges }], calls)[0] ?? null;
}

/** By the ordinal among all calls of the route: operations are left to it. */
function aimedAt(site: Site, bot: string): Site {
  if (site.protocol !== "http") return { ...site, bot };
  return { ...site, bot, operation: null, within: null };
}

/** Connections, flows and queries that come after the one that was hit, where there are more of them than without a fault. */
function extraSubject({ site, ordinal }: Cell, record: RunRecord): Place[] {
  const { connections: tcp, flows: udp, queries: dns, handshakes: tls = [] } = record;
  const own = { tcp, udp, dns, tls, http: [] }[site.protocol];
  const count = own.filter(
    (one) => one.proxy === site.proxy && (site.protocol === "tls" || one.bot === site.bot) && isOf(site, one),
  ).length;
  const usual = site.counts.reduce((most, one) => Math.max(most, one), 0);
  if (site.protocol === "udp" || ordinal.nth === null || count <= usual) return [];
  return [{ site, ordinal: { word: "nth", nth: ordinal.nth + 1 } }];
}

function isOf(site: Site, one: object): boolean {
  if (site.protocol === "tls") return "sni" in one && one.sni === site.sni;
  if (site.protocol !== "dns") return true;
  return "name" in one && one.name === site.name && "type" in one && one.type === site.type;
}

/**
 * The pairs to be run: the first of each single, then the second of each, so that no single has all the budget; each once, and not more
 * than `PAIRS_PER_SINGLE` for each of the singles. `perSingle` is in the order of the singles.
 */
export function choosePairs(perSingle: readonly (readonly Case[])[], singles: number): Case[] {
  const chosen = new Map<string, Case>();
  const longest = perSingle.reduce((most, { length }) => Math.max(most, length), 0);
  for (let index = 0; index < longest; index++)
    for (const pairs of perSingle) {
      const pair = pairs[index];
      if (pair !== undefined && !chosen.has(pair.id) && chosen.size < PAIRS_PER_SINGLE * singles)
        chosen.set(pair.id, pair);
    }
  return [...chosen.values()];
}
