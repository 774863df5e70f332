/** From what is asked of a fleet to its next plan: limits first, then the plan's value. Pure but for the draws that it is handed. */
import { ACTIVATIONS_MAX } from "../../control.js";
import { SquallError } from "../../core/errors.js";
import type { Millis } from "../../core/clock.js";
import { formatDuration } from "../../core/units.js";
import type { FleetOrder } from "../contract/member.js";
import { PLAN_FORMAT, type FleetActivation, type FleetPlan } from "../contract/plan.js";

/** A beginning together must be so far away that daemons hear of it before. */
export const STARTS_IN_MIN: Millis = 500;
export const STARTS_IN_MAX: Millis = 3_600_000;
export const WAIT_MAX: Millis = 5 * 60_000;

/** Throws SQ_INVALID_ACTIVATION, or SQ_TOO_MANY, where no daemon could do it. */
export function checkOrder({ activations, startsIn, wait }: FleetOrder, maxTtl: Millis): void {
  if (activations.length === 0) throw refused("", "expected at least one activation, got none");
  if (activations.length > ACTIVATIONS_MAX)
    throw new SquallError("SQ_TOO_MANY", `at most ${ACTIVATIONS_MAX} activations can be on at once`);
  const twice = activations.find(({ profile }, index) =>
    activations.slice(0, index).some((other) => other.profile === profile),
  );
  if (twice !== undefined)
    throw refused("profile", `the profile ${JSON.stringify(twice.profile)} is asked for twice`);
  for (const { ttl } of activations) {
    if (!(ttl > 0)) throw refused("ttl", "many daemons must heal even when nobody is left to tell them");
    if (ttl > maxTtl)
      throw refused(
        "ttl",
        `must be at most ${formatDuration(maxTtl)}, got ${formatDuration(ttl)}`,
        "fleet.max_ttl of squall.yaml",
      );
  }
  if (startsIn !== 0 && (startsIn < STARTS_IN_MIN || startsIn > STARTS_IN_MAX))
    throw refused(
      "starts_in",
      `must be ${formatDuration(STARTS_IN_MIN)} to ${formatDuration(STARTS_IN_MAX)}, got ${formatDuration(startsIn)}`,
      "daemons must hear of it before they can begin together",
    );
  if (wait > WAIT_MAX)
    throw refused("wait", `must be at most ${formatDuration(WAIT_MAX)}, got ${formatDuration(wait)}`);
}

function refused(path: string, message: string, hint?: string): SquallError {
  return new SquallError("SQ_INVALID_ACTIVATION", path === "" ? message : `${path}: ${message}`, {
    ...(path === "" ? {} : { path }),
    ...(hint === undefined ? {} : { hint }),
  });
}

/** What is the same in each attempt to write it. `texts` are the names of the texts of the order's activations, in their order. */
export interface Prepared {
  readonly order: FleetOrder;
  readonly texts: readonly string[];
  readonly seeds: readonly number[];
}

/** `now` is the engine's clock, in milliseconds since 1970. */
export function activationsOf({ order, texts, seeds }: Prepared, now: Millis): readonly FleetActivation[] {
  const startsAt = Math.round(now + order.startsIn);
  return order.activations.map(
    ({ profile, params, mode = "inject", proxies, targets, ttl }, index): FleetActivation => ({
      id: profile,
      profile,
      text: texts[index] ?? "",
      params,
      seed: seeds[index] ?? 0,
      mode,
      proxies: proxies === undefined || proxies.length === 0 ? null : proxies,
      targets,
      starts_at: moment(startsAt),
      ends_at: moment(startsAt + Math.max(1, Math.round(ttl))),
    }),
  );
}

function moment(time: Millis): string {
  return new Date(time).toISOString();
}

/** Those whose time is not over. */
export function stillOn(activations: readonly FleetActivation[], now: Millis): readonly FleetActivation[] {
  return activations.filter(({ ends_at: end }) => Date.parse(end) > now);
}

/** Who writes, and why. */
export interface Signed {
  readonly by: string;
  readonly why: string | null;
}

/** `before` is null where there was no plan, or none that could be understood. */
export function planOf(
  before: Pick<FleetPlan, "epoch"> | null,
  activations: readonly FleetActivation[],
  { by, why }: Signed,
  newEpoch: () => string,
): FleetPlan {
  return { format: PLAN_FORMAT, epoch: before?.epoch ?? newEpoch(), by, why, activations };
}

/** What is on after an order: one of the same id begins anew. */
export function withOrder(
  before: readonly FleetActivation[],
  fresh: readonly FleetActivation[],
  how: FleetOrder["how"],
): readonly FleetActivation[] {
  if (how === "replace") return fresh;
  const ids = new Set(fresh.map(({ id }) => id));
  const after = [...before.filter(({ id }) => !ids.has(id)), ...fresh];
  if (after.length > ACTIVATIONS_MAX)
    throw new SquallError("SQ_TOO_MANY", `at most ${ACTIVATIONS_MAX} activations can be on at once`);
  return after;
}

/** The same without these, as far as they are there as they were written: what another has put in their place stays. */
export function withoutOurs(
  activations: readonly FleetActivation[],
  ours: readonly FleetActivation[],
): readonly FleetActivation[] {
  const isOurs = (one: FleetActivation): boolean =>
    ours.some(
      ({ id, seed, starts_at: start, ends_at: end }) =>
        id === one.id && seed === one.seed && start === one.starts_at && end === one.ends_at,
    );
  return activations.filter((one) => !isOurs(one));
}
