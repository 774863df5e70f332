/** Holds the end of the stream back: the bytes arrive in time, the FIN does not. */
import { z } from "zod";
import type { Millis } from "../../../core/clock.js";
import { formatDuration } from "../../../core/units.js";
import { defineFault, type Outlet, type Scope, type StreamStage } from "../../contract/index.js";
import { inJournal } from "../../kit.js";
import { duration } from "../../params.js";

const params = z.object({ delay: duration().describe("how long the end of a stream is held back") });

class SlowClose implements StreamStage {
  readonly #scope: Scope<z.infer<typeof params>, "delayed", undefined>;
  #endedAt: Millis | null = null;

  constructor(scope: Scope<z.infer<typeof params>, "delayed", undefined>) {
    this.#scope = scope;
  }

  push(chunk: Buffer, out: Outlet): void {
    out.emit(chunk);
  }

  end(out: Outlet): void {
    const { delay } = this.#scope.params;
    this.#endedAt = out.now;
    this.#scope.count("delayed", 1, { delay_ms: inJournal(delay) });
    this.#scope.delayed(delay);
    this.wake(out);
  }

  wake(out: Outlet): void {
    if (out.now < this.wakeAt) return;
    this.#endedAt = null;
    out.end();
  }

  release(): void {
    // The pump passes on an end that was held back.
    this.#endedAt = null;
  }

  get wakeAt(): Millis {
    return this.#endedAt === null ? Infinity : this.#endedAt + this.#scope.params.delay;
  }

  readonly held = 0;
  readonly capacity = Infinity;
}

export default defineFault({
  type: "slow_close",
  summary: "Holds the end of a stream back, so that connections close late.",
  params,
  example: { type: "slow_close", delay: "2s" },
  effects: { delayed: "ends of a stream held back" },
  directions: "both",
  subject: "connection",
  explain: ({ delay }) => `holds the end of a stream back for ${formatDuration(delay)}`,
  stream: (scope) => new SlowClose(scope),
});
