/** Which entries of a daemon's journal go to the fleet's: `hits` are what faults did, and what happened to activations and to the fleet. */
import type { JournalEntry } from "../../telemetry/entry.js";

export type Which = "hits" | "all";

/**
 * - `yes`: it is about faults, activations, marks or the fleet.
 * - `touched`: if a fault acted on it.
 * - `no`: it is the daemon's own business; `all` has it.
 */
const KINDS: Readonly<Record<JournalEntry["kind"], "yes" | "touched" | "no">> = {
  fault_hit: "yes",
  fault_total: "yes",
  fault_spared: "yes",
  fault_set: "yes",
  fault_changed: "yes",
  fault_removed: "yes",
  exchange_over: "touched",
  connection_over: "touched",
  query_over: "touched",
  flow_over: "touched",
  tls_over: "touched",
  activation_started: "yes",
  activation_resumed: "yes",
  phase_entered: "yes",
  activation_ended: "yes",
  engine_chosen: "yes",
  kernel_loss_ended: "yes",
  kernel_loss_failed: "yes",
  listener_closed: "yes",
  listener_opened: "yes",
  mark: "yes",
  fleet_connected: "yes",
  fleet_disconnected: "yes",
  fleet_applied: "yes",
  fleet_refused: "yes",
  fleet_rewound: "yes",
  fleet_healed_here: "yes",
  fleet_namesake: "yes",
  fleet_namesake_gone: "yes",
  connection_failed: "no",
  certificate_reread: "no",
  ca_reread: "no",
  reload: "no",
  state_restored: "no",
  state_failed: "no",
  state_saved: "no",
  proxy_started: "no",
  proxy_stopped: "no",
  listen_failed: "no",
  limit_reached: "no",
  opaque_connection: "no",
  upstream_changed: "no",
  bots_unidentified: "no",
  mistake: "no",
};

export function isWanted(entry: JournalEntry, which: Which): boolean {
  if (which === "all") return true;
  const belongs = KINDS[entry.kind];
  return belongs === "yes" || (belongs === "touched" && "faults" in entry && entry.faults.length > 0);
}
