/** The record of a run from its journal, as far as the daemon writes exchanges down. */
import type { JournalEntry } from "../../telemetry/entry.js";
import type { Hit, Message, RunRecord, SeenExchange } from "../contract/record.js";

const NOTHING: Message = { bytes: 0, hash: null, type: null };

/** `since` is when the command was started, in milliseconds of the wall clock. */
export function recordOf(entries: readonly JournalEntry[], since: number): RunRecord {
  const exchanges: SeenExchange[] = [];
  const hits: Hit[] = [];
  for (const entry of entries) {
    const at = Date.parse(entry.time) - since;
    if (entry.kind === "fault_hit" && entry.health_check === undefined)
      hits.push({
        seq: entry.seq,
        at,
        activation: entry.activation,
        fault: entry.fault,
        type: entry.type,
        proxy: entry.proxy,
        bot: entry.bot,
        connection: entry.connection,
        exchange: entry.exchange ?? null,
        query: entry.query ?? null,
        effect: entry.effect,
        detail: entry.detail ?? {},
      });
    if (entry.kind === "exchange_over")
      exchanges.push({
        proxy: entry.proxy,
        bot: entry.bot,
        connection: entry.connection,
        id: entry.exchange.id,
        method: entry.exchange.method,
        path: entry.exchange.path,
        at: at - entry.client_ms,
        over: at,
        reused: false,
        request: { ...NOTHING, key: null, authorized: false, operation: null },
        response: entry.upstream_status === null ? null : { ...NOTHING, retryAfter: null },
        upstreamStatus: entry.upstream_status,
        clientStatus: entry.client_status,
        forwarded: entry.upstream_status !== null,
        end: entry.end,
        faults: entry.faults,
      });
  }
  return { exchanges, connections: [], queries: [], flows: [], hits };
}
