/** Heads that were rewritten: whatever a fault made of the fields, those that frame the message stay what they must be. */
import type { FieldList } from "../../faults/contract.js";
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

/** The fields as rewritten, with the framing fields of the original, or with this length in place of its own. */
export function withFraming(fields: FieldList, original: FieldList, reframed: Reframing): FieldList {
  const framing = original.filter(([name]) => isFraming(name));
  const result: (readonly [string, string])[] = [];
  let given = false;
  let said = false;
  const give = (): void => {
    if (given) return;
    given = true;
    for (const field of framing) {
      if (reframed !== null && LENGTHS.has(field[0].toLowerCase())) {
        if (!said) result.push(["content-length", String(reframed.length)]);
        said = true;
      } else {
        result.push(field);
      }
    }
  };
  if (fields === original && reframed === null) return original;
  for (const field of fields) {
    if (!isFraming(field[0])) {
      result.push(field);
      continue;
    }
    // In the places where they stood, as long as they stand there.
    const at = framing.findIndex(([name]) => name.toLowerCase() === field[0].toLowerCase());
    if (at < 0) continue;
    const [kept] = framing.splice(at, 1);
    if (kept === undefined) continue;
    if (reframed === null || !LENGTHS.has(kept[0].toLowerCase())) result.push(kept);
    else if (!said) {
      said = true;
      result.push([
        kept[0].toLowerCase() === "content-length" ? kept[0] : "content-length",
        String(reframed.length),
      ]);
    }
  }
  give();
  if (reframed !== null && !said) result.push(["content-length", String(reframed.length)]);
  return result;
}

/** The media type without its parameters, in lower case; empty if there is none. */
export function mediaTypeOf(head: Fields): string {
  return (head.get("content-type") ?? "").split(";", 1)[0]?.trim().toLowerCase() ?? "";
}
