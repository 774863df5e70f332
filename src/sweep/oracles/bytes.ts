/**
 * O6, bytes: an upload that was cut is sent from its first byte again, and again. What it takes in all, until it is done, is compared with
 * the largest single call of fault-free runs; one repetition is no more than twice the bytes, and who resumes needs hardly more than once.
 */
import type { Alarm } from "../contract/finding.js";
import type { Hit, SeenExchange } from "../contract/record.js";
import type { FaultInput } from "../contract/run.js";
import { formatSize } from "../../core/units.js";
import { grouped, isSafe } from "./calls.js";
import type { Oracle } from "./evidence.js";
import type { NormalSite } from "./normal.js";
import { isUnclear } from "./tries.js";

const TIMES = 2.2;
/** Less is not worth a word. */
const FEW = 65_536;

export const bytes: Oracle = ({ run, faults, normal, place }) => {
  const alarms = new Map<string, Alarm>();
  // How much is sent of what never ends is a matter of time.
  if ((run.healed ?? null) !== null) return [];
  const cuts = cutsIn(run.record.hits, faults);
  const uploads = grouped(run.record.exchanges, ({ proxy, bot, method, path }) =>
    [proxy, bot, method, path].join("\n"),
  );
  for (const group of uploads.values()) {
    const [first] = group;
    if (first === undefined || isSafe(first)) continue;
    const { site, name } = place(first);
    const usual = normal.sites.get(site);
    if (usual === undefined || alarms.has(site)) continue;
    for (const { sent, most } of effortsOf(group, faults, cuts, usual)) {
      if (most === 0 || sent <= TIMES * most || sent - most < FEW) continue;
      alarms.set(site, {
        verdict: "SUSPECT",
        oracle: "O6",
        signature: `bytes ${name}`,
        text: `${name} sent ${formatSize(sent)}, in fault-free runs at most ${formatSize(most)}: it begins again at the first byte`,
        site,
      });
    }
  }
  return [...alarms.values()];
};

interface Effort {
  readonly sent: number;
  readonly most: number;
}

/** Of each upload by itself; of all together where several are under way at a time, and nobody can say which is repeated. */
function effortsOf(
  group: readonly SeenExchange[],
  faults: readonly FaultInput[],
  cuts: ReadonlyMap<string, number>,
  { concurrent, uploaded, largest }: NormalSite,
): readonly Effort[] {
  if (concurrent) return [{ sent: sentIn(group, cuts), most: uploaded }];
  const tries: SeenExchange[][] = [[]];
  for (const one of group) {
    tries.at(-1)?.push(one);
    if (!isUnclear(one, faults)) tries.push([]);
  }
  return tries.map((of) => ({ sent: sentIn(of, cuts), most: largest }));
}

/** Where faults have cut requests, by proxy and number of the exchange. */
function cutsIn(hits: readonly Hit[], faults: readonly FaultInput[]): ReadonlyMap<string, number> {
  const upstream = new Set(
    faults.filter((fault) => fault["direction"] === "upstream").map(({ name }) => name),
  );
  const cuts = new Map<string, number>();
  for (const { fault, proxy, exchange, detail } of hits) {
    const at = detail["at_byte"];
    if (exchange !== null && upstream.has(fault) && typeof at === "number")
      cuts.set(`${proxy} ${exchange.id}`, at);
  }
  return cuts;
}

/** What never came to the upstream has to be sent again by everybody. */
function sentIn(calls: readonly SeenExchange[], cuts: ReadonlyMap<string, number>): number {
  return calls.reduce((sum, { proxy, id, forwarded, request }) => {
    const cut = cuts.get(`${proxy} ${id}`) ?? Infinity;
    return sum + (forwarded ? Math.min(request.bytes, cut) : 0);
  }, 0);
}
