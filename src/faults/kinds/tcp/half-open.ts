/** Keeps a peer's FIN or RST from the other side, which goes on with a dead connection. */
import { z } from "zod";
import { defineFault } from "../../contract/index.js";
import { passing } from "../../kit.js";

export default defineFault({
  type: "half_open",
  summary: "Does not pass the end of a connection on: the other side keeps a dead one.",
  perExchange: "truncate with `after: 0B, then: hang`",
  params: z.object({}),
  example: { type: "half_open" },
  effects: { withheld: "ends (FIN or RST) that the other side has not heard of" },
  directions: "both",
  subject: "connection",
  explain: () => "keeps the end of a connection from the other side",
  stream: (scope) => ({
    ...passing((chunk, out) => {
      out.emit(chunk);
    }),
    // The pump passes the end on when the fault is taken away.
    end: () => {
      scope.count("withheld");
    },
  }),
});
