/** What Prometheus is told: one registry for each daemon, read from plain numbers when it is scraped. */
import { Registry } from "prom-client";
import { CONNECTION_FAILURES } from "../core/events.js";
import type { Ledger } from "../core/ledger.js";
import type { ActivationState } from "../plan/activation.js";
import { authorityMetrics, type AuthorityMetricsOptions } from "./authority-metrics.js";
import { fleetMetrics, type FleetMetricsOptions } from "./fleet-metrics.js";
import { exchangeMetrics } from "./exchange-metrics.js";
import { faultMetrics } from "./fault-metrics.js";
import { handshakeMetrics } from "./handshake-metrics.js";
import { queryMetrics } from "./query-metrics.js";
import type { Journal } from "./journal.js";
import type { Log } from "./log.js";
import { memoized, ProcessMetrics } from "./process-metrics.js";
import { Scrapes } from "./scrape.js";
import { register, SampledCounter, SampledGauge, type AnySampled, type Sample } from "./sampled.js";
import type { Reload } from "./telemetry.js";
import type { MeasuredPool, MeasuredProxy } from "./measured.js";

export interface MetricsOptions extends AuthorityMetricsOptions, FleetMetricsOptions {
  readonly ledger: Ledger;
  readonly proxies: () => Iterable<MeasuredProxy>;
  readonly activations: () => readonly ActivationState[];
  /** The profiles of the library, on or off. */
  readonly profileNames: () => Iterable<string>;
  readonly revision: () => number;
  readonly budget: { readonly held: number; readonly limit: number };
  readonly slots: { readonly limit: number };
  readonly flows: { readonly limit: number };
  readonly telemetry: {
    readonly journal: Journal;
    readonly log: Pick<Log, "lost">;
    readonly switches: number;
    readonly mistakes: number;
    readonly reload: Reload;
  };
  readonly version: string;
  /** Of what is kept over restarts; null where nothing is. */
  readonly state?: () => {
    readonly saved: boolean;
    readonly writes: number;
    readonly failures: number;
    readonly unrestored: readonly unknown[];
  } | null;
  /** The process's own metrics; left out where the process is somebody else's. */
  readonly process?: boolean;
}

const DIRECTIONS = ["upstream", "downstream"] as const;

export class Metrics {
  readonly registry = new Registry();
  readonly #process: ProcessMetrics | null;
  readonly #all: readonly AnySampled[];
  readonly #scrapes: Scrapes;

