/**
 * The plan as a value: everything that is to happen, immutable and serialisable. Times are wall-clock
 * milliseconds, so that another process could take the same plan over.
 */
import type { WhenEntry } from "../config/conditions.js";
import type { DrawEntry } from "../config/draw.js";
import type { MatchEntry } from "../config/match.js";
import type { Ramp } from "../config/ramp.js";
import type { Direction } from "../faults/contract/index.js";

export interface CompiledFault {
  readonly name: string;
  readonly type: string;
  /** As the type's schema made them; ramped ones hold their value at the start of the phase. */
  readonly params: Readonly<Record<string, unknown>>;
  readonly ramps: Readonly<Record<string, Ramp>>;
  /** null: each proxy that has the fault's seam. */
  readonly proxies: readonly string[] | null;
  readonly directions: Direction | "both" | null;
  /** Where it acts, of a type that knows several places; empty otherwise. */
  readonly at: string;
  readonly match: readonly MatchEntry[];
  readonly except: readonly MatchEntry[];
  readonly when: WhenEntry;
  /** By what its subjects are drawn, where that is not their number. */
  readonly draw?: DrawEntry;
  /** Of a fault that was set through Toxiproxy's API: what it was called there, to be given back as it came. */
  readonly toxic?: ToxicValue;
}

export interface ToxicValue {
  readonly type: string;
  readonly stream: string;
  readonly toxicity: number;
  readonly attributes: Readonly<Record<string, number | string>>;
}

export interface CompiledPhase {
  readonly phase: string;
  /** Milliseconds; null for the last phase that never ends by itself. */
  readonly for: number | null;
  readonly faults: readonly CompiledFault[];
}

export interface CompiledProfile {
  readonly profile: string;
  readonly summary: string;
  readonly tags: readonly string[];
  readonly params: Readonly<Record<string, unknown>>;
  readonly faults: readonly CompiledFault[];
  readonly phases: readonly CompiledPhase[];
  readonly repeat: number | "forever";
}

export interface ActivationValue {
  /** The profile's name, or `inline`, `inline-2`: part of every draw's name, so never made up. */
  readonly id: string;
  /** The plan's revision when it started: tells a fresh start of the same profile from the old one. */
  readonly generation: number;
  readonly profile: string;
  readonly compiled: CompiledProfile;
  /** The faults as they were written, of an activation without a profile; null otherwise. */
  readonly written: readonly unknown[] | null;
  /** The params that somebody gave; `compiled.params` has the defaults as well. */
  readonly given: Readonly<Record<string, unknown>>;
  readonly seed: number;
  /** Somebody gave that seed; otherwise it was drawn. */
  readonly seeded: boolean;
  /** Restricts all faults to these proxies; null for no restriction. */
  readonly proxies: readonly string[] | null;
  readonly mode: "inject" | "observe";
  readonly startedAt: number;
  /** Milliseconds from the start after which it is healed; null for none. */
  readonly ttl: number | null;
  /** Where it is the fleet's, and not of this daemon's own operator. */
  readonly fleet?: FleetMark;
}

/** Marks an activation as the fleet's. */
export interface FleetMark {
  /** Equal for what goes on from one plan of the fleet to the next. */
  readonly identity: string;
  /** How long it was asked to last, in milliseconds: here it ends a little earlier, to be on the safe side. */
  readonly lasts: number;
  /** The words of a command that mean the same daemons. */
  readonly words: readonly string[];
}

export interface PlanValue {
  readonly revision: number;
  /** Faults set on one proxy at run time, in order; they live beside what profiles do. */
  readonly toxics: Readonly<Record<string, readonly CompiledFault[]>>;
  readonly activations: readonly ActivationValue[];
}

/** The names that journal, metrics and draws use for faults that no profile owns. */
export const TOXICS = "toxics";
export const INLINE = "inline";
