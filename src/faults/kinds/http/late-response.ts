/** The answer comes, but after the client has given up, and perhaps has tried again. */
import { z } from "zod";
import { formatDuration } from "../../../core/units.js";
import {
  defineFault,
  hold,
  pass,
  type Dispatch,
  type ExchangeFault,
  type ExchangeVerdict,
  type Scope,
} from "../../contract/index.js";
import { DETACHED, failed, inJournal } from "../../kit.js";
import { duration } from "../../params.js";

const params = z.object({
  hold: duration().describe("how long the answer is held back from when its head has come"),
});

class LateResponse implements ExchangeFault {
  #told = false;

  constructor(private readonly scope: Scope<z.infer<typeof params>, "late", undefined>) {}

  dispatch(): Dispatch {
    return DETACHED;
  }

  response(answer: Parameters<NonNullable<ExchangeFault["response"]>>[0]): ExchangeVerdict {
    if (failed(answer)) return pass;
    const { hold: time } = this.scope.params;
    if (!this.#told) {
      this.scope.count("late", 1, { true_status: answer.status, delay_ms: inJournal(time) });
      this.scope.delayed(time);
    }
    this.#told = true;
    return hold(time);
  }
}

export default defineFault({
  type: "late_response",
  summary: "Lets the upstream carry out the request, and holds its answer until the client has given up.",
  params,
  example: { type: "late_response", hold: "40s" },
  effects: { late: "answers that were held back" },
  directions: null,
  explain: ({ hold: time }) =>
    `lets the request be carried out, and holds its answer for ${formatDuration(time)}`,
  exchange: (scope) => new LateResponse(scope),
});
