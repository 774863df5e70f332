/** Keeps a whole exchange waiting: the request before it is forwarded, or the answer before it is passed on. */
import { z } from "zod";
import {
  defineFault,
  hold,
  pass,
  type ExchangeFault,
  type ExchangeVerdict,
  type Scope,
} from "../contract.js";
import { DelayDraw, delayOf, delayParams, explainDelay } from "../delay.js";
import { failed, inJournal } from "../kit.js";

const params = z.object(delayParams);

class HttpDelay implements ExchangeFault {
  readonly #scope: Scope<z.infer<typeof params>, "delayed", undefined>;
  #luck: number | null = null;

  constructor(scope: Scope<z.infer<typeof params>, "delayed", undefined>) {
    this.#scope = scope;
  }

  request(): ExchangeVerdict {
    return this.#scope.at === "after" ? pass : this.#hold();
  }

  /** Only an answer of the upstream's waits: that there is none has taken its time already. */
  response(answer: Parameters<NonNullable<ExchangeFault["response"]>>[0]): ExchangeVerdict {
    return this.#scope.at === "after" && !failed(answer) ? this.#hold() : pass;
  }

  /** One draw for each exchange: asked again after an update, it answers for the same luck. */
  #hold(): ExchangeVerdict {
    const { params: current, random } = this.#scope;
    if (this.#luck === null) {
      this.#luck = new DelayDraw().luck(random, current);
      const delay = delayOf(this.#luck, current);
      this.#scope.count("delayed", 1, { delay_ms: inJournal(delay) });
      this.#scope.delayed(delay);
    }
    return hold(delayOf(this.#luck, current));
  }
}

export default defineFault({
  type: "http_delay",
  summary: "Keeps exchanges waiting, before the request is forwarded or after the upstream has answered it.",
  params,
  example: { type: "http_delay", delay: "800ms", jitter: "200ms" },
  effects: { delayed: "exchanges kept waiting" },
  directions: null,
  at: ["before", "after"],
  explain: (current) => `keeps exchanges waiting for ${explainDelay(current)}`,
  exchange: (scope) => new HttpDelay(scope),
});
