/** How long a plan takes, said before it starts. */

export interface Estimate {
  readonly cases: number;
  /** Milliseconds of one run in the mean, what the harness does around it included. */
  readonly each: number;
  readonly workers: number;
  /** Milliseconds of all. */
  readonly whole: number;
}

/** A fault makes a run longer by what the client waits for; a fault-free run after each twenty and what confirms findings come on top. */
const LONGER = 1.25;

/** `baselines` are the milliseconds that the fault-free runs took, one at least. */
export function estimateOf(cases: number, baselines: readonly number[], workers: number): Estimate {
  const each = baselines.reduce((sum, ms) => sum + ms, 0) / Math.max(1, baselines.length);
  return { cases, each, workers, whole: Math.ceil((cases * each * LONGER) / Math.max(1, workers)) };
}

/** `142 cases, 2.6 s each, 3 workers: about 2 min`. */
export function estimateText({ cases, each, workers, whole }: Estimate): string {
  const many = (count: number, what: string): string => `${count} ${what}${count === 1 ? "" : "s"}`;
  return `${many(cases, "case")}, ${(each / 1_000).toFixed(1)} s each, ${many(workers, "worker")}: about ${roughly(whole)}`;
}

function roughly(ms: number): string {
  const seconds = Math.ceil(ms / 1_000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 100 ? `${minutes} min` : `${(minutes / 60).toFixed(1)} h`;
}
