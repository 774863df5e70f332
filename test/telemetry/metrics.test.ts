import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../src/core/clock.js";
import { CONNECTION_FAILURES } from "../../src/core/events.js";
import { DELAY_BUCKETS, Ledger } from "../../src/core/ledger.js";
import { ExchangeTally } from "../../src/proxy/http/tally.js";
import { latency, measured, profileState } from "./parts.js";
import type { MetricsOptions } from "../../src/telemetry/metrics.js";
import { Telemetry } from "../../src/telemetry/telemetry.js";
import { parse, type Family } from "./exposition.js";
import { hit, metricsOf, NOON, SAMPLES, silent } from "./samples.js";

function start(options: Partial<MetricsOptions> = {}) {
  const clock = new VirtualClock(NOON);
  const ledger = options.ledger ?? new Ledger();
  const telemetry = new Telemetry({ clock, log: silent(), journal: { keep: 2 } });
  const metrics = metricsOf({
    ledger,
    budget: { held: 0, limit: Infinity },
    slots: { limit: 8_000 },
    flows: { limit: 8_000 },
    telemetry,
    version: "1.2.3",
    process: false,
    ...options,
  });
  const scrape = async (): Promise<Map<string, Family>> => parse(await metrics.text());
  return {
    clock,
    ledger,
    telemetry,
    metrics,
    scrape,
    read: async (name: string): Promise<Record<string, number>> => {
      const series = (await scrape()).get(name)?.series ?? [];
      return Object.fromEntries(series.map(({ labels, value }) => [Object.values(labels).join(" "), value]));
    },
  };
}

describe("proxies", () => {
  it("show connections, bytes, failures and whether they listen", async () => {
    const jobs = measured("jobs");
    jobs.stats.connectionsTotal = 12;
    jobs.stats.connectionsActive = 3;
    jobs.stats.bytesOut = { upstream: 100, downstream: 2_000 };
    jobs.stats.errors.set("upstream_refused", 4);
    const { read } = start({ proxies: () => [jobs, measured("broker", "closed by fault")] });
    expect(await read("squall_connections_total")).toEqual({ jobs: 12, broker: 0 });
    expect(await read("squall_connections_active")).toEqual({ jobs: 3, broker: 0 });
    expect(await read("squall_connections_limit")).toEqual({ "": 8_000 });
    expect(await read("squall_bytes_total")).toMatchObject({
      "jobs upstream": 100,
      "jobs downstream": 2_000,
    });
    expect(await read("squall_proxy_up")).toEqual({ jobs: 1, broker: 0 });
    const errors = await read("squall_connections_errors_total");
    expect(errors["jobs upstream_refused"]).toBe(4);
    expect(Object.keys(errors)).toHaveLength(2 * CONNECTION_FAILURES.length);
  });

  it("are counted under Toxiproxy's names as well, by what came in and what went out", async () => {
    const jobs = measured("jobs");
    jobs.stats.bytesIn = { upstream: 7, downstream: 3_000 };
    jobs.stats.bytesOut = { upstream: 5, downstream: 2_000 };
    const { read } = start({ proxies: () => [jobs] });
    const labels = "127.0.0.1:8080 jobs server:3000";
    expect(await read("toxiproxy_proxy_received_bytes_total")).toEqual({
      [`upstream ${labels}`]: 7,
      [`downstream ${labels}`]: 3_000,
    });
    expect(await read("toxiproxy_proxy_sent_bytes_total")).toEqual({
      [`upstream ${labels}`]: 5,
      [`downstream ${labels}`]: 2_000,
    });
  });

  it("are read once a scrape, at the scrape", async () => {
    let reads = 0;
    const jobs = measured("jobs");
    const { read, scrape } = start({
      proxies: () => {
        reads++;
        return [jobs];
      },
    });
    expect(reads).toBe(0);
    await scrape();
    expect(reads).toBe(1);
    jobs.stats.bytesOut.upstream = 5;
    expect(await read("squall_bytes_total")).toMatchObject({ "jobs upstream": 5 });
    expect(reads).toBe(2);
  });

  it("may have any name", async () => {
    const name = 'a"b\\c\nd{e}=,😀';
    const { scrape } = start({ proxies: () => [measured(name)] });
    expect((await scrape()).get("squall_proxy_up")?.series[0]?.labels).toEqual({ proxy: name });
  });
});

