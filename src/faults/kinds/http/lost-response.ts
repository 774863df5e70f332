/** The request is carried out, and its answer never arrives: the client cannot know whether to try again. */
import { defineFault, type ExchangeVerdict, type ResponseInfo, type Scope } from "../../contract/index.js";
import { checkLoss, explainLoss, lossOf, lossParams, type LossParams } from "../../lost.js";
import { WithheldAnswer } from "../../messages.js";

class LostResponse extends WithheldAnswer {
  constructor(private readonly scope: Scope<LossParams, "lost", undefined>) {
    super();
  }

  protected override first({ status }: ResponseInfo): void {
    this.scope.count("lost", 1, { true_status: status });
  }

  protected override instead(): ExchangeVerdict {
    return lossOf(this.scope.params, this.scope.wallTime());
  }
}

export default defineFault({
  type: "lost_response",
  summary: "Lets the upstream carry out the request, and loses the response.",
  params: lossParams,
  example: { type: "lost_response", then: "reset" },
  effects: { lost: "responses from the upstream that never arrived" },
  directions: null,
  explain: (params) => `lets the request be carried out, and then ${explainLoss(params)}`,
  check: checkLoss,
  exchange: (scope) => new LostResponse(scope),
});
