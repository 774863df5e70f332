/** Says over UDP that the answer does not fit, so that it is asked for over TCP, and what becomes of it there. */
import { z } from "zod";
import { defineFault, pass, reset, type QueryVerdict } from "../../contract/index.js";
import { DnsFault, dnsMistake, dnsParams, explainPlace, replying } from "../../dns.js";
import { choice } from "../../params.js";

const params = z.object({
  tcp: choice(["ok", "drop", "reset"])
    .default("ok")
    .describe("what becomes of queries over TCP: they are answered, or nobody answers, or an RST"),
  ...dnsParams,
});

class DnsTruncate extends DnsFault<z.infer<typeof params>, "truncated" | "dropped" | "reset"> {
  query(): QueryVerdict {
    const { tcp } = this.scope.params;
    if (this.question.transport === "udp") {
      this.book("truncated");
      return replying({ truncated: true });
    }
    // Whoever asks for an upstream's name went over UDP before, as far as anybody can tell.
    if (tcp === "ok") {
      if (this.question.transport === "internal") this.book("truncated");
      return pass;
    }
    this.book(tcp === "drop" ? "dropped" : "reset");
    return tcp === "drop" ? { do: "drop" } : reset;
  }
}

const OVER_TCP = { ok: "answers over TCP", drop: "answers nothing over TCP", reset: "resets TCP" } as const;

export default defineFault({
  type: "dns_truncate",
  summary: "Says over UDP that the answer does not fit (the TC bit), so that clients ask again over TCP.",
  params,
  example: { type: "dns_truncate", tcp: "drop" },
  effects: {
    truncated: "queries over UDP that got no more than the TC bit",
    dropped: "queries over TCP that nobody answered",
    reset: "queries over TCP whose connection was reset",
  },
  directions: null,
  explain: (current) =>
    `truncates every answer over UDP and ${OVER_TCP[current.tcp]}${explainPlace(current)}`,
  check: ({ params: current }) => dnsMistake(current),
  query: (scope, question) => new DnsTruncate(scope, question),
});
