/** What fault-free runs show of upstreams that nobody reached: a command that fails then is not to blame, and one that passes proves nothing. */
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
  const proxies = [...reachedOf(records)].flatMap(([proxy, isReached]) => (isReached ? [] : [proxy]));
  if (proxies.length === 0) return "";
  return `\nnothing that came to ${proxies.join(", ")} reached the upstream there: does that run, at the address that the proxy has?`;
}

/** Whether proxies were used, and no upstream was reached: one that is optional may be away. */
export function reachedNothing(records: readonly RunRecord[]): boolean {
  const reached = reachedOf(records);
  if (reached.size === 0 || [...reached.values()].includes(true)) return false;
  return records.every(({ queries, flows }) => queries.length === 0 && flows.length === 0);
}

function reachedOf(records: readonly RunRecord[]): ReadonlyMap<string, boolean> {
  const reached = new Map<string, boolean>();
  const see = (proxy: string, isReached: boolean): void => {
    reached.set(proxy, isReached || reached.get(proxy) === true);
  };
  for (const { exchanges, connections } of records) {
    for (const exchange of exchanges) see(exchange.proxy, !isAnsweredInPlace(exchange));
    for (const { proxy, failure } of connections) see(proxy, !UNREACHED.has(failure));
  }
  return reached;
}

/** Without faults Squall answers a request that went nowhere only where it cannot reach the upstream, or does not take the request (4xx). */
function isAnsweredInPlace({ response, forwarded, clientStatus }: SeenExchange): boolean {
  return response === null && !forwarded && clientStatus !== null && clientStatus >= 500;
}
