/** What somebody who watches sees of flows of datagrams. Called only while somebody does. */
import type { Millis } from "../../core/clock.js";
import type { Direction } from "../../faults/contract/index.js";
import type { ArmedFault } from "../../pipeline/armed.js";
import type { Sight } from "../../pipeline/sight.js";
import type { Dealings } from "../../pipeline/dealings.js";
import type { Watcher } from "../../pipeline/watch.js";
import { ONLY_UPSTREAM } from "../upstream/pool.js";

interface WatchedFlow {
  readonly bot: string;
  readonly client: string;
  readonly connection: number;
  readonly beganAt: Millis;
  readonly usedAt: Millis;
  readonly delivered: Readonly<Record<Direction, number>>;
  readonly hits: readonly string[];
  dealings: Dealings | null;
  sight: Sight | null;
}

export function beginFlow(
  watcher: Watcher,
  flow: WatchedFlow,
  { name, faults }: { readonly name: string; readonly faults: readonly ArmedFault[] },
): void {
  const { bot, client, connection, beganAt } = flow;
  const dealings = watcher.dealings(name, bot);
  flow.dealings = dealings;
  dealings.begins(beganAt);
  const of = { kind: "flow", proxy: name, number: connection, connection, bot, client } as const;
  const sight = watcher.sight(of, beganAt, null);
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

export function endFlow({ sight, delivered, hits, usedAt }: WatchedFlow, dealings: Dealings): void {
  dealings.ends(usedAt, delivered.downstream === 0, hits.length > 0);
  if (sight === null) return;
  if (sight.answered !== null) {
    sight.answerLast = usedAt;
    sight.upstreamEnds("complete");
  } else if (sight.forwarded !== null) sight.upstreamEnds("closed");
  sight.overAt(usedAt, delivered.downstream === 0 ? "unanswered" : "complete");
  sight.ends();
}
