/** O6, lost: something that every fault-free run brings to the upstream never came there, and the command says that all is well. */
import type { Alarm } from "../contract/finding.js";
import { grouped, isAccepted } from "./calls.js";
import type { Oracle } from "./evidence.js";
import { isWhole } from "./ending.js";

export const lost: Oracle = ({ run, normal, place }) => {
  if (!isWhole(run)) return [];
  const groups = grouped(run.record.exchanges, (one) => place(one).site);
  const alarms: Alarm[] = [];
  for (const { site, name, safe, accepted, perPath } of normal.sites.values()) {
    const least = Math.min(...accepted);
    if (safe || accepted.length === 0 || least === 0) continue;
    const count = (groups.get(site) ?? []).filter(isAccepted).length;
    // Calls that come again and again, such as heartbeats and polls, come as often as time allows: one less is nothing, none is.
    const steady = perPath <= 1 && accepted.every((one) => one === least);
    if (count >= (steady ? least : 1)) continue;
    alarms.push({
      verdict: "SUSPECT",
      oracle: "O6",
      signature: `lost ${name}`,
      text: `the upstream accepted ${name} ${count} times, in fault-free runs ${rangeText(accepted)}, and the command ends as if all were well`,
      site,
    });
  }
  return alarms;
};

function rangeText(counts: readonly number[]): string {
  const [least, most] = [Math.min(...counts), Math.max(...counts)];
  return least === most ? `${least} times` : `${least} to ${most} times`;
}
