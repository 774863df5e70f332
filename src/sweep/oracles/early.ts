/** O6, early: told to come back later, the client came back sooner. */
import { parseDuration } from "../../core/units.js";
import type { Alarm } from "../contract/finding.js";
import type { Hit, SeenExchange } from "../contract/record.js";
import type { FaultInput } from "../contract/run.js";
import { faultsOn, grouped, seconds } from "./calls.js";
import type { Oracle } from "./evidence.js";

/** Timers fire early, and what is over for the proxy was over for the client a moment before. */
const GRACE = 50;

export const early: Oracle = ({ run, faults, normal, place }) => {
  const alarms = new Map<string, Alarm>();
  const { exchanges, hits } = run.record;
  for (const group of grouped(exchanges, ({ proxy, bot, method, path }) =>
    [proxy, bot, method, path].join("\n"),
  ).values()) {
    for (const [index, one] of group.entries()) {
      const wait = retryAfterOf(one, faults, hits);
      const next = group.slice(index + 1).find((later) => isNextTry(later, one));
      if (wait === null || next === undefined) continue;
      const { site, name } = place(one);
      // Where one bot makes several such calls at a time, the next is another one, unless its key says otherwise.
      if (one.request.key === null && normal.sites.get(site)?.concurrent === true) continue;
      const after = next.at - one.over;
      if (after >= wait - GRACE) continue;
      const signature = `early ${name}`;
      if (!alarms.has(signature))
        alarms.set(signature, {
          verdict: "SUSPECT",
          oracle: "O6",
          signature,
          text: `${name} was answered ${one.clientStatus ?? ""} with Retry-After ${seconds(wait)}, and came again after ${seconds(Math.max(0, after))}`,
          site,
        });
    }
  }
  return [...alarms.values()];
};

function isNextTry(later: SeenExchange, one: SeenExchange): boolean {
  if (later.at < one.over) return false;
  const [a, b] = [later.request.key, one.request.key];
  return a === null || b === null || a === b;
}

/** What the client was told, in milliseconds: by a fault, or by the upstream where no fault spoke in its place. */
function retryAfterOf(one: SeenExchange, faults: readonly FaultInput[], hits: readonly Hit[]): number | null {
  const { clientStatus: status } = one;
  if (status === null || status < 400) return null;
  for (const fault of faultsOn(one, faults)) {
    if (fault.type === "rate_limit") {
      const hit = hits.find(
        ({ fault: name, exchange, proxy }) =>
          name === fault.name && proxy === one.proxy && exchange?.id === one.id,
      );
      const free = hit?.detail["free_in_ms"];
      return fault["retry_after"] === "none" || typeof free !== "number" ? null : whole(Math.max(free, 1));
    }
    const told = fault["retry_after"];
    const wait = typeof told === "string" ? parseDuration(told) : null;
    if (wait !== null) return whole(wait);
  }
  return status === one.upstreamStatus ? (one.response?.retryAfter ?? null) : null;
}

/** Retry-After knows whole seconds only. */
const whole = (ms: number): number => Math.ceil(ms / 1000) * 1000;
