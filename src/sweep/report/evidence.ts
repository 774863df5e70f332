/**
 * What a report shows of one run: the calls around the faults as both sides saw them, the journal's lines about them, and what the
 * command printed that it prints in no fault-free run. Bounded: a run may have made a million calls.
 */
import type { ExchangeEnd } from "../../core/events.js";
import type { TimelineRow } from "../contract/report.js";
import type {
  Hit,
  RunRecord,
  SeenConnection,
  SeenExchange,
  SeenFlow,
  SeenHandshake,
  SeenQuery,
} from "../contract/record.js";

/** Rows of a timeline, and how many of them stand before the first hit. */
const ROWS_MAX = 60;
const ROWS_BEFORE = 6;
const JOURNAL_MAX = 40;
const STDERR_MAX = 40;
const LINE_MAX = 400;

/** How many calls of each name a fault-free run has at most: what goes beyond is extra. */
export type Usual = ReadonlyMap<string, number>;

/** Calls are told apart by bot, method and site, which the caller knows. */
export function usualOf(baselines: readonly RunRecord[], siteOf: (exchange: SeenExchange) => string): Usual {
  const most = new Map<string, number>();
  for (const { exchanges } of baselines) {
    const counts = new Map<string, number>();
    for (const exchange of exchanges) {
      const key = siteOf(exchange);
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    for (const [key, count] of counts) most.set(key, Math.max(most.get(key) ?? 0, count));
  }
  return most;
}

/** In the order of time: a few rows before the first that a fault acted on, and those after it. */
export function timelineOf(
  record: RunRecord,
  usual: Usual,
  siteOf: (exchange: SeenExchange) => string,
): readonly TimelineRow[] {
  const counts = new Map<string, number>();
  const exchanges = [...record.exchanges]
    .sort((one, other) => one.at - other.at || one.id - other.id)
    .map((exchange) => {
      const key = siteOf(exchange);
      const nth = (counts.get(key) ?? 0) + 1;
      counts.set(key, nth);
      return exchangeRow(exchange, nth > (usual.get(key) ?? 0));
    });
  const rows = [
    ...exchanges,
    ...(record.handshakes ?? [])
      .filter(({ took, faults }) => took !== "accepted" || faults.length > 0)
      .map(handshakeRow),
    ...record.connections.map(connectionRow),
    ...record.queries.map(queryRow),
    ...record.flows.map(flowRow),
  ].sort((one, other) => one.at_ms - other.at_ms);
  const first = rows.findIndex(({ faults }) => faults.length > 0);
  const from = Math.max(0, first - ROWS_BEFORE);
  return rows.slice(from, from + ROWS_MAX);
}

const ENDED: Readonly<Record<ExchangeEnd, string>> = {
  complete: "",
  cut: "cut short",
  reset: "reset",
  closed: "closed",
  client_left: "left",
};

function exchangeRow(exchange: SeenExchange, extra: boolean): TimelineRow {
  const { clientStatus, upstreamStatus, forwarded, end } = exchange;
  const got = clientStatus === null ? "nothing" : String(clientStatus);
  return {
    at_ms: exchange.at,
    over_ms: exchange.over,
    bot: exchange.bot,
    what: `${exchange.method} ${exchange.path}`,
    client: ENDED[end] === "" ? got : `${got}, ${ENDED[end]}`,
    upstream: upstreamStatus === null ? (forwarded ? "no response" : "nothing came") : String(upstreamStatus),
    forwarded,
    responded: upstreamStatus !== null,
    delivered: clientStatus !== null,
    faults: exchange.faults,
    extra,
  };
}

const CONNECTION_ENDS: Readonly<Record<SeenConnection["end"], string>> = {
  client_closed: "closed it",
  client_reset: "reset it",
  upstream_closed: "was closed by the upstream",
  upstream_reset: "was reset by the upstream",
  fault: "was ended by a fault",
  failed: "was not connected",
  stopped: "was open when its proxy stopped",
};

function connectionRow(seen: SeenConnection): TimelineRow {
  const { bytes, end, failure } = seen;
  return {
    at_ms: seen.at,
    over_ms: seen.over,
    bot: seen.bot,
    what: `connection ${String(seen.connection)} to ${seen.proxy}`,
    client: `${String(bytes.down)} B, ${CONNECTION_ENDS[end]}`,
    upstream: failure === null ? `${String(bytes.up)} B came` : failure,
    forwarded: failure === null && end !== "failed",
    responded: bytes.down > 0,
    delivered: bytes.down > 0,
    faults: seen.faults,
    extra: false,
  };
}

function handshakeRow(seen: SeenHandshake): TimelineRow {
  const { took, problem, version, faults, sni } = seen;
  const wrong = problem === null ? "" : ` a certificate that is wrong (${problem})`;
  return {
    at_ms: seen.at,
    over_ms: seen.over,
    bot: seen.bot,
    what: `TLS to ${seen.proxy}${sni === null ? "" : ` as ${sni}`}`,
    client:
      took === "accepted"
        ? `took${wrong === "" ? " the handshake" : wrong}`
        : `${took}${wrong === "" ? "" : `, shown${wrong}`}`,
    upstream: "",
    forwarded: false,
    responded: false,
    delivered: version !== null || problem !== null,
    faults,
    extra: false,
  };
}

function queryRow(seen: SeenQuery): TimelineRow {
  const { rcode, faults } = seen;
  return {
    at_ms: seen.at,
    over_ms: seen.at,
    bot: seen.bot,
    what: `${seen.type} ${seen.name}`,
    client: rcode ?? "nothing",
    upstream: "",
    forwarded: faults.length === 0,
    responded: faults.length === 0 && rcode !== null,
    delivered: rcode !== null,
    faults,
    extra: false,
  };
}

function flowRow(seen: SeenFlow): TimelineRow {
  const { datagrams } = seen;
  return {
    at_ms: seen.at,
    over_ms: seen.over,
    bot: seen.bot,
    what: `flow ${String(seen.flow)} to ${seen.proxy}`,
    client: `${String(datagrams.down)} datagrams`,
    upstream: `${String(datagrams.up)} datagrams`,
    forwarded: datagrams.up > 0,
    responded: datagrams.down > 0,
    delivered: datagrams.down > 0,
    faults: seen.faults,
    extra: false,
  };
}

/** Hits as lines of JSON. */
export function journalOf(hits: readonly Hit[]): readonly string[] {
  const lines = hits.slice(0, JOURNAL_MAX).map((hit) => bounded(JSON.stringify(hit)));
  return hits.length > JOURNAL_MAX ? [...lines, `and ${String(hits.length - JOURNAL_MAX)} more`] : lines;
}

/**
 * The lines of `said` that none of `usually` has. Numbers count as alike, so that times, ports and ids of processes make no difference.
 */
export function unusualLines(said: string, usually: readonly string[]): readonly string[] {
  const known = new Set(usually.flatMap((text) => text.split("\n").map(withoutNumbers)));
  const lines = said.split("\n").filter((line) => line.trim() !== "" && !known.has(withoutNumbers(line)));
  const last = lines.slice(-STDERR_MAX).map(bounded);
  return lines.length > STDERR_MAX ? [`${String(lines.length - STDERR_MAX)} lines before`, ...last] : last;
}

function withoutNumbers(line: string): string {
  return line.replace(/\d+/gu, "#").trim();
}

function bounded(line: string): string {
  return line.length > LINE_MAX ? `${line.slice(0, LINE_MAX)}…` : line;
}