  constructor(options: MetricsOptions) {
    const faults = faultMetrics(options.ledger);
    const proxies = readOnce(options.proxies);
    const metrics: AnySampled[] = [
      ...proxyMetrics(proxies, options),
      ...exchangeMetrics(proxies),
      ...queryMetrics(proxies),
      ...handshakeMetrics(proxies),
      ...faults,
      ...profileMetrics(options),
      ...daemonMetrics(options),
      ...stateMetrics(options),
      ...authorityMetrics(options),
      ...fleetMetrics(options),
    ];
    const dropped = new SampledCounter({
      name: "squall_series_dropped_total",
      help: "Series that share the label values `other`, because a metric may have no more.",
      labels: ["metric"],
      // Known when those before it are printed.
      late: true,
      read: () => [
        ...metrics.filter(isLabelled).map(({ name, cap }): Sample => [[name], cap.dropped]),
        // Books that were never opened under their own names.
        ...faults.filter(isLabelled).map(({ name }): Sample => [[name], options.ledger.overflowed]),
      ],
    });
    this.#process = options.process === false ? null : new ProcessMetrics();
    this.#all = [...metrics, dropped, ...(this.#process?.metrics ?? [])];
    for (const metric of this.#all) register(this.registry, metric);
    this.#scrapes = new Scrapes({ metrics: this.#all });
  }

  get contentType(): string {
    return this.registry.contentType;
  }

  /** The text for `GET /metrics`: of one moment, made in pieces. */
  text(): Promise<string> {
    return this.#scrapes.text();
  }

  /** Every metric that is exported, for documentation. */
  get described(): { readonly name: string; readonly type: string; readonly labels: readonly string[] }[] {
    return this.#all.map(({ name, type, labelNames }) => ({ name, type, labels: labelNames }));
  }

  close(): void {
    this.#process?.close();
  }
}

function isLabelled({ labelNames }: AnySampled): boolean {
  return labelNames.length > 0;
}

/** Adding up the bytes of the open connections is the costly part, so it is done once for all metrics of a scrape. */
function readOnce(proxies: MetricsOptions["proxies"]): () => readonly MeasuredProxy[] {
  return memoized(() =>
    [...proxies()].map(
      ({
        name,
        state,
        listenText,
        upstreamGiven,
        stats,
        bytePages,
        exchanges,
        queries,
        handshakes,
        datagrams,
        pool,
      }) => ({
        name,
        state,
        listenText,
        upstreamGiven,
        stats,
        bytePages,
        exchanges,
        queries,
        handshakes,
        datagrams,
        pool,
      }),
    ),
  );
}

function proxyMetrics(all: () => readonly MeasuredProxy[], { slots, flows }: MetricsOptions): AnySampled[] {
  const each = (value: (proxy: MeasuredProxy) => number) => (): Sample[] =>
    all().map((proxy) => [[proxy.name], value(proxy)]);
  return [
    new SampledCounter({
      name: "squall_connections_total",
      help: "Client connections accepted, those included that were refused for a limit.",
      labels: ["proxy"],
      read: each(({ stats }) => stats.connectionsTotal),
    }),
    new SampledGauge({
      name: "squall_connections_active",
      help: "Client connections that are open.",
      labels: ["proxy"],
      read: each(({ stats }) => stats.connectionsActive),
    }),
    new SampledGauge({
      name: "squall_connections_limit",
      help: "Client connections that the daemon holds at most, over all proxies.",
      read: () => [[[], slots.limit]],
    }),
    new SampledGauge({
      name: "squall_flows_limit",
      help: "Flows of UDP that the daemon holds at most, over all proxies.",
      read: () => [[[], flows.limit]],
    }),
    new SampledCounter({
      name: "squall_connections_errors_total",
      help: "Connections that failed without a fault's doing, by reason.",
      labels: ["proxy", "reason"],
      read: () =>
        all().flatMap(({ name, stats }) =>
          reasons(stats.errors).map(([reason, count]): Sample => [[name, reason], count]),
        ),
    }),
    new SampledCounter({
      name: "squall_bytes_total",
      help: "Bytes delivered, by direction: `upstream` is to the server, `downstream` to the client.",
      labels: ["proxy", "direction"],
      read: () =>
        all().flatMap(({ name, stats }) =>
          DIRECTIONS.map((direction): Sample => [[name, direction], stats.bytesOut[direction]]),
        ),
    }),
    ...(["received", "sent"] as const).map(
      (what) =>
        new SampledCounter({
          name: `toxiproxy_proxy_${what}_bytes_total`,
          help: `Bytes ${what}, under the name and labels that Toxiproxy gives them.`,
          labels: ["direction", "listener", "proxy", "upstream"],
          read: () =>
            all().flatMap(({ name, listenText, upstreamGiven, stats, bytePages }) =>
              (bytePages ?? [{ listen: listenText, upstream: upstreamGiven, ...stats }]).flatMap((page) =>
                DIRECTIONS.map((direction): Sample => [
                  [direction, page.listen, name, page.upstream],
                  (what === "received" ? page.bytesIn : page.bytesOut)[direction],
                ]),
              ),
            ),
        }),
    ),
    ...datagramMetrics(all),
    new SampledGauge({
      name: "squall_proxy_up",
      help: "1 while the proxy listens; 0 while a fault keeps it closed, it cannot bind, or it is stopped.",
      labels: ["proxy"],
      sum: Math.max,
      read: each(({ state }) => (state === "listening" ? 1 : 0)),
    }),
    new SampledGauge({
      name: "squall_upstream_up",
      help: "1 while the upstream may be chosen; 0 while a health check or its own failures keep it out.",
      labels: ["proxy", "upstream"],
      sum: Math.max,
      read: () => eachMember(all(), (member, pool) => (pool.isUp(member) ? 1 : 0)),
    }),
    new SampledCounter({
      name: "squall_upstream_selected_total",
      help: "How many times an upstream was chosen: for a connection on TCP proxies, for an exchange on HTTP proxies.",
      labels: ["proxy", "upstream"],
      read: () => eachMember(all(), ({ selected }) => selected),
    }),
  ];
}

function eachMember(
  proxies: readonly Pick<MeasuredProxy, "name" | "pool">[],
  value: (member: MeasuredPool["members"][number], pool: MeasuredPool) => number,
): Sample[] {
  return proxies.flatMap(({ name, pool }) =>
    pool === undefined
      ? []
      : pool.members.map((member): Sample => [[name, member.name], value(member, pool)]),
  );
}

function datagramMetrics(all: () => readonly MeasuredProxy[]): AnySampled[] {
  return [
    new SampledCounter({
      name: "squall_datagrams_total",
      help: "Datagrams that a udp proxy sent on, by direction; copies that a fault made count too.",
      labels: ["proxy", "direction"],
      read: () =>
        all().flatMap(({ name, datagrams }) =>
          DIRECTIONS.flatMap((direction): Sample[] =>
            datagrams === undefined ? [] : [[[name, direction], datagrams.delivered[direction]]],
          ),
        ),
    }),
    new SampledCounter({
      name: "squall_datagrams_lost_total",
      help: "Datagrams that were lost without a fault's doing, by reason.",
      labels: ["proxy", "reason"],
      read: () =>
        all().flatMap(({ name, datagrams }) =>
          Object.entries(datagrams?.lost ?? {}).map(([reason, lost]): Sample => [[name, reason], lost]),
        ),
    }),
  ];
}

/** The known reasons from the start, at 0, so that the first failure is an increase. */
function reasons(errors: ReadonlyMap<string, number>): [string, number][] {
  return [
    ...new Map<string, number>([...CONNECTION_FAILURES.map((reason) => [reason, 0] as const), ...errors]),
  ];
}

function profileMetrics({ activations, profileNames, telemetry }: MetricsOptions): AnySampled[] {
  const running = memoized(activations);
  return [
    new SampledGauge({
      name: "squall_profile_active",
      help: "1 while the profile is on; 0 for profiles of the library that are off.",
      labels: ["profile"],
      sum: Math.max,
      read: () => [
        // Those that are on first: should there be too many profiles, it is not these that become `other`.
        ...running().map(({ value }): Sample => [[value.profile], 1]),
        ...Array.from(profileNames(), (name): Sample => [[name], 0]),
      ],
    }),
    new SampledGauge({
      name: "squall_profile_phase",
      help: "1 for the phase that a running profile is in, 0 for its others.",
      labels: ["profile", "phase"],
      sum: Math.max,
      read: () =>
        running().flatMap(({ value, phase }) =>
          value.compiled.phases.map((one): Sample => [
            [value.profile, one.phase],
            one.phase === phase ? 1 : 0,
          ]),
        ),
    }),
    new SampledCounter({
      name: "squall_profile_switches_total",
      help: "How many times a profile was switched on.",
      read: () => [[[], telemetry.switches]],
    }),
  ];
}

function daemonMetrics({ telemetry, budget, revision, version }: MetricsOptions): AnySampled[] {
  const gauge = (name: string, help: string, value: () => number): SampledGauge =>
    new SampledGauge({ name, help, read: () => [[[], value()]] });
  const counter = (name: string, help: string, value: () => number): SampledCounter =>
    new SampledCounter({ name, help, read: () => [[[], value()]] });
  return [
    gauge(
      "squall_config_last_reload_successful",
      "1 if the last reload, or the start, was carried out; 0 if it was refused.",
      () => (telemetry.reload.ok ? 1 : 0),
    ),
    gauge(
      "squall_config_last_reload_timestamp_seconds",
      "When the configuration in force was read, in Unix time.",
      () => telemetry.reload.loadedAt / 1000,
    ),
    gauge("squall_held_bytes", "Bytes that faults hold back at the moment.", () => budget.held),
    gauge(
      "squall_held_bytes_limit",
      "Bytes that faults may hold back; beyond it senders are paused.",
      () => budget.limit,
    ),
    counter(
      "squall_mistakes_total",
      "Mistakes of Squall itself; each costs one connection, flow or question at the most.",
      () => telemetry.mistakes,
    ),
    counter(
      "squall_journal_dropped_total",
      "Journal entries that left memory for newer ones.",
      () => telemetry.journal.dropped,
    ),
    counter(
      "squall_journal_file_dropped_total",
      "Journal entries that the file could not take.",
      () => telemetry.journal.fileDropped,
    ),
    counter("squall_log_lost_total", "Log lines that could not be written.", () => telemetry.log.lost),
    gauge("squall_plan_revision", "The revision of the plan in force.", revision),
    new SampledGauge({
      name: "squall_build_info",
      help: "Always 1; the label says which version runs.",
      labels: ["version"],
      read: () => [[[version], 1]],
    }),
  ];
}

/** Without a state file there is nothing to tell, rather than a file that is never written. */
function stateMetrics({ state }: MetricsOptions): AnySampled[] {
  type Status = NonNullable<ReturnType<NonNullable<MetricsOptions["state"]>>>;
  const read = (value: (status: Status) => number) => (): Sample[] => {
    const status = state?.() ?? null;
    return status === null ? [] : [[[], value(status)]];
  };
  return [
    new SampledGauge({
      name: "squall_state_saved",
      help: "1 if all that the API has answered is in the state file; 0 if that cannot be written.",
      read: read(({ saved }) => (saved ? 1 : 0)),
    }),
    new SampledCounter({
      name: "squall_state_writes_total",
      help: "How many times the state file was written.",
      read: read(({ writes }) => writes),
    }),
    new SampledCounter({
      name: "squall_state_write_failures_total",
      help: "How many times the state file could not be written.",
      read: read(({ failures }) => failures),
    }),
    new SampledGauge({
      name: "squall_state_unrestored",
      help: "What could not be restored from the state file, and is still in it.",
      read: read(({ unrestored }) => unrestored.length),
    }),
  ];
}
