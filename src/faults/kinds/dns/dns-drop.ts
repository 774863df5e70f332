/** Leaves DNS queries without an answer. */
import { z } from "zod";
import { defineFault, type QueryVerdict } from "../../contract/index.js";
import { DnsFault, dnsMistake, dnsParams, explainPlace } from "../../dns.js";

const params = z.object({ ...dnsParams });

class DnsDrop extends DnsFault<z.infer<typeof params>, "dropped"> {
  query(): QueryVerdict {
    this.book("dropped");
    return { do: "drop" };
  }
}

export default defineFault({
  type: "dns_drop",
  summary: "Leaves DNS queries without an answer, as a lost packet or a dead server does.",
  params,
  example: { type: "dns_drop" },
  effects: { dropped: "queries that nobody answered" },
  directions: null,
  explain: (current) => `answers nothing${explainPlace(current)}`,
  check: ({ params: current }) => dnsMistake(current),
  query: (scope, question) => new DnsDrop(scope, question),
});
