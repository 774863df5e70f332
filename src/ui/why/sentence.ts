/**
 * What happened to one exchange, in a sentence: what the server did, what Squall did to it, and what the client saw. The first line of
 * Why, and what a lane says of a bar. Pure; names are as they were sent, so whoever shows it makes it safe.
 */
import { timeText } from "../../drawing/figures.js";
import { wasReplaced, type LaneEntry } from "../lanes/entry.js";

/** Calls that ask and change nothing (RFC 9110, section 9.2.1). */
const SAFE = /^(?:GET|HEAD|OPTIONS|TRACE) /u;

/** `now` is where time stands for what is under way, on the daemon's clock. */
export function sentenceOf(entry: LaneEntry, now: number): string {
  const said = entry.kind === "exchange" ? ofExchange(entry, now) : ofOther(entry, now);
  const observed = entry.observed ? ` ${named(entry.faults)} only observed it.` : "";
  return `${said}${observed}`;
}

function ofExchange(entry: LaneEntry, now: number): string {
  const { client, upstream, bot, from } = entry;
  const after = timeText(Math.min(client.until, now) - from);
  switch (client.end) {
    case null:
      return `${underWay(entry)} ${bot} has waited for ${after}.`;
    case "complete":
      return complete(entry, after);
    case "client_left":
      return `${bot} left after ${after} without its answer${left(entry)}.`;
    case "refused":
      return `${refusal(entry)}; ${bot} was refused after ${after}.`;
    case "cut":
    case "reset":
    case "closed":
    case "unanswered":
      return `${broken(entry)}; ${bot} ${SAW[client.end]} after ${after}${upstream === null && client.by === "fault" ? ". The server did nothing" : ""}.`;
  }
}

const SAW = {
  cut: "got a part of the answer",
  reset: "saw its connection reset",
  closed: "saw its connection closed without an answer",
  unanswered: "got no answer",
} as const;

/** With a whole answer. */
function complete(entry: LaneEntry, after: string): string {
  const { client, upstream, bot } = entry;
  const got = client.status === null ? "an answer" : String(client.status);
  const acted = acts(entry);
  if (upstream === null)
    return acted
      ? `Squall answered ${got} in the server's place (${named(entry.faults)}); the server never saw the request. ${bot} had its answer after ${after}.`
      : `Squall answered ${got} itself, since ${reason(entry.failure)}. ${bot} had its answer after ${after}.`;
  if (upstream.status === null)
    return `The server did not answer${acted ? "" : ` (${reason(entry.failure)})`}; Squall answered ${got}${acted ? ` (${named(entry.faults)})` : ""}. ${bot} had its answer after ${after}.`;
  if (upstream.status !== client.status && client.status !== null && acted)
    return `Squall put ${got} in the place of the server's answer ${String(upstream.status)}${wasReplaced(client.status, upstream.status) ? ` ${done(entry)}` : ""} (${named(entry.faults)}). ${bot} had its answer after ${after}.`;
  const held = heldFor(entry);
  const how = [
    held >= 0.5 ? `Squall held it for ${timeText(held)}` : "",
    upstream.copies > 0 ? `Squall sent the request ${times(upstream.copies + 1)}` : "",
  ].filter((part) => part !== "");
  const touched = how.length > 0 ? ` ${how.join(", and ")} (${named(entry.faults)}).` : actedOn(entry);
  return `The server answered ${String(upstream.status)}, and ${bot} got it after ${after}.${touched}`;
}

function actedOn(entry: LaneEntry): string {
  if (entry.faults.length === 0) return " No fault acted on it.";
  return entry.observed ? "" : ` Squall acted on it (${named(entry.faults)}).`;
}

/** No whole answer: what became of it. */
function broken(entry: LaneEntry): string {
  const { client, upstream } = entry;
  const by = acts(entry) ? ` (${named(entry.faults)})` : "";
  if (client.by !== "fault") return whoElse(entry);
  if (upstream === null) return `Squall took the request away before it came to the server${by}`;
  if (upstream.end === "complete" || upstream.status !== null) {
    const what = upstream.status === null ? "the answer" : `the answer ${String(upstream.status)}`;
    return client.end === "cut"
      ? `Squall cut ${what} of the server short ${done(entry)}${by}`
      : `Squall took ${what} of the server away ${done(entry)}${by}`;
  }
  return `Squall ended it before the server had answered${by}: whether the server did the work is not known`;
}

/** Whether the server did the work, as far as its answer tells. */
function done({ what, upstream }: LaneEntry): string {
  const status = upstream?.status ?? null;
  if (status === null || status >= 400) return "after the server had refused";
  return SAFE.test(what) ? "after the server had answered" : "after the server had done the work";
}

