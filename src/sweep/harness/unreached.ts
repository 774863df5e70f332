/** What a fault-free run shows of upstreams that nobody reached: the command fails then, and is not to blame. */
import type { ConnectionFailure } from "../../core/events.js";
import type { RunRecord, SeenExchange } from "../contract/record.js";

const UNREACHED: ReadonlySet<ConnectionFailure | null> = new Set<ConnectionFailure>([
  "upstream_refused",
  "upstream_unreachable",
  "upstream_timeout",
  "upstream_unresolved",
  "upstream_tls",
  "no_upstream",
]);

/** A line for the proxies that were used, none of whose calls and connections came to its upstream; empty where there is none. */
export function unreachedText(records: readonly RunRecord[]): string {
  const proxies = unreached(records);
  if (proxies.length === 0) return "";
  return `\nnothing that came to ${proxies.join(", ")} reached the upstream there: does that run, at the address that the proxy has?`;
}

function unreached(records: readonly RunRecord[]): string[] {
  const reached = new Map<string, boolean>();
  const see = (proxy: string, isReached: boolean): void => {
    reached.set(proxy, isReached || reached.get(proxy) === true);
  };
  for (const { exchanges, connections } of records) {
    for (const exchange of exchanges) see(exchange.proxy, !isAnsweredInPlace(exchange));
    for (const { proxy, failure } of connections) see(proxy, !UNREACHED.has(failure));
  }
  return [...reached].flatMap(([proxy, isReached]) => (isReached ? [] : [proxy]));
}

/** Without faults Squall answers a request that went nowhere only where it cannot reach the upstream, or does not take the request (4xx). */
function isAnsweredInPlace({ response, forwarded, clientStatus }: SeenExchange): boolean {
  return response === null && !forwarded && clientStatus !== null && clientStatus >= 500;
}