describe("HTTP exchanges", () => {
  function served() {
    const exchanges = new ExchangeTally();
    return { exchanges, ...start({ proxies: () => [{ ...measured("jobs"), exchanges }, measured("tcp")] }) };
  }

  it("show what clients saw beside what upstreams answered", async () => {
    const { exchanges, read } = served();
    exchanges.clientDone("POST", 200, 4);
    exchanges.clientDone("POST", null, 4);
    exchanges.clientDone("BREW", 503, 4);
    for (let n = 0; n < 3; n++) exchanges.upstreamAnswered(200, 3);
    expect(await read("squall_requests_total")).toEqual({
      "jobs POST 200": 1,
      "jobs POST none": 1,
      "jobs other 503": 1,
    });
    expect(await read("squall_upstream_responses_total")).toEqual({ "jobs 200": 3 });
  });

  it("show how many requests reach an upstream for each of a client, once there is one", async () => {
    const { exchanges, read } = served();
    expect(await read("squall_request_amplification_ratio")).toEqual({});
    expect(await read("squall_upstream_requests_total")).toEqual({ jobs: 0 });
    exchanges.requests += 4;
    for (let n = 0; n < 6; n++) exchanges.upstreamSent();
    expect(await read("squall_request_amplification_ratio")).toEqual({ jobs: 1.5 });
    expect(await read("squall_upstream_requests_total")).toEqual({ jobs: 6 });
  });

  it("show how long they took, for each side, from zero on", async () => {
    const { exchanges, read } = served();
    const counts = async () =>
      Object.entries(await read("squall_request_duration_seconds")).filter(([, value]) => value > 0);
    expect(Object.keys(await read("squall_request_duration_seconds"))).toContain("0.0005 jobs client");
    expect(await counts()).toEqual([]);
    exchanges.clientDone("GET", 200, 30_000);
    exchanges.clientDone("GET", 200, 60_001);
    exchanges.upstreamAnswered(200, 20_000);
    expect(await counts()).toEqual([
      ["30 jobs client", 1],
      ["60 jobs client", 1],
      ["+Inf jobs client", 2],
      ["jobs client", 2],
      ["30 jobs upstream", 1],
      ["60 jobs upstream", 1],
      ["+Inf jobs upstream", 1],
      ["jobs upstream", 1],
    ]);
  });

  it("have at most a thousand series, whatever upstreams answer and however many proxies there are", async () => {
    const proxies = Array.from({ length: 20 }, (_, n) => {
      const exchanges = new ExchangeTally();
      for (let status = 0; status < 1_000; status++) exchanges.clientDone(`M${status}`, status, 1);
      for (let status = 0; status < 1_000; status++) exchanges.upstreamAnswered(status, 1);
      return { ...measured(`p${n}`), exchanges };
    });
    const { scrape } = start({ proxies: () => proxies });
    const families = await scrape();
    for (const name of ["squall_requests_total", "squall_upstream_responses_total"]) {
      const series = families.get(name)?.series ?? [];
      expect(series).toHaveLength(1_000);
      expect(series.reduce((sum, { value }) => sum + value, 0)).toBe(20_000);
    }
  });
});

