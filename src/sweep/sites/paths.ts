/** Paths that were seen, as a tree of their segments: what looks like an id is one branch, and words are one each. */
import { templateOf } from "../../core/route-template.js";

export interface SeenPath {
  readonly method: string;
  /** As it was sent, without a query. */
  readonly path: string;
  /** Which of the fault-free runs it was seen in; all in one if nobody says. */
  readonly run?: number;
}

/** A place in paths, behind all that led there. */
export interface Branch {
  /** The segment, or its placeholder. */
  readonly key: string;
  /** Whether many segments may stand here. */
  readonly varies: boolean;
  readonly children: Map<string, Branch>;
  /** Methods of the paths that end here. */
  readonly methods: Set<string>;
  /** The paths up to here, as they were sent, without this segment: for a word, behind how many different things it was seen. */
  readonly behind: Set<string>;
  /** Whole paths that go through here, whatever their methods. */
  readonly paths: Set<string>;
  /** The runs that they were seen in. */
  readonly runs: Set<number>;
}

export function newBranch(key: string, varies: boolean): Branch {
  return {
    key,
    varies,
    children: new Map(),
    methods: new Set(),
    behind: new Set(),
    paths: new Set(),
    runs: new Set(),
  };
}

/** The tree of all paths; its order has nothing to do with that in which they came. */
export function treeOf(seen: Iterable<SeenPath>): Branch {
  const root = newBranch("", false);
  for (const { method, path, run = 0 } of seen) {
    const segments = path.split("/");
    const keys = templateOf(path).split("/");
    let at = root;
    let before = "";
    keys.forEach((key, index) => {
      const segment = segments[index] ?? "";
      const next = at.children.get(key) ?? newBranch(key, /^:|\*/u.test(key));
      at.children.set(key, next);
      next.behind.add(before);
      next.paths.add(path);
      next.runs.add(run);
      before += `/${segment}`;
      at = next;
    });
    at.methods.add(method);
  }
  return root;
}

/** One branch for several, with all that is below them. */
export function merged(key: string, branches: readonly Branch[]): Branch {
  const whole = newBranch(key, true);
  for (const branch of branches) fill(whole, branch);
  return whole;
}

function fill(into: Branch, from: Branch): void {
  for (const method of from.methods) into.methods.add(method);
  for (const path of from.behind) into.behind.add(path);
  for (const path of from.paths) into.paths.add(path);
  for (const run of from.runs) into.runs.add(run);
  for (const [key, child] of from.children) {
    const known = into.children.get(key);
    if (known === undefined) into.children.set(key, copied(child));
    else fill(known, child);
  }
}

function copied(branch: Branch): Branch {
  const copy = newBranch(branch.key, branch.varies);
  fill(copy, branch);
  return copy;
}
