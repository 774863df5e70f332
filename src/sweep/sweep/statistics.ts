/** How sure one may be of k failures in n runs. */

/** Wilson's interval for a share, at 95 %. */
export function wilson(failed: number, runs: number): { readonly low: number; readonly high: number } {
  if (runs === 0) return { low: 0, high: 1 };
  const z = 1.959964;
  const share = failed / runs;
  const middle = share + z ** 2 / (2 * runs);
  const spread = z * Math.sqrt((share * (1 - share)) / runs + z ** 2 / (4 * runs ** 2));
  const whole = 1 + z ** 2 / runs;
  return { low: Math.max(0, (middle - spread) / whole), high: Math.min(1, (middle + spread) / whole) };
}

/** `3 of 10 (11-60 %)`. */
export function shareText(failed: number, runs: number): string {
  const { low, high } = wilson(failed, runs);
  return `${failed} of ${runs} (${Math.round(low * 100)}-${Math.round(high * 100)} %)`;
}

/**
 * Reruns that an alarm needs beyond the usual, where fault-free runs fail too: one, and one more for each time that their number has
 * doubled.
 */
export function extraRuns(failedControls: number): number {
  return failedControls === 0 ? 0 : 1 + Math.floor(Math.log2(failedControls));
}

/**
 * Fisher's exact test, one-sided: how likely at least so many failures with the fault are by chance, if it makes no difference. 3 of 3 against
 * 0 of 4 is 1/35.
 */
export function byChance(
  withFault: { readonly failed: number; readonly runs: number },
  without: { readonly failed: number; readonly runs: number },
): number {
  const failed = withFault.failed + without.failed;
  const all = choices(withFault.runs + without.runs, withFault.runs);
  let sum = 0;
  for (let some = withFault.failed; some <= Math.min(failed, withFault.runs); some++)
    sum += choices(failed, some) * choices(withFault.runs + without.runs - failed, withFault.runs - some);
  return Math.min(1, sum / all);
}

/** Ways to take `some` of `all`. */
function choices(all: number, some: number): number {
  if (some < 0 || some > all) return 0;
  let ways = 1;
  for (let taken = 1; taken <= some; taken++) ways = (ways * (all - some + taken)) / taken;
  return ways;
}
