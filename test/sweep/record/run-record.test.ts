/** Journal entries to the record of a run. */
import { describe, expect, it } from "vitest";
import type { ExchangeSeen } from "../../../src/core/events.js";
import { recordOf } from "../../../src/sweep/record/run-record.js";
import type { JournalEntry } from "../../../src/telemetry/entry.js";
import { SAMPLES } from "../../telemetry/samples.js";

const TIME = "2026-03-01T14:03:07.120Z";
const later = (ms: number): string => new Date(Date.parse(TIME) + ms).toISOString();

const seen: ExchangeSeen = {
  at: 5_100,
  over: 5_104.4,
  reused: true,
  forwarded: true,
  request: { bytes: 4, hash: "aa", type: "text/plain", key: "kk", authorized: true, operation: "send" },
  response: { bytes: 7, hash: "bb", type: "application/json", retry_after_ms: 2_000 },
};

const over = (rest: object, stamp: object): JournalEntry =>
  ({ seq: 1, time: TIME, ...SAMPLES.exchange_over, ...rest, ...stamp }) as JournalEntry;

describe("a record", () => {
  it("has what record mode saw, in milliseconds since the command was started", () => {
    const record = recordOf([over({ seen }, { at: 5_105 })], 5_000);
    expect(record.exchanges).toEqual([
      {
        proxy: "jobs",
        bot: "bot-1",
        connection: 7,
        id: 12,
        method: "POST",
        path: "/v1/jobs/4/complete",
        at: 100,
        over: 104.4,
        reused: true,
        request: seen.request,
        response: { bytes: 7, hash: "bb", type: "application/json", retryAfter: 2_000 },
        upstreamStatus: 200,
        clientStatus: null,
        forwarded: true,
        end: "reset",
        faults: ["lose-the-ack"],
      },
    ]);
  });

  it("has connections, queries and flows, and hits where their entries were written", () => {
    const entries: JournalEntry[] = [
      { seq: 1, time: TIME, at: 5_020, ...SAMPLES.fault_hit },
      { seq: 2, time: TIME, at: 5_400, ...SAMPLES.connection_over },
      { seq: 3, time: TIME, at: 5_400, ...SAMPLES.query_over },
      { seq: 4, time: TIME, at: 5_400, ...SAMPLES.flow_over },
    ];
    const { connections, queries, flows, hits } = recordOf(entries, 5_000);
    expect(connections).toEqual([
      {
        proxy: "redis",
        bot: "127.0.0.2",
        connection: 3,
        at: 12.25,
        over: 390.5,
        bytes: { up: 412, down: 1_930 },
        end: "client_closed",
        failure: null,
        faults: ["slow"],
      },
    ]);
    expect(queries).toEqual([
      {
        proxy: "names",
        bot: "127.0.0.2",
        name: "jobs.internal",
        type: "A",
        transport: "udp",
        at: 12.25,
        rcode: "NOERROR",
        faults: [],
      },
    ]);
    expect(flows).toMatchObject([{ flow: 1, at: 12.25, over: 390.5, datagrams: { up: 12, down: 12 } }]);
    expect(hits).toMatchObject([
      {
        seq: 1,
        at: 20,
        fault: "latency",
        effect: "delayed",
        detail: { delay_ms: 200 },
        exchange: null,
        query: null,
      },
    ]);
  });

  it("leaves out what was only observed, and health checks", () => {
    const entries: JournalEntry[] = [
      { seq: 1, time: TIME, ...SAMPLES.fault_hit, observed: true },
      { seq: 2, time: TIME, ...SAMPLES.fault_hit, health_check: "main" },
      { seq: 3, time: TIME, ...SAMPLES.mark },
    ];
    expect(recordOf(entries).hits).toEqual([]);
  });

  it("has calls in the order in which they began, whatever was over first", () => {
    const entries = [
      over({ seen: { ...seen, at: 5_200 }, exchange: { id: 2, method: "GET", path: "/b" } }, { at: 5_210 }),
      over({ seen: { ...seen, at: 5_100 }, exchange: { id: 1, method: "GET", path: "/a" } }, { at: 5_300 }),
    ];
    expect(recordOf(entries, 5_000).exchanges.map(({ id }) => id)).toEqual([1, 2]);
    expect(recordOf(entries).exchanges.map(({ at }) => at)).toEqual([0, 100]);
  });

  it("takes a journal that was not written in record mode, by the wall's clock", () => {
    const entries = [
      over({}, { time: TIME }),
      over({ upstream_status: null, client_ms: 50 }, { seq: 2, time: later(80) }),
    ];
    expect(recordOf(entries).exchanges).toMatchObject([
      { at: -4.4, over: 0, forwarded: true, response: { bytes: 0, hash: null, retryAfter: null } },
      { at: 30, over: 80, forwarded: false, response: null },
    ]);
  });

  it("lays entries from before record mode was switched on beside the others", () => {
    const entries: JournalEntry[] = [
      { seq: 1, time: TIME, ...SAMPLES.fault_hit },
      over({ seen }, { seq: 2, time: later(100), at: 5_110 }),
    ];
    const { hits, exchanges } = recordOf(entries, 5_000);
    expect(hits[0]?.at).toBe(10);
    expect(exchanges[0]?.at).toBe(100);
  });

  it("has handshakes, each as it was told of last, and none where nobody spoke TLS", () => {
    const told = { ...SAMPLES.tls_over, faults: [], problem: null, seen: { at: 5_100, over: 5_112.5 } };
    const late = { ...SAMPLES.tls_over, connection: 8, took: "closed" };
    const entries: JournalEntry[] = [
      { seq: 1, time: TIME, at: 5_120, ...told },
      { seq: 2, time: TIME, at: 5_200, ...late },
      { seq: 3, time: TIME, at: 5_300, ...told, faults: ["end"] },
    ];
    expect(recordOf(entries, 5_000).handshakes).toEqual([
      {
        proxy: "jobs",
        bot: "127.0.0.1",
        connection: 7,
        at: 100,
        over: 112.5,
        sni: "jobs.example",
        version: "TLSv1.3",
        problem: null,
        took: "accepted",
        faults: ["end"],
      },
      {
        proxy: "jobs",
        bot: "127.0.0.1",
        connection: 8,
        at: 187.5,
        over: 200,
        sni: "jobs.example",
        version: "TLSv1.3",
        problem: "expired",
        took: "closed",
        faults: ["expired"],
      },
    ]);
    expect(recordOf([]).handshakes).toBeUndefined();
  });

  it("is empty for no entries", () => {
    expect(recordOf([])).toEqual({ exchanges: [], connections: [], queries: [], flows: [], hits: [] });
  });
});
