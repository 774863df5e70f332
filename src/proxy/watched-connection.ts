/** How a connection begins and ends for somebody who watches. Called only while somebody does. */
import type { ConnectionEnd, ConnectionFailure } from "../core/events.js";
import type { Sight, SightOf, UpstreamEnd } from "../pipeline/sight.js";
import type { Watcher } from "../pipeline/watch.js";
import type { Connection } from "./connection.js";
import type { PlaneContext } from "./context.js";
import type { Peer } from "./secure/peer.js";
import type { Newcomer } from "./secure/secure-host.js";

export function sightOf(proxy: string, { connection, bot, client }: Connection): SightOf {
  return { kind: "connection", proxy, number: connection, connection, bot, client };
}

/** Of either side: what its TLS came to is known from its handshake. */
export function seesPeer(sight: Sight, peer: Peer | null | undefined): void {
  if (peer === null || peer === undefined) return;
  const { sni, version, protocol } = peer;
  sight.tls ??= { sni, version, alpn: protocol, problem: null, took: null };
}

/** One that carries exchanges. */
export function beginConnection(watcher: Watcher, proxy: string, connection: Connection): Sight | null {
  const sight = watcher.connectionSight(sightOf(proxy, connection));
  if (sight !== null) seesPeer(sight, connection.peer);
  return sight;
}

export function endConnection(sight: Sight, connection: Connection): void {
  const { ending, pumps, peer } = connection;
  sight.up = pumps?.upstream.bytesOut ?? 0;
  sight.down = pumps?.downstream.bytesOut ?? 0;
  sight.failure ??= ending.failure;
  seesPeer(sight, peer);
  if (sight.connected !== null) sight.upstreamEnds(upstreamEndOf(ending.how));
  const now = sight.clock.now();
  if (sight.answered !== null && (ending.how === "client_closed" || ending.how === "upstream_closed"))
    sight.answerLast = now;
  sight.overAt(now, ending.how);
  sight.ends();
}

function upstreamEndOf(how: ConnectionEnd): UpstreamEnd {
  switch (how) {
    case "client_closed":
    case "upstream_closed":
      return "complete";
    case "upstream_reset":
      return "reset";
    default:
      return "abandoned";
  }
}

/** A client that came to no connection: it was refused, or its handshake failed. */
export function turnsAway(
  { name: proxy, context }: { readonly name: string; readonly context: PlaneContext },
  reason: ConnectionFailure,
  connection: number,
  client: string,
  bot = client,
): void {
  const of = { kind: "connection", proxy, number: connection, connection, bot, client } as const;
  context.watch?.watcher?.turnedAway(of, reason);
}

/** How a client took what faults did to its handshake. */
export function seesHandshake(
  watcher: Watcher,
  proxy: string,
  { connection, client, peer }: Pick<Newcomer, "connection" | "client" | "peer">,
  bot: string,
  { problem, took }: { readonly problem: string | null; readonly took: string },
): void {
  const of = { kind: "connection", proxy, number: connection, connection, bot, client } as const;
  const { sni = null, version = null, protocol: alpn = null } = peer ?? {};
  watcher.handshake(of, { sni, version, alpn, problem, took });
}
