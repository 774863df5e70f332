/** The shapes of what the dashboard is told, for OpenAPI and for the tests that hold answers against it. The compiler holds them against the contract. */
import { z } from "zod";
import type {
  ClientSide,
  ExchangesAnswer,
  ExchangeTrace,
  FindingsAnswer,
  LiveAct,
  LiveDelay,
  LiveExchange,
  MessagePair,
  UpstreamSide,
  Verdict,
} from "../live/contract.js";
import { drawnBy } from "./entry-answers.js";
import { anything, named, texts, whole } from "./named.js";

const at = (): z.ZodNumber => z.number();
const maybeAt = (): z.ZodNullable<z.ZodNumber> => z.number().nullable();
const maybeText = (): z.ZodNullable<z.ZodString> => z.string().nullable();

const moment = {
  now: at().describe("milliseconds on the daemon's monotonic clock, as all times are"),
  now_wall: z.number().describe("the same moment, in milliseconds since 1970"),
};

const originKeys = {
  activation: z.string(),
  profile: z.string(),
  phase: z.string(),
  fault: z.string(),
  type: z.string(),
};

const act: z.ZodType<LiveAct> = named(
  "LiveAct",
  z.strictObject({
    ...originKeys,
    effect: z.string(),
    amount: z.number(),
    at: at(),
    detail: z
      .record(z.string(), z.union([z.string(), z.number(), z.boolean()]))
      .nullable()
      .describe("what was drawn or decided"),
    observed: z.boolean().describe("its activation only observes: nothing was done"),
  }),
);

const delay: z.ZodType<LiveDelay> = named(
  "LiveDelay",
  z.strictObject({
    at: at(),
    until: maybeAt().describe("null while it lasts"),
    side: z.enum(["request", "answer"]),
    activation: z.string(),
    fault: z.string(),
    type: z.string(),
  }),
);

const clientSide: z.ZodType<ClientSide> = named(
  "ClientSide",
  z.strictObject({
    first: at(),
    at: at().describe("the request's head was complete; of a connection, it was accepted"),
    last: maybeAt().describe("the last byte of the request came"),
    answer_first: maybeAt().describe("the first byte of the answer left"),
    answer_last: maybeAt(),
    over: maybeAt(),
    status: z.number().nullable(),
    rcode: maybeText(),
    end: z
      .enum(["complete", "cut", "reset", "closed", "client_left", "refused", "unanswered"])
      .nullable()
      .describe("null while it is pending"),
    by: z.enum(["client", "upstream", "fault", "proxy"]).nullable().describe("who brought that about"),
  }),
);

const upstreamSide: z.ZodType<UpstreamSide> = named(
  "UpstreamSide",
  z.strictObject({
    name: z.string(),
    dialled: maybeAt().describe("null where it went over a connection that was open"),
    connected: maybeAt(),
    forwarded: maybeAt(),
    sent: maybeAt(),
    answered: maybeAt(),
    over: maybeAt(),
    status: z.number().nullable(),
    end: z
      .enum(["complete", "cut", "reset", "closed", "refused", "unreachable", "timeout", "abandoned"])
      .nullable(),
    copies: whole().describe("how many more times a fault sent the same request"),
    detached: z.boolean().describe("it went on although the client had left"),
  }),
);

const exchangeShape: z.ZodType<LiveExchange> = named(
  "LiveExchange",
  z.strictObject({
    proxy: z.string(),
    id: z.string().describe("unique on its proxy: 17, and c17, q17, f17 of connections, questions, flows"),
    kind: z.enum(["exchange", "connection", "query", "flow"]),
    plane: z.enum(["tcp", "http", "udp", "dns"]),
    rank: whole().describe("grows with each change of any of them"),
    bot: z.string(),
    client: z.string(),
    connection: whole(),
    method: maybeText(),
    path: maybeText(),
    route: maybeText().describe("with ids taken out"),
    pending: z.boolean(),
    client_side: clientSide,
    upstream_side: upstreamSide.nullable(),
    delays: z.array(delay).describe("time that Squall added"),
    acts: z.array(act),
    again: maybeText().describe("the id of the one that it looks like a second try of"),
    again_by: z.enum(["failed", "key"]).nullable(),
    up: whole(),
    down: whole(),
    tls: z
      .strictObject({
        sni: maybeText(),
        version: maybeText(),
        alpn: maybeText(),
        problem: maybeText(),
        took: maybeText(),
      })
      .nullable(),
    retry_after_ms: z.number().nullable(),
    key: maybeText().describe("a hash of its idempotency key or request id"),
    failure: maybeText(),
  }),
);

const leftOut = z
  .strictObject({ rate: whole(), bot: whole() })
  .describe("those that were too many in a second: over all, and of one bot");

