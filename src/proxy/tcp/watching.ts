/** What somebody who watches sees of a tcp proxy's connections. Called only while somebody does. */
import type { Pump } from "../../pipeline/pump.js";
import type { Sight } from "../../pipeline/sight.js";
import type { Dealings, Watcher } from "../../pipeline/watch.js";
import { endConnection, seesPeer, sightOf } from "../watched-connection.js";
import type { Member } from "../upstream/pool.js";
import type { TcpConnection } from "./connection.js";
import type { TcpProxy } from "./proxy.js";

export function beginStream(
  watcher: Watcher,
  connection: TcpConnection,
  { name, faults, context }: Pick<TcpProxy, "name" | "faults" | "context">,
): void {
  const now = context.clock.now();
  const dealings = watcher.dealings(name, connection.bot);
  connection.dealings = dealings;
  dealings.begins(now);
  const sight = watcher.sight(dealings, sightOf(name, connection), now, null);
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

export function endStream(
  connection: TcpConnection,
  dealings: Dealings,
  { name, context }: Pick<TcpProxy, "name" | "context">,
): void {
  const { sight } = connection;
  const { end, failure, faults } = connection.seen();
  const failed = failure !== null || end === "fault" || end === "upstream_reset" || end === "failed";
  dealings.ends(context.clock.now(), failed, faults.length > 0);
  const { upstream } = connection;
  if (upstream !== null)
    context.watch?.watcher?.upstreamOver(name, upstream, end === "upstream_reset", faults.length > 0);
  if (sight !== null) endConnection(sight, connection);
}
