/**
 * How often a failing run fails while all of its causes are there: each time, or in a share of the runs that is only known from a few of
 * them. And how often a run must be made before "it passes" is worth believing.
 */

export interface Rate {
  /** Runs with all causes that failed, and that passed. */
  readonly failed: number;
  readonly passed: number;
}

/** Whether it is taken to fail every time: three of three are enough for that, and one that passed is enough against it. */
export function isSteady({ passed }: Rate): boolean {
  return passed === 0;
}

/** The share to expect, by Laplace's rule where it does not fail each time. */
export function shareOf(rate: Rate): number {
  return isSteady(rate) ? 1 : (rate.failed + 1) / (rate.failed + rate.passed + 2);
}

/** Runs that all pass after which a failure that shows with this share would have been missed in `error` of the cases at most. */
export function passesNeeded(share: number, error: number): number {
  if (share >= 1) return 1;
  if (share <= 0) return Infinity;
  return Math.max(1, Math.ceil(Math.log(error) / Math.log(1 - share) - 1e-9));
}
