/** Journal entries to the record of a run: everything on one time line, in the order in which it began; hits in the order of the journal. */
import type { Fact } from "../../core/events.js";
import type { JournalEntry } from "../../telemetry/entry.js";
import type {
  Hit,
  Message,
  RunRecord,
  SeenConnection,
  SeenExchange,
  SeenFlow,
  SeenHandshake,
  SeenQuery,
} from "../contract/record.js";
import { timeLine, type TimeLine } from "./time-line.js";

type Of<K extends JournalEntry["kind"]> = Extract<JournalEntry, { kind: K }>;

/**
 * `since` is when the command was started, in milliseconds on the daemon's monotonic clock (`performance.now()` in its process); null for
 * when the first entry was written. Entries that were not written in record mode are taken too: then sizes and hashes are
 * unknown, and times are as exact as the wall's clock.
 */
export function recordOf(entries: readonly JournalEntry[], since: number | null = null): RunRecord {
  const line = timeLine(entries, since);
  const exchanges: SeenExchange[] = [];
  const connections: SeenConnection[] = [];
  const queries: SeenQuery[] = [];
  const flows: SeenFlow[] = [];
  const handshakes: SeenHandshake[] = [];
  const hits: Hit[] = [];
  for (const entry of entries)
    switch (entry.kind) {
      case "exchange_over":
        exchanges.push(exchangeOf(entry, line));
        break;
      case "connection_over":
        connections.push(connectionOf(entry, line));
        break;
      case "query_over":
        queries.push(queryOf(entry, line));
        break;
      case "flow_over":
        flows.push(flowOf(entry, line));
        break;
      case "tls_over":
        handshakes.push(handshakeOf(entry, line));
        break;
      case "fault_hit":
        // A health check is none of the command's calls, and what was only observed has hit nobody.
        if (entry.health_check === undefined && entry.observed !== true) hits.push(hitOf(entry, line));
        break;
      default:
    }
  for (const list of [exchanges, connections, queries, flows, handshakes])
    list.sort((one, other) => one.at - other.at);
  const record = { exchanges, connections, queries, flows, hits };
  return handshakes.length === 0 ? record : { ...record, handshakes: latest(handshakes) };
}

/** A handshake is told of again if a fault acted on it late. */
function latest(handshakes: readonly SeenHandshake[]): readonly SeenHandshake[] {
  return [...new Map(handshakes.map((one) => [`${one.proxy} ${one.connection}`, one])).values()];
}

function handshakeOf(entry: Of<"tls_over">, line: TimeLine): SeenHandshake {
  const { proxy, bot, connection, sni, version, problem, took, faults, seen, ms } = entry;
  const over = seen === undefined ? line.written(entry) : line.at(seen.over);
  const at = seen === undefined ? over - ms : line.at(seen.at);
  return { proxy, bot, connection, at, over, sni, version, problem, took, faults };
}

const UNSEEN: Message = { bytes: 0, hash: null, type: null };

function exchangeOf(entry: Of<"exchange_over">, line: TimeLine): SeenExchange {
  const { proxy, bot, connection, exchange, seen, upstream_status, client_status, end, faults } = entry;
  const { id, method, path } = exchange;
  const over = seen === undefined ? line.written(entry) : line.at(seen.over);
  const answered = seen === undefined ? upstream_status !== null : seen.response !== null;
  return {
    proxy,
    bot,
    connection,
    id,
    method,
    path,
    at: seen === undefined ? over - entry.client_ms : line.at(seen.at),
    over,
    reused: seen?.reused ?? false,
    request: seen?.request ?? { ...UNSEEN, key: null, authorized: false, operation: null },
    response: answered ? responseOf(seen?.response ?? null) : null,
    upstreamStatus: upstream_status,
    clientStatus: client_status,
    forwarded: seen?.forwarded ?? upstream_status !== null,
    end,
    faults,
  };
}

type ResponseSeen = NonNullable<Extract<Fact, { kind: "exchange_over" }>["seen"]>["response"];

function responseOf(seen: ResponseSeen): SeenExchange["response"] {
  if (seen === null) return { ...UNSEEN, retryAfter: null };
  const { bytes, hash, type, retry_after_ms: retryAfter } = seen;
  return { bytes, hash, type, retryAfter };
}

function connectionOf(
  { proxy, bot, connection, seen, end, failure, faults }: Of<"connection_over">,
  line: TimeLine,
): SeenConnection {
  const bytes = { up: seen.up, down: seen.down };
  return { proxy, bot, connection, ...span(seen, line), bytes, end, failure, faults };
}

function queryOf({ proxy, bot, query, seen, rcode, faults }: Of<"query_over">, line: TimeLine): SeenQuery {
  return { proxy, bot, ...query, at: line.at(seen.at), rcode, faults };
}

function flowOf({ proxy, bot, connection, seen, faults }: Of<"flow_over">, line: TimeLine): SeenFlow {
  const datagrams = { up: seen.up, down: seen.down };
  return { proxy, bot, flow: connection, ...span(seen, line), datagrams, faults };
}

function hitOf(entry: Of<"fault_hit">, line: TimeLine): Hit {
  const { seq, activation, fault, type, proxy, bot, connection, exchange, query, effect, detail } = entry;
  return {
    seq,
    at: line.written(entry),
    activation,
    fault,
    type,
    proxy,
    bot,
    connection,
    exchange: exchange ?? null,
    query: query ?? null,
    effect,
    detail: detail ?? {},
  };
}

function span(
  seen: { readonly at: number; readonly over: number },
  line: TimeLine,
): Pick<SeenFlow, "at" | "over"> {
  return { at: line.at(seen.at), over: line.at(seen.over) };
}
