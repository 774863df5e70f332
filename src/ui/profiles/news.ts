/** What became of a profile while somebody looked at it: nobody should switch on another one than he has read. Pure. */
import type { ProfileDetail } from "./answers.js";

export type News =
  /** `lost`: what was filled in for params that it has no more. */
  { readonly is: "changed"; readonly lost: readonly string[] } | { readonly is: "gone" };

/** Null where nothing did. */
export function newsOf(
  before: ProfileDetail,
  now: ProfileDetail,
  filledIn: ReadonlyMap<string, string>,
): News | null {
  if (readOf(before) === readOf(now)) return null;
  const params = new Set(now.params.map(({ name }) => name));
  const lost = [...filledIn].filter(([param, value]) => value.trim() !== "" && !params.has(param));
  return { is: "changed", lost: lost.map(([param]) => param) };
}

/** Not the text alone: what it extends may have changed, and with it what it does. Nor all of the answer: that it is on is no change. */
function readOf({ summary, text, params, explanation, course }: ProfileDetail): string {
  return JSON.stringify([summary, text, params, explanation, course]);
}
