/** Writes the routes that were found into the text of a run file, so that they can be corrected there; all else stays as it was. */
import { isMap, isScalar, isSeq, parseDocument, stringify, type Pair } from "yaml";
import { mostParticularFirst } from "../sites/routes.js";

export interface EditedRoutes {
  readonly text: string;
  /** Templates that were not in the file. */
  readonly added: readonly string[];
}

/**
 * Adds the templates to `routes:`, behind those that stand there; `text` is null where there is no file yet. What is there already keeps
 * its place, since the first that fits a path counts. Throws SyntaxError where the text is no mapping.
 */
export function withRoutes(text: string | null, found: readonly string[]): EditedRoutes {
  const before = text ?? "";
  const document = parseDocument(before);
  const [error] = document.errors;
  if (error !== undefined) throw new SyntaxError(error.message);
  const { contents } = document;
  if (contents !== null && !isMap(contents)) throw new SyntaxError("expected settings (a mapping)");
  const pair = contents?.items.find(({ key }) => isScalar(key) && key.value === "routes");
  const known = valuesOf(pair);
  const added = mostParticularFirst(found).filter((template) => !known.includes(template));
  if (added.length === 0) return { text: before, added };
  if (pair === undefined) {
    const end = before === "" || before.endsWith("\n") ? "" : "\n";
    return { text: `${before}${end}${stringify({ routes: added }, { lineWidth: 0 })}`, added };
  }
  const [from, to] = rangeOf(pair);
  const block = stringify({ routes: [...known, ...added] }, { lineWidth: 0 });
  // A list of lines has the end of its last line in it.
  const whole = before.slice(0, to).endsWith("\n") ? block : block.trimEnd();
  return { text: before.slice(0, from) + whole + before.slice(to), added };
}

function valuesOf(pair: Pair | undefined): readonly string[] {
  if (pair === undefined) return [];
  const items = isSeq(pair.value) ? pair.value.items : [pair.value];
  return items.flatMap((item) =>
    isScalar(item) && item.value !== null && item.value !== undefined ? [String(item.value)] : [],
  );
}

/** From the key to the end of the value, without what stands behind it on its line. */
function rangeOf({ key, value }: Pair): readonly [from: number, to: number] {
  const [from = 0, behind = 0] = isScalar(key) ? (key.range ?? []) : [];
  const to = isSeq(value) || isScalar(value) ? (value.range?.[1] ?? behind) : behind;
  return [from, Math.max(to, behind)];
}

/** Templates that somebody may want to correct: those in which something varies. */
export function varying(templates: Iterable<string>): string[] {
  return [...new Set(templates)].filter((template) => /(?<=\/):|\*/u.test(template));
}
