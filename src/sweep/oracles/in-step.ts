/**
 * O6, in step: several bots that lost the same server come back in the same moment, again and again, since each of them waits for exactly as
 * long as the others. One is no storm; a hundred of them are, as soon as the server comes up. Who draws its waits is not in step with others.
 */
import type { Alarm } from "../contract/finding.js";
import type { SeenExchange } from "../contract/record.js";
import { seconds } from "./calls.js";
import type { Oracle } from "./evidence.js";
import { chainsOf } from "./tries.js";

/** Fewer may be alike by chance. */
const BOTS = 3;
const STEPS = 3;
/**
 * Waits are alike that differ by so much of the longest, or by so many milliseconds, which a busy machine takes: by chance, three that are
 * drawn from the upper half of a second are so in one of thirty cases.
 */
const ALIKE = 0.05;
const NOISE = 40;
/** In milliseconds. Of shorter waits that time is too large a part. */
const SHORT = 300;

export const inStep: Oracle = ({ run, faults, place }) => {
  const alarms: Alarm[] = [];
  const chains = chainsOf(run.record.exchanges, faults).flatMap((chain) => {
    const [first] = chain;
    return first === undefined ? [] : [{ place: place(first), bot: first.bot, chain }];
  });
  const sites = new Set(chains.map((one) => one.place.site));
  for (const site of sites) {
    const own = chains.filter((one) => one.place.site === site);
    const longest = [...new Set(own.map(({ bot }) => bot))].map((bot) =>
      own
        .filter((one) => one.bot === bot)
        .map(({ chain }) => chain)
        .reduce((best, chain) => (chain.length > best.length ? chain : best)),
    );
    const waits = longest.filter(({ length }) => length > STEPS).map(waitsOf);
    if (waits.length < BOTS) continue;
    const steps = Array.from({ length: Math.min(...waits.map(({ length }) => length)) }, (_, index) =>
      waits.map((of) => of[index] ?? null),
    ).flatMap((of) => (of.every((wait) => wait !== null) && Math.max(...of) >= SHORT ? [of] : []));
    const alike = steps.filter(areAlike);
    const [name] = own.map((one) => one.place.name);
    if (alike.length < STEPS || alike.length * 2 <= steps.length || name === undefined) continue;
    const shown = alike.map((of) => seconds(Math.max(...of))).join(", ");
    alarms.push({
      verdict: "SUSPECT",
      oracle: "O6",
      signature: `storm in step ${name}`,
      text: `${waits.length} bots waited equally long between their tries of ${name} (${shown}): after an outage all of them come back in the same moment`,
      site,
    });
  }
  return alarms;
};

/** From the end of one try to the next; null where the server said how long. */
function waitsOf(chain: readonly SeenExchange[]): (number | null)[] {
  return chain.slice(1).map((next, index) => {
    const before = chain[index];
    if (before === undefined || before.clientStatus === 429 || (before.response?.retryAfter ?? null) !== null)
      return null;
    return Math.max(0, next.at - before.over);
  });
}

function areAlike(waits: readonly number[]): boolean {
  const [least, most] = [Math.min(...waits), Math.max(...waits)];
  return most - least <= Math.max(ALIKE * most, NOISE);
}
