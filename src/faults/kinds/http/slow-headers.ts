/** Lets the head of a message come byte by byte, as from a server that writes it so, or a client that attacks. */
import { z } from "zod";
import { formatDuration } from "../../../core/units.js";
import { defineFault } from "../../contract/index.js";
import { SpacedStage } from "../../byte-queue.js";
import { duration } from "../../params.js";

const params = z.object({
  gap: duration({ positive: true }).describe(
    "time from one byte of the head to the next; the body follows at once",
  ),
});

export default defineFault({
  type: "slow_headers",
  summary: "Lets the heads of responses or requests arrive byte by byte.",
  params,
  example: { type: "slow_headers", gap: "100ms" },
  effects: { slowed: "bytes of heads that came one by one" },
  directions: "downstream",
  at: ["head"],
  explain: ({ gap }) => `lets heads come byte by byte, ${formatDuration(gap)} apart`,
  stream: (scope) =>
    new SpacedStage({
      gap: () => scope.params.gap,
      piece: () => 1,
      left: (pieces) => {
        scope.count("slowed", pieces);
      },
    }),
});
