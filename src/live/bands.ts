/** Activations and phases as spans, and marks, from when somebody watches: told by the plan's own facts, so that each is where it was. */
import type { Clock } from "../core/clock.js";
import type { Fact } from "../core/events.js";
import type { ActivationMoments } from "../plan/activation.js";
import type { LiveBand } from "./contract.js";
import { BANDS_MAX } from "./limits.js";
import { shortened } from "./masks.js";

export class Bands {
  readonly #clock: Clock;
  readonly #bands = new Map<string, LiveBand>();
  /** The ids of those that last, by activation: of it as a whole, and of its phase. */
  readonly #open = new Map<string, { readonly whole: string; phase: string | null }>();
  #count = 0;

  /** `moments` are what is on already. */
  constructor(clock: Clock, moments: readonly ActivationMoments[]) {
    this.#clock = clock;
    for (const { value, startedAt, position } of moments) {
      this.#begin(value.id, value.profile, startedAt);
      const phase = position === null ? undefined : value.compiled.phases[position.index];
      if (phase !== undefined && position !== null)
        this.#enter(value.id, value.profile, phase.phase, position.startsAt);
    }
  }

  get rows(): readonly LiveBand[] {
    return [...this.#bands.values()];
  }

  tell(fact: Fact): void {
    const now = this.#clock.now();
    switch (fact.kind) {
      case "activation_started":
      case "activation_resumed":
        this.#end(fact.activation, now);
        this.#begin(fact.activation, fact.profile, now);
        break;
      case "phase_entered":
        this.#enter(fact.activation, fact.profile, fact.phase, now);
        break;
      case "activation_ended":
        this.#end(fact.activation, now);
        break;
      case "mark":
        this.#add({
          activation: null,
          profile: null,
          phase: null,
          mark: shortened(fact.text),
          at: now,
          until: now,
        });
        break;
      default:
    }
  }

  #begin(activation: string, profile: string, at: number): void {
    const whole = this.#add({ activation, profile, phase: null, mark: null, at, until: null });
    this.#open.set(activation, { whole, phase: null });
  }

  #enter(activation: string, profile: string, phase: string, at: number): void {
    const open = this.#open.get(activation);
    if (open === undefined) return;
    this.#close(open.phase, at);
    open.phase = this.#add({ activation, profile, phase, mark: null, at, until: null });
  }

  #end(activation: string, at: number): void {
    const open = this.#open.get(activation);
    if (open === undefined) return;
    this.#close(open.phase, at);
    this.#close(open.whole, at);
    this.#open.delete(activation);
  }

  #close(id: string | null, at: number): void {
    const band = id === null ? undefined : this.#bands.get(id);
    if (id !== null && band !== undefined) this.#bands.set(id, { ...band, until: at });
  }

  #add(band: Omit<LiveBand, "id">): string {
    const id = `b${++this.#count}`;
    this.#bands.set(id, { id, ...band });
    const [oldest] = this.#bands.keys();
    if (this.#bands.size > BANDS_MAX && oldest !== undefined) this.#bands.delete(oldest);
    return id;
  }
}
