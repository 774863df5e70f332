/** One activation while it is on: what was asked for, where it stands in time, which faults it has armed, and what it tells. */
import type { Fact, Facts } from "../core/events.js";
import type { ArmedFault } from "../pipeline/armed.js";
import { Arsenal, type ArsenalParts, type EngineChoice, type Wanted } from "./arsenal.js";
import { runAgain, type Repeater } from "./run-again.js";
import type { Targets } from "./targets.js";
import type { SoFar } from "./so-far.js";
import { positionAt, windowOf, type Position } from "./timeline.js";
import type { ActivationValue, CompiledFault, CompiledProfile, FleetMark } from "./value.js";

export interface ActivationRequest {
  readonly profile: string;
  readonly compiled: CompiledProfile;
  readonly written: readonly unknown[] | null;
  readonly given: Readonly<Record<string, unknown>>;
  readonly seed: number;
  /** Somebody gave that seed; otherwise it was drawn. */
  readonly seeded?: boolean;
  readonly proxies: readonly string[] | null;
  readonly mode: "inject" | "observe";
  readonly ttl: number | null;
  /** Where it is the fleet's, and not of this daemon's own operator. */
  readonly fleet?: FleetMark;
}

/** What an activation brings along from an earlier life of the daemon. */
export interface EarlierLife {
  readonly id: string;
  /** On the wall clock, which went on while nobody was there. */
  readonly startedAt: number;
  readonly seeded: boolean;
}

export interface ActivationState {
  readonly value: ActivationValue;
  readonly phase: string | null;
  readonly pass: number;
  /** Milliseconds until it ends by itself; null for never. */
  readonly remaining: number | null;
  readonly phaseRemaining: number | null;
  readonly engines: readonly EngineChoice[];
}

export interface ActivationMoments {
  readonly value: ActivationValue;
  readonly startedAt: number;
  readonly endsAt: number;
  /** Null in a profile without phases. */
  readonly position: Position | null;
}

export type EndReason = Extract<Fact, { kind: "activation_ended" }>["why"];

/** What the faults of all activations share. */
export type ArsenalSupplies = Pick<ArsenalParts, "clock" | "facts" | "ledger" | "types" | "kernel">;

/** What the plan decides about an activation, besides what was asked for. */
export interface ActivationPlace {
  readonly id: string;
  readonly generation: number;
  /** The start on both clocks: the wall's, and the monotonic one, which no clock jump moves. */
  readonly wall: number;
  readonly now: number;
}

export class Activation {
  readonly #facts: Facts;
  readonly #repeater: () => Repeater;
  readonly #startedAt: number;
  readonly #arsenal: Arsenal;
  #value: ActivationValue;
  #position: Position | null = null;

