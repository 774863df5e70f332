/** Lets datagrams be overtaken by those that were sent after them. */
import { z } from "zod";
import type { Millis } from "../../../core/clock.js";
import { formatDuration, formatRatio } from "../../../core/units.js";
import type { Random } from "../../../core/random.js";
import {
  defineFault,
  pass,
  type DatagramFault,
  type DatagramVerdict,
  type FlowInfo,
  type Scope,
} from "../../contract/index.js";
import { eachDirection } from "../../kit.js";
import { count, duration, ratio } from "../../params.js";

const params = z.object({
  share: ratio().describe("share of the datagrams that are overtaken"),
  by: count({ min: 1, max: 1000 }).default(1).describe("how many later ones of the same flow overtake each"),
  within: duration()
    .prefault("100ms")
    .describe("how long one that is to be overtaken waits for that at most"),
});

/** One that waits to be overtaken. */
interface Overtaken {
  readonly since: Millis;
  by: number;
}

class Reorder implements DatagramFault {
  readonly #scope: Scope<z.infer<typeof params>, "overtaken", undefined>;
  readonly #flow: FlowInfo;
  readonly #random: Random;
  readonly #waiting = new Set<Overtaken>();

  constructor(scope: Scope<z.infer<typeof params>, "overtaken", undefined>, flow: FlowInfo, random: Random) {
    this.#scope = scope;
    this.#flow = flow;
    this.#random = random;
  }

  datagram(): DatagramVerdict {
    const { share, within } = this.#scope.params;
    const now = this.#scope.now();
    const [oldest] = this.#waiting;
    // Nobody asked about it when its time was up: there was no room for it.
    if (oldest !== undefined && oldest.since + within < now) this.#waiting.delete(oldest);
    if (!this.#random.chance(share)) {
      this.#overtake();
      return pass;
    }
    const one: Overtaken = { since: now, by: 0 };
    this.#waiting.add(one);
    this.#scope.count("overtaken");
    return { do: "hold", for: within, left: () => this.#left(one), guessed: true };
  }

  #overtake(): void {
    const { by } = this.#scope.params;
    for (const one of this.#waiting) {
      one.by++;
      if (one.by >= by) this.#flow.attend();
    }
  }

  #left(one: Overtaken): Millis {
    const { by, within } = this.#scope.params;
    const left = one.by >= by ? 0 : one.since + within - this.#scope.now();
    if (left <= 0) this.#waiting.delete(one);
    return left;
  }
}

export default defineFault({
  type: "reorder",
  summary: "Lets a share of the datagrams be overtaken by those that were sent after them.",
  params,
  example: { type: "reorder", share: "10%", by: 3 },
  effects: { overtaken: "datagrams held back until later ones had passed, or their time was up" },
  directions: "both",
  explain: ({ share, by, within }) =>
    `lets ${formatRatio(share)} of the datagrams be overtaken by ${by === 1 ? "the next" : `the next ${by}`}, ` +
    `or go on after ${formatDuration(within)}`,
  datagram: (scope, flow) => eachDirection(scope, (random) => new Reorder(scope, flow, random)),
});
