/**
 * A schema's judgement of a located tree: zod decides what is right, and this says what is wrong in the
 * user's words, at the place where it was written.
 */
import { z } from "zod";
import { didYouMean, suggest } from "../core/suggest.js";
import { oneOf, shown } from "../faults/params.js";
import { toPlain, under, type Located, type LocatedScalar, type Place } from "./located.js";
import type { Problems } from "./problems.js";

type Issue = z.core.$ZodIssue;

/** What a schema made of a node, or undefined after a problem (or where a hole kept it from judging). */
export function check<T>(schema: z.ZodType<T>, node: Located, problems: Problems): T | undefined {
  const outcome = parse(schema, node);
  if (outcome.success) return outcome.data;
  const meant = misspeltOf(outcome.issues, schema, node);
  for (const issue of outcome.issues)
    if (!meant.has(JSON.stringify(issue.path.map(String)))) report(issue, schema, node, problems);
  return undefined;
}

/**
 * The keys that a mapping lacks and seems to have under a misspelt name. That is one mistake, told where it was made: nobody is told
 * besides that the right name is missing.
 */
export function misspelt(given: Iterable<string>, known: readonly string[]): ReadonlySet<string> {
  const names = new Set(given);
  const meant = [...names].flatMap((name) => (known.includes(name) ? [] : (suggest(name, known) ?? [])));
  return new Set(meant.filter((name) => !names.has(name)));
}

/** The places of such keys, of those whose misspelt names are told among these issues. */
function misspeltOf(issues: readonly Issue[], schema: z.ZodType, node: Located): ReadonlySet<string> {
  return new Set(
    issues.flatMap((issue) => {
      if (issue.code !== "unrecognized_keys") return [];
      const map = walk(node, issue.path).node;
      if (map?.kind !== "map") return [];
      const path = issue.path.map(String);
      return [...misspelt(map.entries.keys(), keysOf(schemaAt(schema, issue.path)))].map((key) =>
        JSON.stringify([...path, key]),
      );
    }),
  );
}

type Outcome<T> =
  | { readonly success: true; readonly data: T }
  | { readonly success: false; readonly issues: readonly Issue[] };

function parse<T>(schema: z.ZodType<T>, node: Located): Outcome<T> {
  const options = { error: words, reportInput: true };
  const outcome = schema.safeParse(toPlain(node), options);
  if (outcome.success) return outcome;
  const issues = flatten(outcome.error.issues);
  // `token: ${TOKEN}` with TOKEN=12345 is text, not a number: where text is wanted the characters count.
  const texts = issues
    .filter(wantsText)
    .map((issue) => walk(node, issue.path).node)
    .filter((found): found is LocatedScalar => found?.kind === "scalar" && found.raw !== undefined);
  if (texts.length === 0) return { success: false, issues };
  const again = schema.safeParse(toPlain(asText(node, new Set(texts))), options);
  if (again.success) return again;
  // What is still wrong is told as it was given, not as the text that was tried in its place.
  const place = (issue: Issue): string => JSON.stringify(issue.path.map(String));
  const before = new Map(issues.map((issue) => [place(issue), issue]));
  return {
    success: false,
    issues: flatten(again.error.issues).map((issue) => before.get(place(issue)) ?? issue),
  };
}

function wantsText(issue: Issue): boolean {
  if (issue.code === "invalid_type") return issue.expected === "string";
  return issue.code === "invalid_value" || issue.code === "invalid_union";
}

function asText(node: Located, texts: ReadonlySet<Located>): Located {
  if (node.kind === "scalar") return texts.has(node) ? { ...node, value: node.raw ?? node.value } : node;
  if (node.kind === "list") return { ...node, items: node.items.map((item) => asText(item, texts)) };
  const entries = [...node.entries].map(
    ([key, entry]) => [key, { ...entry, value: asText(entry.value, texts) }] as const,
  );
  return { ...node, entries: new Map(entries) };
}

/** Of a union, the one form that the user meant if that is clear; else the union's own message. */
function flatten(issues: readonly Issue[]): Issue[] {
  return issues.flatMap((issue): Issue[] => {
    if (issue.code !== "invalid_union") return [issue];
    const meant = issue.errors.filter((form) => !form.some(isAnotherForm));
    const [form] = meant;
    if (form === undefined || meant.length > 1) return [issue];
    return flatten(form.map((inner) => ({ ...inner, path: [...issue.path, ...inner.path] })));
  });
}

function isAnotherForm(issue: Issue): boolean {
  return issue.path.length === 0 && (issue.code === "invalid_type" || issue.code === "invalid_value");
}

function report(issue: Issue, schema: z.ZodType, node: Located, problems: Problems): void {
  const at = walk(node, issue.path);
  if (at.hole) return;
  if (issue.code === "unrecognized_keys" && at.node?.kind === "map") {
    const known = keysOf(schemaAt(schema, issue.path));
    for (const key of issue.keys) {
      const entry = at.node.entries.get(key);
      if (entry === undefined) continue;
      problems.add({ place: entry.place, path: under(at.path, key) }, "unknown key", hintFor(key, known));
    }
    return;
  }
  if (at.node === undefined) {
    const needed = issue.message.replace(/^expected /u, "").replace(/, got (?:nothing|undefined)$/u, "");
    problems.add(at, `is required: ${needed}`);
    return;
  }
  const origin =
    at.node.kind === "scalar" && at.node.origin !== undefined ? ` (the value of ${at.node.origin})` : "";
  problems.add(at, issue.message + origin, choiceHint(issue, at.node));
}

