/**
 * O5: after healing, everybody gets on with it. Asked only where the command does not end by itself: there a program that is alive and
 * does nothing looks like one that has nothing to do.
 */
import type { Alarm } from "../contract/finding.js";
import type { Recovery } from "../contract/run.js";
import { grouped, isGood, seconds } from "./calls.js";
import type { Oracle } from "./evidence.js";

/** Times the longest pause of fault-free runs. */
const PATIENCE = 5;
/** Fault-free runs that show fewer good answers of a call, per bot, say nothing of how often it comes. */
const FEW = 3;

export const recovery: Oracle = ({ run, normal, place }) => {
  const { healed = null, recovered } = run;
  // Whoever watched the system itself has waited for all of it, and knows better than its calls alone can tell.
  if (recovered !== undefined) return notRecovered(recovered);
  if (healed === null) return [];
  const alarms: Alarm[] = [];
  const watched = run.ms - healed;
  /** Of each bot, at each site. */
  const keyOf = (site: string, bot: string): string => `${bot}\n${site}`;
  const good = grouped(run.record.exchanges.filter(isGood), (one) => keyOf(place(one).site, one.bot));
  for (const { site, name, gap } of normal.sites.values()) {
    if (gap === null) continue;
    const patience = PATIENCE * gap;
    const steady = normal.runs.map(({ record }) =>
      grouped(
        record.exchanges.filter((one) => isGood(one) && place(one).site === site),
        ({ bot }) => bot,
      ),
    );
    for (const bot of steady[0]?.keys() ?? []) {
      if (!steady.every((bots) => (bots.get(bot)?.length ?? 0) >= FEW) || watched < patience) continue;
      const back = good.get(keyOf(site, bot))?.some(({ over }) => over > healed && over <= healed + patience);
      if (back === true) continue;
      alarms.push({
        verdict: "STUCK",
        oracle: "O5",
        signature: `stuck ${name}`,
        text: `${bot} made no good call of ${name} within ${seconds(patience)} of healing; fault-free runs have one each ${seconds(gap)} at least`,
        site,
      });
    }
  }
  const signatures = new Set<string>();
  return alarms.filter(({ signature }) => !signatures.has(signature) && signatures.add(signature));
};

function notRecovered({ ms, missing }: Recovery): Alarm[] {
  if (ms !== null) return [];
  const [first = "steady state"] = missing;
  return [
    {
      verdict: "STUCK",
      oracle: "O5",
      // Bots of one class have numbers.
      signature: `stuck: ${first.replaceAll(/\d+/gu, "#")}`,
      text: `the system did not come back to its steady state after healing; missing: ${missing.join(", ")}`,
    },
  ];
}
