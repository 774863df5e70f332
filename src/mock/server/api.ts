/** The calls of the job protocol: what each takes, and which part of the server it asks. */
import { z } from "zod";
import type { Clock, Millis } from "../../core/clock.js";
import { parseDuration } from "../../core/units.js";
import type { BlobStore } from "./blobs.js";
import type { BotRegistry } from "./bots.js";
import type { Lease, Outcome } from "./job.js";
import { Refusal } from "./refusal.js";
import type { JobStore, LeasedJob } from "./store.js";
import { assignment, detail, timestamp } from "./views.js";
import type { WaitingRoom } from "./waiting-room.js";
import type { Call, Reply, Route } from "./wire.js";

export interface Rooms {
  readonly store: JobStore;
  readonly waitingRoom: WaitingRoom;
  readonly bots: BotRegistry;
  readonly blobs: BlobStore;
  readonly clock: Clock;
}

/** Longer waits are cut to this; connections that are silent for longer look dead to everything between. */
export const WAIT_MAX: Millis = 60_000;

const Name = z.string().min(1).max(200);
const Duration = z.string().transform((text, context): Millis => {
  const duration = parseDuration(text);
  if (duration === null || duration <= 0) {
    context.addIssue({ code: "custom", message: `expected a duration such as "30s"` });
    return z.NEVER;
  }
  return duration;
});

const NewBot = z.strictObject({ name: Name, capabilities: z.array(Name).max(100).default([]) });
export const NewJob = z.strictObject({
  type: Name,
  payload: z.unknown().default(null),
  depends_on: z.array(Name).max(1_000).default([]),
  timeout: Duration.nullable().default(null),
  priority: z.int().min(-1_000).max(1_000).default(0),
});
const Beat = z.strictObject({ lease_id: Name, progress: z.number().min(0).max(1).nullable().default(null) });
const Settled = z.strictObject({ lease_id: Name, result: z.unknown().default(null) });

export function jobRoutes({ store, waitingRoom, bots, clock }: Rooms, submitBody: Route["answer"]): Route[] {
  const leaseTimes = (lease: Lease): Record<string, unknown> => {
    const left = Math.max(0, Math.floor(lease.expires - clock.now()));
    return {
      lease_id: lease.id,
      lease_expires: timestamp(clock.wallTime() + left),
      // The clocks of bot and server need not agree; what is left is what a bot can rely on.
      lease_expires_in: left / 1000,
    };
  };

  const lease = async (call: Call): Promise<Reply> => {
    const bot = bots.authenticate(call.request.headers.authorization);
    const wait = Math.min(durationOf(call.query, "wait"), WAIT_MAX);
    const leased: LeasedJob | null = await waitingRoom.lease(bot, idempotencyKey(call), wait, call.gone);
    await store.flushed();
    if (!leased) return { status: 204 };
    return { status: 200, body: { job: assignment(leased.job), ...leaseTimes(leased.lease) } };
  };

  const heartbeat = async (call: Call): Promise<Reply> => {
    bots.authenticate(call.request.headers.authorization);
    const beat = await call.body(Beat);
    const held = store.heartbeat(call.id, beat.lease_id, beat.progress);
    await store.flushed();
    return { status: 200, body: { job_id: held.job.id, state: held.job.state, ...leaseTimes(held.lease) } };
  };

  const settle =
    (outcome: Outcome) =>
    async (call: Call): Promise<Reply> => {
      bots.authenticate(call.request.headers.authorization);
      const { lease_id, result } = await call.body(Settled);
      const { job, repeated } = store.settle(call.id, lease_id, outcome, result);
      await store.flushed();
      return { status: 200, body: { job_id: job.id, state: job.state, repeated } };
    };

  const submit = async (call: Call): Promise<Reply> => {
    if (call.request.headers["content-type"] === "application/octet-stream") return submitBody(call);
    const spec = await call.body(NewJob);
    const { job, repeated } = store.submit(spec, idempotencyKey(call));
    await store.flushed();
    return { status: repeated ? 200 : 201, body: detail(job), headers: { location: `/v1/jobs/${job.id}` } };
  };

  return [
    {
      method: "POST",
      path: "/v1/bots",
      answer: async (call) => {
        const { name, capabilities } = await call.body(NewBot);
        const body = bots.register(name, capabilities);
        await store.flushed();
        return { status: 201, body };
      },
    },
    {
      method: "POST",
      path: "/v1/bots/:id/token",
      answer: (call) => ({ status: 200, body: bots.refresh(call.id, call.request.headers.authorization) }),
    },
    { method: "POST", path: "/v1/jobs", answer: submit },
    { method: "POST", path: "/v1/lease", answer: lease },
    { method: "POST", path: "/v1/jobs/:id/heartbeat", answer: heartbeat },
    { method: "POST", path: "/v1/jobs/:id/complete", answer: settle("completed") },
    { method: "POST", path: "/v1/jobs/:id/fail", answer: settle("failed") },
  ];
}

export function idempotencyKey({ request }: Call): string | null {
  const key = request.headers["idempotency-key"];
  if (key === undefined) return null;
  if (typeof key === "string" && key.length > 0 && key.length <= 255) return key;
  throw new Refusal("bad_request", "The Idempotency-Key header has 1 to 255 characters.");
}

function durationOf(query: URLSearchParams, name: string): Millis {
  const text = query.get(name);
  const duration = text === null ? 0 : parseDuration(text);
  if (duration === null) throw badQuery(name, `expected a duration such as "30s"`);
  return duration;
}

export function badQuery(name: string, reason: string): Refusal {
  const reasons = [`${name}: ${reason}`];
  return new Refusal("bad_request", "The query is not what this call takes.", { reasons });
}
