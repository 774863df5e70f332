/** The plan as it was read last, and how it follows the one before. */
import type { Millis } from "../../core/clock.js";
import { SquallError } from "../../core/errors.js";
import type { PlanRead } from "../contract/engine.js";
import { PLAN_FORMAT, type FleetPlan } from "../contract/plan.js";
import { readPlan } from "../plan-format.js";

export interface Current {
  readonly serial: number;
  readonly bytes: Uint8Array | null;
  /** Null if it cannot be understood. */
  readonly plan: FleetPlan | null;
  /** Why not. */
  readonly problem: string | null;
  /** Which life of the engine's data it belongs to, as far as that was ever said; null if they are empty. */
  readonly epoch: string | null;
  /** The engine went back to it: only what is on already may be taken from it. */
  readonly rewound: boolean;
  /** Since when it waits for what it needs. */
  waiting: Millis | null;
}

/** Of an engine in which nobody has written yet. */
const NOTHING: FleetPlan = { format: PLAN_FORMAT, epoch: "", by: "", why: null, activations: [] };

export function isSame(before: Current, { serial, bytes }: PlanRead): boolean {
  return before.serial === serial && areEqual(before.bytes, bytes);
}

/** Serials only grow, and within one life of the engine's data: whatever else comes means that these are others than they were. */
export function follow(before: Current | null, { serial, bytes }: PlanRead): Current {
  const { plan, problem } = understood(bytes);
  const known = before?.epoch ?? null;
  const isOther = bytes !== null && plan !== null && known !== null && plan.epoch !== known;
  return {
    serial,
    bytes,
    plan,
    problem,
    epoch: bytes === null ? null : (plan?.epoch ?? known),
    rewound: before !== null && (serial <= before.serial || isOther),
    waiting: null,
  };
}

function understood(bytes: Uint8Array | null): Pick<Current, "plan" | "problem"> {
  if (bytes === null) return { plan: NOTHING, problem: null };
  try {
    return { plan: readPlan(bytes), problem: null };
  } catch (error) {
    if (!(error instanceof SquallError)) throw error;
    return { plan: null, problem: error.message };
  }
}

function areEqual(one: Uint8Array | null, other: Uint8Array | null): boolean {
  if (one === null || other === null) return one === other;
  return Buffer.compare(one, other) === 0;
}
