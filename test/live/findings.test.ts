/** What exchanges say of bots: each finding with what brings it about, and with what comes near and does not. */
import { describe, expect, it } from "vitest";
import { findingsOf } from "../../src/live/findings.js";
import type { Finding, LiveAct, LiveExchange } from "../../src/live/contract.js";
import { liveExchange } from "../support/live-sample.js";

const ACT: LiveAct = {
  activation: "a",
  profile: "p",
  phase: "",
  fault: "f",
  type: "lost_response",
  effect: "lost",
  amount: 1,
  at: 0,
  detail: null,
  observed: false,
};

let ids = 0;

/** Ends badly for its client at once; the upstream has answered 200 unless told otherwise. */
function lost(at: number, change: Partial<LiveExchange> = {}): LiveExchange {
  const whole = whole200(at, change);
  return {
    ...whole,
    acts: [ACT],
    client_side: {
      ...whole.client_side,
      status: null,
      end: "reset",
      by: "fault",
      answer_first: null,
      answer_last: null,
      over: at + 10,
    },
  };
}

function whole200(at: number, change: Partial<LiveExchange> = {}): LiveExchange {
  return liveExchange(at, { id: String(++ids), ...change });
}

function refused(at: number, status: number, change: Partial<LiveExchange> = {}): LiveExchange {
  const whole = whole200(at, change);
  return { ...whole, client_side: { ...whole.client_side, status }, upstream_side: null, acts: [ACT] };
}

const retry = (before: LiveExchange, at: number, make = whole200): LiveExchange =>
  make(at, { again: before.id, again_by: "failed", bot: before.bot });

function kinds(
  exchanges: readonly LiveExchange[],
  now = 100_000,
): (readonly [Finding["kind"], Finding["level"], number | null])[] {
  return findingsOf(exchanges, now).map(({ kind, level, ms }) => [kind, level, ms] as const);
}

describe("findings", () => {
  it("are none where all goes well", () => {
    expect(findingsOf([whole200(0), whole200(20), whole200(40)], 100)).toEqual([]);
  });

  it("have how long a bot took to be answered again, and that it was not", () => {
    const first = lost(1_000, { method: "GET" });
    expect(kinds([first, whole200(3_000)])).toEqual([["recovery", "note", 2_002]]);
    expect(kinds([first])).toEqual([["recovery", "note", null]]);
    expect(kinds([first, lost(1_500, { method: "GET" }), whole200(1_600, { bot: "another" })])).toEqual([
      ["recovery", "note", null],
    ]);
  });

  it("have who comes back before Retry-After is over, and not who waits", () => {
    const limited = refused(0, 429, { retry_after_ms: 3_000, method: "GET" });
    expect(kinds([limited, retry(limited, 1_012)])).toContainEqual(["early_retry", "bad", 2_000]);
    expect(kinds([limited, retry(limited, 3_100)]).map(([kind]) => kind)).not.toContain("early_retry");
  });

  it("have who tries again at once, one behind the other, and not who does so once", () => {
    const tries = [lost(0, { method: "GET" })];
    for (let n = 1; n <= 4; n++) tries.push(retry(tries[n - 1] as LiveExchange, n * 15, lost));
    const all = tries.map((one) => ({ ...one, method: "GET" }));
    expect(kinds(all).map(([kind]) => kind)).toContain("early_retry");
    expect(kinds(all.slice(0, 2)).map(([kind]) => kind)).not.toContain("early_retry");
  });

  it("have bots that come back together, more than once", () => {
    const round = (at: number, spread: number): LiveExchange[] =>
      ["a", "b", "c"].map((bot, n) =>
        whole200(at + n * spread, { bot, again: "0", again_by: "failed", method: "GET" }),
      );
    const together = findingsOf([...round(0, 5), ...round(1_000, 5)], 2_000);
    expect(together).toMatchObject([{ kind: "lock_step", bots: ["a", "b", "c"], times: 2 }]);
    expect(kinds(round(0, 5))).toEqual([]);
    expect(kinds([...round(0, 60), ...round(1_000, 60)])).toEqual([]);
  });

  it("have who waits without end for what a fault holds, also while it still does", () => {
    const held = { ...whole200(0, { pending: true, acts: [ACT], method: "GET" }) };
    const waiting = {
      ...held,
      client_side: { ...held.client_side, answer_first: null, over: null, end: null, by: null, status: null },
    };
    expect(kinds([waiting], 29_000)).toEqual([]);
    expect(kinds([waiting], 31_000)).toEqual([["no_timeout", "bad", 31_000]]);
    // A long poll that nobody holds is nobody's flaw.
    expect(kinds([{ ...waiting, acts: [] }], 31_000)).toEqual([]);
  });

  it("have who takes a bad certificate, once for a connection", () => {
    const tls = { sni: null, version: null, alpn: null, problem: "expired", took: "accepted" };
    const bad = findingsOf(
      [whole200(0, { tls }), whole200(10, { tls }), whole200(20, { tls, connection: 2 })],
      100,
    );
    expect(bad).toMatchObject([{ kind: "bad_certificate", times: 2, level: "bad" }]);
    expect(kinds([whole200(0, { tls: { ...tls, took: "alert certificate_expired" } })])).toEqual([]);
  });

  it.each<[string, (at: number) => LiveExchange[], string[]]>([
    [
      "a lost answer and a second try",
      (at) => {
        const one = lost(at);
        return [one, retry(one, at + 500)];
      },
      ["bad"],
    ],
    [
      "the same with a key",
      (at) => {
        const one = lost(at);
        return [one, { ...retry(one, at + 500), key: "k" }];
      },
      ["note"],
    ],
    [
      "a method that may be repeated",
      (at) => {
        const one = lost(at, { method: "PUT" });
        return [one, { ...retry(one, at + 500), method: "PUT" }];
      },
      [],
    ],
    [
      "a server that knows it again",
      (at) => {
        const one = lost(at);
        const two = retry(one, at + 500);
        return [one, { ...two, upstream_side: two.upstream_side && { ...two.upstream_side, status: 409 } }];
      },
      [],
    ],
    [
      "a copy of a fault's",
      (at) => {
        const one = whole200(at);
        return [{ ...one, upstream_side: one.upstream_side && { ...one.upstream_side, copies: 1 } }];
      },
      ["bad"],
    ],
    [
      "a request that was lost on the way there",
      (at) => {
        const one = { ...lost(at), upstream_side: null };
        return [one, retry(one, at + 500)];
      },
      [],
    ],
  ])("have what was carried out twice: %s", (_what, make, levels) => {
    const found = findingsOf(make(0), 10_000).filter(({ kind }) => kind === "carried_out_twice");
    expect(found.map(({ level }) => level)).toEqual(levels);
  });

  it("stay the same rows while they grow, the flaws before the figures, with at most five as proof", () => {
    const all: LiveExchange[] = [];
    for (let n = 0; n < 5; n++) {
      const one = lost(n * 10_000);
      all.push(one, retry(one, n * 10_000 + 500));
    }
    const [few, many] = [findingsOf(all.slice(0, 4), 60_000), findingsOf(all, 60_000)];
    expect(many.map(({ id }) => id)).toEqual(few.map(({ id }) => id));
    expect(many.map(({ kind, times }) => [kind, times])).toEqual([
      ["carried_out_twice", 5],
      ["recovery", 1],
    ]);
    expect(many[0]?.exchanges).toHaveLength(5);
  });
});
