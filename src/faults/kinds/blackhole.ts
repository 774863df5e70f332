/** Forwards nothing and closes nothing, for a share of the connections; delivers what it kept when it goes. */
import { z } from "zod";
import { formatRatio } from "../../core/units.js";
import { defineFault, pass, type ConnectionFault, type Pass, type Scope } from "../contract.js";
import { Valve } from "../kit.js";
import { ratio } from "../params.js";

const params = z.object({
  part: ratio().prefault("100%").describe("share of the connections that are held; drawn once for each"),
});

class Blackhole implements ConnectionFault {
  readonly #scope: Scope<z.infer<typeof params>, "held", undefined>;
  /** One draw for both directions, kept for the day that `part` is assigned anew. */
  readonly #draw: number;
  #shut: boolean;
  #booked = false;

  constructor(scope: Scope<z.infer<typeof params>, "held", undefined>) {
    this.#scope = scope;
    this.#draw = scope.random.unit();
    this.#shut = this.#isHit;
  }

  get #isHit(): boolean {
    return this.#draw < this.#scope.params.part;
  }

  opened(): Pass {
    if (this.#shut && !this.#booked) {
      this.#booked = true;
      this.#scope.count("held");
    }
    return pass;
  }

  stream(): Valve {
    return new BlackholeValve(
      () => this.#shut,
      () => this.#judgeAgain(),
    );
  }

  #judgeAgain(): void {
    this.#shut = this.#isHit;
    this.opened();
  }

  readonly wakeAt = Infinity;
}

/** A ramp alone does not free or catch a connection that has begun; an assignment does. */
class BlackholeValve extends Valve {
  constructor(
    shut: () => boolean,
    private readonly judgeAgain: () => void,
  ) {
    super(shut);
  }

  assigned(out: Parameters<Valve["wake"]>[0]): void {
    this.judgeAgain();
    this.wake(out);
  }
}

export default defineFault({
  type: "blackhole",
  summary: "Forwards nothing and closes nothing; what it kept is delivered when it goes.",
  perExchange: "truncate with `after: 0B, then: hang`",
  params,
  example: { type: "blackhole", part: "50%" },
  effects: { held: "connections on which nothing moves" },
  directions: "both",
  explain: ({ part }) =>
    part === 1
      ? "forwards nothing and closes nothing"
      : `forwards nothing on ${formatRatio(part)} of the connections`,
  connection: (scope) => new Blackhole(scope),
});
