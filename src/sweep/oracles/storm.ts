/** O6, storm: the client hammers a server that is in trouble. */
import type { Alarm } from "../contract/finding.js";
import type { SeenExchange } from "../contract/record.js";
import { seconds } from "./calls.js";
import type { Oracle } from "./evidence.js";
import { perSecond } from "./normal.js";
import { chainsOf } from "./tries.js";

/** More tries of one call within a second. */
const BURST = 5;
/** More tries of one call, at more than so many a second. */
const TRIES = 10;
const PACE = 2;
/** Exchanges in total, against fault-free runs; few are no storm. */
const TIMES = 3;
const FEW = 30;

export const storm: Oracle = ({ run, faults, normal, place }) => {
  const alarms: Alarm[] = [];
  const add = (signature: string, text: string, site?: string): void => {
    if (!alarms.some((alarm) => alarm.signature === signature))
      alarms.push({
        verdict: "SUSPECT",
        oracle: "O6",
        signature,
        text,
        ...(site === undefined ? {} : { site }),
      });
  };
  for (const chain of chainsOf(run.record.exchanges, faults)) {
    const [first] = chain;
    const text = first === undefined ? null : stormText(chain);
    if (first === undefined || text === null) continue;
    const { site, name } = place(first);
    // A program that does so without faults has another trouble.
    const usual = normal.runs.some(({ record }) =>
      chainsOf(record.exchanges, []).some(
        (one) => one[0] !== undefined && place(one[0]).site === site && stormText(one) !== null,
      ),
    );
    if (!usual) add(`storm ${name}`, `${name} was tried ${text}`, site);
  }
  const count = run.record.exchanges.length;
  const rate = perSecond(count, run.ms);
  if (count > Math.max(TIMES * normal.exchanges, normal.exchanges + FEW) && rate > 2 * normal.rate)
    add(
      "storm",
      `${count} exchanges, ${rate.toFixed(1)} a second; fault-free runs have at most ${normal.exchanges}, ${normal.rate.toFixed(1)} a second`,
    );
  return alarms;
};

/** `7 times within 0.4 s`; null for a bearable pace. */
function stormText(tries: readonly SeenExchange[]): string | null {
  for (const [index, { at }] of tries.entries()) {
    const end = tries[index + BURST];
    if (end !== undefined && end.at - at < 1000) return `${BURST + 1} times within ${seconds(end.at - at)}`;
  }
  const [first, last] = [tries[0], tries.at(-1)];
  if (first === undefined || last === undefined || tries.length <= TRIES) return null;
  const span = last.at - first.at;
  return tries.length > (PACE * span) / 1000 + 1 ? `${tries.length} times within ${seconds(span)}` : null;
}
