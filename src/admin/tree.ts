/** Bodies as located trees: JSON, YAML or form data, so that each mistake is answered with where it stands. */
import {
  SourceText,
  scalarOf,
  under,
  type Located,
  type LocatedEntry,
  type LocatedMap,
} from "../config/located.js";
import { Problems } from "../config/problems.js";
import { REQUEST_LIMITS } from "../config/scan.js";
import { readDocuments } from "../config/source.js";
import type { ErrorCode } from "../core/errors.js";
import type { BodyText } from "./body.js";

const NAME = "request";
/** Pieces of one form. */
const FORM_PIECES_MAX = 1_000;

/** The one document in a body, or an error of that code. `lists` are the form keys that take several values. */
export function readTree(body: BodyText, code: ErrorCode, lists: ReadonlySet<string> = new Set()): Located {
  const problems = new Problems();
  const tree = body.form ? readForm(body.text, lists, problems) : readOne(body.text, problems);
  if (tree !== null && problems.count === 0) return tree;
  throw problems.error(code);
}

function readOne(text: string, problems: Problems): Located | null {
  const [first, second] = readDocuments(text, NAME, problems, REQUEST_LIMITS);
  if (problems.count > 0) return null;
  const nowhere = { place: { text: new SourceText(NAME, null), offset: 0 }, path: "" };
  if (first === undefined) problems.add(nowhere, "expected a body, got nothing");
  if (second !== undefined) problems.add(second.tree, "expected one document, got a second one");
  return first?.tree ?? null;
}

/** `profile=lost-ack&params.away=10s`: a dot leads into a mapping, and lists are separated by commas. */
function readForm(text: string, lists: ReadonlySet<string>, problems: Problems): LocatedMap | null {
  const source = new SourceText(NAME, text);
  const root = emptyMap(source, "");
  const pieces = text.split("&");
  if (pieces.length > FORM_PIECES_MAX) {
    problems.add({ place: root.place, path: "" }, `has more than ${FORM_PIECES_MAX} values`);
    return null;
  }
  let offset = 0;
  for (const piece of pieces) {
    if (piece.trim() !== "") addPiece(root, source, offset, piece, lists, problems);
    offset += piece.length + 1;
  }
  return root;
}

interface GrowingMap extends LocatedMap {
  readonly entries: Map<string, LocatedEntry>;
}

function emptyMap(text: SourceText, path: string, offset = 0): GrowingMap {
  return { kind: "map", entries: new Map(), place: { text, offset }, path };
}

function addPiece(
  root: GrowingMap,
  source: SourceText,
  offset: number,
  piece: string,
  lists: ReadonlySet<string>,
  problems: Problems,
): void {
  const at = piece.indexOf("=");
  const place = { text: source, offset };
  const key = at < 0 ? null : decoded(piece.slice(0, at));
  const value = at < 0 ? null : decoded(piece.slice(at + 1));
  if (key === null || value === null || key === "") {
    const hint = /^\w+:\s/u.test(piece) ? "send YAML with the header content-type: text/yaml" : undefined;
    problems.add({ place, path: "" }, "expected form data such as profile=lost-ack", hint);
    return;
  }
  const dot = key.indexOf(".");
  const [outer, inner] = dot < 0 ? [key, null] : [key.slice(0, dot), key.slice(dot + 1)];
  const behind = { text: source, offset: offset + at + 1 };
  const map = inner === null ? root : inside(root, outer, source, offset);
  const name = inner ?? outer;
  const path = under(map?.path ?? "", name);
  const before = map?.entries.get(name)?.value;
  if (map === null || (before !== undefined && before.kind !== "list")) {
    problems.add(
      { place, path: inner === null ? path : outer },
      `the key ${JSON.stringify(name)} is given twice`,
    );
    return;
  }
  const scalar = (part: string, partPath: string): Located => {
    // Params are read by whoever declared them: 007 may be text.
    const read = inner === null ? scalarOf(part) : { value: part, raw: part };
    return { kind: "scalar", ...read, place: behind, path: partPath };
  };
  if (inner !== null || !lists.has(name)) {
    map.entries.set(name, { key: name, place, value: scalar(value, path) });
    return;
  }
  const known = before?.kind === "list" ? before.items : [];
  const added = value.split(",").map((part, index) => scalar(part.trim(), under(path, known.length + index)));
  map.entries.set(name, {
    key: name,
    place,
    value: { kind: "list", items: [...known, ...added], place: behind, path },
  });
}

/** The mapping of that name, made where there is none; null if something else stands there. */
function inside(root: GrowingMap, name: string, source: SourceText, offset: number): GrowingMap | null {
  const found = root.entries.get(name)?.value;
  if (found !== undefined) return found.kind === "map" ? (found as GrowingMap) : null;
  const map = emptyMap(source, under("", name), offset);
  root.entries.set(name, { key: name, place: map.place, value: map });
  return map;
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    return null;
  }
}
