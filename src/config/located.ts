/**
 * Located trees: what a user wrote, with where each part of it stands.
 *
 * Merging and interpolation build new trees out of old nodes, and every node keeps the place and the
 * path that it had in its own file, so that a mistake found late is still shown where it was written.
 */

export type ScalarValue = string | number | boolean | null;

/** Where something stands. Position and line are worked out only when a problem needs them. */
export interface Place {
  readonly text: SourceText;
  readonly offset: number;
}

interface Node {
  readonly place: Place;
  /** Where in its own document, such as `faults[2].jitter`; empty for the document itself. */
  readonly path: string;
}

export interface LocatedScalar extends Node {
  readonly kind: "scalar";
  readonly value: ScalarValue;
  /** The characters behind a value from a parameter or the environment, for places that take text. */
  readonly raw?: string;
  /** Who gave the value, if not the text itself: `param "away"`. */
  readonly origin?: string;
  /** Set where a parameter has no value yet: nothing that depends on it can be judged. */
  readonly hole?: true;
}

export interface LocatedEntry {
  readonly key: string;
  readonly place: Place;
  readonly value: Located;
}

export interface LocatedMap extends Node {
  readonly kind: "map";
  readonly entries: ReadonlyMap<string, LocatedEntry>;
}

export interface LocatedList extends Node {
  readonly kind: "list";
  readonly items: readonly Located[];
}

export type Located = LocatedScalar | LocatedList | LocatedMap;

/** Characters of a line that are quoted, and how many of them from before the mistake. */
const LINE_MAX = 400;
const LINE_BEFORE = 150;

/** A text by its name, which knows its lines. Text that must not be quoted back (a secret) is left out. */
export class SourceText {
  readonly name: string;
  readonly #text: string | null;
  #starts: readonly number[] | null = null;

  constructor(name: string, text: string | null) {
    this.name = name;
    this.#text = text;
  }

  at(offset: number): { line: number; column: number; source?: string; cut?: number } {
    const text = this.#text;
    if (text === null) return { line: 1, column: 1 };
    const starts = (this.#starts ??= lineStarts(text));
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if ((starts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    const start = starts[low] ?? 0;
    const next = starts[low + 1];
    const end = next === undefined ? text.length : next - 1;
    const column = offset - start + 1;
    // A file of one line would be quoted as a whole with each of its mistakes.
    const cut = end - start > LINE_MAX ? Math.max(0, column - 1 - LINE_BEFORE) : 0;
    const source = text.slice(start + cut, Math.min(end, start + cut + LINE_MAX)).replace(/\r$/u, "");
    return { line: low + 1, column, source, ...(cut > 0 ? { cut } : {}) };
  }
}

function lineStarts(text: string): number[] {
  const starts = [0];
  for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) starts.push(at + 1);
  return starts;
}

export function under(path: string, step: string | number): string {
  if (typeof step === "number") return `${path}[${step}]`;
  const plain = /^[\w.-]+$/u.test(step) ? step : `[${JSON.stringify(step.slice(0, 64))}]`;
  return path === "" || plain.startsWith("[") ? path + plain : `${path}.${plain}`;
}

export function child(node: Located | undefined, key: string): Located | undefined {
  return node?.kind === "map" ? node.entries.get(key)?.value : undefined;
}

/** The same map without some keys. */
export function without(map: LocatedMap, keys: ReadonlySet<string>): LocatedMap {
  return { ...map, entries: new Map([...map.entries].filter(([key]) => !keys.has(key))) };
}

/** The same map without the keys that were written and left empty: `faults:` and nothing behind it. */
export function withoutBlanks(map: LocatedMap): LocatedMap {
  const blank = (node: Located): boolean =>
    node.kind === "scalar" && node.value === null && node.hole !== true;
  return { ...map, entries: new Map([...map.entries].filter(([, entry]) => !blank(entry.value))) };
}

/**
 * What mappings inherit: nothing that a key could be taken for. Zod compares the `length` of whatever stands where text or a list
 * should be, also when that is `{ length: {} }`: a mapping is no number then, and not an error of its own.
 */
const MAPPING = Object.freeze(
  Object.defineProperty(Object.create(null) as object, Symbol.toPrimitive, { value: () => NaN }),
);

/** Plain values for a schema to judge. No key of a map can mean more than itself. */
export function toPlain(node: Located): unknown {
  switch (node.kind) {
    case "scalar":
      return node.value;
    case "list":
      return node.items.map(toPlain);
    case "map": {
      const plain = Object.create(MAPPING) as Record<string, unknown>;
      for (const [key, entry] of node.entries) plain[key] = toPlain(entry.value);
      return plain;
    }
  }
}

/** A tree from a value that has no text, such as the body of a request that was parsed already. */
export function locate(value: unknown, file = "request", path = ""): Located {
  const place: Place = { text: new SourceText(file, null), offset: 0 };
  const walk = (part: unknown, at: string, depth: number): Located => {
    if (depth > 64) return { kind: "scalar", value: null, place, path: at };
    if (Array.isArray(part)) {
      return {
        kind: "list",
        items: part.map((item, index) => walk(item, under(at, index), depth + 1)),
        place,
        path: at,
      };
    }
    if (typeof part === "object" && part !== null) {
      const entries = new Map<string, LocatedEntry>();
      for (const [key, item] of Object.entries(part)) {
        if (item !== undefined)
          entries.set(key, { key, place, value: walk(item, under(at, key), depth + 1) });
      }
      return { kind: "map", entries, place, path: at };
    }
    const scalar =
      typeof part === "string" || typeof part === "number" || typeof part === "boolean" ? part : null;
    return { kind: "scalar", value: scalar, place, path: at };
  };
  return walk(value, path, 0);
}

/** A value given as text outside of any file, read as a YAML scalar would be; its characters are kept. */
export function scalarOf(text: string): { readonly value: ScalarValue; readonly raw: string } {
  const trimmed = text.trim();
  if (trimmed === "" || trimmed === "~" || trimmed === "null") return { value: null, raw: text };
  if (trimmed === "true" || trimmed === "false") return { value: trimmed === "true", raw: text };
  if (/^[-+]?\d{1,15}(?:\.\d+)?(?:e[-+]?\d{1,3})?$/iu.test(trimmed))
    return { value: Number(trimmed), raw: text };
  // Seeds have up to 53 bits, which are 16 digits; what a number cannot have exactly stays text.
  if (/^[1-9]\d{15}$/u.test(trimmed) && Number.isSafeInteger(Number(trimmed)))
    return { value: Number(trimmed), raw: text };
  return { value: text, raw: text };
}
