/**
 * What of a plan is on here, or will be: the one place that tells the ground what to have on. It holds a plan whole, or none of it, and
 * an end that it has once promised comes no later.
 */
import type { Clock, Millis } from "../../core/clock.js";
import type { Ground, Wanted } from "../contract/member.js";
import type { FleetActivation, FleetPlan, FleetText } from "../contract/plan.js";
import type { EngineClock } from "../engine-clock.js";
import { identityOf } from "../identity.js";
import type { Current } from "./current.js";
import { meantFor, type Meant, type Policy } from "./judge.js";

/** An end is moved, to earlier, when the engine's time turns out to be so much further. */
const WORTH_MOVING: Millis = 5;

interface Held extends Wanted {
  readonly identity: string;
}

export interface Outcome {
  readonly state: "applied" | "prepared" | "idle";
  /** It was not held before. */
  readonly isNew: boolean;
  readonly activations: readonly FleetActivation[];
  /** When the next of them begins or ends; Infinity for never. */
  readonly turnsAt: Millis;
  /** The first that is still to begin; null if there is none. */
  readonly next: FleetActivation | null;
}

export interface HoldingParts {
  readonly ground: Pick<Ground, "check" | "apply">;
  readonly clock: Clock;
  readonly time: EngineClock;
  readonly policy: Policy;
  readonly text: (name: string) => FleetText | undefined;
}

export class Holding {
  readonly #parts: HoldingParts;
  #of: Current | null = null;
  #held: readonly Held[] = [];
  /** What of it was handed to the ground. */
  #on: readonly Held[] = [];

  constructor(parts: HoldingParts) {
    this.#parts = parts;
  }

  /** The plan that the daemon stands under; null while it stands under none. */
  get of(): Current | null {
    return this.#of;
  }

  get isEmpty(): boolean {
    return this.#held.length === 0;
  }

  /** When the last of those ends that are on, by the engine's clock; null if none is. */
  endsAt(now: Millis): string | null {
    return this.#held
      .filter((one) => one.startsAt <= now && now < one.endsAt)
      .reduce<string | null>((last, { activation: { ends_at } }) => later(last, ends_at), null);
  }

  /** As `meantFor`. */
  meant(plan: FleetPlan): readonly Meant[] | null {
    return meantFor(plan, this.#parts.policy, this.#parts.time, this.#parts.clock.now());
  }

  /**
   * Makes what is on here what the plan wants by now: of a plan that is new, or whenever one of its activations begins or ends.
   * Throws a SquallError that says why not, and what is on is what was on. Null where the engine's time is not known, or a text is missing.
   */
  settle(current: Current, plan: FleetPlan): Outcome | "went back" | null {
    const meant = this.meant(plan);
    if (meant === null) return null;
    const now = this.#parts.clock.now();
    const next = this.#next(current, meant, now);
    if (next === null || next === "went back") return next;
    const wanted = next.filter(({ endsAt }) => endsAt > now);
    const isNew = this.#of !== current;
    const begun = wanted.filter(({ startsAt }) => startsAt <= now);
    if (isNew) this.#parts.ground.check(wanted);
    if (isNew || this.#isOther(begun, now)) {
      this.#parts.ground.apply(begun);
      this.#on = begun;
    }
    this.#of = current;
    this.#held = next;
    const coming = wanted
      .filter(({ startsAt }) => startsAt > now)
      .toSorted((a, b) => a.startsAt - b.startsAt);
    return {
      state: begun.length > 0 ? "applied" : wanted.length > 0 ? "prepared" : "idle",
      isNew,
      activations: wanted.map(({ activation }) => activation),
      turnsAt: Math.min(...wanted.map(({ endsAt }) => endsAt), coming[0]?.startsAt ?? Infinity),
      next: coming[0]?.activation ?? null,
    };
  }

  /** Ends all of it. */
  drop(): void {
    this.forget();
    this.#of = null;
    this.#parts.ground.apply([]);
  }

  /** Somebody else has ended it. */
  forget(): void {
    this.#held = this.#on = [];
  }

  /** With the moments that they have already; those that are over stay so, however the engine's clock is seen later. */
  #next(current: Current, meant: readonly Meant[], now: Millis): readonly Held[] | "went back" | null {
    const held = new Map(this.#held.map((one) => [one.identity, one]));
    const isHeld = this.#of === current;
    const next: Held[] = isHeld ? this.#held.filter(({ endsAt }) => endsAt <= now) : [];
    for (const { activation, startsAt, endsAt } of meant) {
      const identity = identityOf(activation);
      const before = held.get(identity);
      const isBound = before !== undefined && (isHeld || current.rewound);
      const end = isBound ? Math.min(before.endsAt, endsAt) : endsAt;
      if (isBound && before.endsAt <= now) continue;
      // What was over when the plan came, or was ended here.
      if (isHeld && before === undefined) continue;
      if (current.rewound && before === undefined) return "went back";
      const text = before?.text ?? this.#parts.text(activation.text);
      if (text === undefined) return null;
      // What has begun has its phases by that moment.
      const start = before !== undefined && before.startsAt <= now ? before.startsAt : startsAt;
      next.push({ activation, text, identity, startsAt: start, endsAt: end });
    }
    return next;
  }

  /**
   * Whether the ground has something else on than these: one of them is not on yet, or is to end earlier than it was to, or at once.
   * What has ended when it was to the ground has seen to itself.
   */
  #isOther(begun: readonly Held[], now: Millis): boolean {
    const on = new Map(
      this.#on.filter(({ endsAt }) => endsAt > now).map((one) => [one.identity, one.endsAt]),
    );
    const isSame = (one: Held): boolean => (on.get(one.identity) ?? 0) - one.endsAt < WORTH_MOVING;
    return on.size !== begun.length || !begun.every((one) => on.has(one.identity) && isSame(one));
  }
}

function later(one: string | null, other: string): string {
  return one === null || other > one ? other : one;
}
