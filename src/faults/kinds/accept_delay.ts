/** Leaves a new connection open but dials nobody for a while, as a busy accept loop does. */
import { z } from "zod";
import type { Millis } from "../../core/clock.js";
import { defineFault, hold, pass, type ConnectionFault, type GateVerdict, type Scope } from "../contract.js";
import { DelayDraw, delayOf, delayParams, explainDelay } from "../delay.js";
import { inJournal } from "../kit.js";

const params = z.object(delayParams);

class AcceptDelay implements ConnectionFault {
  readonly #scope: Scope<z.infer<typeof params>, "delayed", undefined>;
  #asked: { readonly at: Millis; readonly luck: number } | null = null;

  constructor(scope: Scope<z.infer<typeof params>, "delayed", undefined>) {
    this.#scope = scope;
  }

  /** Asked again, it answers what is left: one draw for each connection. */
  accepted(): GateVerdict {
    const { params: current, random } = this.#scope;
    const now = this.#scope.now();
    if (this.#asked === null) {
      this.#asked = { at: now, luck: new DelayDraw().luck(random, current) };
      const delay = delayOf(this.#asked.luck, current);
      this.#scope.count("delayed", 1, { delay_ms: inJournal(delay) });
      this.#scope.delayed(delay);
    }
    const left = this.#asked.at + delayOf(this.#asked.luck, current) - now;
    return left > 0 ? hold(left) : pass;
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
