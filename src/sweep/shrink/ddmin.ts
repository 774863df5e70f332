/**
 * Delta debugging (Zeller and Hildebrandt, 2002), for what prefixes cannot tell: a program where less may fail though more does not. Nothing
 * is assumed but that all of it fails. Complements are tried before subsets, since most of what can go goes in pieces.
 */
import type { Fails } from "./prefixes.js";

/** A subset that fails and of which no single part can be left out: not the smallest there is, but 1-minimal. */
export async function ddmin(all: readonly number[], fails: Fails): Promise<readonly number[]> {
  let kept = all;
  let pieces = 2;
  while (kept.length >= 2) {
    const smaller = await reduced(kept, Math.min(pieces, kept.length), fails);
    if (smaller !== null) {
      pieces = Math.max(2, smaller.isComplement ? Math.min(pieces, kept.length) - 1 : 2);
      kept = smaller.kept;
    } else if (pieces >= kept.length) return kept;
    else pieces *= 2;
  }
  return kept;
}

interface Smaller {
  readonly kept: readonly number[];
  readonly isComplement: boolean;
}

async function reduced(all: readonly number[], count: number, fails: Fails): Promise<Smaller | null> {
  const bounds = Array.from({ length: count + 1 }, (_, index) => Math.round((index * all.length) / count));
  const pieces = bounds.slice(1).map((end, index) => ({ start: bounds[index] ?? 0, end }));
  // The last ones first: what came after the failure was never needed.
  for (const { start, end } of pieces.toReversed()) {
    const kept = [...all.slice(0, start), ...all.slice(end)];
    if (await fails(kept)) return { kept, isComplement: true };
  }
  // Of two pieces each is the other's complement.
  if (count === 2) return null;
  for (const { start, end } of pieces) {
    const kept = all.slice(start, end);
    if (await fails(kept)) return { kept, isComplement: false };
  }
  return null;
}
