/**
 * Which route a path is of. Those that somebody wrote come first, in their order; then those of profiles and of an OpenAPI description, the
 * most particular first; then those that were inferred from all paths of the fault-free runs. A path is of the first that fits it, as a
 * `match` that lists them would have it; one that fits none is of the route that its own looks say.
 */
import { pathTest, type TextTest } from "../../config/pattern.js";
import { BoundedMap } from "../../core/lru.js";
import { templateOf } from "../../core/route-template.js";
import { inferTemplates } from "./infer.js";
import type { SeenPath } from "./paths.js";

export interface KnownRoutes {
  /** Of `routes:` in the run file, in their order. */
  readonly given: readonly string[];
  /** Of the user's profiles, which are about more than this command: one that nothing is of is no mistake. */
  readonly profiles?: readonly string[];
  /** Of an OpenAPI description. */
  readonly described: readonly string[];
}

export const NO_ROUTES: KnownRoutes = { given: [], described: [] };

export interface Route {
  readonly template: string;
  readonly source: "given" | "profile" | "described" | "inferred";
}

interface TestedRoute extends Route {
  readonly holds: TextTest;
}

/** Paths that a book remembers the route of. */
const REMEMBERED = 20_000;

export class RouteBook {
  readonly #routes: readonly TestedRoute[];
  readonly #known = new BoundedMap<string, string>(REMEMBERED);
  /** Template -> those before it that fit some of the paths that it fits. */
  readonly #before = new Map<string, Set<string>>();
  readonly #used = new Set<string>();

  constructor(routes: readonly Route[], paths: Iterable<string>) {
    this.#routes = routes.map((route) => ({ ...route, holds: pathTest(route.template) }));
    for (const path of new Set(paths)) {
      const fitting = this.#routes.filter(({ holds }) => holds(path)).map(({ template }) => template);
      const [own] = fitting;
      if (own === undefined) continue;
      this.#used.add(own);
      for (const wider of fitting.slice(1)) {
        const before = this.#before.get(wider) ?? new Set();
        for (const template of fitting.slice(0, fitting.indexOf(wider))) before.add(template);
        this.#before.set(wider, before);
      }
    }
  }

  templateOf(path: string): string {
    const known = this.#known.get(path);
    if (known !== undefined) return known;
    const template = this.#routes.find(({ holds }) => holds(path))?.template ?? templateOf(path);
    this.#known.set(path, template);
    return template;
  }

  /** Templates to leave out where this one is matched, in their order. */
  exceptOf(template: string): readonly string[] {
    const before = this.#before.get(template);
    return before === undefined
      ? []
      : this.#routes.map((route) => route.template).filter((one) => before.has(one));
  }

  /** Those that somebody wrote and that no path was of: they may be of an older version of the program. */
  get unused(): readonly string[] {
    return this.#routes
      .filter(({ source, template }) => source === "given" && !this.#used.has(template))
      .map(({ template }) => template);
  }

  sourceOf(template: string): Route["source"] {
    return this.#routes.find((route) => route.template === template)?.source ?? "inferred";
  }
}

/** The book of these paths. It depends on which paths there are, and not on how often or in which order they came. */
export function learnRoutes(seen: readonly SeenPath[], known: KnownRoutes = NO_ROUTES): RouteBook {
  const given = known.given.map((template): Route => ({ template, source: "given" }));
  const ofProfiles = mostParticularFirst(known.profiles ?? []).map((template): Route => ({
    template,
    source: "profile",
  }));
  const described = mostParticularFirst(known.described).map((template): Route => ({
    template,
    source: "described",
  }));
  const tests = [...given, ...ofProfiles, ...described].map(({ template }) => pathTest(template));
  const unknown = seen.filter(({ path }) => !tests.some((holds) => holds(path)));
  const inferred = inferTemplates(unknown).map((template): Route => ({ template, source: "inferred" }));
  return new RouteBook(
    [...given, ...ofProfiles, ...described, ...inferred],
    seen.map(({ path }) => path),
  );
}

/** Segment by segment: a word before a pattern within a segment, before a whole segment, before anything at all. */
export function mostParticularFirst(templates: readonly string[]): string[] {
  const widths = new Map(templates.map((template) => [template, template.split("/").map(widthOf)]));
  return [...widths.keys()].sort((a, b) => {
    const [left = [], right = []] = [widths.get(a), widths.get(b)];
    for (const [index, width] of left.entries()) {
      const other = right[index] ?? -1;
      if (width !== other) return width - other;
    }
    return left.length - right.length || (a < b ? -1 : 1);
  });
}

function widthOf(segment: string): number {
  if (segment.includes("**")) return 3;
  if (segment.startsWith(":")) return 2;
  return segment.includes("*") ? 1 : 0;
}
