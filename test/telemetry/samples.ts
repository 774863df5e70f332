/** One fact of every kind, and small parts that the tests of telemetry share. */
import { Writable } from "node:stream";
import { VirtualClock } from "../../src/core/clock.js";
import type { Fact, FactKind, FaultOrigin } from "../../src/core/events.js";
import { Ledger } from "../../src/core/ledger.js";
import { createLog, type Log, type LogOptions } from "../../src/telemetry/log.js";
import { Metrics, type MetricsOptions } from "../../src/telemetry/metrics.js";
import { Telemetry } from "../../src/telemetry/telemetry.js";

/** 2026-03-01T14:03:07.120Z */
export const NOON = Date.UTC(2026, 2, 1, 14, 3, 7, 120);

export const origin: FaultOrigin = {
  proxy: "jobs",
  activation: "wan",
  profile: "wan",
  phase: "crash",
  fault: "latency",
  type: "latency",
  bot: "127.0.0.2",
  connection: 7,
};

type FactOf<K extends FactKind> = Extract<Fact, { kind: K }>;

export const SAMPLES: { readonly [K in FactKind]: FactOf<K> } = {
  fault_hit: { kind: "fault_hit", ...origin, effect: "delayed", amount: 1, detail: { delay_ms: 200 } },
  fault_spared: { kind: "fault_spared", ...origin, effect: "unknown_length" },
  fault_set: {
    kind: "fault_set",
    proxy: "redis",
    activation: "toxics",
    profile: "toxics",
    fault: "slow",
    type: "latency",
    params: { delay: 1000, jitter: 0 },
    direction: "downstream",
    toxic: "latency",
  },
  fault_changed: {
    kind: "fault_changed",
    proxy: "redis",
    activation: "toxics",
    profile: "toxics",
    fault: "slow",
    type: "latency",
    params: { delay: 2000, jitter: 0 },
    direction: "downstream",
    probability: 0.5,
    toxic: "latency",
  },
  fault_removed: {
    kind: "fault_removed",
    proxy: "redis",
    activation: "toxics",
    profile: "toxics",
    fault: "slow",
    type: "latency",
    subjects: 12,
    matched: 12,
    hits: 9,
    effects: { delayed: 41 },
  },
  fault_total: { kind: "fault_total", ...origin, effects: { delayed: 41 } },
  connection_failed: {
    kind: "connection_failed",
    proxy: "jobs",
    connection: 7,
    client: "127.0.0.2",
    reason: "proxy_header",
    text: "no PROXY protocol header",
  },
  tls_over: {
    kind: "tls_over",
    proxy: "jobs",
    connection: 7,
    bot: "127.0.0.1",
    faults: ["expired"],
    sni: "jobs.example",
    version: "TLSv1.3",
    alpn: "http/1.1",
    problem: "expired",
    took: "accepted",
    ms: 12.5,
  },
  ca_reread: {
    kind: "ca_reread",
    subject: "CN=Squall test CA - do not trust - build-7",
    fingerprint: "5B:1A",
    until: "2028-03-01T14:03:07.000Z",
  },
  certificate_reread: { kind: "certificate_reread", proxy: "jobs", cert: "/etc/squall/jobs.pem" },
  exchange_over: {
    kind: "exchange_over",
    proxy: "jobs",
    connection: 7,
    bot: "bot-1",
    exchange: { id: 12, method: "POST", path: "/v1/jobs/4/complete" },
    upstream: "main",
    faults: ["lose-the-ack"],
    upstream_status: 200,
    upstream_ms: 4.2,
    client_status: null,
    client_ms: 4.4,
    end: "reset",
  },
  activation_started: {
    kind: "activation_started",
    activation: "wan",
    profile: "wan",
    seed: 7,
    params: { delay: 200 },
    mode: "inject",
    again: "squall use wan --seed 7 --param delay=200",
  },
  activation_resumed: {
    kind: "activation_resumed",
    activation: "wan",
    profile: "wan",
    seed: 7,
    params: { delay: 200 },
    mode: "inject",
    again: "squall use wan --seed 7 --param delay=200",
    since: "2026-03-01T14:02:51.004Z",
  },
  state_restored: {
    kind: "state_restored",
    file: "state.json",
    profiles: ["sluggish"],
    proxies: ["redis"],
    activations: ["wan"],
    over: [{ activation: "server-restart", why: "finished" }],
    left_out: [{ what: "proxy", name: "jobs", why: "the file has a proxy of that name now, which prevails" }],
  },
  state_failed: {
    kind: "state_failed",
    file: "state.json",
    reason: "ENOSPC: no space left on device, write",
  },
  state_saved: { kind: "state_saved", file: "state.json" },
  fleet_connected: { kind: "fleet_connected", engine: "nats://nats-1:4222" },
  fleet_disconnected: {
    kind: "fleet_disconnected",
    engine: "nats://nats-1:4222",
    why: "no answer within 5 s",
  },
  fleet_applied: {
    kind: "fleet_applied",
    serial: 17,
    by: "ci-42",
    reason: "nightly",
    activations: ["wan"],
    starts_at: null,
  },
  fleet_refused: { kind: "fleet_refused", serial: 17, why: 'no proxy is called "jobs"' },
  fleet_rewound: { kind: "fleet_rewound", serial: 12, was: 17 },
  fleet_namesake: {
    kind: "fleet_namesake",
    name: "node-1",
    other: "3f9a1c0b7d42",
    admin: "http://10.0.0.7:8474",
  },
  fleet_namesake_gone: { kind: "fleet_namesake_gone", name: "node-1" },
  fleet_healed_here: { kind: "fleet_healed_here", serial: 17 },
  connection_over: {
    kind: "connection_over",
    proxy: "redis",
    connection: 3,
    bot: "127.0.0.2",
    end: "client_closed",
    failure: null,
    faults: ["slow"],
    seen: { at: 5012.25, over: 5390.5, up: 412, down: 1930 },
  },
  query_over: {
    kind: "query_over",
    proxy: "names",
    bot: "127.0.0.2",
    connection: 4,
    query: { name: "jobs.internal", type: "A", transport: "udp" },
    rcode: "NOERROR",
    faults: [],
    seen: { at: 5012.25, over: 5013.75 },
  },
  flow_over: {
    kind: "flow_over",
    proxy: "stats",
    bot: "127.0.0.2",
    connection: 1,
    faults: [],
    seen: { at: 5012.25, over: 5390.5, up: 12, down: 12 },
  },
  phase_entered: { kind: "phase_entered", activation: "wan", profile: "wan", phase: "crash", pass: 1 },
  activation_ended: {
    kind: "activation_ended",
    activation: "wan",
    profile: "wan",
    why: "healed",
    mode: "inject",
    faults: [
      {
        proxy: "jobs",
        fault: "latency",
        type: "latency",
        subjects: 412,
        matched: 12,
        hits: 12,
        effects: { delayed: 41 },
      },
      {
        proxy: "jobs",
        fault: "reset",
        type: "reset",
        subjects: 412,
        matched: 0,
        hits: 0,
        effects: { reset: 0 },
      },
    ],
    warnings: ["reset matched 0 of 412 connections"],
  },
  plan_changed: { kind: "plan_changed", revision: 5 },
  reload: {
    kind: "reload",
    ok: false,
    problems: [
      {
        file: "profiles/wan.yaml",
        line: 4,
        column: 14,
        path: "faults[0].jitter",
        message: "expected a duration such as 50ms, got 50",
        source: "    jitter: 50",
      },
    ],
    changed: [],
    warnings: [],
  },
  proxy_started: {
    kind: "proxy_started",
    proxy: "jobs",
    listen: "127.0.0.1:8080",
    upstream: "tcp://jobs.internal:3000",
  },
  proxy_stopped: { kind: "proxy_stopped", proxy: "jobs" },
  listener_closed: { kind: "listener_closed", proxy: "jobs", why: "a fault is in force" },
  listener_opened: { kind: "listener_opened", proxy: "jobs", listen: "127.0.0.1:8080" },
  listen_failed: {
    kind: "listen_failed",
    proxy: "jobs",
    listen: "127.0.0.1:8080",
    reason: "address already in use",
  },
  limit_reached: { kind: "limit_reached", proxy: "jobs", limit: "connections", value: 8000 },
  opaque_connection: {
    kind: "opaque_connection",
    proxy: "jobs",
    connection: 7,
    client: "127.0.0.2",
    protocol: "tls",
  },
  upstream_changed: {
    kind: "upstream_changed",
    proxy: "jobs",
    upstream: "b",
    up: false,
    why: "no answer within 1000 ms",
  },
  engine_chosen: {
    kind: "engine_chosen",
    proxy: "jobs",
    activation: "wan",
    profile: "wan",
    phase: "",
    fault: "packet_loss",
    type: "packet_loss",
    engine: "model",
    why: "the kernel knows no rtt",
  },
  kernel_loss_ended: {
    kind: "kernel_loss_ended",
    proxy: "jobs",
    activation: "wan",
    profile: "wan",
    phase: "",
    fault: "packet_loss",
    type: "packet_loss",
    segments: 10_000,
    dropped: 203,
  },
  kernel_loss_failed: { kind: "kernel_loss_failed", why: "nft ended with SIGKILL", again: true },
  bots_unidentified: { kind: "bots_unidentified", proxy: "jobs", client: "172.18.0.1" },
  mark: { kind: "mark", text: "test_crash_recovery begins" },
  mistake: { kind: "mistake", where: "connection 7", error: new RangeError("offset is out of bounds") },
};

