/** Lets the head of a message come byte by byte, as from a server that writes it so, or a client that attacks. */
import { z } from "zod";
import { formatDuration } from "../../../core/units.js";
import { defineFault, type Scope } from "../../contract/index.js";
import { SpacedStage } from "../../byte-queue.js";
import { duration } from "../../params.js";

const params = z.object({
  gap: duration({ positive: true }).describe(
    "time from one byte of the head to the next; the body follows at once",
  ),
});

class SlowHeaders extends SpacedStage {
  readonly #scope: Scope<z.infer<typeof params>, "slowed", undefined>;

  constructor(scope: Scope<z.infer<typeof params>, "slowed", undefined>) {
    super();
    this.#scope = scope;
  }

  protected override get gap(): number {
    return this.#scope.params.gap;
  }

  protected override piece(): number {
    return 1;
  }

  protected override left(pieces: number): void {
    this.#scope.count("slowed", pieces);
  }
}

export default defineFault({
  type: "slow_headers",
  summary: "Lets the heads of responses or requests arrive byte by byte.",
  params,
  example: { type: "slow_headers", gap: "100ms" },
  effects: { slowed: "bytes of heads that came one by one" },
  directions: "downstream",
  at: ["head"],
  explain: ({ gap }) => `lets heads come byte by byte, ${formatDuration(gap)} apart`,
  stream: (scope) => new SlowHeaders(scope),
});
