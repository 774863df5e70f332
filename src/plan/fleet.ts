/** What a fleet of daemons has on here, beside what this daemon's own operator has: which of it goes on, and what ends or begins. */
import type { Millis } from "../core/clock.js";
import type { Activation, ActivationRequest } from "./activation.js";
import type { FleetMark } from "./value.js";

export interface FleetRequest {
  readonly id: string;
  readonly request: Omit<ActivationRequest, "ttl" | "fleet">;
  readonly mark: FleetMark;
  /** Monotonic. In the past for one that is on elsewhere already: its phases are where they would be by now. */
  readonly startsAt: Millis;
  readonly endsAt: Millis;
}

/** An end is kept as a length, and comes back from it with a last digit of its own. */
const ROUNDING: Millis = 1e-3;

export interface FleetChange {
  readonly staying: readonly Activation[];
  readonly going: readonly Activation[];
  readonly coming: readonly FleetRequest[];
  /** Those that stay, with another end. */
  readonly moved: readonly { readonly activation: Activation; readonly endsAt: Millis }[];
}

export function fleetChange(running: readonly Activation[], wanted: readonly FleetRequest[]): FleetChange {
  const byId = new Map(wanted.map((one) => [one.id, one]));
  const staying: Activation[] = [];
  const going: Activation[] = [];
  const moved: { activation: Activation; endsAt: Millis }[] = [];
  for (const activation of running) {
    const { id, fleet } = activation.value;
    const want = byId.get(id);
    // One of the daemon's own operator stays, but for one of the same id: there can be only one.
    const stays = fleet === undefined ? want === undefined : want?.mark.identity === fleet.identity;
    (stays ? staying : going).push(activation);
    if (!stays || want === undefined) continue;
    byId.delete(id);
    if (Math.abs(activation.expiresAt - want.endsAt) > ROUNDING)
      moved.push({ activation, endsAt: want.endsAt });
  }
  return { staying, going, moved, coming: [...byId.values()] };
}
