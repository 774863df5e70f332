/** Writes the routes that were found into the text of a run file, so that they can be corrected there; all else stays as it was. */
import { isSeq, parseDocument, YAMLSeq } from "yaml";
import { mostParticularFirst } from "../sites/routes.js";

export interface EditedRoutes {
  readonly text: string;
  /** Templates that were not in the file. */
  readonly added: readonly string[];
}

/**
 * Adds the templates to `routes:`, behind those that stand there; `text` is null where there is no file yet. What is there already keeps
 * its place, since the first that fits a path counts. Throws where the text is no mapping.
 */
export function withRoutes(text: string | null, found: readonly string[]): EditedRoutes {
  const document = parseDocument(text ?? "");
  const [error] = document.errors;
  if (error !== undefined) throw new SyntaxError(error.message);
  const before = document.get("routes");
  const known = isSeq(before)
    ? before.items.map((item) => String(item))
    : before === undefined || before === null
      ? []
      : [String(before)];
  const added = mostParticularFirst(found).filter((template) => !known.includes(template));
  if (added.length === 0) return { text: text ?? "", added };
  if (isSeq(before)) for (const template of added) before.add(document.createNode(template));
  else {
    const list = new YAMLSeq();
    for (const template of [...known, ...added]) list.add(document.createNode(template));
    document.set("routes", list);
  }
  return { text: document.toString({ lineWidth: 0 }), added };
}

/** Templates that somebody may want to correct: those in which something varies. */
export function varying(templates: Iterable<string>): string[] {
  return [...new Set(templates)].filter((template) => /(?<=\/):|\*/u.test(template));
}
