/** The calls about the daemon itself: how it is, whether it can be used, reading its files again. */
import { SquallError } from "../core/errors.js";
import { alive, ready, reloaded, status } from "./answers.js";
import { fleetStatusOf, standingText } from "./fleet-answers.js";
import type { House } from "./house.js";
import { defineRoute, json, text, type Route } from "./route.js";

export function daemonRoutes(house: House): Route[] {
  const { control, metrics } = house;
  return [
    defineRoute({
      method: "get",
      path: "/status",
      summary: "Version, proxies, connections, limits.",
      answers: { 200: { about: "how the daemon is", schema: status } },
      handle: () => json(statusOf(house)),
    }),
    defineRoute({
      method: "post",
      path: "/reload",
      heavy: true,
      summary: "Reads configuration and profiles again, whole or not at all.",
      answers: { 200: { about: "in force", schema: reloaded } },
      errors: [
        "SQ_INVALID_CONFIG",
        "SQ_INVALID_PROFILE",
        "SQ_INVALID_ACTIVATION",
        "SQ_LISTEN_FAILED",
        "SQ_TOO_MANY",
      ],
      handle: async () => json(await control.reload()),
    }),
    defineRoute({
      method: "get",
      path: "/healthz",
      anyQuery: true,
      summary: "Answers for as long as the daemon lives.",
      open: true,
      answers: { 200: { about: "alive", schema: alive } },
      handle: () => json({ alive: true }),
    }),
    defineRoute({
      method: "get",
      path: "/readyz",
      anyQuery: true,
      summary:
        "Whether every proxy that should listen does, and the daemon has joined its fleet if it has one.",
      open: true,
      answers: { 200: { about: "ready", schema: ready } },
      errors: ["SQ_NOT_READY"],
      handle: () => {
        const fleet = house.fleet ?? null;
        const standing = fleet === null ? null : standingText(fleet);
        if (control.ready && fleet?.view().joined !== false)
          return json({ ready: true, ...(standing === null ? {} : { fleet: standing }) });
        const unable = control.proxies().filter(({ state }) => state === "cannot listen");
        const names = unable.map(({ name, listen }) => `${name} cannot listen on ${listen}`);
        const joining = standing === null || fleet?.view().joined === true ? [] : [standing];
        throw new SquallError("SQ_NOT_READY", [...names, ...joining].join(", "));
      },
    }),
    defineRoute({
      method: "get",
      path: "/metrics",
      anyQuery: true,
      heavy: true,
      summary: "Metrics in the text format of Prometheus.",
      anyMethod: true,
      answers: { 200: { about: "the metrics", types: ["text/plain"] } },
      handle: async () => text(await metrics.text(), metrics.contentType),
    }),
  ];
}

function statusOf({
  control,
  telemetry,
  occupancy,
  state,
  fleet,
  about,
  clock,
  startedAt,
  limits,
  streams,
  polls,
}: House): unknown {
  const { slots, flows, budget } = occupancy;
  const { lastSeq, dropped } = telemetry.journal;
  return {
    version: about.version,
    uptime_seconds: Math.round(clock.now() - startedAt) / 1000,
    ready: control.ready,
    revision: control.revision,
    pid: about.pid,
    node: about.node,
    seed: about.seed,
    proxies: control.proxies(),
    connections: slots.taken + flows.taken,
    held_bytes: budget.held,
    limits: {
      connections: limitOf(slots.limit),
      flows: limitOf(flows.limit),
      held_bytes: limitOf(budget.limit),
      admin_connections: limits.connections,
      admin_body_bytes: limits.bodyBytes,
      admin_header_bytes: limits.headerBytes,
      event_streams: streams.limit,
      long_polls: polls.limit,
    },
    journal: {
      entries: lastSeq - dropped,
      last: lastSeq,
      dropped,
      file_dropped: telemetry.journal.fileDropped,
      problem: telemetry.journal.fileProblem,
    },
    log: { lost: telemetry.log.lost, problem: telemetry.log.problem },
    streams: streams.size,
    last_reload: control.lastReload,
    state: state?.status ?? null,
    fleet: fleet === null || fleet === undefined ? null : fleetStatusOf(fleet),
  };
}

/** JSON has no word for Infinity. */
function limitOf(limit: number): number | null {
  return Number.isFinite(limit) ? limit : null;
}
