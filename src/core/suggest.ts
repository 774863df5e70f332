/** "Did you mean": the nearest of the words that would have been right. */
import { closest, distance } from "fastest-levenshtein";

/** The candidate that a typing mistake most likely stands for, or undefined when none is near. */
export function suggest(word: string, candidates: readonly string[]): string | undefined {
  if (candidates.length === 0 || word.length === 0 || word.length > 64) return undefined;
  const plain = word.toLowerCase().replaceAll("-", "_");
  const best = closest(plain, [...candidates]);
  const allowed = Math.max(1, Math.floor(plain.length / 3));
  if (distance(plain, best.toLowerCase().replaceAll("-", "_")) <= allowed) return best;
  return candidates.find((candidate) => plain.length >= 4 && candidate.startsWith(plain));
}

export function didYouMean(word: string, candidates: readonly string[]): string | undefined {
  const best = suggest(word, candidates);
  return best === undefined ? undefined : `did you mean ${JSON.stringify(best)}?`;
}
