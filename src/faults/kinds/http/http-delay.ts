/** Keeps a whole exchange waiting: the request before it is forwarded, or the answer before it is passed on. */
import { z } from "zod";
import {
  defineFault,
  hold,
  pass,
  type Detail,
  type ExchangeFault,
  type ExchangeVerdict,
  type Scope,
} from "../../contract/index.js";
import { delayParams, DrawnOnce, explainDelay, type Teller } from "../../delay.js";
import { failed } from "../../messages.js";

const params = z.object(delayParams);

class HttpDelay implements ExchangeFault, Teller {
  readonly #scope: Scope<z.infer<typeof params>, "delayed", undefined>;
  readonly #drawn = new DrawnOnce();

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

  /** One draw for each exchange. */
  #hold(): ExchangeVerdict {
    return hold(this.#drawn.of(this.#scope, this));
  }

  drawn(detail: Detail): void {
    this.#scope.count("delayed", 1, detail);
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
