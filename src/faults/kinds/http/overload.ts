/** A server with so many workers and so long a queue: it becomes slow with the load, and then turns requests away. */
import { z } from "zod";
import type { Millis } from "../../../core/clock.js";
import {
  defineFault,
  hang,
  hold,
  pass,
  reset,
  wait,
  type ExchangeFault,
  type ExchangeInfo,
  type ExchangeVerdict,
  type Scope,
  type SharedScope,
} from "../../contract/index.js";
import { DISTRIBUTIONS, DelayDraw, delayOf, explainDelay, type DelayParams } from "../../delay.js";
import { inJournal } from "../../kit.js";
import { choice, count, duration, wordOrCode } from "../../params.js";
import { PERSONAS, personaAnswer } from "../../personas.js";

const params = z.object({
  concurrency: count({ min: 1, max: 1_000_000 }).describe("exchanges that are worked on at the same time"),
  queue: count({ max: 1_000_000 })
    .default(0)
    .describe("further ones that wait for a worker, first come first served"),
  service_time: duration()
    .prefault("0ms")
    .describe(
      "how long a worker is busy with each before it is forwarded; what the upstream takes comes on top",
    ),
  jitter: duration().prefault("0ms").describe("spread of the service time"),
  distribution: choice(DISTRIBUTIONS).default("uniform").describe("shape of the spread, as for latency"),
  on_full: wordOrCode([503, "503", "reset", "hang"])
    .default(503)
    .describe("what happens to those that find no place in the queue"),
  persona: choice(PERSONAS).default("plain").describe("whose words the 503 has"),
});
type Params = z.infer<typeof params>;
type Effect = "queued" | "served" | "shed";

const serviceOf = (current: Readonly<Params>): DelayParams => ({
  delay: current.service_time,
  jitter: current.jitter,
  distribution: current.distribution,
  correlation: 0,
});

/** Who is worked on and who waits, for all exchanges of one fault on one proxy. */
class Workers {
  busy = 0;
  readonly waiting = new Set<Served>();

  constructor(private readonly scope: SharedScope<Params>) {}

  get free(): boolean {
    return this.busy < this.scope.params.concurrency;
  }

  /** Gives free workers to those who have waited longest. */
  admit(): void {
    for (const first of this.waiting) {
      if (!this.free) return;
      this.waiting.delete(first);
      first.begin();
    }
  }
}

class Served implements ExchangeFault {
  #working = false;
  #queuedAt: Millis | null = null;
  #shed = false;
  #luck: number | null = null;

  constructor(
    private readonly scope: Scope<Params, Effect, Workers>,
    private readonly exchange: ExchangeInfo,
  ) {}

  request(): ExchangeVerdict {
    const { shared: workers, params: current } = this.scope;
    // `concurrency` may have been raised.
    workers.admit();
    if (this.#working) return this.#service();
    if (this.#queuedAt !== null) return wait;
    if (workers.free) {
      this.#work();
      return this.#service();
    }
    if (workers.waiting.size < current.queue) {
      workers.waiting.add(this);
      this.#queuedAt = this.scope.now();
      this.scope.count("queued", 1, { waiting: workers.waiting.size });
      return wait;
    }
    if (!this.#shed) this.scope.count("shed", 1, { waiting: workers.waiting.size });
    this.#shed = true;
    if (current.on_full === "reset") return reset;
    if (current.on_full === "hang") return hang;
    return personaAnswer(current.persona, 503, { now: this.scope.wallTime(), why: "no_upstream" });
  }

  released(): void {
    const { shared: workers } = this.scope;
    workers.waiting.delete(this);
    if (this.#working) workers.busy--;
    this.#working = false;
    workers.admit();
  }

  /** A worker is free, and it is this one's turn. */
  begin(): void {
    this.#work();
    this.scope.delayed(this.scope.now() - (this.#queuedAt ?? this.scope.now()));
    this.exchange.attend();
  }

  #work(): void {
    this.#working = true;
    this.scope.shared.busy++;
  }

  /** One draw for each exchange; asked again, it answers for the same luck. */
  #service(): ExchangeVerdict {
    const service = serviceOf(this.scope.params);
    if (service.delay === 0 && service.jitter === 0) return pass;
    if (this.#luck === null) {
      this.#luck = new DelayDraw().luck(this.scope, service);
      const time = delayOf(this.#luck, service);
      this.scope.count("served", 1, { delay_ms: inJournal(time) });
      this.scope.delayed(time);
    }
    return hold(delayOf(this.#luck, service));
  }
}

const ON_FULL = {
  503: "responds to the others with 503",
  reset: "resets the others",
  hang: "leaves the others hanging",
} as const;

export default defineFault({
  type: "overload",
  summary: "Works on so many exchanges at a time, lets so many wait, and turns the others away.",
  params,
  example: { type: "overload", concurrency: 4, queue: 16, service_time: "50ms" },
  effects: {
    queued: "exchanges that had to wait for a worker",
    served: "exchanges that took a worker its service time",
    shed: "exchanges that found no place in the queue",
  },
  directions: null,
  explain: (current) => {
    const { concurrency, queue, on_full } = current;
    const service = serviceOf(current);
    return (
      `works on ${concurrency} exchange${concurrency === 1 ? "" : "s"} at a time` +
      (service.delay === 0 && service.jitter === 0 ? "" : `, ${explainDelay(service)} each`) +
      (queue === 0 ? "" : `, lets ${queue} wait`) +
      ` and ${ON_FULL[on_full]}`
    );
  },
  shared: (scope: SharedScope<Params>) => new Workers(scope),
  exchange: (scope, exchange) => new Served(scope, exchange),
});
