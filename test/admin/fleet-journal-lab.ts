/** The admin API of a daemon whose fleet's journal is in an engine that a test fills, cuts off and mends. */
import { MergedJournal } from "../../src/fleet/journal/merged.js";
import { KeptStream } from "../fleet/journal/kept-stream.js";
import { NOON } from "../telemetry/samples.js";
import { AdminLab } from "./admin-lab.js";
import { FleetStandIn } from "./fleet-stand-in.js";

export async function fleetJournalLab(): Promise<{ readonly here: AdminLab; readonly engine: KeptStream }> {
  const fleet = new FleetStandIn();
  const here = await AdminLab.open({ fleet, start: NOON });
  const engine = new KeptStream();
  fleet.journal = new MergedJournal({ engine, clock: here.clock, engineNow: () => null });
  return { here, engine };
}
