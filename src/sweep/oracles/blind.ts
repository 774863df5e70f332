/** O6, blind: what was cut or garbled on its way was used as if it were whole. */
import type { Alarm } from "../contract/finding.js";
import { isAccepted, isSafe } from "./calls.js";
import type { Oracle } from "./evidence.js";
import { comesAfter } from "./normal.js";
import { isSpoiled } from "./tries.js";

export const blind: Oracle = ({ run, faults, normal, place }) => {
  const alarms = new Map<string, Alarm>();
  const { exchanges } = run.record;
  for (const one of exchanges) {
    // The body of a read is what it is made for; that of a write may be nobody's business.
    if (!isSafe(one) || !isSpoiled(one, faults) || one.clientStatus === null || one.clientStatus >= 300)
      continue;
    const { site, name, about } = place(one);
    const later = exchanges.filter(
      ({ bot, proxy, at }) => bot === one.bot && proxy === one.proxy && at >= one.over,
    );
    for (const next of later) {
      // Whoever asks there again, in whatever way, has noticed.
      if (next.path === one.path) break;
      const { site: follower, name: what, about: things } = place(next);
      if (isSafe(next) || !isAccepted(next) || !things.some((thing) => about.includes(thing))) continue;
      if (!comesAfter(normal, site, follower)) continue;
      const signature = `blind ${name}`;
      if (!alarms.has(signature))
        alarms.set(signature, {
          verdict: "SUSPECT",
          oracle: "O6",
          signature,
          text: `the answer to ${name} was not whole, and ${what} followed without another look: what came was taken for all`,
          site,
        });
      break;
    }
  }
  return [...alarms.values()];
};
