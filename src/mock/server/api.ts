/** The calls of the job protocol: what each takes, and which part of the server it asks. */
import type { Call, Reply, Route } from "./wire.js";
import { z } from "zod";
import type { Clock, Millis } from "../../core/clock.js";
import { formatDuration, parseDuration } from "../../core/units.js";
import type { BotRegistry } from "./bots.js";
import { JOB_STATES, type Job, type Lease, type Outcome } from "./job.js";
import { Refusal } from "./refusal.js";
import type { JobStore, LeasedJob } from "./store.js";
import type { WaitingRoom } from "./waiting-room.js";

export interface Rooms {
  readonly store: JobStore;
  readonly waitingRoom: WaitingRoom;
  readonly bots: BotRegistry;
  readonly clock: Clock;
}

/** Longer waits are cut to this; connections that are silent for longer look dead to everything between. */
export const WAIT_MAX: Millis = 60_000;
const LIST_MAX = 1_000;

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
const NewJob = z.strictObject({
  type: Name,
  payload: z.unknown().default(null),
  depends_on: z.array(Name).max(1_000).default([]),
  timeout: Duration.nullable().default(null),
  priority: z.int().min(-1_000).max(1_000).default(0),
});
const Beat = z.strictObject({ lease_id: Name, progress: z.number().min(0).max(1).nullable().default(null) });
const Settled = z.strictObject({ lease_id: Name, result: z.unknown().default(null) });

export function routes({ store, waitingRoom, bots, clock }: Rooms): Route[] {
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
    const spec = await call.body(NewJob);
    const { job, repeated } = store.submit(spec, idempotencyKey(call));
    await store.flushed();
    return { status: repeated ? 200 : 201, body: detail(job), headers: { location: `/v1/jobs/${job.id}` } };
  };

  const list = ({ query }: Call): Reply => {
    const state = JOB_STATES.find((other) => other === query.get("state"));
    if (state === undefined && query.has("state"))
      throw badQuery("state", `expected ${JOB_STATES.join(", ")}`);
    const limit = Number(query.get("limit") ?? 100);
    if (!Number.isInteger(limit) || limit < 1 || limit > LIST_MAX)
      throw badQuery("limit", `expected 1 to ${LIST_MAX}`);
    const jobs = store.list(state);
    return { status: 200, body: { total: jobs.length, jobs: jobs.slice(0, limit).map(summary) } };
  };

  const audit = (): Reply => {
    const jobs = store.list().map((job) => ({ ...summary(job), ...job.counts }));
    return { status: 200, body: { totals: store.totals(), jobs } };
  };

  const health = (): Reply => ({
    status: 200,
    body: { status: "ok", jobs_pending: store.pending, bots_waiting: waitingRoom.size },
  });

  return [
    {
      method: "POST",
      path: "/v1/bots",
      answer: async (call) => {
        const { name, capabilities } = await call.body(NewBot);
        return { status: 201, body: bots.register(name, capabilities) };
      },
    },
    {
      method: "POST",
      path: "/v1/bots/:id/token",
      answer: (call) => ({ status: 200, body: bots.refresh(call.id, call.request.headers.authorization) }),
    },
    { method: "POST", path: "/v1/jobs", answer: submit },
    { method: "GET", path: "/v1/jobs", answer: list },
    {
      method: "GET",
      path: "/v1/jobs/:id",
      answer: (call) => ({ status: 200, body: detail(store.get(call.id)) }),
    },
    { method: "POST", path: "/v1/lease", answer: lease },
    { method: "POST", path: "/v1/jobs/:id/heartbeat", answer: heartbeat },
    { method: "POST", path: "/v1/jobs/:id/complete", answer: settle("completed") },
    { method: "POST", path: "/v1/jobs/:id/fail", answer: settle("failed") },
    { method: "GET", path: "/v1/audit", answer: audit },
    { method: "GET", path: "/healthz", answer: health },
  ];
}

/** What a bot is given with a lease. */
function assignment(job: Job): Record<string, unknown> {
  const { type, payload, depends_on, priority } = job.spec;
  return {
    id: job.id,
    type,
    payload,
    depends_on,
    priority,
    timeout: timeoutOf(job),
    attempt: job.counts.leases,
  };
}

function summary(job: Job): Record<string, unknown> {
  return { id: job.id, type: job.spec.type, state: job.state };
}

function detail(job: Job): Record<string, unknown> {
  return {
    ...assignment(job),
    state: job.state,
    waiting_for: job.waiting_for,
    progress: job.progress,
    bot_id: job.lease?.bot ?? null,
    result: job.settlement?.result ?? null,
    submitted_at: timestamp(job.submission.at),
    finished_at: job.settlement && timestamp(job.settlement.at),
  };
}

function timeoutOf(job: Job): string | null {
  return job.spec.timeout === null ? null : formatDuration(job.spec.timeout);
}

function timestamp(at: Millis): string {
  return new Date(at).toISOString();
}

function idempotencyKey({ request }: Call): string | null {
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

function badQuery(name: string, reason: string): Refusal {
  return new Refusal("bad_request", "The query is not what this call takes.", {
    reasons: [`${name}: ${reason}`],
  });
}
