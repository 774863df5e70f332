/**
 * YAML text -> located trees. The door through which all configuration enters: what is hostile, too
 * large or more YAML than Squall needs is refused here, with a position, before anything is built of it.
 */
import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  parseAllDocuments,
  type Document,
  type Node,
  type ParsedNode,
  type YAMLMap,
} from "yaml";
import { formatSize } from "../core/units.js";
import { shown } from "../faults/params.js";
import { SourceText, under, type Located, type LocatedEntry, type Place } from "./located.js";
import type { Problems } from "./problems.js";
import { READ_LIMITS, scan, type ReadLimits } from "./scan.js";

export interface LocatedDocument {
  readonly tree: Located;
  /** The document as it was written, without the others of its file. */
  readonly text: string;
}

/** Reads all documents of a text, skipping empty ones. With a problem added, the answer may be incomplete. */
export function readDocuments(
  written: string,
  file: string,
  problems: Problems,
  limits: ReadLimits = READ_LIMITS,
): LocatedDocument[] {
  const text = written.startsWith("\ufeff") ? written.slice(1) : written;
  const source = new SourceText(file, text);
  const refuse = (offset: number, message: string, hint?: string): void => {
    problems.add({ place: { text: source, offset }, path: "" }, message, hint);
  };
  if (Buffer.byteLength(text) > limits.bytes) {
    problems.add(
      { place: { text: new SourceText(file, null), offset: 0 }, path: "" },
      `is larger than ${formatSize(limits.bytes)}`,
    );
    return [];
  }
  const excess = scan(text, limits);
  if (excess !== null) {
    refuse(excess.offset, excess.message);
    return [];
  }
  const before = problems.count;
  const documents = parse(text, refuse);
  if (problems.count > before) return [];
  const builder = new Builder(source, problems, limits);
  const excessive = documents[limits.documents];
  if (excessive !== undefined) {
    refuse(excessive.range[0], `holds more than ${limits.documents} documents`);
    return [];
  }
  const starts = documents.map((document, index) => (index === 0 ? 0 : document.range[0]));
  return documents.flatMap((document, index) => {
    const { contents } = document;
    if (contents === null || (isScalar(contents) && contents.value === null)) return [];
    const tree = builder.document(contents);
    return tree === null ? [] : [{ tree, text: text.slice(starts[index], starts[index + 1]) }];
  });
}

type ParsedDocument = Document.Parsed<ParsedNode>;

function parse(
  text: string,
  refuse: (offset: number, message: string, hint?: string) => void,
): ParsedDocument[] {
  let documents: ParsedDocument[];
  try {
    const parsed = parseAllDocuments(text, {
      // Our own look at keys is linear; the parser's compares each with each.
      uniqueKeys: false,
      prettyErrors: false,
      logLevel: "silent",
      version: "1.2",
    });
    documents = Array.isArray(parsed) ? parsed : [];
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    refuse(0, "is nested too deep");
    return [];
  }
  for (const document of documents) {
    const { yaml } = document.directives;
    if (yaml.explicit && yaml.version !== "1.2") {
      refuse(document.range[0], `expected YAML 1.2, got a %YAML ${yaml.version} directive`);
    }
    for (const { pos, message } of document.errors) {
      // The parser catches its own overflow and calls it a mistake of the text, which it is.
      if (/call stack/u.test(message)) {
        refuse(pos[0], "is nested too deep");
        break;
      }
      const hint = text[pos[0] - 1] === "$" ? 'between { } or [ ] put "${…}" in quotes' : undefined;
      refuse(pos[0], `is not valid YAML: ${message.charAt(0).toLowerCase()}${message.slice(1)}`, hint);
      // What follows a broken piece of flow is mostly the same mistake again.
      if (hint !== undefined) break;
    }
  }
  return documents;
}

/** Turns the parser's nodes into located ones, with its own look at keys, tags, aliases and depth. */
class Builder {
  readonly #source: SourceText;
  readonly #problems: Problems;
  readonly #limits: ReadLimits;
  readonly #open = new Set<Node>();
  #anchors = new Map<string, Node>();
  #nodes = 0;
  #full = false;

  constructor(source: SourceText, problems: Problems, limits: ReadLimits) {
    this.#source = source;
    this.#problems = problems;
    this.#limits = limits;
  }

