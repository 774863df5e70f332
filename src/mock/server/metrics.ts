/** `/metrics`: what the mock job server counts, for Prometheus. */
import { Counter, Gauge, Histogram, Registry } from "prom-client";
import { JOB_STATES } from "./job.js";
import type { JobStore } from "./store.js";

export interface Measured {
  readonly store: JobStore;
  readonly bots: () => number;
  readonly waiting: () => number;
  readonly readers: () => number;
  readonly bodyBytes: () => number;
}

const SECONDS = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 60];

export class ServerMetrics {
  readonly #registry = new Registry();
  readonly #answers: Counter<"method" | "path" | "status">;
  readonly #seconds: Histogram<"path">;

  constructor({ store, bots, waiting, readers, bodyBytes }: Measured) {
    const registers = [this.#registry];
    const gauge = (name: string, help: string, read: () => number): void => {
      new Gauge({
        name: `squall_mock_${name}`,
        help,
        registers,
        collect() {
          this.set(read());
        },
      });
    };
    this.#answers = new Counter({
      name: "squall_mock_requests_total",
      help: "Requests answered, by route and status.",
      labelNames: ["method", "path", "status"],
      registers,
    });
    this.#seconds = new Histogram({
      name: "squall_mock_request_seconds",
      help: "From the head of a request to the head of its answer; long polls wait in it.",
      labelNames: ["path"],
      buckets: SECONDS,
      registers,
    });
    new Gauge({
      name: "squall_mock_jobs",
      help: "Jobs that the server knows, by state.",
      labelNames: ["state"],
      registers,
      collect() {
        const states = store.states();
        for (const state of JOB_STATES) this.set({ state }, states[state]);
      },
    });
    new Counter({
      name: "squall_mock_job_events_total",
      help: "What the audit counts, over all jobs: leases, executions, completions and so on.",
      labelNames: ["what"],
      registers,
      collect() {
        this.reset();
        for (const [what, count] of Object.entries(store.totals())) this.inc({ what }, count);
      },
    });
    gauge("bots", "Bots that are registered.", bots);
    gauge("bots_waiting", "Long polls that wait for a job.", waiting);
    gauge("event_readers", "Readers of /v1/events.", readers);
    gauge("body_bytes", "Bytes of payloads and artifacts in files.", bodyBytes);
    gauge("process_resident_bytes", "Memory of the process.", () => process.memoryUsage.rss());
  }

  readonly onAnswer = (method: string, path: string, status: number, seconds: number): void => {
    // Methods are few, and a client must not be able to invent more series.
    this.#answers.inc({ method: KNOWN_METHODS.has(method) ? method : "other", path, status });
    this.#seconds.observe({ path }, seconds);
  };

  async text(): Promise<{ body: string; type: string }> {
    return { body: await this.#registry.metrics(), type: this.#registry.contentType };
  }
}

const KNOWN_METHODS = new Set(["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"]);
