/** The shapes of journal entries as the API gives them, for OpenAPI and for the tests that hold answers against it. */
import { z } from "zod";
import { EXCHANGE_ENDS, type ExchangeName, type FactKind } from "../core/events.js";
import { anything, named, texts, whole } from "./named.js";

/** Every kind of entry; the compiler sees to it that none is missing. */
const KINDS: Readonly<Record<Exclude<FactKind, "plan_changed">, true>> = {
  fault_hit: true,
  fault_total: true,
  fault_spared: true,
  fault_set: true,
  fault_changed: true,
  fault_removed: true,
  connection_failed: true,
  exchange_over: true,
  connection_over: true,
  query_over: true,
  flow_over: true,
  tls_over: true,
  certificate_reread: true,
  ca_reread: true,
  activation_started: true,
  activation_resumed: true,
  phase_entered: true,
  activation_ended: true,
  reload: true,
  state_restored: true,
  state_failed: true,
  state_saved: true,
  fleet_connected: true,
  fleet_disconnected: true,
  fleet_applied: true,
  fleet_refused: true,
  fleet_rewound: true,
  fleet_healed_here: true,
  fleet_namesake: true,
  fleet_namesake_gone: true,
  proxy_started: true,
  proxy_stopped: true,
  listener_closed: true,
  listener_opened: true,
  listen_failed: true,
  limit_reached: true,
  opaque_connection: true,
  upstream_changed: true,
  engine_chosen: true,
  kernel_loss_ended: true,
  kernel_loss_failed: true,
  bots_unidentified: true,
  mark: true,
  mistake: true,
};

const SHAPED = ["fault_hit", "fault_total", "exchange_over"] as const;

export const ENTRY_KINDS = Object.keys(KINDS) as [keyof typeof KINDS, ...(keyof typeof KINDS)[]];

const stampKeys = {
  seq: whole().describe("from 1, without gaps, for the life of the daemon"),
  time: z.string(),
  more: whole().optional().describe("so many like this one were left out since the last one"),
  at: z
    .number()
    .optional()
    .describe("milliseconds on the daemon's monotonic clock, while everything is recorded"),
  cut: z.literal(true).optional().describe("something in it was too long and was cut"),
};

const exchangeName: z.ZodType<ExchangeName> = named(
  "ExchangeName",
  z.strictObject({
    id: whole().describe("counts the exchanges of the proxy, from 1"),
    method: z.string(),
    path: z.string().describe("without its query"),
    site: z.string().optional().describe("where everything is recorded: method and route"),
    nth: whole().optional().describe("and which call of its bot there this is, from 1"),
  }),
);

const originKeys = {
  ...stampKeys,
  proxy: z.string(),
  activation: z.string(),
  profile: z.string(),
  phase: z.string().describe("empty for a fault that acts through all phases"),
  fault: z.string(),
  type: z.string(),
  bot: z.string(),
  connection: whole(),
  exchange: exchangeName.optional().describe("where the fault acted on an HTTP exchange"),
  query: z
    .strictObject({ name: z.string(), type: z.string(), transport: z.string() })
    .optional()
    .describe("the question that a fault on DNS acted on"),
  health_check: z
    .string()
    .optional()
    .describe("the upstream whose health check it was, and no client: none of the hits that are counted"),
};

/** By what the draws of a subject are named, of a fault with `draw`. */
export const drawnBy = z.strictObject({
  by: z.string().describe("as in the profile: header:idempotency-key, path, body or name"),
  key: z
    .string()
    .nullable()
    .describe("a hash of the key; null for one without, which was drawn by its number"),
  attempt: z.int().min(1).optional().describe("which one with this key, where each attempt is drawn anew"),
});

const amounts = (): z.ZodType<Record<string, number>> => z.record(z.string(), z.number());

const faultHit = named(
  "FaultHitEntry",
  z.strictObject({
    ...originKeys,
    kind: z.literal("fault_hit"),
    effect: z.string().describe("what it did, see docs/faults.md"),
    amount: z.number(),
    detail: anything().optional(),
    draw: drawnBy.optional().describe("by what it was drawn, of a fault with draw"),
    observed: z.literal(true).optional().describe("the activation only observes: nothing was done"),
  }),
);

const faultTotal = named(
  "FaultTotalEntry",
  z.strictObject({ ...originKeys, kind: z.literal("fault_total"), effects: amounts() }),
);

const httpStatus = (): z.ZodNullable<z.ZodNumber> => z.int().min(100).max(999).nullable();

const messageSeen = {
  bytes: whole().describe("of the body, without its framing"),
  hash: z
    .string()
    .nullable()
    .describe("of the body's first 4 KiB and its length; null for none or half of one"),
  type: z.string().nullable().describe("the media type, without parameters"),
};

const exchangeSeen = named(
  "ExchangeSeen",
  z.strictObject({
    at: z.number().describe("when its head came, in milliseconds on the daemon's monotonic clock"),
    over: z.number().describe("when it was over for its client, on the same clock"),
    reused: z.boolean().describe("its connection had carried another exchange before"),
    forwarded: z.boolean().describe("its head, at least, was sent to the upstream"),
    request: z.strictObject({
      ...messageSeen,
      key: z.string().nullable().describe("a hash of its idempotency key or request id"),
      authorized: z.boolean().describe("it had an Authorization field"),
      operation: z.string().nullable().describe("what tells operations of one route apart"),
    }),
    response: z
      .strictObject({
        ...messageSeen,
        retry_after_ms: z.number().nullable().describe("what Retry-After asked for"),
      })
      .nullable()
      .describe("the upstream's; null if none came"),
  }),
);

const exchangeOver = named(
  "ExchangeOverEntry",
  z.strictObject({
    ...stampKeys,
    kind: z.literal("exchange_over"),
    proxy: z.string(),
    connection: whole(),
    bot: z.string(),
    exchange: exchangeName,
    upstream: z.string(),
    faults: texts().describe("the names of those that acted on it, in their order"),
    upstream_status: httpStatus().describe("null if it was not asked, or gave no answer"),
    upstream_ms: z
      .number()
      .nullable()
      .describe("from the request that was sent on to the head of the answer"),
    client_status: httpStatus().describe("null if the client got no status"),
    client_ms: z
      .number()
      .describe("from the head of the request to the end, as far as the client is concerned"),
    end: z.enum(EXCHANGE_ENDS),
    trace: z.string().optional().describe("the trace-id of its traceparent"),
    seen: exchangeSeen.optional().describe("where everything is recorded"),
  }),
);

const otherEntry = named(
  "OtherEntry",
  z.looseObject({ ...stampKeys, kind: z.enum(ENTRY_KINDS).exclude(SHAPED) }),
);

/** The kinds that tell of faults are given field by field, since programs read them; docs/journal.md has all. */
const entry = named(
  "JournalEntry",
  z.discriminatedUnion("kind", [faultHit, faultTotal, exchangeOver, otherEntry]),
);

export const journal = named(
  "Journal",
  z.strictObject({
    entries: z.array(entry),
    last: whole().describe("number of the newest entry there is; 0 for none"),
    dropped: whole().describe("entries that left memory for newer ones"),
    last_event: z.string().describe("as Last-Event-ID it has GET /events go on behind what is there"),
  }),
);

export const marked = named("Marked", z.strictObject({ seq: whole(), text: z.string() }));