/** "Did you mean", or the words themselves while they are few enough to read. */
export function hintFor(word: string, known: readonly string[]): string | undefined {
  const meant = didYouMean(word, known);
  if (meant !== undefined || known.length === 0 || known.length > 24) return meant;
  return `known: ${known.join(", ")}`;
}

function choiceHint(issue: Issue, node: Located): string | undefined {
  if (node.kind !== "scalar") return undefined;
  if (issue.code === "invalid_value" && typeof node.value === "string") {
    return didYouMean(
      node.value,
      issue.values.filter((value) => typeof value === "string"),
    );
  }
  if (issue.code === "invalid_type" && issue.expected === "string" && typeof node.value === "number") {
    return issue.message.startsWith("expected text") ? "put it in quotes" : undefined;
  }
  return undefined;
}

interface Spot {
  readonly node: Located | undefined;
  readonly place: Place;
  readonly path: string;
  readonly hole: boolean;
}

/** Follows a path of keys as far as it goes; what is missing stands where its parent does. */
function walk(root: Located, path: readonly PropertyKey[]): Spot {
  let node = root;
  for (const [depth, step] of path.entries()) {
    const next =
      node.kind === "map"
        ? node.entries.get(String(step))?.value
        : node.kind === "list"
          ? node.items[Number(step)]
          : undefined;
    if (next === undefined) {
      const missing = path
        .slice(depth)
        .reduce<string>((at, key) => under(at, typeof key === "number" ? key : String(key)), node.path);
      return {
        node: undefined,
        place: node.place,
        path: missing,
        hole: node.kind === "scalar" && node.hole === true,
      };
    }
    node = next;
  }
  return { node, place: node.place, path: node.path, hole: hasHole(node) };
}

/** Whether something in this tree waits for a value. */
export function hasHole(node: Located): boolean {
  if (node.kind === "scalar") return node.hole === true;
  if (node.kind === "list") return node.items.some(hasHole);
  return [...node.entries.values()].some((entry) => hasHole(entry.value));
}

function schemaAt(schema: z.core.$ZodType, path: readonly PropertyKey[]): z.core.$ZodType | undefined {
  let at: z.core.$ZodType | undefined = unwrap(schema);
  for (const step of path) {
    if (at instanceof z.ZodObject) at = partOf(at.shape, String(step));
    else if (at instanceof z.ZodArray) at = at.element;
    else if (at instanceof z.ZodRecord) at = at.valueType;
    else return undefined;
    at = at && unwrap(at);
  }
  return at;
}

/** A key of a shape, and nothing that every object has. */
export function partOf(
  shape: Readonly<Record<string, z.core.$ZodType>>,
  key: string,
): z.core.$ZodType | undefined {
  return Object.hasOwn(shape, key) ? shape[key] : undefined;
}

/** Through defaults, options and unions to the part that has keys or elements. */
export function unwrap(schema: z.core.$ZodType): z.core.$ZodType {
  const def: unknown = schema._zod.def;
  if (typeof def !== "object" || def === null) return schema;
  if ("innerType" in def && def.innerType instanceof z.ZodType) return unwrap(def.innerType);
  if ("in" in def && def.in instanceof z.ZodType) return unwrap(def.in);
  if (schema instanceof z.ZodUnion) {
    const forms = schema.options.map((form) => unwrap(form));
    return (
      forms.find((form) => form instanceof z.ZodObject) ??
      forms.find((form) => form instanceof z.ZodArray) ??
      schema
    );
  }
  return schema;
}

export function keysOf(schema: z.core.$ZodType | undefined): string[] {
  return schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
}

const TYPE_WORDS: Readonly<Record<string, string>> = {
  string: "text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  object: "a mapping",
  record: "a mapping",
  array: "a list",
};

/** What zod says where a schema brings no words of its own. */
const words: z.core.$ZodErrorMap = (issue) => {
  const got = `got ${issue.input === null ? "nothing" : shown(issue.input)}`;
  switch (issue.code) {
    case "invalid_type":
      return `expected ${TYPE_WORDS[issue.expected] ?? issue.expected}, ${got}`;
    case "invalid_value":
      return `expected ${oneOf(issue.values.map(String))}, ${got}`;
    case "too_small":
      return sized(issue.origin, "at least", issue.minimum, got);
    case "too_big":
      return sized(issue.origin, "at most", issue.maximum, got);
    case "unrecognized_keys":
      return "unknown key";
    case "invalid_union":
      return `expected another form, ${got}`;
    default:
      return `is not as expected, ${got}`;
  }
};

function sized(origin: string, bound: string, limit: number | bigint, got: string): string {
  if (origin === "string") return `expected ${bound} ${limit} characters, ${got}`;
  if (origin === "array" || origin === "set")
    return `expected ${bound} ${limit} ${Number(limit) === 1 ? "entry" : "entries"}, ${got}`;
  return `must be ${bound} ${limit}, ${got}`;
}
