/** Keeps a whole exchange waiting: the request before it is forwarded, or the answer before it is passed on. */
import { z } from "zod";
import {
  defineFault,
  pass,
  type ExchangeFault,
  type ExchangeVerdict,
  type ResponseInfo,
  type UpstreamFailure,
} from "../../contract/index.js";
import { delayParams, explainDelay, HeldOnce } from "../../delay.js";
import { failed } from "../../messages.js";

const params = z.object(delayParams);

class HttpDelay extends HeldOnce implements ExchangeFault {
  /** One draw for each exchange. */
  request(): ExchangeVerdict {
    return this.scope.at === "after" ? pass : this.hold();
  }

  /** Only an answer of the upstream's waits: that there is none has taken its time already. */
  response(answer: ResponseInfo | UpstreamFailure): ExchangeVerdict {
    return this.scope.at === "after" && !failed(answer) ? this.hold() : pass;
  }
}

export default defineFault({
  type: "http_delay",
  summary: "Keeps exchanges waiting, before the request is forwarded or after the upstream has responded.",
  params,
  example: { type: "http_delay", delay: "800ms", jitter: "200ms" },
  effects: { delayed: "exchanges kept waiting" },
  directions: null,
  at: ["before", "after"],
  explain: (current) => `keeps exchanges waiting for ${explainDelay(current)}`,
  exchange: (scope) => new HttpDelay(scope),
});
