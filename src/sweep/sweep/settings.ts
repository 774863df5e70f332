/** How far a sweep goes, and what it takes for a finding. */

export interface SweepSettings {
  /** How long cases may be begun, in milliseconds; null for as long as there are any. */
  readonly budget: number | null;
  /** Runs of each case that survives: one says little of a program that is lucky at times. */
  readonly repeat: number;
  /** SUSPECT and FLAKY count as findings for the exit code. */
  readonly strict: boolean;
  /** Ends after so many findings that count; null for never. */
  readonly findingsMax: number | null;
  /** The share of cells that must have been hit; null for none. */
  readonly requireCoverage: number | null;
  /** Whether pairs follow the singles. */
  readonly pairs: boolean;
  readonly seed: number;
  /** Several singles in one run, where they do not get in each other's way; missing for each by itself. */
  readonly pack?: boolean;
}

/** After so many cases a fault-free run shows whether the command still passes by itself. */
export const CONTROL_EVERY = 20;
/** Runs with the fault, the first one included, until a finding that fails each time is believed. */
export const CONFIRM_RUNS = 3;
/** Runs with the fault at most, where some fail and some do not. */
export const FLAKY_RUNS = 10;
/**
 * Runs that must pass with the machine to themselves, until what has failed only without it is not held against a fault. What fails in half
 * of its runs passes as many in one of 32 cases.
 */
export const CALM_RUNS = 5;
/** Runs in a row that the harness could not make, until it is given up. */
export const TROUBLES_MAX = 3;
