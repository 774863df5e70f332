/** The idle connection is ended in the moment in which the next request is written on it, as servers with short keep-alive do. */
import { z } from "zod";
import { formatDuration } from "../../../core/units.js";
import { close, defineFault, pass, reset } from "../../contract/index.js";
import { inJournal } from "../../kit.js";
import { choice, duration } from "../../params.js";

export default defineFault({
  type: "keepalive_race",
  summary: "Ends a connection that was idle in the moment in which the next request arrives on it.",
  params: z.object({
    after: duration()
      .prefault("0ms")
      .describe("how long it must have been idle; a connection's first request is safe"),
    how: choice(["close", "reset"])
      .default("close")
      .describe("a FIN or an RST, without a byte of a response"),
  }),
  example: { type: "keepalive_race", after: "5s" },
  effects: { raced: "requests that met a connection which was just ended" },
  directions: null,
  explain: ({ after, how }) =>
    `${how === "close" ? "closes" : "resets"} connections that were idle${after === 0 ? "" : ` for ${formatDuration(after)}`} when the next request comes`,
  exchange: (scope, { idle }) => {
    let told = false;
    return {
      request: () => {
        const { after, how } = scope.params;
        if (idle === null || idle < after) return pass;
        if (!told) scope.count("raced", 1, { idle_ms: inJournal(idle) });
        told = true;
        return how === "close" ? close : reset;
      },
    };
  },
});
