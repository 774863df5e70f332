/** `draw`: the key of a subject, as a hash, by which a fault draws in place of the subject's number. */
import { headerOf, type DrawEntry } from "../config/draw.js";
import { hashOf, READ_MAX_BYTES } from "../core/digest.js";
import type { DrawBy } from "../pipeline/keyed-draws.js";
import type { SubjectInfo } from "../pipeline/subject-info.js";

export function compileDraw({ by, attempt }: DrawEntry): DrawBy {
  return { by, attempt: attempt === true, keyOf: keyOf(by) };
}

function keyOf(by: string): DrawBy["keyOf"] {
  const header = headerOf(by);
  if (header !== null) return ({ exchange }) => textHash(exchange?.headers(header).join(", "));
  switch (by) {
    case "path":
      return ({ exchange }) => textHash(exchange?.path);
    case "name":
      return ({ query }) => textHash(query?.name);
    default:
      return (subject, payload) => {
        const body = payload ?? bodyOf(subject);
        return body === null ? null : bodyHash(body);
      };
  }
}

/** Of the key as text, in UTF-8. An empty one is none. */
export function textHash(key: string | undefined): string | null {
  return key === undefined || key === "" ? null : hashOf(key);
}

/** As bodies are told apart everywhere: by their first 4 KiB and their length. */
export function bodyHash(body: Buffer): string {
  return hashOf(body.subarray(0, READ_MAX_BYTES), String(body.length));
}

/** A request is decided about at its head: its body is known where all of it came with that. */
function bodyOf({ exchange }: SubjectInfo): Buffer | null {
  const body = exchange?.bodyAhead?.() ?? null;
  return body === null || body.length === 0 ? null : body;
}