export const exchangesAnswer: z.ZodType<ExchangesAnswer> = named(
  "LiveExchanges",
  z.strictObject({
    ...moment,
    exchanges: z.array(exchangeShape),
    rank: whole().describe("for the next since"),
    kept_since: at(),
    left_out: leftOut,
    forgotten: whole(),
  }),
);

const matchReason = z.strictObject({
  key: z.string(),
  wanted: texts(),
  actual: maybeText(),
  entry: whole(),
});

const verdict: z.ZodType<Verdict> = named(
  "Verdict",
  z.strictObject({
    ...originKeys,
    observe: z.boolean(),
    at: maybeAt(),
    outcome: z.enum([
      "hit",
      "spared",
      "no_match",
      "excepted",
      "not_due",
      "not_drawn",
      "spent",
      "not_asked",
      "not_in_force",
      "kernel",
      "unknown",
    ]),
    text: z.string().describe("the same in a sentence"),
    match: matchReason.nullable(),
    when: z
      .strictObject({
        rule: z.enum(["skip", "every", "only", "count", "follow"]),
        wanted: z.union([z.number(), z.array(z.number())]),
        was: z.number(),
        per: texts(),
      })
      .nullable(),
    draw: z
      .strictObject({
        probability: z.number(),
        drawn: z.number(),
        by: drawnBy.optional().describe("by what it was drawn, of a fault with draw"),
      })
      .nullable(),
    acts: z.array(act),
    recomputed: z.boolean().describe("worked out afterwards, from names and rules"),
  }),
);

const head = z.strictObject({
  line: z.string(),
  fields: z.array(z.tuple([z.string(), z.string()])).describe("what is secret is (masked)"),
  more: whole(),
  body: z
    .strictObject({
      text: z.string().describe("empty for what is no text"),
      coding: maybeText().describe("null for text; a content coding such as gzip, or binary"),
      bytes: whole(),
      whole: z.boolean(),
    })
    .nullable()
    .describe("with ui.bodies only"),
});

const pair: z.ZodType<MessagePair> = named(
  "MessagePair",
  z.strictObject({
    in: head.nullable(),
    out: head.nullable(),
    same: z.boolean(),
    changed: texts().describe("names of fields that differ, and line for the first line"),
  }),
);

export const traceAnswer: z.ZodType<ExchangeTrace> = named(
  "ExchangeTrace",
  z.strictObject({
    ...moment,
    exchange: exchangeShape.nullable(),
    source: z.enum(["traced", "journal"]),
    missing: maybeText().describe("what is not known, and why"),
    verdicts: z.array(verdict).describe("in the order in which they were asked"),
    request: pair.nullable(),
    answer: pair.nullable(),
    journal: z.array(z.looseObject({ seq: whole(), time: z.string(), kind: z.string() })),
    again: z.record(z.string(), z.string()).describe("by activation, the command that starts the run again"),
  }),
);

export const findingsAnswer: z.ZodType<FindingsAnswer> = named(
  "Findings",
  z.strictObject({
    ...moment,
    findings: z.array(
      z.strictObject({
        id: z.string(),
        kind: z.enum([
          "recovery",
          "early_retry",
          "lock_step",
          "no_timeout",
          "bad_certificate",
          "carried_out_twice",
        ]),
        level: z.enum(["bad", "note"]),
        bot: z.string(),
        bots: texts(),
        route: maybeText(),
        text: z.string(),
        times: whole(),
        ms: z.number().nullable(),
        first_at: at(),
        last_at: at(),
        exchanges: z.array(z.strictObject({ proxy: z.string(), id: z.string() })),
      }),
    ),
    from: at(),
    exchanges: whole(),
  }),
);

const rows = { rows: z.array(anything()), more: whole() };
const changes = { ...rows, gone: texts() };
const parts = ["bots", "proxies", "upstreams", "links", "active", "bands"] as const;
const totals = z.strictObject({ seen: whole(), left_out: leftOut });
const all = <T extends z.ZodType>(shape: T): Record<(typeof parts)[number], T> =>
  Object.fromEntries(parts.map((part) => [part, shape])) as Record<(typeof parts)[number], T>;

/** The two events of the stream, for tests: rows are as the contract says. */
export const liveState = z.strictObject({
  ...moment,
  run: z.string(),
  version: z.string(),
  started_wall: z.number(),
  watched_since: at(),
  tick_ms: whole(),
  ...all(z.strictObject(rows)),
  totals,
  exchanges: z.array(exchangeShape).optional(),
  exchanges_since: at().optional(),
});
export const liveTick = z.strictObject({
  ...moment,
  ...all(z.strictObject(changes).optional()),
  totals: totals.optional(),
  exchanges: z.array(exchangeShape).optional(),
});