describe("faults", () => {
  it("show what they did, from zero on", async () => {
    const { ledger, read } = start();
    const book = ledger.open(latency, ["delayed"]);
    expect(await read("squall_faults_total")).toEqual({ "jobs wan latency latency delayed": 0 });
    book.add("delayed", 3);
    book.subjects = 412;
    book.hits = 12;
    book.evicted = 5;
    expect(await read("squall_faults_total")).toEqual({ "jobs wan latency latency delayed": 3 });
    expect(await read("squall_fault_subjects_total")).toEqual({ "jobs wan latency latency": 412 });
    expect(await read("squall_fault_hits_total")).toEqual({ "jobs wan latency latency": 12 });
    expect(await read("squall_trigger_evictions_total")).toEqual({ "": 5 });
  });

  it("show delays as a histogram whose buckets add up", async () => {
    const { ledger, scrape } = start();
    const book = ledger.open(latency, ["delayed"]);
    // On the bounds, between them and beyond them, in milliseconds.
    const delays = [0, 1, 1.5, 5, 100, 200, 200, 250, 1_000, 30_001, 120_000, 120_001, 9e9];
    for (const delay of delays) book.delayed(delay);
    const { type, series } = (await scrape()).get("squall_injected_delay_seconds") ?? {
      type: "",
      series: [],
    };
    expect(type).toBe("histogram");
    const buckets = series.filter(({ name }) => name.endsWith("_bucket"));
    const bounds = [...DELAY_BUCKETS.map(String), "+Inf"];
    expect(buckets.map(({ labels }) => labels["le"])).toEqual(bounds);
    expect(buckets.map(({ value }) => value)).toEqual(
      [...DELAY_BUCKETS, Infinity].map((bound) => delays.filter((delay) => delay / 1000 <= bound).length),
    );
    for (const { labels } of buckets) expect(labels).toMatchObject(latency);
    expect(series.slice(bounds.length)).toEqual([
      {
        name: "squall_injected_delay_seconds_sum",
        labels: latency,
        value: delays.reduce((a, b) => a + b) / 1000,
      },
      { name: "squall_injected_delay_seconds_count", labels: latency, value: delays.length },
    ]);
  });

  it("have no histogram as long as they delayed nothing", async () => {
    const { ledger, read } = start();
    ledger.open({ ...latency, fault: "reset", type: "reset" }, ["reset"]);
    expect(await read("squall_injected_delay_seconds")).toEqual({});
  });

  it("have at most a thousand series a metric, the rest is `other`, and nothing is lost from the sum", async () => {
    const { ledger, scrape } = start({ ledger: new Ledger(5_000) });
    for (let n = 0; n < 3_000; n++) {
      const book = ledger.open({ ...latency, fault: `fault-${n}` }, ["delayed"]);
      book.add("delayed", 1);
      book.delayed(20);
    }
    const families = await scrape();
    const faults = families.get("squall_faults_total")!.series;
    expect(faults).toHaveLength(1_000);
    expect(faults.at(-1)).toMatchObject({
      labels: { proxy: "other", fault: "other", effect: "other" },
      value: 2_001,
    });
    const counts = families
      .get("squall_injected_delay_seconds")!
      .series.filter(({ name }) => name.endsWith("_count"));
    expect(counts).toHaveLength(1_000);
    expect(counts.reduce((sum, { value }) => sum + value, 0)).toBe(3_000);
    const dropped = families.get("squall_series_dropped_total")!.series;
    const of = (metric: string) => dropped.find(({ labels }) => labels["metric"] === metric)?.value;
    expect(of("squall_faults_total")).toBe(2_001);
    expect(of("squall_injected_delay_seconds")).toBe(2_001);
    expect(of("squall_bytes_total")).toBe(0);
  });

  it("count those as dropped that the ledger had no place for", async () => {
    const { ledger, read } = start({ ledger: new Ledger(2) });
    for (let n = 0; n < 5; n++)
      ledger.open({ ...latency, fault: `fault-${n}` }, ["delayed"]).add("delayed", 1);
    expect(await read("squall_faults_total")).toMatchObject({ "other other other latency delayed": 3 });
    const dropped = await read("squall_series_dropped_total");
    expect(dropped).toMatchObject({ squall_faults_total: 3, squall_fault_hits_total: 3, squall_proxy_up: 0 });
    expect(dropped).not.toHaveProperty("squall_trigger_evictions_total");
  });
});

