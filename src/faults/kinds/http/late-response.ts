/** The answer comes, but after the client has given up, and perhaps has tried again. */
import { z } from "zod";
import { formatDuration } from "../../../core/units.js";
import {
  defineFault,
  hold,
  type ExchangeVerdict,
  type ResponseInfo,
  type Scope,
} from "../../contract/index.js";
import { inJournal } from "../../kit.js";
import { WithheldAnswer } from "../../messages.js";
import { duration } from "../../params.js";

const params = z.object({
  hold: duration().describe("how long the response is held, from when its head has come"),
});

class LateResponse extends WithheldAnswer {
  constructor(private readonly scope: Scope<z.infer<typeof params>, "late", undefined>) {
    super();
  }

  protected override first({ status }: ResponseInfo): void {
    const { hold: time } = this.scope.params;
    this.scope.count("late", 1, { true_status: status, delay_ms: inJournal(time) });
    this.scope.delayed(time);
  }

  protected override instead(): ExchangeVerdict {
    return hold(this.scope.params.hold);
  }
}

export default defineFault({
  type: "late_response",
  summary: "Lets the upstream carry out the request, and holds the response until the client has given up.",
  params,
  example: { type: "late_response", hold: "40s" },
  effects: { late: "responses that were held" },
  directions: null,
  explain: ({ hold: time }) =>
    `lets the request be carried out, and holds the response for ${formatDuration(time)}`,
  exchange: (scope) => new LateResponse(scope),
});
