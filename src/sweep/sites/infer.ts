/**
 * Route templates from paths alone. Segments that look like ids are told by their looks (core/route-template.ts); names that people gave
 * are told by their siblings: many different segments at one place, none of them common, all of them used alike.
 */
import { asPattern, isEntrance } from "../../core/route-template.js";
import { merged, treeOf, type Branch, type SeenPath } from "./paths.js";
import { areOperations, isBareWord, isPluralWord, isWord } from "./words.js";

/** So many different segments at one place may be names; fewer are as well written out. */
const SIBLINGS_MIN = 8;
/** Names that differ in a number alone, such as `job-17`, need fewer. */
const NUMBERED_MIN = 3;
/** No name is in more of the paths than that. */
const SHARE_MAX = 1 / 3;
/** How alike names are used at least; see `likeness`. Traffic that touches each name once or twice shows little of it. */
const LIKENESS_MIN = 0.1;
/** Words that are used so much less like the names beside them than the names are belong to the route. */
const UNLIKE = 0.4;
/** And those that many places have belong to it too, unless they are used as the names are: `default` may be one. */
const LIKE = 0.5;
const PLACES_MIN = 3;
const PLACES_SHARE_MIN = 0.05;

/** Templates of all these paths, most particular first: each path is of the first that it fits. */
export function inferTemplates(seen: Iterable<SeenPath>): string[] {
  const templates: string[] = [];
  collect(treeOf(seen), [], templates);
  return templates;
}

function collect(branch: Branch, before: readonly string[], into: string[]): void {
  const children = settled([...branch.children.values()].sort(byKey), before);
  // Words first, then what varies: a path fits its own template before any that is wider.
  for (const child of children) {
    const segments = [...before, child.varies ? child.key : asPattern(child.key)];
    if (child.methods.size > 0) into.push(segments.join("/"));
    collect(child, segments, into);
  }
}

/** Words, then patterns such as `app.*.js`, then whole segments. */
function byKey(a: Branch, b: Branch): number {
  return width(a) - width(b) || (a.key < b.key ? -1 : 1);
}

function width({ key, varies }: Branch): number {
  return !varies ? 0 : key.startsWith(":") ? 2 : 1;
}

/** The branches at one place, with those made one that are values of one parameter. */
function settled(children: readonly Branch[], before: readonly string[]): Branch[] {
  const words = numbered(children.filter((child) => !child.varies));
  const names = namesAmong(words, children, before);
  const kept = words.filter((word) => !names.includes(word) && !word.varies && !isStray(word, children));
  const files = children.filter((child) => width(child) === 1);
  const varying = [...children, ...words].filter((child) => width(child) === 2 || isStray(child, children));
  const [only] = varying;
  if (names.length > 0) return [...kept, ...files, merged(nameOf(names), [...names, ...varying])];
  // Ids of one place may look different: eight figures of hexadecimal may all be decimal.
  if (varying.length > 1) return [...kept, ...files, merged(":id", varying)];
  return only === undefined ? [...kept, ...files] : [...kept, ...files, only];
}

/** A token that happens to look like a word, beside others that do not. */
function isStray({ key, varies }: Branch, beside: readonly Branch[]): boolean {
  const isOdd = !varies && /^[0-9A-Za-z_]{14,}$/u.test(key) && /[a-z]/u.test(key) && /[A-Z]{2}/u.test(key);
  return isOdd && beside.some((other) => other.key === ":id");
}

/** `*.json` where all of them are such files. */
function nameOf(names: readonly Branch[]): string {
  const endings = new Set(names.map(({ key }) => /\.[a-z][0-9a-z]{1,5}$/u.exec(key)?.[0] ?? ""));
  const [ending = ""] = endings;
  return endings.size === 1 && ending !== "" ? `*${ending}` : ":x";
}

/** Names that are alike but for their figures are one: `job-1`, `job-2`, `job-17`. */
function numbered(words: readonly Branch[]): Branch[] {
  const groups = new Map<string, Branch[]>();
  for (const word of words) {
    const shape =
      /[_.~-]\d+$/u.test(word.key) && !isWord(word.key) ? word.key.replace(/\d+$/u, "#") : word.key;
    groups.set(shape, [...(groups.get(shape) ?? []), word]);
  }
  return [...groups.values()].flatMap((group) =>
    group.length >= NUMBERED_MIN ? [merged(":id", group)] : group,
  );
}

