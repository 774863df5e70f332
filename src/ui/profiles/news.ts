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
  // Not the text alone: what it extends may have changed, and with it what it does.
  if (JSON.stringify(before) === JSON.stringify(now)) return null;
  const params = new Set(now.params.map(({ name }) => name));
  const lost = [...filledIn].filter(([param, value]) => value.trim() !== "" && !params.has(param));
  return { is: "changed", lost: lost.map(([param]) => param) };
}
