/** Forwards nothing and closes nothing, for a share of the connections; delivers what it kept when it goes. */
import { z } from "zod";
import { formatRatio } from "../../../core/units.js";
import {
  defineFault,
  pass,
  type ConnectionFault,
  type ConnectionInfo,
  type Pass,
  type Scope,
} from "../../contract/index.js";
import { Valve } from "../../byte-queue.js";
import { ratio } from "../../params.js";

const params = z.object({
  part: ratio().prefault("100%").describe("share of the connections that are held; drawn once for each"),
});

class Blackhole implements ConnectionFault {
  readonly #scope: Scope<z.infer<typeof params>, "held", undefined>;
  /** One draw for both directions, kept for the day that `part` is assigned anew. */
  readonly #draw: number;
  #shut: boolean;
  #booked = false;

  constructor(
    scope: Scope<z.infer<typeof params>, "held", undefined>,
    private readonly connection: ConnectionInfo,
  ) {
    this.#scope = scope;
    this.#draw = scope.random.unit();
    this.#shut = this.#isHit;
  }

  get #isHit(): boolean {
    return this.#draw < this.#scope.params.part;
  }

  /** What is open already has something to lose; a new connection is hit when its first bytes are, which say whose it is. */
  opened(): Pass {
    if (this.connection.live) this.#book();
    return pass;
  }

  #book(): void {
    if (!this.#shut || this.#booked) return;
    this.#booked = true;
    this.#scope.count("held");
  }

  stream(): Valve {
    return new BlackholeValve(
      () => this.#shut,
      () => this.#judgeAgain(),
      () => {
        this.#book();
      },
    );
  }

  #judgeAgain(): void {
    this.#shut = this.#isHit;
    this.#book();
  }

  readonly wakeAt = Infinity;
}

/** A ramp alone does not free or catch a connection that has begun; an assignment does. */
class BlackholeValve extends Valve {
  constructor(
    shut: () => boolean,
    private readonly judgeAgain: () => void,
    seen: () => void,
  ) {
    super(shut, seen);
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
  at: ["wire", "tls"],
  explain: ({ part }) =>
    part === 1
      ? "forwards nothing and closes nothing"
      : `forwards nothing on ${formatRatio(part)} of the connections`,
  connection: (scope, connection) => new Blackhole(scope, connection),
});
