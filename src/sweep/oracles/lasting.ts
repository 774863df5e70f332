/**
 * Faults that last. A server that has not heard of a client for long gives its work to somebody else, and is right; so more may be otherwise
 * after these than after a single call that went wrong. It is told from the faults alone, so that a replay file is judged as its sweep was.
 */
import type { FaultInput } from "../contract/run.js";

/** Calls that may be hit by all of them together, and are too few for an outage: a call, its repetition, and a pair of these. */
const FEW = 4;

export function doLast(faults: readonly FaultInput[]): boolean {
  return faults.reduce((sum, fault) => sum + hitsOf(fault), 0) > FEW;
}

/** How many subjects it can hit at most. */
function hitsOf({ when }: FaultInput): number {
  if (typeof when !== "object" || when === null) return Infinity;
  if ("lasts" in when || "follow" in when) return Infinity;
  if ("only" in when) return Array.isArray(when.only) ? when.only.length : 1;
  return "count" in when && typeof when.count === "number" && !("per" in when) ? when.count : Infinity;
}
