/** What happened to an exchange, in a sentence. */
import { describe, expect, it } from "vitest";
import type { ClientSide, LiveAct, LiveExchange, UpstreamSide } from "../../../src/live/contract.js";
import { entryOf } from "../../../src/ui/lanes/entry.js";
import { sentenceOf } from "../../../src/ui/why/sentence.js";
import { liveExchange } from "../../support/live-sample.js";

const ACT: LiveAct = {
  activation: "a1",
  profile: "p",
  phase: "",
  fault: "f",
  type: "t",
  effect: "e",
  amount: 1,
  at: 0,
  detail: null,
  observed: false,
};
const WHOLE = liveExchange(0);

function said(
  client: Partial<ClientSide>,
  upstream: Partial<UpstreamSide> | null,
  change: Partial<LiveExchange> = {},
): string {
  const { upstream_side: side } = WHOLE;
  const live = {
    ...WHOLE,
    pending: client.end === null,
    client_side: { ...WHOLE.client_side, ...client },
    upstream_side: upstream === null || side === null ? null : { ...side, ...upstream },
    ...change,
  };
  return sentenceOf(entryOf(live), 500);
}
const hit = { acts: [ACT] };

describe("the sentence of an exchange", () => {
  it.each<[string, string]>([
    [
      said({ end: "reset", status: null, by: "fault" }, { status: 201 }, hit),
      "Squall took the answer 201 of the server away after the server had done the work (f); bot-1 saw its connection reset after 12 ms.",
    ],
    [
      said({ end: "cut", by: "fault" }, {}, { ...hit, method: "GET" }),
      "Squall cut the answer 200 of the server short after the server had answered (f); bot-1 got a part of the answer after 12 ms.",
    ],
    [
      said({ end: "closed", status: null, by: "fault" }, null, hit),
      "Squall took the request away before it came to the server (f); bot-1 saw its connection closed without an answer after 12 ms. The server did nothing.",
    ],
    [
      said({ end: "reset", status: null, by: "fault" }, { status: null, end: "abandoned" }, hit),
      "Squall ended it before the server had answered (f): whether the server did the work is not known; bot-1 saw its connection reset after 12 ms.",
    ],
    [said({}, {}), "The server answered 200, and bot-1 got it after 12 ms. No fault acted on it."],
    [
      said(
        {},
        {},
        { ...hit, delays: [{ at: 1, until: 9, side: "answer", activation: "a1", fault: "f", type: "t" }] },
      ),
      "The server answered 200, and bot-1 got it after 12 ms. Squall held it for 8 ms (f).",
    ],
    [
      said({}, { copies: 1 }, hit),
      "The server answered 200, and bot-1 got it after 12 ms. Squall sent the request twice (f).",
    ],
    [
      said({ status: 503 }, { status: 200 }, hit),
      "Squall put 503 in the place of the server's answer 200 after the server had done the work (f). bot-1 had its answer after 12 ms.",
    ],
    [
      said({ status: 429, by: "fault" }, null, hit),
      "Squall answered 429 in the server's place (f); the server never saw the request. bot-1 had its answer after 12 ms.",
    ],
    [
      said({ status: 502, by: "proxy" }, null, { failure: "upstream_refused" }),
      "Squall answered 502 itself, since the server refused the connection. bot-1 had its answer after 12 ms.",
    ],
    [
      said({ end: "client_left", status: null, by: "client" }, { status: null, end: "abandoned" }),
      "bot-1 left after 12 ms without its answer; the server had not answered.",
    ],
    [
      said(
        { end: "closed", status: null, by: "upstream" },
        { status: null, end: "closed" },
        { failure: "upstream_closed" },
      ),
      "The server ended the connection before it answered (the server closed the connection); bot-1 saw its connection closed without an answer after 12 ms.",
    ],
    [
      said({ end: null, over: null, status: null, by: null }, null),
      "It has not been sent to the server yet. bot-1 has waited for 500 ms.",
    ],
    [
      said({}, {}, { acts: [{ ...ACT, observed: true }] }),
      "The server answered 200, and bot-1 got it after 12 ms. f only observed it.",
    ],
    [
      said({ end: "unanswered", status: null, by: "fault" }, null, {
        ...hit,
        kind: "query",
        method: "A",
        path: "orders.test",
      }),
      "The query A orders.test of bot-1 got no answer in 12 ms (f).",
    ],
    [
      said(
        { end: "reset", status: null, by: "fault" },
        {},
        { ...hit, kind: "connection", method: null, path: null },
      ),
      "The connection of bot-1 was reset by Squall after 12 ms (f).",
    ],
  ])("%s", (sentence, expected) => {
    expect(sentence).toBe(expected);
  });

  it("has one for each way to end, whoever brought it about and whatever it was", () => {
    const ends = [
      "complete",
      "cut",
      "reset",
      "closed",
      "client_left",
      "refused",
      "unanswered",
      null,
    ] as const;
    const parties = ["client", "upstream", "fault", "proxy", null] as const;
    const kinds = ["exchange", "connection", "query", "flow"] as const;
    for (const end of ends)
      for (const by of parties)
        for (const kind of kinds)
          for (const upstream of [null, {}, { status: null, end: "reset" as const }]) {
            const sentence = said({ end, by, over: end === null ? null : 12 }, upstream, { kind });
            expect(sentence).toMatch(/^(?:[A-Z]|bot-1).*\.$/u);
            expect(sentence).not.toMatch(/undefined|null|NaN|Infinity|\.\.|\( ?\)| {2}/u);
          }
  });
});
