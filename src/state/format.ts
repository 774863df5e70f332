/**
 * The state file: its form, from text to checked values and back. JSON, because it is quick to write; read as YAML
 * where it is no JSON any more, because somebody's comment or a comma too many should be told with its place.
 */
import { z } from "zod";
import { child, locate, SourceText, type Located } from "../config/located.js";
import { Problems } from "../config/problems.js";
import { text } from "../config/shapes.js";
import { readDocuments } from "../config/source.js";
import { check } from "../config/validate.js";
import { choice, count, flag, shown } from "../faults/params.js";

/** Grows with every change after which an older Squall would misread the file. */
export const STATE_VERSION = 1;

const MARK = "squall_state";

/** What the API made of a setting of the file, and what the file said when it did. */
function changedFrom<T extends z.ZodType>(value: T): z.ZodOptional<z.ZodObject<{ file: T; now: T }>> {
  return z.strictObject({ file: value, now: value }).optional();
}

const toxics = (): z.ZodArray<z.ZodUnknown> => z.array(z.unknown());
const words = (): z.ZodString => text().min(1, { error: 'expected a text that is not empty, got ""' });

const profileShape = z.strictObject({
  profile: words(),
  /** Line by line, since people read it. */
  text: z.array(text()),
});

const proxyShape = z.strictObject({
  proxy: words(),
  listen: text(),
  /** Where it was asked to listen, if that was any free port. */
  asked: text().optional(),
  upstream: text(),
  enabled: flag(),
  /** The file has a proxy of that name as well, and had it when this one took its place. */
  over_file: flag().default(false),
  /** All but its addresses is as the file has it. */
  rest_from_file: flag().default(false),
  toxics: toxics(),
});

const changeShape = z.strictObject({
  proxy: words(),
  listen: changedFrom(text()),
  asked: text().optional(),
  upstream: changedFrom(text()),
  enabled: changedFrom(flag()),
  toxics: changedFrom(toxics()),
});

const removalShape = z.strictObject({ proxy: words(), listen: text(), upstream: text() });

const activationShape = z.strictObject({
  id: words(),
  /** One of both. */
  profile: words().optional(),
  faults: z.array(z.unknown()).optional(),
  params: z.record(z.string(), z.unknown()).default({}),
  seed: count(),
  /** Somebody gave that seed. */
  seeded: flag().default(true),
  proxies: z.array(words()).optional(),
  mode: choice(["inject", "observe"]).default("inject"),
  started: z.string({ error: "expected a time" }).refine((value) => Number.isFinite(Date.parse(value)), {
    error: (issue) => `expected a time such as 2026-03-01T14:03:07.120Z, got ${shown(issue.input)}`,
  }),
  /** From `started` on, whether the daemon runs or not. */
  ttl_ms: z.number().positive().optional(),
});

const activeShape = z.strictObject({
  /** What `activate` wanted when the API had its way. */
  activate: z.array(z.unknown()),
  activations: z.array(activationShape),
});

const ENTRIES = {
  profile: profileShape,
  proxy: proxyShape,
  change: changeShape,
  removal: removalShape,
  activation: activationShape,
} as const;

const leftOutShape = z.strictObject({
  what: choice(["profile", "proxy", "change", "removal", "activation"]),
  why: text(),
  entry: z.unknown(),
});

const stateShape = z.strictObject({
  [MARK]: z.literal(STATE_VERSION),
  by: text().optional(),
  seed: count(),
  profiles: z.array(profileShape).default([]),
  proxies: z.array(proxyShape).default([]),
  changed: z.array(changeShape).default([]),
  removed: z.array(removalShape).default([]),
  active: activeShape.nullable().default(null),
  unrestored: z.array(leftOutShape).default([]),
});

export type KeptProfile = z.output<typeof profileShape>;
export type KeptProxy = z.output<typeof proxyShape>;
export type KeptChange = z.output<typeof changeShape>;
export type KeptRemoval = z.output<typeof removalShape>;
export type KeptActivation = z.output<typeof activationShape>;
export type KeptActive = z.output<typeof activeShape>;

