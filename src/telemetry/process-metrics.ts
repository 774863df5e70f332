/**
 * What the machine sees of the daemon, under the names that dashboards know. prom-client's own collectors
 * start an observer and a monitor that nobody can stop, so that a process with several daemons would gather
 * them; these end with `close()`. The only file beside main.ts that asks the process anything.
 */
import { readdir } from "node:fs/promises";
import { monitorEventLoopDelay } from "node:perf_hooks";
import process from "node:process";
import { SampledCounter, SampledGauge, type AnySampled } from "./sampled.js";

/** How often the event loop is timed. Every time wakes the process up. */
const RESOLUTION_MS = 20;
const NANOS = 1e9;

export class ProcessMetrics {
  readonly metrics: readonly AnySampled[];
  readonly #lag = new LoopLag();
  #lastMemory: NodeJS.MemoryUsage | null = null;

  constructor() {
    const memory = memoized(() => this.#memoryUsage());
    const lag = memoized(() => this.#lag.take());
    this.metrics = [
      counter("process_cpu_seconds_total", "CPU time of the process, user and system.", () => {
        const { user, system } = process.cpuUsage();
        return (user + system) / 1e6;
      }),
      gauge("process_resident_memory_bytes", "Memory that the process occupies.", () => memory().rss),
      gauge(
        "process_start_time_seconds",
        "When the process started, in Unix time.",
        () => performance.timeOrigin / 1000,
      ),
      new SampledGauge({
        name: "process_open_fds",
        help: "Open file descriptors, sockets among them. Only where /proc tells.",
        read: async () => {
          const count = await openFiles();
          return count === null ? [] : [[[], count]];
        },
      }),
      gauge("nodejs_heap_size_total_bytes", "Size of the JavaScript heap.", () => memory().heapTotal),
      gauge("nodejs_heap_size_used_bytes", "Used part of the JavaScript heap.", () => memory().heapUsed),
      gauge(
        "nodejs_external_memory_bytes",
        "Memory outside the heap, buffers among it.",
        () => memory().external,
      ),
      gauge(
        "nodejs_eventloop_lag_mean_seconds",
        "How late the event loop was on average since the last scrape.",
        () => lag().mean,
      ),
      gauge(
        "nodejs_eventloop_lag_max_seconds",
        "How late the event loop was at worst since the last scrape.",
        () => lag().max,
      ),
      gauge(
        "nodejs_eventloop_lag_p50_seconds",
        "Half of the time the event loop was no later than this.",
        () => lag().p50,
      ),
      gauge(
        "nodejs_eventloop_lag_p99_seconds",
        "99 % of the time the event loop was no later than this.",
        () => lag().p99,
      ),
    ];
  }

  /** Linux tells of it in a file, for which there may be no descriptor left: then it is as it was the last time. */
  #memoryUsage(): NodeJS.MemoryUsage {
    try {
      this.#lastMemory = process.memoryUsage();
    } catch {
      this.#lastMemory ??= { rss: 0, heapTotal: 0, heapUsed: 0, external: 0, arrayBuffers: 0 };
    }
    return this.#lastMemory;
  }

  close(): void {
    this.#lag.close();
  }
}

interface Lag {
  readonly mean: number;
  readonly max: number;
  readonly p50: number;
  readonly p99: number;
}

class LoopLag {
  readonly #monitor = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  #last: Lag = { mean: 0, max: 0, p50: 0, p99: 0 };

  constructor() {
    this.#monitor.enable();
  }

  /** Since the last call. Two that come right after one another get the same answer. */
  take(): Lag {
    const monitor = this.#monitor;
    // It has no figures yet, and would say that the shortest delay was the longest time there is.
    if (!(monitor.max > 0) || !Number.isFinite(monitor.mean)) return this.#last;
    this.#last = {
      mean: late(monitor.mean),
      max: late(monitor.max),
      p50: late(monitor.percentile(50)),
      p99: late(monitor.percentile(99)),
    };
    monitor.reset();
    return this.#last;
  }

  close(): void {
    this.#monitor.disable();
  }
}

/** The monitor counts from one tick to the next; only what exceeds the pause between them is lag. */
function late(nanos: number): number {
  return Math.max(0, nanos / NANOS - RESOLUTION_MS / 1000);
}

async function openFiles(): Promise<number | null> {
  try {
    // The folder is one itself while it is being read.
    return (await readdir("/proc/self/fd")).length - 1;
  } catch {
    return null;
  }
}

function counter(name: string, help: string, value: () => number): SampledCounter {
  return new SampledCounter({ name, help, read: () => [[[], value()]] });
}

function gauge(name: string, help: string, value: () => number): SampledGauge {
  return new SampledGauge({ name, help, read: () => [[[], value()]] });
}

/** Read once for all metrics of a scrape, which are read within one turn. */
export function memoized<T>(read: () => T): () => T {
  let known: { readonly value: T } | null = null;
  return () => {
    if (known !== null) return known.value;
    known = { value: read() };
    queueMicrotask(() => {
      known = null;
    });
    return known.value;
  };
}
