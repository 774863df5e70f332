/** The fleet's hand on this daemon: what it switches on lies beside what the operator switched on, who can always end it here. */
import type { Library } from "../config/library.js";
import { SquallError } from "../core/errors.js";
import type { FleetRequest } from "../plan/fleet.js";
import type { LivePlan } from "../plan/live.js";
import type { FleetMark } from "../plan/value.js";
import { ACTIVATIONS_MAX, type ActivationInput, type Requests } from "./requests.js";
import type { Targets } from "./targets.js";

export interface FleetInput {
  readonly id: string;
  readonly input: ActivationInput;
  /** Where the profile is taken from: not the daemon's own. */
  readonly library: Library;
  readonly mark: FleetMark;
  /** Monotonic. */
  readonly startsAt: number;
  readonly endsAt: number;
}

export class FleetControl {
  readonly #plan: LivePlan;
  readonly #requests: Requests;
  readonly #targets: Targets;
  readonly #listeners = new Set<() => void>();

  constructor(parts: { readonly plan: LivePlan; readonly requests: Requests; readonly targets: Targets }) {
    this.#plan = parts.plan;
    this.#requests = parts.requests;
    this.#targets = parts.targets;
  }

  /** Throws what keeps these from being on here, beside what else is; otherwise answers what `apply` takes. */
  checked(inputs: readonly FleetInput[]): FleetRequest[] {
    const ids = new Set(inputs.map(({ id }) => id));
    const others = this.#plan.value.activations.filter(
      ({ id, fleet }) => fleet === undefined && !ids.has(id),
    );
    if (inputs.length + others.length > ACTIVATIONS_MAX)
      throw new SquallError("SQ_TOO_MANY", `at most ${ACTIVATIONS_MAX} activations can be on at once`);
    const requests = inputs.map(({ id, input, library, mark, startsAt, endsAt }): FleetRequest => {
      const request = this.#requests.sound(input, library);
      return { id, request, mark, startsAt, endsAt };
    });
    this.#targets.checkArmed(
      requests.map(({ request }) => request),
      this.#plan.armedHere,
    );
    return requests;
  }

  apply(requests: readonly FleetRequest[]): void {
    this.#plan.fleet(requests);
  }

  get activations(): readonly string[] {
    return this.#plan.value.activations.flatMap(({ id, fleet }) => (fleet === undefined ? [] : [id]));
  }

  /** Of what it has on. */
  hits(): number {
    return this.activations.reduce(
      (sum, id) => sum + this.#plan.soFar(id).reduce((hits, one) => hits + one.hits, 0),
      0,
    );
  }

  /** Calls back when the operator has ended or replaced what the fleet has on, or all that is on. */
  onEndedHere(listener: () => void): void {
    this.#listeners.add(listener);
  }

  /** Before an operator's verb; what is answered is called behind it, and told whether the verb was about all that is on. */
  watch(): (all: boolean) => void {
    const before = this.#on;
    return (all) => {
      const after = new Set(this.#on);
      if (all || before.some((one) => !after.has(one)))
        for (const listener of [...this.#listeners]) listener();
    };
  }

  get #on(): readonly string[] {
    return this.#plan.value.activations.flatMap(({ fleet, generation }) =>
      fleet === undefined ? [] : [`${generation} ${fleet.identity}`],
    );
  }
}
