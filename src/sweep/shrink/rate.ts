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

/**
 * The likelihood of `failed` and `passed` more runs with all causes, the share itself being unknown: the integral over all shares, which
 * is a quotient of Beta functions. As a logarithm, minus infinity for what cannot be.
 */
export function logLikelihood(rate: Rate, failed: number, passed: number): number {
  if (isSteady(rate)) return passed === 0 ? 0 : -Infinity;
  return logBeta(rate.failed + failed + 1, rate.passed + passed + 1) - logBeta(rate.failed + 1, rate.passed + 1);
}

/** Of whole numbers. */
function logBeta(one: number, other: number): number {
  return logFactorial(one - 1) + logFactorial(other - 1) - logFactorial(one + other - 1);
}

const LOG_FACTORIALS: number[] = [0];

function logFactorial(number: number): number {
  for (let next = LOG_FACTORIALS.length; next <= number; next++)
    LOG_FACTORIALS.push((LOG_FACTORIALS[next - 1] ?? 0) + Math.log(next));
  return LOG_FACTORIALS[number] ?? 0;
}

/** Runs that all pass after which a failure that shows with this share would have been missed in `error` of the cases at most. */
export function passesNeeded(share: number, error: number): number {
  if (share >= 1) return 1;
  if (share <= 0) return Infinity;
  return Math.max(1, Math.ceil(Math.log(error) / Math.log(1 - share) - 1e-9));
}
