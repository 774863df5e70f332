/** Keeps DNS questions waiting before they are answered. */
import { z } from "zod";
import { defineFault, hold, type QueryVerdict } from "../contract.js";
import { DelayDraw, delayOf, delayParams, explainDelay } from "../delay.js";
import { DnsFault, dnsMistake, dnsParams, explainPlace } from "../dns.js";
import { inJournal } from "../kit.js";

const params = z.object({ ...delayParams, ...dnsParams });

class DnsDelay extends DnsFault<z.infer<typeof params>, "delayed"> {
  #luck: number | null = null;

  /** One draw for each question: asked again after an update, it answers for the same luck. */
  query(): QueryVerdict {
    const { params: current, random } = this.scope;
    if (this.#luck === null) {
      this.#luck = new DelayDraw().luck(random, current);
      const delay = delayOf(this.#luck, current);
      this.book("delayed", { delay_ms: inJournal(delay) });
      this.scope.delayed(delay);
    }
    return hold(delayOf(this.#luck, current));
  }
}

export default defineFault({
  type: "dns_delay",
  summary:
    "Keeps DNS questions waiting before they are answered; each by itself, so answers overtake each other.",
  params,
  example: { type: "dns_delay", delay: "800ms", jitter: "200ms" },
  effects: { delayed: "questions kept waiting" },
  directions: null,
  explain: (current) => `keeps answers waiting for ${explainDelay(current)}${explainPlace(current)}`,
  check: ({ params: current }) => dnsMistake(current),
  query: (scope, question) => new DnsDelay(scope, question),
});
