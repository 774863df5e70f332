/** "Did you mean": the nearest of the words that would have been right. */
import { closest, distance } from "fastest-levenshtein";

/** The candidate that a typing mistake most likely stands for, or undefined when none is near. */
export function suggest(word: string, candidates: readonly string[]): string | undefined {
  if (candidates.length === 0 || word.length < 2 || word.length > 64) return undefined;
  const plain = folded(word);
  const best = closest(plain, [...candidates]);
  const allowed = Math.max(1, Math.floor(plain.length / 3));
  if (distance(plain, folded(best)) <= allowed) return best;
  const swapped = candidates.find((candidate) => isSwap(plain, folded(candidate)));
  return swapped ?? candidates.find((candidate) => plain.length >= 4 && candidate.startsWith(plain));
}

function folded(word: string): string {
  return word.toLowerCase().replaceAll("-", "_");
}

/** Two neighbours have changed places: one slip of the fingers that the distance counts as two. */
function isSwap(a: string, b: string): boolean {
  if (a.length !== b.length) return false;
  const at = [...a].findIndex((letter, index) => letter !== b[index]);
  return at >= 0 && a[at] === b[at + 1] && a[at + 1] === b[at] && a.slice(at + 2) === b.slice(at + 2);
}

export function didYouMean(word: string, candidates: readonly string[]): string | undefined {
  const best = suggest(word, candidates);
  return best === undefined ? undefined : `did you mean ${JSON.stringify(best)}?`;
}
