/** Keeps DNS queries waiting before they are answered. */
import { z } from "zod";
import { defineFault, hold, type QueryVerdict } from "../../contract/index.js";
import { delayParams, DrawnOnce, explainDelay, type Teller } from "../../delay.js";
import { DnsFault, dnsMistake, dnsParams, explainPlace } from "../../dns.js";

const params = z.object({ ...delayParams, ...dnsParams });

class DnsDelay extends DnsFault<z.infer<typeof params>, "delayed"> implements Teller {
  readonly #drawn = new DrawnOnce();

  /** One draw for each question. */
  query(): QueryVerdict {
    return hold(this.#drawn.of(this.scope, this));
  }

  drawn(detail: { readonly delay_ms: number }): void {
    this.book("delayed", detail);
  }
}

export default defineFault({
  type: "dns_delay",
  summary:
    "Keeps DNS queries waiting before they are answered; each by itself, so answers overtake each other.",
  params,
  example: { type: "dns_delay", delay: "800ms", jitter: "200ms" },
  effects: { delayed: "queries kept waiting" },
  directions: null,
  explain: (current) => `keeps answers waiting for ${explainDelay(current)}${explainPlace(current)}`,
  check: ({ params: current }) => dnsMistake(current),
  query: (scope, question) => new DnsDelay(scope, question),
});
