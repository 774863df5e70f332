/** Cuts the stream into small writes, apart in time, as a slow or chatty sender would. */
import { z } from "zod";
import { formatDuration, formatSize } from "../../../core/units.js";
import { defineFault, type Scope } from "../../contract/index.js";
import { SpacedStage } from "../../byte-queue.js";
import { duration, size } from "../../params.js";

const params = z.object({
  size: size({ positive: true }).describe("bytes in each write"),
  variation: size()
    .prefault("0B")
    .describe("how much a write may be smaller or larger than `size`, drawn evenly; less than `size`"),
  gap: duration().prefault("0ms").describe("time between two writes; microseconds are fine"),
});

type SlicerScope = Pick<Scope<z.infer<typeof params>, "sliced", undefined>, "params" | "random">;

/** Bytes of the next write. */
function piece({ params: { size: middle, variation }, random }: SlicerScope): number {
  if (variation === 0) return Math.max(1, Math.round(middle));
  // Ramps may bring the two closer than a schema can see.
  return Math.max(1, Math.round(middle - variation) + random.integer(2 * variation + 1));
}

export default defineFault({
  type: "slicer",
  summary: "Cuts the stream into small writes, apart in time.",
  params,
  example: { type: "slicer", size: "64B", variation: "32B", gap: "500us" },
  effects: { sliced: "writes that the stream was cut into" },
  directions: "downstream",
  at: ["wire", "body", "tls"],
  explain: ({ size: middle, variation, gap }) =>
    `cuts the stream into writes of ${formatSize(middle)}` +
    (variation === 0 ? "" : ` give or take ${formatSize(variation)}`) +
    (gap === 0 ? "" : `, ${formatDuration(gap)} apart`),
  check: ({ params: { size: middle, variation } }) =>
    variation < middle
      ? undefined
      : {
          path: "variation",
          message: `must be less than size (${formatSize(middle)}), got ${formatSize(variation)}`,
        },
  stream: (scope) =>
    new SpacedStage({
      gap: () => scope.params.gap,
      piece: () => piece(scope),
      left: (pieces) => {
        scope.count("sliced", pieces);
      },
    }),
});
