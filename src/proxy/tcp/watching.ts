/** What somebody who watches sees of a tcp proxy's connections. Called only while somebody does. */
import type { ConnectionEnd } from "../../core/events.js";
import type { ArmedFault } from "../../pipeline/armed.js";
import type { Pump } from "../../pipeline/pump.js";
import type { Sight } from "../../pipeline/sight.js";
import type { Dealings } from "../../pipeline/dealings.js";
import type { Watcher } from "../../pipeline/watch.js";
import { endConnection, seesPeer, sightOf } from "../watched-connection.js";
import type { Member } from "../upstream/pool.js";
import type { Connection } from "../connection.js";
import type { PlaneContext } from "../context.js";

interface WatchedStream extends Connection {
  dealings: Dealings | null;
  sight: Sight | null;
  /** The name of the one that was chosen. */
  readonly upstream: string | null;
  seen(): {
    readonly end: ConnectionEnd;
    readonly failure: string | null;
    readonly faults: readonly string[];
  };
}

/** Its proxy. */
interface Place {
  readonly name: string;
  readonly faults: readonly ArmedFault[];
  readonly context: PlaneContext;
}

export function beginStream(
  watcher: Watcher,
  connection: WatchedStream,
  { name, faults, context }: Place,
): void {
  const now = context.clock.now();
  const dealings = watcher.dealings(name, connection.bot);
  connection.dealings = dealings;
  dealings.begins(now);
  const sight = watcher.sight(sightOf(name, connection), now, null);
  if (sight === null) return;
  connection.sight = sight;
  sight.inForce = faults;
  seesPeer(sight, connection.peer);
}

/** Bytes of the client's have come. */
export function seesRequest(sight: Sight, pump: Pump | undefined, member: Member | null): void {
  if (sight.last === null) {
    pump?.whenNextLeft(0, () => {
      sight.forwards(member?.name ?? "");
    });
  }
  sight.requestEnds();
}

/** Bytes of the upstream's have come. */
export function seesAnswer(sight: Sight, pump: Pump): void {
  if (sight.answered !== null) return;
  sight.answers(null);
  pump.whenNextLeft(0, () => {
    sight.answerGoes();
  });
}

export function endStream(connection: WatchedStream, dealings: Dealings, { name, context }: Place): void {
  const { sight } = connection;
  const { end, failure, faults } = connection.seen();
  const failed = failure !== null || end === "fault" || end === "upstream_reset" || end === "failed";
  dealings.ends(context.clock.now(), failed, faults.length > 0);
  const { upstream } = connection;
  if (upstream !== null)
    context.watch?.watcher?.upstreamOver(name, upstream, end === "upstream_reset", faults.length > 0);
  if (sight !== null) endConnection(sight, connection);
}
