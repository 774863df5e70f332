/** Cuts the stream into small writes, apart in time, as a slow or chatty sender would. */
import { z } from "zod";
import { formatDuration, formatSize } from "../../core/units.js";
import { defineFault, type Outlet, type Scope, type StreamStage } from "../contract.js";
import { ByteQueue } from "../kit.js";
import { duration, size } from "../params.js";

const params = z.object({
  size: size({ positive: true }).describe("bytes in each write"),
  variation: size()
    .prefault("0B")
    .describe("how much a write may be smaller or larger than `size`, drawn evenly; less than `size`"),
  gap: duration().prefault("0ms").describe("time between two writes; microseconds are fine"),
});

/** Bytes kept before the sender is slowed down; a read of the socket may add one chunk to it. */
const CAPACITY = 64 * 1024;

class Slicer implements StreamStage {
  readonly #queue = new ByteQueue();
  readonly #scope: Scope<z.infer<typeof params>, "sliced", undefined>;
  /** When the write before this one left. */
  #lastAt = -Infinity;
  #ending = false;

  constructor(scope: Scope<z.infer<typeof params>, "sliced", undefined>) {
    this.#scope = scope;
  }

  push(chunk: Buffer, out: Outlet): void {
    const idle = this.#queue.length === 0;
    this.#queue.add(chunk);
    // After a pause the first write leaves at once, and the pause is not made up for.
    if (idle) this.#lastAt = Math.max(this.#lastAt, out.now - this.#scope.params.gap);
    this.wake(out);
  }

  end(out: Outlet): void {
    this.#ending = true;
    this.wake(out);
  }

  /** Writes all that is due: a timer that comes late, or is too coarse for the gap, must not stretch the whole. */
  wake(out: Outlet): void {
    const { gap } = this.#scope.params;
    let slices = 0;
    while (this.#queue.length > 0 && this.#lastAt + gap <= out.now) {
      this.#lastAt += gap;
      slices++;
      out.emit(this.#queue.take(this.#draw()));
    }
    if (slices > 0) this.#scope.count("sliced", slices);
    if (!this.#ending || this.#queue.length > 0) return;
    this.#ending = false;
    out.end();
  }

  #draw(): number {
    const { size: middle, variation } = this.#scope.params;
    if (variation === 0) return Math.max(1, Math.round(middle));
    // Ramps may bring the two closer than a schema can see.
    return Math.max(1, Math.round(middle - variation) + this.#scope.random.integer(2 * variation + 1));
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
  type: "slicer",
  summary: "Cuts the stream into small writes, apart in time.",
  params,
  example: { type: "slicer", size: "64B", variation: "32B", gap: "500us" },
  effects: { sliced: "writes that the stream was cut into" },
  directions: "downstream",
  at: ["wire", "body"],
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
  stream: (scope) => new Slicer(scope),
});
