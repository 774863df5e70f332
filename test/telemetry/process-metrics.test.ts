import type { IntervalHistogram, monitorEventLoopDelay } from "node:perf_hooks";
import { setImmediate as turn } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import { memoized, ProcessMetrics } from "../../src/telemetry/process-metrics.js";
import { Telemetry } from "../../src/telemetry/telemetry.js";
import { replaceBuiltin } from "../support/builtins.js";
import { parse } from "./exposition.js";
import { FACTS, logged, metricsOf } from "./samples.js";

let putBack = (): void => undefined;
afterEach(() => {
  putBack();
});

/** What is in `after` and was not in `before`. */
function added(before: readonly string[], after: readonly string[]): string[] {
  const left = [...before];
  return after.filter((kind) => {
    const index = left.indexOf(kind);
    if (index >= 0) left.splice(index, 1);
    return index < 0;
  });
}

async function values(metrics: ProcessMetrics): Promise<Record<string, number | undefined>> {
  const read = await Promise.all(metrics.metrics.map((metric) => metric.get()));
  return Object.fromEntries(read.map(({ name, values: [first] }) => [name, first?.value]));
}

describe("the process", () => {
  it("shows what dashboards look for", async () => {
    const metrics = new ProcessMetrics();
    const read = await values(metrics);
    metrics.close();
    expect(read["process_cpu_seconds_total"]).toBeGreaterThan(0);
    expect(read["process_resident_memory_bytes"]).toBeGreaterThan(1e6);
    expect(read["process_start_time_seconds"]).toBeGreaterThan(1.6e9);
    expect(read["nodejs_heap_size_used_bytes"]).toBeLessThanOrEqual(
      read["nodejs_heap_size_total_bytes"] ?? 0,
    );
    if (process.platform === "linux") expect(read["process_open_fds"]).toBeGreaterThan(2);
  });

  it("has figures of the event loop before there are any", async () => {
    const metrics = new ProcessMetrics();
    const read = await values(metrics);
    for (const name of ["mean", "max", "p50", "p99"])
      expect(read[`nodejs_eventloop_lag_${name}_seconds`]).toBe(0);
    metrics.close();
  });
});

describe("after close", () => {
  it("nothing keeps the process alive or goes on in it", async () => {
    const before = process.getActiveResourcesInfo();
    const monitors: IntervalHistogram[] = [];
    putBack = replaceBuiltin<typeof monitorEventLoopDelay>(
      "node:perf_hooks",
      "monitorEventLoopDelay",
      (real) => (options) => {
        const monitor = real(options);
        monitors.push(monitor);
        return monitor;
      },
    );
    const daemons = Array.from({ length: 12 }, () => {
      const { log, clock } = logged();
      const telemetry = new Telemetry({ clock, log });
      const metrics = metricsOf({ telemetry });
      for (const fact of FACTS) telemetry.tell(fact);
      return { log, clock, telemetry, metrics };
    });
    for (const { metrics } of daemons) parse(await metrics.text());
    for (const { log, telemetry, metrics, clock } of daemons) {
      metrics.close();
      await telemetry.close();
      await log.close();
      expect(clock.idle).toBe(true);
    }
    // `disable` answers whether it was still running.
    expect(monitors.map((monitor) => monitor.disable())).toEqual(daemons.map(() => false));
    // winston says "logged" on a later turn.
    await turn();
    await turn();
    expect(added(before, process.getActiveResourcesInfo())).toEqual([]);
  });
});

describe("a memoized read", () => {
  it("happens once for all who ask within a turn", async () => {
    let reads = 0;
    const read = memoized(() => ++reads);
    expect([read(), read()]).toEqual([1, 1]);
    await turn();
    expect([read(), read()]).toEqual([2, 2]);
  });
});