/** Something that could not be restored, and stays in the file until somebody says otherwise. */
export type LeftOut = { readonly why: string } & (
  | { readonly what: "profile"; readonly entry: KeptProfile }
  | { readonly what: "proxy"; readonly entry: KeptProxy }
  | { readonly what: "change"; readonly entry: KeptChange }
  | { readonly what: "removal"; readonly entry: KeptRemoval }
  | { readonly what: "activation"; readonly entry: KeptActivation }
);

/** All that is kept. Without what the configuration says by itself. */
export interface State {
  /** Of toxics, and of the names of opaque tokens: drawn once, if the configuration gives none. */
  readonly seed: number;
  readonly profiles: readonly KeptProfile[];
  readonly proxies: readonly KeptProxy[];
  readonly changed: readonly KeptChange[];
  readonly removed: readonly KeptRemoval[];
  /** null while nobody but the configuration has switched anything on or off. */
  readonly active: KeptActive | null;
  readonly unrestored: readonly LeftOut[];
}

/** What an entry is about, for messages. */
export function nameOf(left: LeftOut): string {
  switch (left.what) {
    case "profile":
      return left.entry.profile;
    case "activation":
      return left.entry.id;
    default:
      return left.entry.proxy;
  }
}

export function writeState(state: State, by: string): string {
  const { seed, ...rest } = state;
  return `${JSON.stringify({ [MARK]: STATE_VERSION, by, seed, ...rest }, null, 2)}\n`;
}

/** A state may hold thousands of profiles; somebody has written it who may write it anyway. */
const LIMITS = { bytes: 2 ** 26, depth: 64, nodes: 5_000_000, tokens: 20_000_000, documents: 2 };
const HINT = "mend it, or move it away to start without it";

/** Throws SQ_INVALID_STATE with everything that is wrong and where it stands. */
export function readState(written: string, file: string): State {
  const quick = plainly(written);
  if (quick !== null) {
    const state = stateOf(locate(quick, file), new Problems());
    if (state !== null) return state;
  }
  const problems = new Problems();
  const tree = treeOf(written, file, problems);
  const state = problems.count > 0 || tree === null ? null : stateOf(tree, problems);
  if (state === null || problems.count > 0) throw problems.error("SQ_INVALID_STATE");
  return state;
}

function plainly(written: string): unknown {
  try {
    return JSON.parse(written) as unknown;
  } catch {
    return null;
  }
}

function treeOf(written: string, file: string, problems: Problems): Located | null {
  const [document, second] = readDocuments(written, file, problems, LIMITS);
  if (problems.count > 0) return null;
  if (second !== undefined) problems.add(second.tree, "expected one document, got a second one", HINT);
  if (document !== undefined) return document.tree;
  problems.add(
    { place: { text: new SourceText(file, written), offset: 0 }, path: "" },
    "expected the state that Squall wrote, got an empty file",
    HINT,
  );
  return null;
}

function stateOf(tree: Located, problems: Problems): State | null {
  const mark = child(tree, MARK);
  const version = mark?.kind === "scalar" ? mark.value : undefined;
  if (typeof version === "number" && version > STATE_VERSION) {
    problems.add(
      mark ?? tree,
      `expected version ${STATE_VERSION}, got ${version}: a newer Squall wrote this file`,
      "start that Squall, or move the file away to start without it",
    );
    return null;
  }
  if (version !== STATE_VERSION) {
    problems.add(mark ?? tree, `expected a state file of Squall, with "${MARK}": ${STATE_VERSION}`, HINT);
    return null;
  }
  const found = check(stateShape, tree, problems);
  if (found === undefined) return null;
  const unrestored = found.unrestored.flatMap((left, index) => leftOutOf(left, index, tree, problems));
  if (problems.count > 0) return null;
  const { seed, profiles, proxies, changed, removed, active } = found;
  return { seed, profiles, proxies, changed, removed, active, unrestored };
}

function leftOutOf(
  { what, why }: z.output<typeof leftOutShape>,
  index: number,
  tree: Located,
  problems: Problems,
): LeftOut[] {
  const list = child(tree, "unrestored");
  const item = list?.kind === "list" ? list.items[index] : undefined;
  const entry = child(item, "entry");
  if (entry === undefined) {
    problems.add(item ?? tree, "expected an entry");
    return [];
  }
  const checked: unknown = check<unknown>(ENTRIES[what], entry, problems);
  return checked === undefined ? [] : [{ what, why, entry: checked } as LeftOut];
}
