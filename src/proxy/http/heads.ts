/** Heads that were rewritten: whatever a fault made of the fields, those that frame the message stay what they must be. */
import type { FieldList, FieldNames } from "../../faults/contract/index.js";
import type { Reframing } from "./body.js";
import type { Fields } from "./head.js";

/** RFC 9112 6 and 9: what tells where a message ends and what becomes of its connection. */
const FRAMING: ReadonlySet<string> = new Set([
  "content-length",
  "transfer-encoding",
  "connection",
  "upgrade",
  "trailer",
  "te",
]);
const LENGTHS: ReadonlySet<string> = new Set(["content-length", "transfer-encoding", "trailer"]);

export function isFraming(name: string): boolean {
  return FRAMING.has(name.toLowerCase());
}

/**
 * The fields as rewritten, with the framing fields of the original, in the places where the rewriter left fields of
 * their names and else at the end; with this length in place of the original's, if there is one.
 */
export function withFraming(fields: FieldList, original: FieldList, reframed: Reframing): FieldList {
  if (fields === original && reframed === null) return original;
  const framing = original.filter(([name]) => isFraming(name));
  const placed = fields.flatMap((field) => {
    if (!isFraming(field[0])) return [field];
    const at = framing.findIndex(([name]) => name.toLowerCase() === field[0].toLowerCase());
    return at < 0 ? [] : framing.splice(at, 1);
  });
  const all = [...placed, ...framing];
  if (reframed === null) return all;
  if (reframed.length === null) return all.filter(([name]) => !LENGTHS.has(name.toLowerCase()));
  return withLength(all, String(reframed.length));
}

/** In the place of the first field that said how long the body is, or at the end. */
function withLength(fields: FieldList, length: string): FieldList {
  const first = fields.findIndex(([name]) => LENGTHS.has(name.toLowerCase()));
  const [written] = fields[first] ?? [];
  const name = written?.toLowerCase() === "content-length" ? written : "content-length";
  const others = (from: number, to?: number): FieldList =>
    fields.slice(from, to).filter(([other]) => !LENGTHS.has(other.toLowerCase()));
  return first < 0
    ? [...fields, [name, length]]
    : [...others(0, first), [name, length], ...others(first + 1)];
}

/** Which fields a head has: those that it came with, or those that it is to have in their place. */
export function namesIn(head: Fields, fields: FieldList | null): FieldNames {
  if (fields === null) return head;
  return { has: (name) => fields.some(([other]) => other.toLowerCase() === name.toLowerCase()) };
}

/** The media type without its parameters, in lower case; empty if there is none. */
export function mediaTypeOf(head: Fields): string {
  return (head.get("content-type") ?? "").split(";", 1)[0]?.trim().toLowerCase() ?? "";
}
