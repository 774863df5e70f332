/** How this daemon stands in its fleet: metrics that only a daemon with a fleet has. */
import { SampledCounter, SampledGauge, type AnySampled, type Sample } from "./sampled.js";

/** What is measured of a member. */
interface MeasuredMember {
  readonly connected: boolean;
  /** Milliseconds; Infinity before a plan was read. */
  readonly planAge: number;
  readonly presence: {
    readonly serial: number;
    readonly state: string;
    readonly offset_ms: number | null;
    readonly namesakes: readonly unknown[];
  };
  /** How its journal gets into the fleet's. */
  readonly journal: { readonly unsent: number; readonly lost: number };
}

export interface FleetMetricsOptions {
  /** Missing where the daemon belongs to no fleet; null before it does. */
  readonly fleet?: () => MeasuredMember | null;
}

export function fleetMetrics({ fleet }: FleetMetricsOptions): AnySampled[] {
  if (fleet === undefined) return [];
  type Value = (member: MeasuredMember) => number | null;
  const options = (name: string, help: string, value: Value) => ({
    name,
    help,
    read: (): readonly Sample[] => {
      const member = fleet();
      const found = member === null ? null : value(member);
      return found === null ? [] : [[[], found]];
    },
  });
  const gauge = (name: string, help: string, value: Value): AnySampled =>
    new SampledGauge(options(name, help, value));
  return [
    gauge(
      "squall_fleet_serial",
      "Serial of the fleet's plan that this daemon has judged last; 0 before the first.",
      ({ presence }) => presence.serial,
    ),
    gauge(
      "squall_fleet_connected",
      "1 while the fleet's engine answers this daemon, else 0.",
      ({ connected }) => Number(connected),
    ),
    gauge(
      "squall_fleet_plan_age_seconds",
      "Since the fleet's plan was last read, changed or not; nothing before the first.",
      ({ planAge }) => (Number.isFinite(planAge) ? Math.max(0, planAge) / 1_000 : null),
    ),
    gauge(
      "squall_fleet_refused",
      "1 while this daemon refuses the fleet's plan and is under nothing of it, else 0.",
      ({ presence }) => Number(presence.state === "refused"),
    ),
    gauge(
      "squall_fleet_namesakes",
      "Other daemons that go by the name of this one in its fleet; each should have its own.",
      ({ presence }) => presence.namesakes.length,
    ),
    gauge(
      "squall_fleet_clock_offset_seconds",
      "The engine's clock minus this machine's; nothing before it is known.",
      ({ presence: { offset_ms: offset } }) => (offset === null ? null : offset / 1_000),
    ),
    gauge(
      "squall_fleet_journal_unsent",
      "Numbers of this daemon's journal that the fleet's engine has not been told about.",
      ({ journal }) => journal.unsent,
    ),
    new SampledCounter(
      options(
        "squall_fleet_journal_lost_total",
        "Numbers of this daemon's journal that were given up and never reached the fleet's.",
        ({ journal }) => journal.lost,
      ),
    ),
  ];
}