describe("profiles", () => {
  it("are 1 while on, and 0 if the library has them", async () => {
    const on = [profileState("wan", [], null), profileState("inline", [], null)];
    const { read } = start({ activations: () => on, profileNames: () => ["flaky", "wan"] });
    expect(await read("squall_profile_active")).toEqual({ wan: 1, inline: 1, flaky: 0 });
    on.length = 0;
    expect(await read("squall_profile_active")).toEqual({ wan: 0, flaky: 0 });
  });

  it("show the phase that they are in", async () => {
    const { read } = start({
      activations: () => [profileState("deploy", ["calm", "crash"], "crash"), profileState("wan", [], null)],
    });
    expect(await read("squall_profile_phase")).toEqual({ "deploy calm": 0, "deploy crash": 1 });
  });

  it("count how often they were switched on", async () => {
    const { telemetry, read } = start();
    telemetry.tell(SAMPLES.activation_started);
    telemetry.tell(SAMPLES.activation_started);
    expect(await read("squall_profile_switches_total")).toEqual({ "": 2 });
  });
});

describe("the daemon", () => {
  it("shows its limits, its plan, its journal and its version", async () => {
    const { telemetry, read } = start({ revision: () => 41, budget: { held: 7, limit: 2 ** 28 } });
    for (let n = 0; n < 5; n++) telemetry.tell(hit());
    const values = [
      "held_bytes",
      "held_bytes_limit",
      "plan_revision",
      "journal_dropped_total",
      "journal_file_dropped_total",
    ];
    expect(await Promise.all(values.map(async (name) => (await read(`squall_${name}`))[""]))).toEqual([
      7,
      2 ** 28,
      41,
      3,
      0,
    ]);
    expect(await read("squall_build_info")).toEqual({ "1.2.3": 1 });
  });

  it("writes no limit as infinity", async () => {
    expect(await start().metrics.text()).toContain("\nsquall_held_bytes_limit +Inf\n");
  });

  it("says whether the last reload was carried out, and since when its configuration is in force", async () => {
    const { clock, telemetry, read } = start();
    const reload = async () => [
      (await read("squall_config_last_reload_successful"))[""],
      (await read("squall_config_last_reload_timestamp_seconds"))[""],
    ];
    expect(await reload()).toEqual([1, NOON / 1000]);
    clock.advance(5_000);
    telemetry.tell(SAMPLES.reload);
    expect(await reload()).toEqual([0, NOON / 1000]);
    telemetry.tell({ kind: "reload", ok: true, problems: [], changed: [], warnings: [] });
    expect(await reload()).toEqual([1, NOON / 1000 + 5]);
  });
});

describe("names", () => {
  it("follow the rules: a total counts, a histogram has a unit, labels are words", async () => {
    const { metrics, scrape } = start({ process: true });
    for (const { name, type, help } of (await scrape()).values()) {
      expect(name).toMatch(/^(squall|toxiproxy|process|nodejs)_[a-z0-9_]+$/u);
      expect(type === "counter", name).toBe(name.endsWith("_total"));
      expect(help, name).toMatch(/^[A-Z0-9].*\.$/u);
    }
    metrics.close();
  });

  it("have no label whose values clients can invent", () => {
    const { metrics } = start();
    const labels = new Set(metrics.described.flatMap(({ labels }) => labels));
    expect([...labels].sort()).toEqual(
      [
        "code",
        "direction",
        "effect",
        "fault",
        // What an operator writes too, under Toxiproxy's names only.
        "listener",
        "method",
        "metric",
        "phase",
        "problem",
        "profile",
        "proxy",
        "qtype",
        "rcode",
        "reason",
        "result",
        "side",
        "took",
        "type",
        "upstream",
        "version",
      ].sort(),
    );
  });
});

describe("two in one process", () => {
  it("do not touch each other", async () => {
    const a = start({ proxies: () => [measured("a")] });
    const b = start({ proxies: () => [measured("b")] });
    a.ledger.open(latency, ["delayed"]).add("delayed", 1);
    a.telemetry.tell(SAMPLES.activation_started);
    expect(await b.read("squall_proxy_up")).toEqual({ b: 1 });
    expect(await b.read("squall_faults_total")).toEqual({});
    expect(await b.read("squall_profile_switches_total")).toEqual({ "": 0 });
    a.metrics.close();
    expect(await b.read("squall_proxy_up")).toEqual({ b: 1 });
  });
});
