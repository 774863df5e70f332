/** The calls of those who watch: states of jobs, the audit, events, health and metrics. They need no token. */
import { Readable } from "node:stream";
import { badQuery, type Rooms } from "./api.js";
import type { EventFeed } from "./event-feed.js";
import { JOB_STATES, type Job } from "./job.js";
import type { ServerMetrics } from "./metrics.js";
import { auditRow, detail, summary } from "./views.js";
import type { Call, Reply, Route } from "./wire.js";

const LIST_MAX = 1_000;
/** Rows of the audit that are written in one go. */
const ROWS = 500;

export function watchRoutes({ store, waitingRoom }: Rooms, feed: EventFeed, metrics: ServerMetrics): Route[] {
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

  const audit = ({ query }: Call): Reply => {
    const jobs = store.list(undefined, query.get("prefix") ?? undefined);
    const head = { totals: store.totals(), states: store.states(jobs) };
    if (query.get("jobs") === "none") return { status: 200, body: head };
    const stream = (): Readable => Readable.from(auditText(head, jobs), { highWaterMark: 1 });
    return { status: 200, stream, headers: { "content-type": "application/json" } };
  };

  const events = ({ request }: Call): Reply => {
    const last = request.headers["last-event-id"];
    const reader = feed.open(typeof last === "string" ? last : null);
    return {
      status: 200,
      stream: () => reader,
      headers: { "content-type": "text/event-stream", "x-accel-buffering": "no" },
    };
  };

  const health = (): Reply => ({
    status: 200,
    body: { status: "ok", jobs_pending: store.pending, bots_waiting: waitingRoom.size },
  });

  return [
    { method: "GET", path: "/v1/jobs", answer: list },
    {
      method: "GET",
      path: "/v1/jobs/:id",
      answer: ({ id }) => ({ status: 200, body: detail(store.get(id)) }),
    },
    { method: "GET", path: "/v1/audit", answer: audit },
    { method: "GET", path: "/v1/events", answer: events },
    { method: "GET", path: "/healthz", answer: health },
    {
      method: "GET",
      path: "/metrics",
      answer: async () => {
        const { body, type } = await metrics.text();
        return { status: 200, body, headers: { "content-type": type } };
      },
    },
  ];
}

/** In pieces, so that neither a hundred thousand jobs nor a slow reader hold up the bots. */
function* auditText(head: object, jobs: readonly Job[]): Generator<string> {
  yield `${JSON.stringify(head).slice(0, -1)},"jobs":[`;
  for (let from = 0; from < jobs.length; from += ROWS) {
    const rows = jobs.slice(from, from + ROWS).map((job) => JSON.stringify(auditRow(job)));
    yield (from > 0 ? "," : "") + rows.join(",");
  }
  yield "]}";
}