export const FACTS: readonly Fact[] = Object.values(SAMPLES);

export function hit(rest: Partial<FactOf<"fault_hit">> = {}): FactOf<"fault_hit"> {
  return { ...SAMPLES.fault_hit, ...rest };
}

export function failed(rest: Partial<FactOf<"connection_failed">> = {}): FactOf<"connection_failed"> {
  return { ...SAMPLES.connection_failed, ...rest };
}

export function over(rest: Partial<FactOf<"exchange_over">> = {}): FactOf<"exchange_over"> {
  return { ...SAMPLES.exchange_over, ...rest };
}

export class Sink extends Writable {
  text = "";

  override _write(chunk: Buffer | string, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }

  get lines(): string[] {
    return this.text.split("\n").slice(0, -1);
  }
}

/** A log on a virtual clock; `lines()` ends it and answers what was written. */
export function logged(options: Partial<LogOptions> = {}): {
  readonly log: Log;
  readonly clock: VirtualClock;
  readonly sink: Sink;
  readonly lines: () => Promise<string[]>;
} {
  const sink = new Sink();
  const clock = new VirtualClock(NOON);
  const log = createLog({ level: "info", format: "pretty", stream: sink, colours: false, clock, ...options });
  return {
    log,
    clock,
    sink,
    lines: async () => {
      await log.close();
      return sink.lines;
    },
  };
}

export const silent = (): Log => logged({ level: "silent" }).log;

/** Metrics of a daemon that has no proxies and no profiles, and to which nothing has happened. */
export function metricsOf(options: Partial<MetricsOptions> = {}): Metrics {
  return new Metrics({
    ledger: new Ledger(),
    proxies: () => [],
    activations: () => [],
    profileNames: () => [],
    revision: () => 0,
    budget: { held: 0, limit: 0 },
    slots: { limit: 0 },
    flows: { limit: 0 },
    telemetry: options.telemetry ?? new Telemetry({ clock: new VirtualClock(NOON), log: silent() }),
    version: "0",
    ...options,
  });
}
