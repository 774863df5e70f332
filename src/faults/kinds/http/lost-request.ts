/** The request never arrives, and the client sees what it would if the response had been lost: nothing was carried out this time. */
import { defineFault, type ExchangeFault, type ExchangeVerdict, type Scope } from "../../contract/index.js";
import { checkLoss, explainLoss, lossOf, lossParams, type LossParams } from "../../lost.js";

class LostRequest implements ExchangeFault {
  #told = false;

  constructor(private readonly scope: Scope<LossParams, "lost", undefined>) {}

  request(): ExchangeVerdict {
    if (!this.#told) this.scope.count("lost");
    this.#told = true;
    return lossOf(this.scope.params, this.scope.wallTime());
  }
}

export default defineFault({
  type: "lost_request",
  summary:
    "Keeps the request from the upstream, and shows the client what it would see if the response had been lost.",
  params: lossParams,
  example: { type: "lost_request", then: "reset" },
  effects: { lost: "requests that never reached the upstream" },
  directions: null,
  explain: (params) => `keeps the request from the upstream, and ${explainLoss(params)}`,
  check: checkLoss,
  exchange: (scope) => new LostRequest(scope),
});
