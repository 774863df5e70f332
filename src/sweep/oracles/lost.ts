/** O6, lost: something that every fault-free run brings to the upstream never came there, and the command says that all is well. */
import type { Alarm } from "../contract/finding.js";
import type { SeenConnection } from "../contract/record.js";
import { grouped, isAccepted } from "./calls.js";
import type { Evidence, Oracle } from "./evidence.js";
import { isWhole } from "./ending.js";

export const lost: Oracle = (evidence) => {
  const { run, normal, place } = evidence;
  if (!isWhole(run)) return [];
  const groups = grouped(run.record.exchanges, (one) => place(one).site);
  const alarms = lostConnections(evidence);
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
      text: `the upstream accepted ${name} ${count} times, in fault-free runs ${rangeText(accepted)} times, and the command ends as if all were well`,
      site,
    });
  }
  return alarms;
};

/**
 * The same for `tcp`, where calls cannot be told apart: connections that brought anything. One less is nothing where what the others
 * brought makes up for it, as of a pool that does with fewer.
 */
function lostConnections({ run, normal }: Evidence): Alarm[] {
  const usual = normal.runs.map(({ record }) => broughtBy(record.connections));
  const brought = broughtBy(run.record.connections);
  return [...(usual[0]?.keys() ?? [])].flatMap((proxy) => {
    const runs = usual.map((proxies) => proxies.get(proxy) ?? []);
    const counts = runs.map(({ length }) => length);
    const [least, most] = [Math.min(...counts), Math.max(...counts)];
    const now = brought.get(proxy) ?? [];
    if (now.length >= (least === most ? least : Math.min(1, least))) return [];
    if (total(now) > Math.min(...runs.map(total)) - Math.min(...runs.flat())) return [];
    const text = `${countText(now.length)} to ${proxy} brought something to the upstream, in fault-free runs ${rangeText(counts)}, and the command ends as if all were well`;
    return [{ verdict: "SUSPECT", oracle: "O6", signature: `lost connection to ${proxy}`, text }];
  });
}

/** Bytes of each connection that brought any to the upstream, by proxy. */
function broughtBy(connections: readonly SeenConnection[]): Map<string, number[]> {
  const proxies = new Map<string, number[]>();
  for (const { proxy, bytes } of connections)
    if (bytes.up > 0) proxies.set(proxy, [...(proxies.get(proxy) ?? []), bytes.up]);
  return proxies;
}

const total = (sizes: readonly number[]): number => sizes.reduce((sum, size) => sum + size, 0);

const countText = (count: number): string =>
  count === 0 ? "no connection" : `${count} connection${count === 1 ? "" : "s"}`;

function rangeText(counts: readonly number[]): string {
  const [least, most] = [Math.min(...counts), Math.max(...counts)];
  return least === most ? String(least) : `${least} to ${most}`;
}
