/** What a fleet is to do, as the engine keeps it: one JSON text, the only truth there is about it. */

/** A daemon that reads another one refuses it, and ends what the fleet had switched on there. */
export const PLAN_FORMAT = "squall-fleet/1";

export interface FleetPlan {
  readonly format: typeof PLAN_FORMAT;
  /** Which life of the engine's data this belongs to: another one means that the data were made anew. */
  readonly epoch: string;
  /** Who wrote it, and why, for people. */
  readonly by: string;
  readonly why: string | null;
  /** Empty when the fleet was healed. */
  readonly activations: readonly FleetActivation[];
}

/** One of them; all daemons under it have the same id, seed and text, so that their draws are the same. */
export interface FleetActivation {
  /** The draws' names have it: the name of the profile, as on a daemon alone. */
  readonly id: string;
  readonly profile: string;
  /** `sha256:` and 64 hexadecimal digits: the text of the profile and of all that it builds on, see `FleetText`. */
  readonly text: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly seed: number;
  readonly mode: "inject" | "observe";
  /** Null for all proxies that fit. */
  readonly proxies: readonly string[] | null;
  readonly targets: FleetTargets;
  /** ISO 8601, UTC, to the millisecond, by the engine's clock. A plan without an end is refused. */
  readonly starts_at: string;
  readonly ends_at: string;
}

/** Which daemons are meant: those for which all of it is true. */
export interface FleetTargets {
  /** Names, or patterns with `*`; empty for all. */
  readonly daemons: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  /** 0 to 100: a daemon is chosen by a hash of the activation's id and its name, so that all decide alike without talking. */
  readonly percent: number;
}

/**
 * What a text holds: a profile and the profiles that it extends, so that no daemon needs a library of its own. As JSON with
 * the keys in this order; its hash is its name, and it never changes.
 */
export interface FleetText {
  readonly format: "squall-profile/1";
  readonly profile: string;
  /** YAML by the name of its profile. */
  readonly files: Readonly<Record<string, string>>;
}

/** Characters of a plan, and of a text, as UTF-8; a NATS server takes 1 MiB by default. */
export const PLAN_MAX = 256 * 1_024;
export const TEXT_MAX = 512 * 1_024;
