/** Metrics of a fleet: what they say of a member, and that a daemon without a fleet has none of them. */
import { afterEach, expect, it } from "vitest";
import type { Metrics, MetricsOptions } from "../../src/telemetry/metrics.js";
import { memberPresence } from "../admin/fleet-stand-in.js";
import { metricsOf } from "./samples.js";

let metrics: Metrics | null = null;
afterEach(() => metrics?.close());

async function fleetLines(options: Pick<MetricsOptions, "fleet">): Promise<readonly string[]> {
  metrics = metricsOf({ process: false, ...options });
  return (await metrics.text())
    .split("\n")
    .filter((line) => /^squall_fleet_/u.test(line))
    .toSorted();
}

it("are absent from a daemon without a fleet", async () => {
  expect(await fleetLines({})).toEqual([]);
});

it("say how a member stands", async () => {
  const namesakes = [{ ...memberPresence("node-1", { life: "life-2" }), age_ms: 900 }];
  const presence = memberPresence("node-1", { serial: 12, state: "refused", offset_ms: -1_500, namesakes });
  const member = {
    presence,
    connected: true,
    problem: null,
    plan: null,
    planAge: 2_250,
    joined: true,
    journal: { unsent: 10_000, lost: 56 },
  };
  expect(await fleetLines({ fleet: () => member })).toEqual([
    "squall_fleet_clock_offset_seconds -1.5",
    "squall_fleet_connected 1",
    "squall_fleet_journal_lost_total 56",
    "squall_fleet_journal_unsent 10000",
    "squall_fleet_namesakes 1",
    "squall_fleet_plan_age_seconds 2.25",
    "squall_fleet_refused 1",
    "squall_fleet_serial 12",
  ]);
});

it("leave away what is not known yet", async () => {
  const presence = memberPresence("node-1", { serial: 0, state: "idle", offset_ms: null });
  const member = {
    presence,
    connected: false,
    problem: null,
    plan: null,
    planAge: Infinity,
    joined: false,
    journal: { unsent: 0, lost: 0 },
  };
  expect(await fleetLines({ fleet: () => member })).toEqual([
    "squall_fleet_connected 0",
    "squall_fleet_journal_lost_total 0",
    "squall_fleet_journal_unsent 0",
    "squall_fleet_namesakes 0",
    "squall_fleet_refused 0",
    "squall_fleet_serial 0",
  ]);
});
