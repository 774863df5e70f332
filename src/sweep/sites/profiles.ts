/** Route templates from the profiles that somebody wrote: what `match` and `except` say of paths is their word for what is one route. */
import { toPlain, type LocatedMap } from "../../config/located.js";
import { pathMistake } from "../../config/pattern.js";
import { templateOf } from "../../core/route-template.js";

/**
 * The patterns of all faults that are one route: no `**`, which is an area, no reference to a param, and no path with a number or an id in
 * it, which is one call. In the order in which they are written.
 */
export function routesOfProfiles(profiles: Iterable<{ readonly tree: LocatedMap }>): string[] {
  const found = new Set<string>();
  for (const { tree } of profiles) for (const path of pathsIn(toPlain(tree), false)) found.add(path);
  return [...found].filter(isRoute);
}

/** `within`: inside of a `match` or an `except`. */
function pathsIn(value: unknown, within: boolean): string[] {
  if (Array.isArray(value)) return value.flatMap((item) => pathsIn(item, within));
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, item]: [string, unknown]) => {
    if (within && key === "path") return [item].flat().filter((path) => typeof path === "string");
    return pathsIn(item, within || key === "match" || key === "except");
  });
}

function isRoute(path: string): boolean {
  if (!path.startsWith("/") || path.includes("**") || path.includes("${")) return false;
  if (pathMistake(path) !== undefined) return false;
  return path.includes(":") || path.includes("*") || templateOf(path) === path;
}
