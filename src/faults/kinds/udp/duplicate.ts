/** Delivers datagrams more than once, as networks do. */
import { z } from "zod";
import { formatDuration, formatRatio } from "../../../core/units.js";
import { defineFault, pass } from "../../contract/index.js";
import { eachDirection } from "../../kit.js";
import { count, duration, ratio } from "../../params.js";

const params = z.object({
  share: ratio().prefault("100%").describe("share of the datagrams that come more than once"),
  copies: count({ min: 1, max: 100 }).default(1).describe("how often each of those comes again"),
  gap: duration()
    .prefault("0ms")
    .describe("time from one to the next; the copies do not wait for one another"),
});

export default defineFault({
  type: "duplicate",
  summary: "Delivers a share of the datagrams more than once.",
  params,
  example: { type: "duplicate", share: "5%" },
  effects: { duplicated: "copies of datagrams" },
  directions: "both",
  explain: ({ share, copies, gap }) =>
    `delivers ${formatRatio(share)} of the datagrams ${copies === 1 ? "twice" : `${copies + 1} times`}` +
    (gap === 0 ? "" : `, ${formatDuration(gap)} apart`),
  datagram: (scope) =>
    eachDirection(scope, (random) => ({
      datagram: () => {
        const { share, copies, gap } = scope.params;
        if (!random.chance(share)) return pass;
        scope.count("duplicated", copies);
        return { do: "repeat", copies, gap };
      },
    })),
});