  document(contents: Node): Located | null {
    if (this.#full) return null;
    this.#anchors = new Map();
    return this.#node(contents, "", 0, 0);
  }

  #place(offset: number): Place {
    return { text: this.#source, offset };
  }

  #refuse(offset: number, path: string, message: string, hint?: string): null {
    this.#problems.add({ place: this.#place(offset), path }, message, hint);
    return null;
  }

  #node(node: Node | null, path: string, depth: number, fallback: number): Located | null {
    const offset = node?.range?.[0] ?? fallback;
    if (this.#full) return null;
    if (++this.#nodes > this.#limits.nodes) {
      this.#full = true;
      return this.#refuse(
        offset,
        path,
        `has more than ${this.#limits.nodes} values, aliases counted each time`,
      );
    }
    const place = this.#place(offset);
    if (node === null) return { kind: "scalar", value: null, place, path };
    if (depth > this.#limits.depth) {
      return this.#refuse(offset, path, `is nested more than ${this.#limits.depth} levels deep`);
    }
    if (isAlias(node)) {
      const target = this.#anchors.get(node.source);
      if (target === undefined) return this.#refuse(offset, path, `unknown alias "*${node.source}"`);
      if (this.#open.has(target))
        return this.#refuse(offset, path, `the alias "*${node.source}" stands within itself`);
      return this.#node(target, path, depth, offset);
    }
    if (!isScalar(node) && !isMap(node) && !isSeq(node)) return this.#refuse(offset, path, "is not a value");
    if (typeof node.anchor === "string") this.#anchors.set(node.anchor, node);
    if (node.tag !== undefined) {
      return this.#refuse(
        offset,
        path,
        `tags such as ${node.tag.replace("tag:yaml.org,2002:", "!!")} are not supported`,
      );
    }
    if (isScalar(node)) {
      const { value } = node;
      if (
        value === null ||
        typeof value === "string" ||
        typeof value === "number" ||
        typeof value === "boolean"
      ) {
        return { kind: "scalar", value, place, path };
      }
      return this.#refuse(offset, path, "is not a value that Squall knows");
    }
    this.#open.add(node);
    const built = isMap(node)
      ? this.#map(node, place, path, depth)
      : this.#list(node.items, place, path, depth);
    this.#open.delete(node);
    return built;
  }

  #list(nodes: readonly unknown[], place: Place, path: string, depth: number): Located {
    const items: Located[] = [];
    for (const [index, node] of nodes.entries()) {
      const item = this.#node(node as Node | null, under(path, index), depth + 1, place.offset);
      if (this.#full) break;
      items.push(item ?? { kind: "scalar", value: null, place, path, hole: true });
    }
    return { kind: "list", items, place, path };
  }

  #map(map: YAMLMap, place: Place, path: string, depth: number): Located {
    const entries = new Map<string, LocatedEntry>();
    for (const pair of map.items) {
      const key = pair.key as Node | null;
      const offset = key?.range?.[0] ?? place.offset;
      const name = this.#key(key, offset, path);
      if (name === null) continue;
      if (entries.has(name)) {
        this.#refuse(offset, under(path, name), `the key ${JSON.stringify(name)} is given twice`);
        continue;
      }
      const value = this.#node(pair.value as Node | null, under(path, name), depth + 1, offset);
      if (this.#full) break;
      // Refused already; it stays as something that nobody looks at again.
      const kept: Located = value ?? {
        kind: "scalar",
        value: null,
        place: this.#place(offset),
        path,
        hole: true,
      };
      entries.set(name, { key: name, place: this.#place(offset), value: kept });
    }
    return { kind: "map", entries, place, path };
  }

  #key(key: Node | null, offset: number, path: string): string | null {
    if (!isScalar(key)) return this.#refuse(offset, path, "expected a plain name as key");
    if (key.tag !== undefined) return this.#refuse(offset, path, "tags on keys are not supported");
    if (typeof key.anchor === "string") this.#anchors.set(key.anchor, key);
    if (typeof key.value !== "string") {
      return this.#refuse(
        offset,
        path,
        `expected a name as key, got ${shown(key.value)}`,
        "put it in quotes",
      );
    }
    if (key.value === "<<")
      return this.#refuse(
        offset,
        path,
        'merge keys ("<<") are not supported',
        "repeat single values with &name and *name; profiles have extends",
      );
    if (key.value === "__proto__") return this.#refuse(offset, path, 'the key "__proto__" is not allowed');
    return key.value;
  }
}
