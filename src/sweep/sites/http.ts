/** The HTTP sites: method, route and operation, for each class of bots; and which ordinal a call of a run has at its site. */
import type { RunRecord, SeenExchange } from "../contract/record.js";
import type { HttpTraits, Site } from "../contract/site.js";
import { aimOf } from "./aim.js";
import { botClassOf } from "./bots.js";
import type { RouteBook } from "./routes.js";

type HttpSite = Extract<Site, { protocol: "http" }>;

/** More operations of one route are values, not operations. */
const OPERATIONS_MAX = 64;
const SAFE: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS", "TRACE", "QUERY"]);

export class HttpCalls {
  readonly #books: ReadonlyMap<string, RouteBook>;
  /** Routes of which the operations are told apart, as `proxy method template`. */
  readonly #divided = new Set<string>();

  constructor(
    books: ReadonlyMap<string, RouteBook>,
    runs: readonly RunRecord[],
    readonly classOf: (bot: string) => string = botClassOf,
  ) {
    this.#books = books;
    const operations = new Map<string, Set<string>>();
    for (const one of runs.flatMap(({ exchanges }) => exchanges)) {
      const known = operations.get(this.routeOf(one)) ?? new Set();
      operations.set(this.routeOf(one), known.add(one.request.operation ?? ""));
    }
    for (const [route, names] of operations)
      if (names.size > 1 && names.size <= OPERATIONS_MAX) this.#divided.add(route);
  }

  templateOf({ proxy, path }: Pick<SeenExchange, "proxy" | "path">): string {
    return this.#books.get(proxy)?.templateOf(path) ?? path;
  }

  /** What faults count by, together with the bot: `jobs POST /v1/jobs/:n/complete`. */
  routeOf(one: SeenExchange): string {
    return `${one.proxy} ${one.method} ${this.templateOf(one)}`;
  }

  operationOf(one: SeenExchange): string | null {
    return this.#divided.has(this.routeOf(one)) ? one.request.operation : null;
  }

  /** The id of the site that it is of, whether any fault-free run has that site or not. */
  siteOf(one: SeenExchange): string {
    const operation = this.operationOf(one);
    const route = `${one.method} ${this.templateOf(one)}`;
    return `${one.proxy} ${this.classOf(one.bot)} ${route}${operation === null ? "" : ` ${operation}`}`;
  }

  exceptOf(proxy: string, template: string): readonly string[] {
    return this.#books.get(proxy)?.exceptOf(template) ?? [];
  }

  /**
   * The ordinal of each exchange of a run, from 1: for each bot and route, as `when: { only, per: [bot, route] }` counts. Their order
   * is that in which requests came to the proxy.
   */
  ordinals(record: Pick<RunRecord, "exchanges">): Map<SeenExchange, number> {
    return this.#counted(record, (one) => `${one.bot} ${this.routeOf(one)}`);
  }

  /** The same for each bot and site: of the calls of one operation where a route has many. */
  siteOrdinals(record: Pick<RunRecord, "exchanges">): Map<SeenExchange, number> {
    return this.#counted(record, (one) => `${one.bot} ${this.siteOf(one)}`);
  }

  #counted(
    record: Pick<RunRecord, "exchanges">,
    keyOf: (one: SeenExchange) => string,
  ): Map<SeenExchange, number> {
    const counts = new Map<string, number>();
    const ordinals = new Map<SeenExchange, number>();
    for (const one of inOrder(record.exchanges)) {
      const count = (counts.get(keyOf(one)) ?? 0) + 1;
      counts.set(keyOf(one), count);
      ordinals.set(one, count);
    }
    return ordinals;
  }
}

export function inOrder(exchanges: readonly SeenExchange[]): SeenExchange[] {
  return [...exchanges].sort((a, b) => (a.proxy < b.proxy ? -1 : a.proxy > b.proxy ? 1 : a.id - b.id));
}

export function httpSites(runs: readonly RunRecord[], calls: HttpCalls): HttpSite[] {
  const perRun = runs.map(({ exchanges }) => exchanges.map((one) => ({ id: calls.siteOf(one), one })));
  const ids = new Set(perRun.flat().map(({ id }) => id));
  const ordinals = runs.map((run) => calls.ordinals(run));
  return [...ids].flatMap((id) => {
    const own = perRun.map((run) => run.filter((call) => call.id === id).map(({ one }) => one));
    const [first] = own.flat();
    if (first === undefined) return [];
    const { proxy, method } = first;
    const botClass = calls.classOf(first.bot);
    const template = calls.templateOf(first);
    const operation = calls.operationOf(first);
    const aim = aimOf(own, botClass);
    return [
      {
        protocol: "http",
        id,
        proxy,
        botClass,
        ...aim,
        method,
        template,
        except: calls.exceptOf(proxy, template),
        operation,
        within: operation === null ? null : withinRoute(own, ordinals, aim.bot),
        traits: traitsOf(method, own, aim.bot),
      } satisfies HttpSite,
    ];
  });
}

/** Ordinals among all calls of the route that the calls of this bot's operation have in each of the runs, or null if these differ. */
function withinRoute(
  own: readonly (readonly SeenExchange[])[],
  ordinals: readonly ReadonlyMap<SeenExchange, number>[],
  bot: string,
): readonly number[] | null {
  const lists = own.map((run, index) =>
    run
      .filter((one) => one.bot === bot)
      .map((one) => ordinals[index]?.get(one) ?? 0)
      .sort((a, b) => a - b),
  );
  const [first = []] = lists;
  return lists.every((list) => list.join() === first.join()) && first.length > 0 ? first : null;
}

function traitsOf(method: string, runs: readonly (readonly SeenExchange[])[], bot: string): HttpTraits {
  const all = runs.flat();
  const answers = new Map<string, Set<string>>();
  for (const { bot, path, response, upstreamStatus } of all) {
    const key = `${bot} ${path}`;
    answers.set(
      key,
      (answers.get(key) ?? new Set()).add(`${String(upstreamStatus)} ${response?.hash ?? ""}`),
    );
  }
  return {
    safe: SAFE.has(method),
    authorized: all.some(({ request }) => request.authorized),
    keepAlive: all.some(({ reused }) => reused),
    reusedAt: reusedAt(runs.map((run) => inOrder(run.filter((one) => one.bot === bot)))),
    body: most(all.map(({ response }) => response?.bytes ?? 0)),
    leastBody: leastOf(all.map(({ response }) => response?.bytes ?? 0)),
    leastSent: leastOf(all.map(({ request }) => request.bytes)),
    json: all.some(({ response }) => /[/+]json$/u.test(response?.type ?? "")),
    answers: most([...answers.values()].map(({ size }) => size)),
    keyed: all.some(({ request }) => request.key !== null),
    slowest: most(all.map(({ at, over }) => over - at)),
  };
}

function reusedAt(runs: readonly (readonly SeenExchange[])[]): number | null {
  const index = runs[0]?.findIndex((_, at) => runs.every((run) => run[at]?.reused === true)) ?? -1;
  return index < 0 ? null : index + 1;
}

/** Of those that are not 0. */
function leastOf(numbers: readonly number[]): number {
  const least = numbers.reduce((sum, one) => (one === 0 ? sum : Math.min(sum, one)), Infinity);
  return least === Infinity ? 0 : least;
}

function most(numbers: readonly number[]): number {
  return numbers.reduce((sum, one) => Math.max(sum, one), 0);
}