function whoElse({ client, upstream, failure }: LaneEntry): string {
  if (client.by === "proxy") return `Squall ended it without a fault, since ${reason(failure)}`;
  if (client.by === "client") return "The client ended it";
  const status = upstream?.status ?? null;
  if (status !== null) return `The server broke its answer ${String(status)} off`;
  return `The server ended the connection before it answered (${reason(failure)})`;
}

function refusal(entry: LaneEntry): string {
  return entry.client.by === "fault"
    ? `Squall refused the connection${acts(entry) ? ` (${named(entry.faults)})` : ""}`
    : `The connection was refused, since ${reason(entry.failure)}`;
}

/** Behind a client that left. */
function left(entry: LaneEntry): string {
  const { upstream } = entry;
  const held = heldFor(entry);
  const holding = held >= 0.5 ? `; Squall had held it for ${timeText(held)} (${named(entry.faults)})` : "";
  if (upstream === null) return `${holding}; the server never saw the request`;
  if (upstream.status === null) return `${holding}; the server had not answered`;
  return `${holding}; the server answered ${String(upstream.status)}`;
}

function underWay({ upstream, faults, observed, delays }: LaneEntry): string {
  const holds = !observed && delays.length > 0 && delays.at(-1) === Infinity;
  if (holds) return `Squall is holding it (${named(faults)}).`;
  if (upstream === null) return "It has not been sent to the server yet.";
  if (upstream.status === null) return "The server has not answered yet.";
  return `The server has begun to answer ${String(upstream.status)}.`;
}

const OTHERS = {
  connection: "The connection",
  query: "The query",
  flow: "The flow",
  exchange: "It",
} as const;

/** Connections, queries and flows. */
function ofOther(entry: LaneEntry, now: number): string {
  const { client, kind, bot, what, from, faults } = entry;
  const after = timeText(Math.min(client.until, now) - from);
  const it = kind === "query" ? `The query ${what}` : OTHERS[kind];
  const by = acts(entry) ? ` (${named(faults)})` : "";
  const who = { client: bot, upstream: "the server", fault: "Squall", proxy: "Squall, without a fault," };
  const whom = who[client.by ?? "proxy"];
  switch (client.end) {
    case null:
      return `${it} of ${bot} has been open for ${after}.${actedOn(entry)}`;
    case "complete":
      if (kind === "query")
        return `${it} was answered ${client.rcode ?? "without a code"} to ${bot} after ${after}.${actedOn(entry)}`;
      return `${it} of ${bot} ended in order after ${after}, by ${whom}.${actedOn(entry)}`;
    case "client_left":
      return `${bot} left after ${after}${by}.`;
    case "refused":
      return `${refusal(entry)}; ${bot} was refused after ${after}.`;
    case "unanswered":
      return `${it} of ${bot} got no answer in ${after}${by}.`;
    case "cut":
    case "reset":
    case "closed": {
      const did = { cut: "cut off", reset: "reset", closed: "closed without an answer" }[client.end];
      const failed = entry.failure === null ? "" : `, since ${reason(entry.failure)}`;
      return `${it} of ${bot} was ${did} by ${whom} after ${after}${failed}${by}.`;
    }
  }
}

/** Something was done to it, and not only observed. */
function acts({ faults, observed }: LaneEntry): boolean {
  return faults.length > 0 && !observed;
}

/** How long Squall held it, of what is over. */
export function heldFor({ delays, client }: LaneEntry): number {
  let sum = 0;
  for (let at = 0; at + 1 < delays.length; at += 2)
    sum += Math.max(0, Math.min(delays[at + 1] ?? 0, client.until) - (delays[at] ?? 0));
  return sum === Infinity ? 0 : sum;
}

function named(faults: readonly string[]): string {
  return faults.join(", ");
}

function times(count: number): string {
  return count === 2 ? "twice" : `${String(count)} times`;
}

/** `upstream_refused` as people say it. */
function reason(failure: string | null): string {
  if (failure === null) return "it gave no reason";
  return REASONS.get(failure) ?? failure.replaceAll("_", " ");
}

const REASONS: ReadonlyMap<string, string> = new Map([
  ["upstream_refused", "the server refused the connection"],
  ["upstream_unreachable", "the server could not be reached"],
  ["upstream_timeout", "the server did not take the connection in time"],
  ["upstream_unresolved", "the server's name could not be resolved"],
  ["upstream_reset", "the server reset the connection"],
  ["upstream_closed", "the server closed the connection"],
  ["upstream_error", "the connection to the server failed"],
  ["upstream_protocol", "the server's answer could not be read"],
  ["upstream_tls", "the TLS handshake with the server failed"],
  ["no_upstream", "no server of its pool was up"],
  ["client_protocol", "the client's request could not be read"],
  ["client_slow_head", "the client took too long for its request"],
  ["client_tls", "the client's TLS handshake failed"],
  ["client_reset", "the client reset the connection"],
  ["connection_limit", "Squall's limit of connections was reached"],
  ["memory_limit", "Squall's limit of memory was reached"],
]);
