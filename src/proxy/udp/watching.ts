/** What somebody who watches sees of flows of datagrams. Called only while somebody does. */
import type { Direction } from "../../faults/contract/index.js";
import type { Sight } from "../../pipeline/sight.js";
import type { Dealings, Watcher } from "../../pipeline/watch.js";
import { ONLY_UPSTREAM } from "../upstream/pool.js";
import type { Flow } from "./flow.js";
import type { UdpProxy } from "./proxy.js";

export function beginFlow(
  watcher: Watcher,
  flow: Flow,
  { name, faults }: Pick<UdpProxy, "name" | "faults">,
): void {
  const { bot, client, connection, beganAt } = flow;
  const dealings = watcher.dealings(name, bot);
  flow.dealings = dealings;
  dealings.begins(beganAt);
  const of = { kind: "flow", proxy: name, number: connection, connection, bot, client } as const;
  const sight = watcher.sight(dealings, of, beganAt, null);
  if (sight === null) return;
  flow.sight = sight;
  sight.inForce = faults;
}

/** One was delivered. */
export function seesDatagram(sight: Sight, direction: Direction): void {
  if (direction === "upstream") {
    sight.up++;
    sight.forwards(ONLY_UPSTREAM);
  } else {
    sight.down++;
    sight.answerGoes();
  }
}

export function endFlow(
  { sight, delivered, hits, usedAt }: Pick<Flow, "sight" | "delivered" | "hits" | "usedAt">,
  dealings: Dealings,
): void {
  dealings.ends(usedAt, delivered.downstream === 0, hits.length > 0);
  if (sight === null) return;
  if (sight.answered !== null) {
    sight.answerLast = usedAt;
    sight.upstreamEnds("complete");
  } else if (sight.forwarded !== null) sight.upstreamEnds("closed");
  sight.overAt(usedAt, delivered.downstream === 0 ? "unanswered" : "complete");
  sight.ends();
}
