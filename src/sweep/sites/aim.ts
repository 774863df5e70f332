/** Whom the faults of a site are aimed at, and how alike its calls were in the fault-free runs. */
import type { Steadiness } from "../contract/site.js";
import { botPattern, byName } from "./bots.js";

export interface Aim {
  readonly bot: string;
  readonly bots: readonly string[];
  readonly steadiness: Steadiness;
  readonly counts: readonly number[];
}

/** Whom faults are aimed at: the first bot of the class whose calls are the steadiest; all of them if their names are new in each run. */
export function aimOf<T extends { readonly bot: string }>(
  perRun: readonly (readonly T[])[],
  botClass: string,
  weigh: (one: T) => number = () => 1,
): Aim {
  const countsBy = new Map<string, number[]>();
  perRun.forEach((run, index) => {
    for (const one of run) {
      const counts = countsBy.get(one.bot) ?? perRun.map(() => 0);
      counts[index] = (counts[index] ?? 0) + weigh(one);
      countsBy.set(one.bot, counts);
    }
  });
  const bots = [...countsBy.keys()].sort(byName);
  const whole = perRun.map((run) => run.reduce((sum, one) => sum + weigh(one), 0));
  const ranked = bots
    .map((bot) => ({ bot, counts: countsBy.get(bot) ?? [] }))
    .sort((a, b) => RANK[steadinessOf(a.counts)] - RANK[steadinessOf(b.counts)] || byName(a.bot, b.bot));
  const [best] = ranked;
  const newEachTime =
    best === undefined || (steadinessOf(best.counts) === "rare" && steadinessOf(whole) !== "rare");
  if (!newEachTime)
    return { bot: best.bot, bots, steadiness: steadinessOf(best.counts), counts: best.counts };
  return { bot: botPattern(botClass), bots, steadiness: steadinessOf(whole), counts: whole };
}

const RANK: Readonly<Record<Steadiness, number>> = { stable: 0, wavering: 1, rare: 2 };

export function steadinessOf(counts: readonly number[]): Steadiness {
  if (counts.includes(0)) return "rare";
  return counts.every((count) => count === counts[0]) ? "stable" : "wavering";
}
