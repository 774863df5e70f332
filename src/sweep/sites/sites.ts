/**
 * The sites of a command: its distinct calls, told from the records of its fault-free runs. The same traffic gives the same list, in
 * whatever order its calls came; what differs between the runs is told as the steadiness of a site.
 */
import type { RunRecord } from "../contract/record.js";
import type { Site } from "../contract/site.js";
import { aimOf } from "./aim.js";
import { botClassOf, byName } from "./bots.js";
import { dnsNameClass } from "./dns-names.js";
import { HttpCalls, httpSites } from "./http.js";
import { securedConnections, tlsSites } from "./tls.js";
import { learnRoutes, NO_ROUTES, type KnownRoutes, type RouteBook } from "./routes.js";

export interface Sites {
  /** By proxy, then by path, then by what is done there. */
  readonly list: readonly Site[];
  /** Which site a call of any run is of. */
  readonly calls: HttpCalls;
  /** Of each proxy. */
  readonly books: ReadonlyMap<string, RouteBook>;
  /** Patterns that somebody wrote and that no path was of, on no proxy. */
  readonly unusedRoutes: readonly string[];
}

export interface SiteOptions {
  /** Each bot has sites of its own, and is no member of a class. */
  readonly eachBot?: boolean;
}

/** `runs` are the records of fault-free runs, at least one. */
export function findSites(
  runs: readonly RunRecord[],
  known: KnownRoutes = NO_ROUTES,
  { eachBot = false }: SiteOptions = {},
): Sites {
  const classOf = eachBot ? (bot: string): string => bot : botClassOf;
  const books = new Map<string, RouteBook>();
  for (const proxy of proxiesOf(runs.flatMap(({ exchanges }) => exchanges))) {
    const seen = runs.flatMap(({ exchanges }, run) =>
      exchanges.filter((one) => one.proxy === proxy).map(({ method, path }) => ({ method, path, run })),
    );
    books.set(proxy, learnRoutes(seen, known));
  }
  const calls = new HttpCalls(books, runs, classOf);
  const grouped = groupsBy(classOf);
  const found: readonly Site[] = [
    ...httpSites(runs, calls),
    ...grouped(
      runs.map(({ connections }) => connections),
      (all) => ({
        protocol: "tcp" as const,
        bytes: { up: least(all, ({ bytes }) => bytes.up), down: least(all, ({ bytes }) => bytes.down) },
      }),
      () => "",
    ),
    ...tlsSites(runs),
    ...grouped(
      runs.map(({ flows }) => flows),
      (all) => ({
        protocol: "udp" as const,
        datagrams: {
          up: least(all, ({ datagrams }) => datagrams.up),
          down: least(all, ({ datagrams }) => datagrams.down),
        },
      }),
      () => "",
      ({ datagrams }) => datagrams.up,
    ),
    ...grouped(
      runs.map(({ queries }) => queries),
      ([first]) => ({
        protocol: "dns" as const,
        name: dnsNameClass(first.name),
        type: first.type,
        transport: first.transport,
      }),
      ({ name, type, transport }) =>
        `${type} ${dnsNameClass(name)}${transport === "udp" ? "" : ` over ${transport}`}`,
    ),
  ];
  const secured = securedSites(runs, calls, classOf);
  const list = found.map((site): Site => (secured.has(site.id) ? { ...site, secure: true } : site));
  const unusedOfAll = [...books.values()].map(({ unused }) => unused);
  const [first = []] = unusedOfAll;
  return {
    list: list.sort((a, b) => byName(placeOf(a), placeOf(b)) || byName(a.id, b.id)),
    calls,
    books,
    unusedRoutes: first.filter((template) => unusedOfAll.every((unused) => unused.includes(template))),
  };
}

interface Seen {
  readonly proxy: string;
  readonly bot: string;
}

type Some<T> = readonly [T, ...T[]];
type OwnPart = Site extends infer S ? (S extends Site ? Omit<S, CommonKey> : never) : never;
type CommonKey = "id" | "proxy" | "botClass" | "bot" | "bots" | "steadiness" | "counts";

/** One site for each proxy, class of bots and `what`. `weigh` says how many subjects of a fault one of them is. */
const groupsBy =
  (classOf: (bot: string) => string) =>
  <T extends Seen>(
    runs: readonly (readonly T[])[],
    own: (all: Some<T>) => OwnPart,
    what: (one: T) => string,
    weigh: (one: T) => number = () => 1,
  ): Site[] => {
    const groups = new Map<string, [T, ...T[]]>();
    for (const one of runs.flat()) {
      const id = [one.proxy, classOf(one.bot), what(one)].filter((part) => part !== "").join(" ");
      const group = groups.get(id);
      if (group === undefined) groups.set(id, [one]);
      else group.push(one);
    }
    return [...groups].map(([id, all]) => {
      const { proxy, bot } = all[0];
      const botClass = classOf(bot);
      const perRun = runs.map((run) =>
        run.filter(
          (one) => one.proxy === proxy && classOf(one.bot) === botClass && what(one) === what(all[0]),
        ),
      );
      const aim = aimOf(perRun, botClass, weigh);
      const protocol = own(all);
      return { ...protocol, id: `${protocol.protocol} ${id}`, proxy, botClass, ...aim };
    });
  };

/** Ids of sites of which calls came over TLS. */
function securedSites(
  runs: readonly RunRecord[],
  calls: HttpCalls,
  classOf: (bot: string) => string,
): ReadonlySet<string> {
  const ids = new Set<string>();
  for (const run of runs) {
    const secured = securedConnections(run);
    if (secured.size === 0) continue;
    const over = ({ proxy, connection }: { readonly proxy: string; readonly connection: number }): boolean =>
      secured.has(`${proxy} ${connection}`);
    for (const one of run.exchanges) if (over(one)) ids.add(calls.siteOf(one));
    for (const one of run.connections) if (over(one)) ids.add(`tcp ${one.proxy} ${classOf(one.bot)}`);
  }
  return ids;
}

function placeOf(site: Site): string {
  return site.protocol === "http" ? `${site.proxy} ${site.template}` : site.proxy;
}

function least<T>(all: Some<T>, of: (one: T) => number): number {
  return all.reduce((sum, one) => Math.min(sum, of(one)), Infinity);
}

function proxiesOf(seen: readonly Seen[]): string[] {
  return [...new Set(seen.map(({ proxy }) => proxy))].sort(byName);
}
