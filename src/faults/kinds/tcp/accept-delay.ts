/** Leaves a new connection open but dials nobody for a while, as a busy accept loop does. */
import { z } from "zod";
import { defineFault, type ConnectionFault, type GateVerdict } from "../../contract/index.js";
import { delayParams, explainDelay, HeldOnce } from "../../delay.js";

const params = z.object(delayParams);

class AcceptDelay extends HeldOnce implements ConnectionFault {
  /** One draw for each connection. */
  accepted(): GateVerdict {
    return this.hold();
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
