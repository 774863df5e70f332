/** Disturbs nothing, and counts what it let by: a stand-in that shows whom another fault would hit. */
import { z } from "zod";
import { defineFault } from "../contract/index.js";
import { passing } from "../kit.js";

export default defineFault({
  type: "noop",
  summary: "Lets everything by as it came, and counts it.",
  params: z.object({}),
  example: { type: "noop" },
  effects: { passed: "chunks let by" },
  directions: "downstream",
  explain: () => "lets everything by",
  stream: (scope) =>
    passing((chunk, out) => {
      scope.count("passed");
      out.emit(chunk);
    }),
});
