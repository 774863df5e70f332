/** What a plan means for one daemon: pure, so that all its reasons stand in one place. */
import type { Millis } from "../../core/clock.js";
import { SquallError } from "../../core/errors.js";
import { formatDuration } from "../../core/units.js";
import type { FleetActivation, FleetPlan } from "../contract/plan.js";
import type { EngineClock } from "../engine-clock.js";
import { fits, isMeant, type Whom } from "../targets.js";

export interface Policy extends Whom {
  /** Names of profiles, or patterns with `*`, that the fleet may switch on here; null for all. */
  readonly accept: readonly string[] | null;
  /** How long an activation of the fleet may last here. */
  readonly maxTtl: Millis;
}

/** An activation with its moments on the monotonic clock. */
export interface Meant {
  readonly activation: FleetActivation;
  readonly startsAt: Millis;
  readonly endsAt: Millis;
}

/**
 * Those that are meant for this daemon and not over yet. Null where the engine's time is not known.
 * Throws a SquallError that says why the plan is refused here.
 */
export function meantFor(
  plan: FleetPlan,
  policy: Policy,
  time: EngineClock,
  now: Millis,
): readonly Meant[] | null {
  const mine = plan.activations.filter(({ id, targets }) => isMeant(targets, id, policy));
  const meant: Meant[] = [];
  for (const activation of mine) {
    const startsAt = time.when(Date.parse(activation.starts_at), now);
    const endsAt = time.notAfter(Date.parse(activation.ends_at), now);
    if (startsAt === null || endsAt === null) return null;
    if (endsAt <= now) continue;
    check(activation, policy);
    meant.push({ activation, startsAt, endsAt });
  }
  return meant;
}

function check({ id, profile, starts_at, ends_at }: FleetActivation, { accept, maxTtl }: Policy): void {
  if (accept !== null && !accept.some((pattern) => fits(pattern, profile)))
    throw new SquallError("SQ_INVALID_ACTIVATION", `${profile} is not in fleet.accept`);
  const lasts = Date.parse(ends_at) - Date.parse(starts_at);
  if (lasts > maxTtl)
    throw new SquallError(
      "SQ_INVALID_ACTIVATION",
      `${id} lasts ${formatDuration(lasts)}, and fleet.max_ttl is ${formatDuration(maxTtl)}`,
    );
}
