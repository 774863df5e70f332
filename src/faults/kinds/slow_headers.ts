/** Lets the head of a message come byte by byte, as from a server that writes it so, or a client that attacks. */
import { z } from "zod";
import { formatDuration } from "../../core/units.js";
import { defineFault, type Outlet, type Scope, type StreamStage } from "../contract.js";
import { ByteQueue } from "../kit.js";
import { duration } from "../params.js";

const params = z.object({
  gap: duration({ positive: true }).describe(
    "time from one byte of the head to the next; the body follows at once",
  ),
});

/** Bytes kept before the sender is slowed down. */
const CAPACITY = 64 * 1024;

class SlowHeaders implements StreamStage {
  readonly #queue = new ByteQueue();
  readonly #scope: Scope<z.infer<typeof params>, "slowed", undefined>;
  #lastAt = -Infinity;
  #ending = false;

  constructor(scope: Scope<z.infer<typeof params>, "slowed", undefined>) {
    this.#scope = scope;
  }

  push(chunk: Buffer, out: Outlet): void {
    // The first byte leaves at once, and a pause between two heads is not made up for.
    if (this.#queue.length === 0) this.#lastAt = Math.max(this.#lastAt, out.now - this.#scope.params.gap);
    this.#queue.add(chunk);
    this.wake(out);
  }

  end(out: Outlet): void {
    this.#ending = true;
    this.wake(out);
  }

  /** All that is due: a timer that is late must not stretch the whole. */
  wake(out: Outlet): void {
    const { gap } = this.#scope.params;
    let bytes = 0;
    for (; this.#queue.length > 0 && this.#lastAt + gap <= out.now; bytes++) {
      this.#lastAt += gap;
      out.emit(this.#queue.take(1));
    }
    if (bytes > 0) this.#scope.count("slowed", bytes);
    if (!this.#ending || this.#queue.length > 0) return;
    this.#ending = false;
    out.end();
  }

  release(out: Outlet): void {
    this.#queue.pour(out);
  }

  get wakeAt(): number {
    return this.#queue.length > 0 ? this.#lastAt + this.#scope.params.gap : Infinity;
  }

  get held(): number {
    return this.#queue.length;
  }

  readonly capacity = CAPACITY;
}

export default defineFault({
  type: "slow_headers",
  summary: "Lets the heads of answers or requests arrive byte by byte.",
  params,
  example: { type: "slow_headers", gap: "100ms" },
  effects: { slowed: "bytes of heads that came one by one" },
  directions: "downstream",
  at: ["head"],
  explain: ({ gap }) => `lets heads come byte by byte, ${formatDuration(gap)} apart`,
  stream: (scope) => new SlowHeaders(scope),
});
