/** Which calls of a site are worth a fault of their own: the same call in another state is another case. */
import type { Ordinal } from "../contract/case.js";
import type { Site } from "../contract/site.js";

export const ALL: Ordinal = { word: "all", nth: null };

/** More of one site are not tried one by one, even where all are asked for. */
const WHOLE_MAX = 50;

/**
 * First, second and last where the fault-free runs agree on how many there are; where they do not, first and second as far as each of
 * them has these; at a site that some run does not have, the first. With `whole` all that each run has.
 */
export function ordinalsOf({ steadiness, counts }: Site, whole = false): readonly Ordinal[] {
  const least = steadiness === "rare" ? 1 : Math.max(1, Math.min(...counts));
  const words: Ordinal[] = [{ word: "first", nth: 1 }];
  if (least >= 2) words.push({ word: "second", nth: 2 });
  if (whole) for (let nth = 3; nth < Math.min(least, WHOLE_MAX); nth++) words.push({ word: "nth", nth });
  if (least >= 3 && (steadiness === "stable" || whole)) words.push({ word: "last", nth: least });
  return words;
}
