/** Answers DNS queries with an error, without asking anybody. */
import { z } from "zod";
import { defineFault, type QueryVerdict } from "../../contract/index.js";
import { choice } from "../../params.js";
import { DnsFault, RCODE_WORDS, dnsMistake, dnsParams, explainPlace, replying } from "../../dns.js";

const params = z.object({
  rcode: choice(RCODE_WORDS).default("servfail").describe("the error (RFC 1035, section 4.1.1)"),
  ...dnsParams,
});

class DnsRcode extends DnsFault<z.infer<typeof params>, "answered"> {
  query(): QueryVerdict {
    const rcode = this.scope.params.rcode.toUpperCase();
    this.book("answered", { rcode });
    return replying({ rcode });
  }
}

export default defineFault({
  type: "dns_rcode",
  summary: "Answers DNS queries with an error, without asking anybody.",
  params,
  example: { type: "dns_rcode", rcode: "servfail" },
  effects: { answered: "queries answered with the error" },
  directions: null,
  explain: (current) => `answers ${current.rcode.toUpperCase()}${explainPlace(current)}`,
  check: ({ params: current }) => dnsMistake(current),
  query: (scope, question) => new DnsRcode(scope, question),
});