  constructor(
    request: ActivationRequest,
    { id, generation, wall, now }: ActivationPlace,
    supplies: ArsenalSupplies,
    repeater: () => Repeater,
  ) {
    const { profile, compiled, written, given, seed, seeded = false, proxies, mode, ttl, fleet } = request;
    this.#facts = supplies.facts;
    this.#repeater = repeater;
    this.#startedAt = now;
    this.#value = {
      id,
      generation,
      profile,
      compiled,
      written,
      given,
      seed,
      seeded,
      proxies,
      mode,
      startedAt: wall,
      ttl,
      ...(fleet === undefined ? {} : { fleet }),
    };
    const observe = mode === "observe";
    this.#arsenal = new Arsenal({ activation: id, profile, seed, seeded, observe, ...supplies });
  }

  get value(): ActivationValue {
    return this.#value;
  }

  /** Gives it new text; its start stays. */
  recompile(compiled: CompiledProfile): void {
    this.#value = { ...this.#value, compiled };
  }

  /** Gives it another end, on the monotonic clock. */
  endBy(endsAt: number): void {
    this.#value = { ...this.#value, ttl: endsAt - this.#startedAt };
  }

  // -- time ---------------------------------------------------------------------------------------

  /** Where it is by now, null in a profile without phases; or why it is over. */
  standing(now: number): Position | null | "expired" | "finished" {
    if (now >= this.expiresAt) return "expired";
    return positionAt(this.#value.compiled, this.#startedAt, now);
  }

  /** Notes what it wants armed at that place in time, telling of a new phase; answers when that changes next. */
  enter(position: Position | null, now: number, targets: Targets): number {
    const { id, profile, compiled, proxies } = this.#value;
    const phase = position === null ? undefined : compiled.phases[position.index];
    const before = this.#position;
    if (
      position !== null &&
      phase !== undefined &&
      (before?.startsAt !== position.startsAt || before.index !== position.index)
    ) {
      this.#facts.tell({
        kind: "phase_entered",
        activation: id,
        profile,
        phase: phase.phase,
        pass: position.pass + 1,
      });
    }
    this.#position = position;
    let next = Math.min(this.expiresAt, position?.endsAt ?? Infinity);
    const wanted: Wanted[] = [];
    const note = (
      fault: CompiledFault,
      place: Pick<Wanted, "phase" | "pass" | "startsAt" | "endsAt">,
    ): void => {
      const window = windowOf(fault, place.startsAt, now);
      next = Math.min(next, window.changesAt);
      if (!window.open) return;
      for (const proxy of targets.of(fault, proxies)) wanted.push({ ...place, fault, proxy });
    };
    for (const fault of compiled.faults) {
      note(fault, { phase: "", pass: 0, startsAt: this.#startedAt, endsAt: Infinity });
    }
    if (position !== null && phase !== undefined) {
      const { pass, startsAt, endsAt } = position;
      for (const fault of phase.faults) note(fault, { phase: phase.phase, pass, startsAt, endsAt });
    }
    this.#arsenal.propose(wanted);
    return next;
  }

  /** When its time to live is over; Infinity if it has none. */
  get expiresAt(): number {
    const { ttl } = this.#value;
    return ttl === null ? Infinity : this.#startedAt + ttl;
  }

  // -- faults -------------------------------------------------------------------------------------

  /** Arms what was noted, and nothing else. Those whose parameters are new are added to `assigned`. */
  arm(assigned: Set<ArmedFault>): void {
    this.#arsenal.commit(assigned);
  }

  on(proxy: string): readonly ArmedFault[] {
    return this.#arsenal.on(proxy);
  }

  /** Whether the kernel acts, or acted, for one of its faults: what that came to is known later. */
  get usedKernel(): boolean {
    return this.#arsenal.usedKernel;
  }

  forget(proxy: string): void {
    this.#arsenal.forget(proxy);
  }

  get armed(): number {
    return this.#arsenal.size;
  }

  /** How much each of its faults has hit, on each proxy on which it was in force. */
  soFar(): SoFar[] {
    return this.#arsenal.soFar();
  }

  // -- what is said of it -------------------------------------------------------------------------

  state(now: number): ActivationState {
    const { phases, repeat } = this.#value.compiled;
    const position = this.#position;
    const cycle = phases.reduce((sum, phase) => sum + (phase.for ?? Infinity), 0);
    const finishesAt =
      phases.length === 0 || repeat === "forever" ? Infinity : this.#startedAt + cycle * repeat;
    const endsAt = Math.min(finishesAt, this.expiresAt);
    const phaseEndsAt = position?.endsAt ?? Infinity;
    return {
      value: this.#value,
      phase: position === null ? null : (phases[position.index]?.phase ?? null),
      pass: position === null ? 1 : position.pass + 1,
      remaining: Number.isFinite(endsAt) ? Math.max(0, endsAt - now) : null,
      phaseRemaining: Number.isFinite(phaseEndsAt) ? Math.max(0, phaseEndsAt - now) : null,
      engines: this.#arsenal.engines(),
    };
  }

  /** Where it stands, on the monotonic clock; Infinity for what does not end by itself. */
  moments(): ActivationMoments {
    const { phases, repeat } = this.#value.compiled;
    const position = this.#position;
    const cycle = phases.reduce((sum, phase) => sum + (phase.for ?? Infinity), 0);
    const isEndless = phases.length === 0 || repeat === "forever";
    const finishesAt = isEndless ? Infinity : this.#startedAt + cycle * repeat;
    return {
      value: this.#value,
      startedAt: this.#startedAt,
      endsAt: Math.min(finishesAt, this.expiresAt),
      position,
    };
  }

  /** `beside`: something else is on as well. */
  tellStart(kind: "activation_started" | "activation_resumed", beside: boolean): void {
    const { id: activation, profile, seed, mode, compiled, startedAt } = this.#value;
    const again = runAgain(this.#value, this.#repeater(), beside);
    const fact = { activation, profile, seed, params: compiled.params, mode, again };
    if (kind === "activation_started") this.#facts.tell({ kind, ...fact });
    else this.#facts.tell({ kind, ...fact, since: new Date(startedAt).toISOString() });
  }

  tellEnd(why: EndReason): void {
    const { id, profile, mode, compiled } = this.#value;
    this.#facts.tell({
      kind: "activation_ended",
      activation: id,
      profile,
      why,
      mode,
      faults: this.#arsenal.report(),
      warnings: this.#arsenal.warnings(compiled, why),
    });
  }
}
