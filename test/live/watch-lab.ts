/** Somebody who watches a lab's proxies, beside record mode: what is seen is held against what the journal is told. */
import { Watching } from "../../src/live/watching.js";
import type { LiveExchange, Plane } from "../../src/live/contract.js";
import { until, type Lab } from "../support/lab.js";

export function watch(lab: Lab, plane: Plane = "http"): Watching {
  const watching = new Watching({ clock: lab.clock, bodiesMax: 0, planeOf: () => plane });
  watching.keep();
  lab.watch.watcher = watching;
  return watching;
}

/** All that is seen by now. */
export function seenBy(watching: Watching): LiveExchange[] {
  watching.harvest();
  return [...(watching.ring?.views() ?? [])];
}

/** The n-th, once it is over. */
export async function over(watching: Watching, n = 1): Promise<LiveExchange> {
  await until(() => seenBy(watching)[n - 1]?.pending === false);
  const found = seenBy(watching)[n - 1];
  if (found === undefined) throw new Error(`there is no exchange number ${n}`);
  return found;
}

/** How it ended: for the client, by whom, and for the upstream. */
export function endsOf({ client_side: client, upstream_side: upstream }: LiveExchange): readonly unknown[] {
  return [client.end, client.by, client.status, upstream?.end ?? null, upstream?.status ?? null];
}
