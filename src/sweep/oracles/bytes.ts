/** O6, bytes: an upload that was cut is sent from its first byte again, and again. One repetition is no more than twice the bytes. */
import type { Alarm } from "../contract/finding.js";
import { formatSize } from "../../core/units.js";
import { grouped, isSafe } from "./calls.js";
import type { Oracle } from "./evidence.js";

const TIMES = 2.2;
/** Less is not worth a word. */
const FEW = 65_536;

export const bytes: Oracle = ({ run, normal, place }) => {
  const alarms: Alarm[] = [];
  // How much is sent of what never ends is a matter of time.
  if ((run.healed ?? null) !== null) return alarms;
  for (const [site, group] of grouped(run.record.exchanges, (one) => place(one).site)) {
    const [first] = group;
    const usual = normal.sites.get(site)?.uploaded ?? 0;
    const sent = group.reduce((sum, { request }) => sum + request.bytes, 0);
    if (first === undefined || isSafe(first) || usual === 0) continue;
    if (sent <= TIMES * usual || sent - usual < FEW) continue;
    const { name } = place(first);
    alarms.push({
      verdict: "SUSPECT",
      oracle: "O6",
      signature: `bytes ${name}`,
      text: `${name} sent ${formatSize(sent)}, in fault-free runs at most ${formatSize(usual)}: it begins again at the first byte`,
      site,
    });
  }
  return alarms;
};
