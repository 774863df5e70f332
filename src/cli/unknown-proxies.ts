/** Names of proxies in profiles that no configuration has: a slip most often, and no mistake, since the API may make them later. */
import type { Library } from "../config/library.js";
import type { Located } from "../config/located.js";
import { Problems } from "../config/problems.js";
import { hintFor } from "../config/validate.js";
import type { Problem } from "../core/errors.js";

export function unknownProxies(
  library: Library,
  known: readonly string[],
  configs: readonly string[],
): Problem[] {
  const names = new Set(known);
  const problems = new Problems();
  const look = (node: Located): void => {
    if (node.kind === "list") node.items.forEach(look);
    if (node.kind !== "map") return;
    for (const { key, value } of node.entries.values()) {
      if (key !== "proxy") {
        look(value);
        continue;
      }
      for (const name of value.kind === "list" ? value.items : [value]) {
        // One that a param gives is known when it is switched on.
        if (name.kind !== "scalar" || typeof name.value !== "string") continue;
        if (names.has(name.value) || name.value.includes("${")) continue;
        const where = configs.join(" or ");
        problems.add(
          name,
          `no proxy of ${where} is called ${JSON.stringify(name.value)}`,
          hintFor(name.value, known),
        );
      }
    }
  };
  for (const { source } of library.entries) look(source.tree);
  return problems.list();
}