/** Those of the words that are values of one parameter; none if they are not. */
function namesAmong(words: readonly Branch[], all: readonly Branch[], before: readonly string[]): Branch[] {
  if (isEntrance([...before, "x"], before.length)) return [];
  const paths = new Set(all.flatMap((child) => [...child.paths])).size;
  const places = new Set(all.flatMap((child) => [...child.behind])).size;
  const open = words.filter((word) => !word.varies && word.key !== "" && !isWord(word.key));
  const fresh = freshInEach(open, all);
  if (fresh.length > 0) return fresh;
  const free = open.filter((word) => !isEverywhere(word, places) && word.paths.size <= paths * SHARE_MAX);
  if (free.length < SIBLINGS_MIN || areOperations(free.map(({ key }) => key))) return [];
  const use = new Use(free);
  if (use.likeness < LIKENESS_MIN) return [];
  const names = free.filter(
    (word) => !isPluralWord(word.key) && !(isBareWord(word.key) && use.likenessOf(word) < UNLIKE * use.mean),
  );
  if (names.length < SIBLINGS_MIN) return [];
  // One use alone is no likeness: names and operations have `GET` in common.
  const alike = (word: Branch): boolean => {
    const { shared, own } = use.common(word);
    return shared > 1 && own === 0 && use.likenessOf(word) >= LIKE;
  };
  return [...names, ...open.filter((word) => !free.includes(word) && alike(word))];
}

/**
 * Words that one run alone has, where each run has as many of them: they were drawn anew, and are nobody's words. None where there is one
 * run, or where they are not alike in that.
 */
function freshInEach(words: readonly Branch[], all: readonly Branch[]): Branch[] {
  const runs = new Set(all.flatMap((child) => [...child.runs]));
  const fresh = words.filter((word) => word.runs.size === 1);
  const counts = [...runs].map((run) => fresh.filter((word) => word.runs.has(run)).length);
  const isEven = counts.every((count) => count > 0 && count === counts[0]);
  return runs.size > 1 && isEven ? fresh : [];
}

/** `issues` of `/repos/:x/:x/issues` is seen behind many a repository, and the name of a branch behind one or two. */
function isEverywhere(word: Branch, places: number): boolean {
  return word.behind.size >= PLACES_MIN && word.behind.size >= places * PLACES_SHARE_MIN;
}

/**
 * How branches are used: what one has is a method together with the number of segments behind it. Values of one parameter have the
 * same, as far as they were seen; operations have each their own.
 */
class Use {
  /** The share of branches that have it. */
  readonly #shares = new Map<string, number>();
  /** From 0 to 1: the mean share of branches that have what one of them has. */
  readonly likeness: number;
  /** That of one branch with all, in the mean. */
  readonly mean: number;

  constructor(branches: readonly Branch[]) {
    for (const branch of branches)
      for (const one of usesOf(branch))
        this.#shares.set(one, (this.#shares.get(one) ?? 0) + 1 / branches.length);
    const shares = [...this.#shares.values()];
    this.likeness = shares.reduce((sum, share) => sum + share ** 2, 0) / this.#whole();
    this.mean = branches.reduce((sum, branch) => sum + this.likenessOf(branch), 0) / branches.length;
  }

  /** The part of all that is commonly used that this one has. */
  likenessOf(branch: Branch): number {
    let sum = 0;
    for (const one of usesOf(branch)) sum += this.#shares.get(one) ?? 0;
    return sum / this.#whole();
  }

  /** Uses of this one that some of those have as well, and uses that none of them has. */
  common(branch: Branch): { readonly shared: number; readonly own: number } {
    const uses = [...usesOf(branch)];
    const shared = uses.filter((one) => this.#shares.has(one)).length;
    return { shared, own: uses.length - shared };
  }

  #whole(): number {
    return [...this.#shares.values()].reduce((sum, share) => sum + share, 0) || 1;
  }
}

function usesOf(branch: Branch): Set<string> {
  const uses = new Set<string>();
  const walk = (at: Branch, depth: number): void => {
    for (const method of at.methods) uses.add(`${method} ${depth}`);
    for (const child of at.children.values()) walk(child, depth + 1);
  };
  walk(branch, 0);
  return uses;
}
