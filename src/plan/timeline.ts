/** Where a profile stands at a moment: pure arithmetic over phases, passes and windows. */
import type { CompiledFault, CompiledProfile } from "./value.js";

export interface Position {
  /** 0 for the first pass. */
  readonly pass: number;
  readonly index: number;
  readonly startsAt: number;
  /** Infinity for a phase that does not end by itself. */
  readonly endsAt: number;
}

/** `finished` once the last pass is over; null in a profile without phases. */
export function positionAt(
  profile: CompiledProfile,
  startedAt: number,
  now: number,
): Position | null | "finished" {
  if (profile.phases.length === 0) return null;
  let cycle = 0;
  for (const phase of profile.phases) cycle += phase.for ?? Infinity;
  const begins = (pass: number): number => startedAt + (pass === 0 ? 0 : pass * cycle);
  let pass = Number.isFinite(cycle) ? Math.floor(Math.max(0, now - startedAt) / cycle) : 0;
  // Rounding must not leave a moment in the pass before it: nothing would ever come after that pass.
  if (now >= begins(pass + 1)) pass++;
  else if (pass > 0 && now < begins(pass)) pass--;
  if (profile.repeat !== "forever" && pass >= profile.repeat) return "finished";
  const last = profile.phases.length - 1;
  let into = 0;
  for (const [index, phase] of profile.phases.entries()) {
    const startsAt = begins(pass) + into;
    into += phase.for ?? Infinity;
    const endsAt = index === last ? begins(pass + 1) : begins(pass) + into;
    if (now < endsAt || index === last) return { pass, index, startsAt, endsAt };
  }
  return "finished";
}

/** Whether a fault's `after` and `for` let it act, and when that changes next. */
export function windowOf(
  fault: CompiledFault,
  startsAt: number,
  now: number,
): { open: boolean; changesAt: number } {
  const opensAt = startsAt + (fault.when.after ?? 0);
  const closesAt = opensAt + (fault.when.for ?? Infinity);
  if (now < opensAt) return { open: false, changesAt: opensAt };
  return now < closesAt ? { open: true, changesAt: closesAt } : { open: false, changesAt: Infinity };
}
