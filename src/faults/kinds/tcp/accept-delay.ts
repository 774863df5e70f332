/** Leaves a new connection open but dials nobody for a while, as a busy accept loop does. */
import { z } from "zod";
import {
  defineFault,
  hold,
  type ConnectionFault,
  type Detail,
  type GateVerdict,
  type Scope,
} from "../../contract/index.js";
import { delayParams, DrawnOnce, explainDelay, type Teller } from "../../delay.js";

const params = z.object(delayParams);

class AcceptDelay implements ConnectionFault, Teller {
  readonly #scope: Scope<z.infer<typeof params>, "delayed", undefined>;
  readonly #drawn = new DrawnOnce();

  constructor(scope: Scope<z.infer<typeof params>, "delayed", undefined>) {
    this.#scope = scope;
  }

  /** One draw for each connection. */
  accepted(): GateVerdict {
    return hold(this.#drawn.of(this.#scope, this));
  }

  drawn(detail: Detail): void {
    this.#scope.count("delayed", 1, detail);
  }

  readonly wakeAt = Infinity;
}

export default defineFault({
  type: "accept_delay",
  summary: "Accepts a connection but dials nobody for a while.",
  perExchange: "http_delay",
  params,
  example: { type: "accept_delay", delay: "500ms", jitter: "100ms" },
  effects: { delayed: "new connections kept waiting" },
  directions: null,
  explain: (current) => `keeps new connections waiting for ${explainDelay(current)}`,
  connection: (scope) => new AcceptDelay(scope),
});
