/** Whether a daemon is meant: each decides for itself, and all would decide alike. */
import { createHash } from "node:crypto";
import type { FleetTargets } from "./contract/plan.js";

export interface Whom {
  readonly daemon: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** `id` is the activation's: another one chooses other daemons for the same percentage. */
export function isMeant({ daemons, labels, percent }: FleetTargets, id: string, who: Whom): boolean {
  if (daemons.length > 0 && !daemons.some((pattern) => fits(pattern, who.daemon))) return false;
  for (const [key, value] of Object.entries(labels)) {
    if (!Object.hasOwn(who.labels, key) || who.labels[key] !== value) return false;
  }
  return percent >= 100 || lotOf(id, who.daemon) * 100 < percent;
}

/**
 * In [0, 1), the same everywhere and for ever: the first 8 bytes of SHA-256 over the JSON text of
 * ["squall-fleet/1", id, daemon], of which the upper 53 bits count.
 */
export function lotOf(id: string, daemon: string): number {
  const digest = createHash("sha256")
    .update(JSON.stringify(["squall-fleet/1", id, daemon]))
    .digest();
  return Number(digest.readBigUInt64BE(0) >> 11n) / 2 ** 53;
}

/** A whole name; `*` stands for any characters, or none. Takes time in proportion to both lengths, whatever the pattern. */
export function fits(pattern: string, name: string): boolean {
  const [first = "", ...rest] = pattern.split("*");
  const last = rest.pop();
  if (last === undefined) return pattern === name;
  if (name.length < first.length + last.length || !name.startsWith(first) || !name.endsWith(last))
    return false;
  const end = name.length - last.length;
  let from = first.length;
  for (const part of rest) {
    const at = name.indexOf(part, from);
    if (at < 0 || at + part.length > end) return false;
    from = at + part.length;
  }
  return true;
}
