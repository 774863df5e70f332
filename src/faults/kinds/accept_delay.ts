/** Leaves a new connection open but dials nobody for a while, as a busy accept loop does. */
import { z } from "zod";
import { defineFault, hold, type ConnectionFault, type GateVerdict, type Scope } from "../contract.js";
import { DelayDraw, delayOf, delayParams, explainDelay } from "../delay.js";
import { inJournal } from "../kit.js";

const params = z.object(delayParams);

class AcceptDelay implements ConnectionFault {
  readonly #scope: Scope<z.infer<typeof params>, "delayed", undefined>;
  #luck: number | null = null;

  constructor(scope: Scope<z.infer<typeof params>, "delayed", undefined>) {
    this.#scope = scope;
  }

  /** One draw for each connection: asked again after an update, it answers for the same luck. */
  accepted(): GateVerdict {
    const { params: current, random } = this.#scope;
    if (this.#luck === null) {
      this.#luck = new DelayDraw().luck(random, current);
      const delay = delayOf(this.#luck, current);
      this.#scope.count("delayed", 1, { delay_ms: inJournal(delay) });
      this.#scope.delayed(delay);
    }
    return hold(delayOf(this.#luck, current));
  }

  readonly wakeAt = Infinity;
}

export default defineFault({
  type: "accept_delay",
  summary: "Accepts a connection but dials nobody for a while.",
  params,
  example: { type: "accept_delay", delay: "500ms", jitter: "100ms" },
  effects: { delayed: "new connections kept waiting" },
  directions: null,
  explain: (current) => `keeps new connections waiting for ${explainDelay(current)}`,
  connection: (scope) => new AcceptDelay(scope),
});
