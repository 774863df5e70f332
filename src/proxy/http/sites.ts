/**
 * The sites of one proxy's exchanges, and how many calls each bot has made there: method and route, by a pattern that a fault in
 * force asks for, or by the looks of the path. Asked where everything is recorded, and nowhere else.
 */
import { pathTest, type TextTest } from "../../config/pattern.js";
import { BoundedMap } from "../../core/lru.js";
import { templateOf } from "../../core/route-template.js";

/** One call of a bot at a site. */
export interface Visit {
  /** Such as `POST /v1/jobs/:n/complete`. */
  readonly site: string;
  /** From 1, for each bot and site, since faults were switched on or healed last. */
  readonly nth: number;
}

/** Bots at sites whose calls are counted; beyond it the one that was away for longest starts anew. As many as `when` remembers. */
const COUNTED_MAX = 10_000;
/** Paths whose route is remembered. */
const PATHS_MAX = 2_000;

interface Pattern {
  readonly text: string;
  readonly holds: TextTest;
}

export class Sites {
  readonly #counts = new BoundedMap<string, { calls: number }>(COUNTED_MAX);
  readonly #routes = new BoundedMap<string, string>(PATHS_MAX);
  #patterns: readonly Pattern[] = [];

  visit(method: string, path: string, bot: string): Visit {
    const site = `${method} ${this.routeOf(path)}`;
    const key = `${bot.length}:${bot}${site}`;
    const count = this.#counts.get(key) ?? { calls: 0 };
    if (count.calls === 0) this.#counts.set(key, count);
    return { site, nth: ++count.calls };
  }

  /** The faults in force ask for these, and the routes that they mean are called so. */
  known(paths: readonly string[]): void {
    // What may be anything is the name of no route.
    const named = [...new Set(paths)].filter((path) => !path.includes("**"));
    const before = this.#patterns.map(({ text }) => text);
    named.sort((one, other) => literals(other) - literals(one));
    if (before.length === named.length && named.every((text, at) => text === before[at])) return;
    this.#patterns = named.map((text) => ({ text, holds: pathTest(text) }));
    this.#routes.clear();
  }

  /** All are counted from 1 again. */
  anew(): void {
    this.#counts.clear();
  }

  /** By a pattern that a fault in force asks for, or by the looks of the path. */
  routeOf(path: string): string {
    const known = this.#routes.get(path);
    if (known !== undefined) return known;
    const route = this.#patterns.find(({ holds }) => holds(path))?.text ?? templateOf(path);
    this.#routes.set(path, route);
    return route;
  }
}

/** A pattern that leaves less open says more: it is asked first. */
function literals(pattern: string): number {
  return pattern.split("/").filter((segment) => !segment.startsWith(":") && !segment.includes("*")).length;
}
