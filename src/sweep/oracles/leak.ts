/** O6, leak: what was made for the run is still there after it: things at the upstream that nobody deleted, and processes. */
import type { Alarm } from "../contract/finding.js";
import type { SeenExchange } from "../contract/record.js";
import { isWhole } from "./ending.js";
import { isAccepted, type PlaceOf } from "./calls.js";
import type { Oracle } from "./evidence.js";

export const leak: Oracle = ({ run, normal, place }) => {
  if (!isWhole(run)) return [];
  const alarms: Alarm[] = [];
  if (run.left.length > normal.left)
    alarms.push({
      verdict: "SUSPECT",
      oracle: "O6",
      signature: "leak processes",
      text: `${run.left.length} processes were left behind (${run.left.slice(0, 3).join(", ")}), after fault-free runs at most ${normal.left}`,
    });
  const usual = normal.runs.map(({ record }) => keptOf(record.exchanges, place));
  for (const [name, { kept, site }] of keptOf(run.record.exchanges, place)) {
    const most = Math.max(0, ...usual.map((of) => of.get(name)?.kept ?? 0));
    // Where nothing is ever deleted, what stays is the outcome.
    const known = usual.some((of) => of.get(name)?.deletes === true);
    if (!known || kept <= most) continue;
    alarms.push({
      verdict: "SUSPECT",
      oracle: "O6",
      signature: `leak ${name}`,
      text: `${kept} of what ${name} made were not deleted, after fault-free runs at most ${most}`,
      site,
    });
  }
  return alarms;
};

interface Kept {
  readonly kept: number;
  /** Whether anything of it was deleted. */
  readonly deletes: boolean;
  readonly site: string;
}

/** Of each collection that things are made in by POST and deleted from by DELETE: how many are left. As Rainmaker counts. */
function keptOf(exchanges: readonly SeenExchange[], place: PlaceOf): ReadonlyMap<string, Kept> {
  const made = new Map<string, { things: Set<string>; site: string }>();
  const deleted = new Map<string, Set<string>>();
  for (const [index, one] of exchanges.entries()) {
    const { name, site } = place(one);
    if (one.method === "POST" && isAccepted(one)) {
      const known = made.get(name) ?? { things: new Set<string>(), site };
      // What is asked for twice under one key is made once.
      known.things.add(one.request.key ?? String(index));
      made.set(name, known);
    }
    const gone = one.upstreamStatus === 404 || one.upstreamStatus === 410 || isAccepted(one);
    const collection = /^DELETE (.+)\/:[^/]+$/u.exec(name)?.[1];
    if (one.method !== "DELETE" || !gone || collection === undefined) continue;
    const paths = deleted.get(`POST ${collection}`) ?? new Set<string>();
    deleted.set(`POST ${collection}`, paths.add(one.path));
  }
  const kept = new Map<string, Kept>();
  for (const [name, { things, site }] of made) {
    const gone = deleted.get(name)?.size ?? 0;
    kept.set(name, { kept: things.size - gone, deletes: gone > 0, site });
  }
  return kept;
}
