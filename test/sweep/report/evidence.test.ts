/** What a report shows of one run: both sides, in order, bounded. */
import { describe, expect, it } from "vitest";
import type { Hit, RunRecord, SeenExchange } from "../../../src/sweep/contract/record.js";
import { journalOf, timelineOf, unusualLines, usualOf } from "../../../src/sweep/report/evidence.js";

const EMPTY: RunRecord = { exchanges: [], connections: [], queries: [], flows: [], hits: [] };
const MESSAGE = { bytes: 2, hash: "a", type: "application/json" };

function exchange(id: number, more: Partial<SeenExchange> = {}): SeenExchange {
  return {
    proxy: "jobs",
    bot: "bot-1",
    connection: 1,
    id,
    method: "POST",
    path: `/v1/jobs/${String(id)}/complete`,
    at: id * 10,
    over: id * 10 + 4,
    reused: true,
    request: { ...MESSAGE, key: null, authorized: false, operation: null },
    response: { ...MESSAGE, retryAfter: null },
    upstreamStatus: 200,
    clientStatus: 200,
    forwarded: true,
    end: "complete",
    faults: [],
    ...more,
  };
}

const site = ({ bot, method, path }: SeenExchange): string =>
  `${bot} ${method} ${path.replace(/\d+/u, ":n")}`;
const recorded = (...exchanges: SeenExchange[]): RunRecord => ({ ...EMPTY, exchanges });

describe("the timeline of a run", () => {
  it("tells what either side saw, and which calls no fault-free run has", () => {
    const usual = usualOf([recorded(exchange(1)), recorded(exchange(1), exchange(2))], site);
    const rows = timelineOf(
      recorded(
        exchange(3),
        exchange(1, { clientStatus: null, end: "reset", faults: ["f1"] }),
        exchange(2, { upstreamStatus: null, clientStatus: null, forwarded: false, end: "client_left" }),
        exchange(4, { upstreamStatus: null, clientStatus: 504 }),
        exchange(5, { end: "cut" }),
      ),
      usual,
      site,
    );
    expect(rows.map(({ at_ms, client, upstream, extra }) => [at_ms, client, upstream, extra])).toEqual([
      [10, "nothing, reset", "200", false],
      [20, "nothing, left", "nothing came", false],
      [30, "200", "200", true],
      [40, "504", "no response", true],
      [50, "200, cut short", "200", true],
    ]);
  });

  it("begins a little before the first fault, and ends at its bound", () => {
    const many = Array.from({ length: 500 }, (_, index) =>
      exchange(index + 1, index === 100 ? { faults: ["f1"] } : {}),
    );
    const rows = timelineOf(recorded(...many), new Map(), site);
    expect(rows).toHaveLength(60);
    expect(rows[0]?.at_ms).toBe(950);
    expect(rows[6]?.faults).toEqual(["f1"]);
  });

  it("has connections, queries and flows in their places", () => {
    const common = { proxy: "redis", bot: "b", faults: [] };
    const rows = timelineOf(
      {
        ...EMPTY,
        connections: [
          {
            ...common,
            connection: 3,
            at: 5,
            over: 9,
            bytes: { up: 7, down: 0 },
            end: "client_reset",
            failure: null,
          },
        ],
        queries: [{ ...common, name: "jobs.example", type: "A", transport: "udp", at: 1, rcode: "NXDOMAIN" }],
        flows: [{ ...common, flow: 2, at: 3, over: 8, datagrams: { up: 4, down: 0 } }],
      },
      new Map(),
      site,
    );
    expect(rows.map(({ what, client, upstream }) => [what, client, upstream])).toEqual([
      ["A jobs.example", "NXDOMAIN", ""],
      ["flow 2 to redis", "0 datagrams", "4 datagrams"],
      ["connection 3 to redis", "0 B, reset it", "7 B came"],
    ]);
  });
});

describe("what a command printed", () => {
  it("is shown where no fault-free run printed it, numbers aside", () => {
    const said = "started on port 4711\nError: lease 7 not found\n\nstarted on port 4712";
    expect(unusualLines(said, ["started on port 1\n"])).toEqual(["Error: lease 7 not found"]);
  });

  it("is bounded, at its end", () => {
    const lines = Array.from({ length: 100 }, (_, index) => `${"x".repeat(index + 1)}`);
    const shown = unusualLines(lines.join("\n"), []);
    expect(shown[0]).toBe("60 lines before");
    expect(shown).toHaveLength(41);
    expect(unusualLines("y".repeat(5_000), [])[0]).toHaveLength(401);
  });
});

it("the journal of a finding is bounded, and says how much there is besides", () => {
  const hit: Hit = {
    seq: 1,
    at: 0,
    activation: "a",
    fault: "f1",
    type: "reset",
    proxy: "jobs",
    bot: "b",
    connection: 1,
    exchange: null,
    query: null,
    effect: "reset",
    detail: {},
  };
  const lines = journalOf(Array.from({ length: 45 }, () => hit));
  expect(lines).toHaveLength(41);
  expect(lines.at(-1)).toBe("and 5 more");
});
