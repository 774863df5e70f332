/** Which members of a pool a fault is about, and what faults on pools have in common. */
import { z } from "zod";
import type { FaultUse, Upstream } from "./contract/index.js";
import { shown } from "./params.js";

/** Stands for all members of the pool. */
export const ALL = "*";

/** The name of an upstream, as the configuration gives it. */
export function upstreamName(): z.ZodString {
  const error = (issue: { input?: unknown }): string =>
    `expected the name of an upstream, got ${shown(issue.input)}`;
  return z.string({ error }).min(1, { error });
}

export function upstreamNames(): z.ZodDefault<z.ZodArray<z.ZodString>> {
  return z
    .array(upstreamName(), {
      error: (issue) => `expected a list of upstreams' names, got ${shown(issue.input)}`,
    })
    .min(1, { error: () => "expected at least one name, got none" })
    .default([ALL]);
}

/** Those of the pool that are meant, in the order in which they were named; in the pool's for all. */
export function targetsIn(names: readonly string[], pool: readonly Upstream[]): readonly Upstream[] {
  if (names.includes(ALL)) return pool;
  return [...new Set(names)].flatMap((name) => pool.filter((upstream) => upstream.name === name));
}

/** The pool without those; the same array if none of them is in it. */
export function without(
  pool: readonly Upstream[],
  out: (upstream: Upstream) => boolean,
): readonly Upstream[] {
  return pool.some(out) ? pool.filter((upstream) => !out(upstream)) : pool;
}

export function namesOf(names: readonly string[]): string {
  if (names.includes(ALL)) return "all upstreams";
  return names.length === 1
    ? String(names[0])
    : `${names.slice(0, -1).join(", ")} and ${String(names.at(-1))}`;
}

type Mistake = { readonly path: string; readonly message: string } | undefined;

/** A pool has one such fault, so there is nothing to match, to draw or to count before it. */
export function refuseNarrowed({ narrowed }: Pick<FaultUse<unknown>, "narrowed">): Mistake {
  return narrowed
    ? {
        path: "match",
        message: "it acts on the pool as a whole: match, except, probability and counters do not apply to it",
      }
    : undefined;
}
