/**
 * The plan as a value: everything that is to happen, immutable and serialisable. Times are wall-clock
 * milliseconds, so that another process could take the same plan over.
 */
import type { Direction } from "../faults/contract.js";

/** One quantity that moves linearly over its phase. */
export interface Ramp {
  readonly from: number;
  readonly to: number;
}

/** One entry: all its keys must hold, each for any of its values. What each key is about: config/match.ts. */
export interface MatchValue {
  /** CIDR blocks or addresses. */
  readonly client?: readonly string[];
  readonly method?: readonly string[];
  /** Patterns, see plan/match.ts. */
  readonly path?: readonly string[];
  readonly host?: readonly string[];
  /** Name -> patterns of the value. */
  readonly header?: Readonly<Record<string, readonly string[]>>;
  readonly query?: Readonly<Record<string, readonly string[]>>;
  readonly bot?: readonly string[];
  readonly upstream?: readonly string[];
  /** `503`, or `5xx`, or `500-599`. */
  readonly status?: readonly string[];
  /** Of DNS questions: patterns in lower case, types in capital letters. */
  readonly qname?: readonly string[];
  readonly qtype?: readonly string[];
  readonly transport?: readonly string[];
}

export interface WhenValue {
  readonly probability?: number | Ramp;
  readonly skip?: number;
  readonly every?: number;
  readonly count?: number;
  readonly per?: Per;
  /** Milliseconds from the start of the phase. */
  readonly after?: number;
  readonly for?: number;
}

export const PER = ["proxy", "bot", "connection", "route"] as const;
export type Per = (typeof PER)[number];

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
  readonly match: readonly MatchValue[];
  readonly except: readonly MatchValue[];
  readonly when: WhenValue;
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
  /** Restricts all faults to these proxies; null for no restriction. */
  readonly proxies: readonly string[] | null;
  readonly mode: "inject" | "observe";
  readonly startedAt: number;
  /** Milliseconds from the start after which it is healed; null for none. */
  readonly ttl: number | null;
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
