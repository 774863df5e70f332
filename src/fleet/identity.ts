/** What makes an activation of one plan the same as one of another. */
import type { FleetActivation } from "./contract/plan.js";

/** Equal for what goes on from one plan to the next: the same in all that its faults do, but for when it ends and who else has it. */
export function identityOf(activation: FleetActivation): string {
  const { id, profile, text, params, seed, mode, proxies, starts_at } = activation;
  const sorted = Object.entries(params).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([id, profile, text, sorted, seed, mode, proxies, starts_at]);
}
