/** `{url:jobs}`, `{port:server}` and their kin: what a run file writes where only the run knows the value. */
import { didYouMean } from "../../core/suggest.js";
import type { Located, LocatedEntry } from "../../config/located.js";
import type { Problems } from "../../config/problems.js";

export const PLACEHOLDER_KINDS = ["url", "host", "port", "ca"] as const;
export type PlaceholderKind = (typeof PLACEHOLDER_KINDS)[number];

export interface Placeholder {
  readonly kind: PlaceholderKind;
  /** A proxy, or a free port; empty for `{ca}`. */
  readonly name: string;
}

/** In texts for a shell other braces are the shell's. */
const PATTERN = /\{(url|host|port|ca)(?::([a-z0-9][a-z0-9._-]{0,63})?)?\}/gu;

export function placeholdersIn(text: string): Placeholder[] {
  return [...text.matchAll(PATTERN)].map(([, kind, name = ""]) => ({ kind: kind as PlaceholderKind, name }));
}

export function fillIn(text: string, value: (placeholder: Placeholder) => string): string {
  return text.replace(PATTERN, (_whole, kind: PlaceholderKind, name: string | undefined) =>
    value({ kind, name: name ?? "" }),
  );
}

/** The same in all texts of a tree; each keeps its place. */
export function fillInTree(node: Located, value: (placeholder: Placeholder) => string): Located {
  switch (node.kind) {
    case "scalar": {
      if (typeof node.value !== "string" || !node.value.includes("{")) return node;
      const filled = fillIn(node.value, value);
      return filled === node.value ? node : { ...node, value: filled, raw: filled };
    }
    case "list":
      return { ...node, items: node.items.map((item) => fillInTree(item, value)) };
    case "map": {
      const entries = new Map<string, LocatedEntry>();
      for (const [key, entry] of node.entries)
        entries.set(key, { ...entry, value: fillInTree(entry.value, value) });
      return { ...node, entries };
    }
  }
}

/** All placeholders of a tree, each with where it stands. */
export function placeholdersOf(node: Located | undefined): { at: Located; placeholder: Placeholder }[] {
  if (node === undefined) return [];
  if (node.kind === "list") return node.items.flatMap(placeholdersOf);
  if (node.kind === "map") return [...node.entries.values()].flatMap(({ value }) => placeholdersOf(value));
  if (typeof node.value !== "string") return [];
  return placeholdersIn(node.value).map((placeholder) => ({ at: node, placeholder }));
}

export interface Names {
  readonly proxies: readonly string[];
  /** Those that `upstream` takes. */
  readonly ports: readonly string[];
}

/** Says of each placeholder that nothing stands for what it should have said. `early`: proxies do not listen yet. */
export function checkPlaceholders(
  node: Located | undefined,
  { proxies, ports }: Names,
  early: boolean,
  problems: Problems,
): void {
  for (const { at, placeholder } of placeholdersOf(node)) {
    const { kind, name } = placeholder;
    const written = `{${kind}${name === "" ? "" : `:${name}`}}`;
    if (kind === "ca") {
      if (!["", "bundle"].includes(name)) problems.add(at, `${written}: expected {ca} or {ca:bundle}`);
      else if (early) problems.add(at, `${written} is not known before the proxies are there`);
      continue;
    }
    if (name === "") {
      problems.add(at, `${written} names nothing: expected {${kind}:NAME}`);
      continue;
    }
    if (early && proxies.includes(name)) {
      const other = `${name}-server`;
      const why = `${written} belongs to the proxy, and is not known before it listens`;
      problems.add(
        at,
        why,
        kind === "port" ? `the server's own port needs another name, such as {port:${other}}` : undefined,
      );
      continue;
    }
    if (kind === "port" && ports.includes(name)) continue;
    if (!proxies.includes(name)) {
      const known = kind === "port" ? [...proxies, ...ports] : proxies;
      const or = kind === "port" ? ", and upstream takes no free port of that name" : "";
      const hint = didYouMean(name, known) ?? (known.length === 0 ? undefined : `known: ${known.join(", ")}`);
      problems.add(at, `${written}: no proxy is called ${JSON.stringify(name)}${or}`, hint);
    }
  }
}
