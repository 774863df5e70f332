/** Who makes good calls, and how often: by this a running system is known to be at its steady state. */
import type { RunRecord } from "../contract/record.js";

/** Times the longest pause between good calls in fault-free runs. */
const PATIENCE = 5;

/** Good calls of a record, by proxy and bot: when each was over. */
export function goodCalls({ exchanges, queries, connections, flows }: RunRecord): Map<string, number[]> {
  const calls = new Map<string, number[]>();
  const add = (proxy: string, bot: string, at: number): void => {
    const key = `${bot} at ${proxy}`;
    const known = calls.get(key);
    if (known === undefined) calls.set(key, [at]);
    else known.push(at);
  };
  for (const { proxy, bot, clientStatus, end, over } of exchanges)
    if (end === "complete" && clientStatus !== null && clientStatus < 400) add(proxy, bot, over);
  for (const { proxy, bot, rcode, at } of queries) if (rcode === "NOERROR") add(proxy, bot, at);
  // Whoever holds a connection for ever is known by nothing else than that it is there.
  for (const { proxy, bot, bytes, failure, over } of connections)
    if (failure === null && bytes.down > 0) add(proxy, bot, over);
  for (const { proxy, bot, datagrams, over } of flows) if (datagrams.down > 0) add(proxy, bot, over);
  for (const times of calls.values()) times.sort((one, other) => one - other);
  return calls;
}

/**
 * Whether there were calls, and all of them went wrong: such bots are not at any steady state. Of clients that keep one connection for
 * ever, and of those that are never answered (UDP), there are no calls.
 */
export function onlyBadCalls(records: readonly RunRecord[]): boolean {
  const calls = records.flatMap(({ exchanges, queries, connections }) => [
    ...exchanges.map(({ end, clientStatus }) => end !== "complete" || (clientStatus ?? 500) >= 500),
    ...queries.map(({ rcode }) => rcode === null || rcode === "SERVFAIL"),
    ...connections.filter(({ failure }) => failure !== null).map(() => true),
  ]);
  return calls.length > 0 && calls.every(Boolean) && records.every((record) => goodCalls(record).size === 0);
}

/** For each bot that all of these have: how long it may be before its next good call, in milliseconds. */
export function patienceOf(
  baselines: readonly { readonly record: RunRecord; readonly ms: number }[],
): ReadonlyMap<string, number> {
  const all = baselines.map(({ record, ms }) => ({ calls: goodCalls(record), ms }));
  const [first, ...others] = all;
  const found = new Map<string, number>();
  for (const bot of first?.calls.keys() ?? []) {
    if (!others.every(({ calls }) => calls.has(bot))) continue;
    const gaps = all.map(({ calls, ms }) => longestGap(calls.get(bot) ?? [], ms));
    found.set(bot, PATIENCE * Math.max(...gaps));
  }
  return found;
}

/** Also before the first and after the last. */
export function longestGap(times: readonly number[], end: number): number {
  let longest = 0;
  let before = 0;
  for (const time of [...times, end]) {
    longest = Math.max(longest, time - before);
    before = time;
  }
  return longest;
}

/** Those of these bots that made no good call after this time. */
export function withoutProgress(record: RunRecord, since: number, bots: Iterable<string>): string[] {
  const calls = goodCalls(record);
  return [...bots].filter((bot) => (calls.get(bot)?.at(-1) ?? -Infinity) <= since);
}
