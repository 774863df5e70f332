/** What Why is made of: heads side by side, tries of the same call, and the lines that repeat a run. */
import { describe, expect, it } from "vitest";
import type { MessageHead } from "../../../src/live/contract.js";
import { againLines } from "../../../src/ui/why/again.js";
import { headRows } from "../../../src/ui/why/heads.js";
import { afterwards, fromJournal, rowsOf, triesOf } from "../../../src/ui/why/tries.js";
import {
  EXCHANGE_TRACE,
  LIVE_STATE,
  liveExchange,
  LOST_ACK,
  TRIED_AGAIN,
} from "../../support/live-sample.js";

function head(line: string, ...fields: (readonly [string, string])[]): MessageHead {
  return { line, fields, more: 0, body: null };
}

describe("heads side by side", () => {
  it("mark what was changed, added and taken out, each field at its turn", () => {
    const rows = headRows({
      in: head("HTTP/1.1 200 OK", ["A", "1"], ["set-cookie", "x"], ["Set-Cookie", "y"], ["gone", "z"]),
      out: head(
        "HTTP/1.1 503 Down",
        ["a", "1"],
        ["set-cookie", "x"],
        ["set-cookie", "n"],
        ["x-squall-fault", "f"],
      ),
      same: false,
      changed: [],
    });
    expect(rows.map(({ name, change }) => [name, change])).toEqual([
      ["", "changed"],
      ["A", "same"],
      ["set-cookie", "same"],
      ["Set-Cookie", "changed"],
      ["gone", "removed"],
      ["x-squall-fault", "added"],
    ]);
  });

  it("call nothing changed that never left", () => {
    const rows = headRows({ in: head("HTTP/1.1 200 OK", ["a", "1"]), out: null, same: false, changed: [] });
    expect(rows.every(({ change }) => change === "same")).toBe(true);
    expect(headRows({ in: null, out: null, same: true, changed: [] })).toEqual([]);
  });
});

describe("tries of the same call", () => {
  const third = liveExchange(95_000, { id: "10", again: "9", again_by: "key" });
  const other = liveExchange(94_000, { id: "11" });
  const all = [third, other, TRIED_AGAIN, LOST_ACK];

  it("are found from whichever is looked at, in the order of time", () => {
    for (const one of [LOST_ACK, TRIED_AGAIN, third])
      expect(triesOf(one, all).map(({ id }) => id)).toEqual(["7", "9", "10"]);
    expect(triesOf(other, all).map(({ id }) => id)).toEqual(["11"]);
  });

  it("end where two are said to repeat each other, and are not without bound", () => {
    const [one, two] = [liveExchange(1, { id: "1", again: "2" }), liveExchange(2, { id: "2", again: "1" })];
    expect(triesOf(one, [one, two]).map(({ id }) => id)).toEqual(["1", "2"]);
    const storm = Array.from({ length: 200 }, (_, at) =>
      liveExchange(at, { id: String(at), again: at === 0 ? null : String(at - 1) }),
    );
    const seen = triesOf(storm[100] ?? LOST_ACK, storm).map(({ id }) => id);
    expect(seen).toHaveLength(12);
    expect(seen).toContain("100");
  });

  it("are drawn as the report of a sweep draws calls", () => {
    expect(rowsOf([LOST_ACK, TRIED_AGAIN], 100_000)).toMatchObject([
      {
        at_ms: 0,
        over_ms: 9,
        client: "nothing, reset",
        upstream: "200 in 8 ms",
        forwarded: true,
        responded: true,
        delivered: false,
        faults: ["lost-ack"],
      },
      { at_ms: 1_000, over_ms: 1_012, client: "200", upstream: "200 in 8 ms", delivered: true, faults: [] },
    ]);
  });

  it("are told in a sentence", () => {
    expect(afterwards(LOST_ACK, [LOST_ACK, TRIED_AGAIN])).toBe(
      "bot-1 tried again 991 ms later, and got 200.",
    );
    expect(afterwards(TRIED_AGAIN, [LOST_ACK, TRIED_AGAIN])).toBe("");
  });

  it("are told of what only the journal knows, as far as it does", () => {
    const journal = [
      {
        seq: 1,
        time: "2026-11-29T14:00:00Z",
        kind: "exchange_over",
        proxy: "jobs",
        bot: "bot-1",
        exchange: { id: 7, method: "POST", path: "/v1/jobs/17/complete" },
        upstream: "main",
        faults: ["lost-ack"],
        upstream_status: 200,
        upstream_ms: 8,
        client_status: null,
        client_ms: 9,
        end: "reset",
      },
    ];
    expect(fromJournal({ ...EXCHANGE_TRACE, exchange: null, journal })).toMatchObject({
      what: "POST /v1/jobs/17/complete",
      client: { end: "reset", by: "fault", status: null },
      upstream: { status: 200 },
    });
    expect(fromJournal({ ...EXCHANGE_TRACE, exchange: null, journal: [] })).toBeNull();
  });
});

describe("the lines that repeat a run", () => {
  it("are the daemon's own, and curl with the same seed for what is still on", () => {
    const [activation] = LIVE_STATE.active.rows;
    expect(
      againLines(
        { a1: "squall use lost-ack --seed 42", a2: "squall use wan" },
        activation === undefined ? [] : [activation],
        "http://127.0.0.1:8474",
      ),
    ).toEqual([
      { label: "squall", text: "squall use lost-ack --seed 42" },
      {
        label: "curl",
        text: `curl -X PUT http://127.0.0.1:8474/active -d '{"profile":"lost-ack","seed":42,"params":{"probability":0.1}}'`,
      },
      { label: "squall", text: "squall use wan" },
    ]);
  });

  it("has no line that a single daemon would do otherwise, for what the fleet has on", () => {
    const [activation] = LIVE_STATE.active.rows;
    const active = activation === undefined ? [] : [{ ...activation, fleet: true }];
    expect(againLines({ a1: "squall use lost-ack --fleet" }, active, "http://127.0.0.1:8474")).toEqual([
      { label: "squall", text: "squall use lost-ack --fleet" },
    ]);
  });
});
