/** What somebody who watches sees of exchanges: how one begins and ends for him, and what its heads say. Called only while somebody does. */
import type { Millis } from "../../core/clock.js";
import { hashOf } from "../../core/digest.js";
import { keyOf, retryAfterOf } from "../../core/request-words.js";
import type { Sight } from "../../pipeline/sight.js";
import type { Dealings } from "../../pipeline/dealings.js";
import type { Watcher } from "../../pipeline/watch.js";
import type { PlaneContext } from "../context.js";
import { listOf, type Exchange } from "./exchange.js";
import type { ResponseHead } from "./head.js";
import type { HttpHost } from "./host.js";

export function beginWatched(
  watcher: Watcher,
  exchange: Exchange,
  { name: proxy, faults, sites }: HttpHost,
  within: Sight | null,
  now: Millis,
): void {
  const { bot, id: number, connection, client, head } = exchange;
  const dealings = watcher.dealings(proxy, bot);
  exchange.dealings = dealings;
  dealings.begins(now);
  if (within !== null) within.parted = true;
  const sight = watcher.sight({ kind: "exchange", proxy, number, connection, bot, client }, now, within);
  if (sight === null) return;
  exchange.sight = sight;
  sight.method = exchange.method;
  sight.path = exchange.path;
  sight.route = `${exchange.method} ${sites.routeOf(exchange.path)}`;
  sight.requestIn = { line: `${head.method} ${head.target} HTTP/1.${head.minor}`, fields: listOf(head) };
  sight.inForce = faults;
  const key = keyOf(exchange);
  sight.key = key === undefined ? null : hashOf(key);
}

/** The head of the upstream's answer has come; `now` is the wall's clock. */
export function seesAnswer(sight: Sight, head: ResponseHead, now: Millis): void {
  sight.answerIn = { line: `HTTP/1.${head.minor} ${head.status} ${head.reason}`, fields: listOf(head) };
  sight.retryAfter = retryAfterOf(head.get("retry-after"), now);
}

/** All is known of it. */
export function endWatched(
  exchange: Exchange,
  dealings: Dealings,
  { name, context }: { readonly name: string; readonly context: PlaneContext },
  hit: boolean,
): void {
  const { end, clientStatus, status, sight, lost, forwardedAt, upstream } = exchange;
  const failed = end !== "complete" || clientStatus === null || clientStatus >= 500;
  dealings.ends(context.clock.now(), failed, hit);
  if (forwardedAt !== null || lost !== null)
    context.watch?.watcher?.upstreamOver(name, upstream, status === null || status >= 500, hit);
  if (sight === null) return;
  sight.clientStatus = clientStatus;
  sight.end = end;
  sight.detached = exchange.leftBehind;
  if (end === "complete") sight.answerLast = sight.over;
  if (lost !== null) sight.failure ??= lost.reason;
  if (sight.forwarded !== null) sight.upstreamEnds("abandoned");
  sight.ends();
}
