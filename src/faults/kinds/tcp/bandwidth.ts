/** Lets bytes through at a limited rate: a token bucket whose back-pressure the sender feels. */
import { z } from "zod";
import type { Millis } from "../../../core/clock.js";
import { formatRate, formatSize } from "../../../core/units.js";
import {
  defineFault,
  drop,
  type DatagramFault,
  type Direction,
  type Outlet,
  type Scope,
  type StreamStage,
} from "../../contract/index.js";
import { eachDirection } from "../../kit.js";
import { TokenBucket, type Booking } from "../../token-bucket.js";
import { ByteQueue } from "../../byte-queue.js";
import { choice, rate, size } from "../../params.js";

const params = z.object({
  rate: rate().describe("bytes per second; 0B/s stalls and keeps the data"),
  burst: size()
    .optional()
    .describe("bytes that may leave at once after a pause; by default what the rate gives in 5 ms"),
  shared: choice(["connection", "proxy"])
    .default("connection")
    .describe(
      "who shares the rate: each connection has its own, or all connections of a proxy have one together",
    ),
  queue: size()
    .prefault("256KiB")
    .describe(
      "on udp proxies: bytes that wait for their turn at most; what comes while there are as many is dropped, since its sender cannot be slowed down",
    ),
});
type Params = z.infer<typeof params>;
type Effect = "throttled" | "dropped";
type Buckets = Readonly<Record<Direction, TokenBucket>>;

/** How much leaves at a time: enough to keep timers few, little enough to be smooth. */
const SLICE: Millis = 5;
/** How long a rate may move, as ramps do, before it is looked at again. */
const LOOK_AGAIN: Millis = 250;
/** Held before the sender is slowed down: at high rates enough to bridge a late timer. */
const CAPACITY_MIN = 64 * 1024;
const CAPACITY_MAX = 4 * 1024 * 1024;
const CAPACITY: Millis = 20;

const worth = (time: Millis, { rate: perSecond }: Params): number => (perSecond * time) / 1000;

const bucketOf = (scope: { readonly params: Readonly<Params>; now(): Millis }): TokenBucket =>
  new TokenBucket(() => {
    const { rate: perSecond, burst } = scope.params;
    return { rate: perSecond, burst: burst ?? worth(SLICE, scope.params) };
  }, scope.now());

class Bandwidth implements StreamStage {
  readonly #scope: Scope<Params, Effect, Buckets>;
  readonly #direction: Direction;
  readonly #queue = new ByteQueue();
  readonly #own: TokenBucket;
  #bucket: TokenBucket;
  #booking: Booking | null = null;
  #ending = false;
  wakeAt: Millis = Infinity;

  constructor(scope: Scope<Params, Effect, Buckets>, direction: Direction) {
    this.#scope = scope;
    this.#direction = direction;
    this.#own = bucketOf(scope);
    this.#bucket = this.#own;
  }

  push(chunk: Buffer, out: Outlet): void {
    this.#queue.add(chunk);
    if (this.#booking === null) {
      this.#book(out.now, false);
      this.#run(out);
    }
    if (this.#queue.length > 0) this.#scope.count("throttled");
  }

  end(out: Outlet): void {
    this.#ending = true;
    this.#endIfEmpty(out);
  }

  wake(out: Outlet): void {
    if (out.now >= this.wakeAt) this.#run(out);
  }

  assigned(out: Outlet): void {
    this.#bucket.advance(out.now, true);
    if (this.#booking === null) return;
    // A slice that was right for the old rate may be far too large for the new one.
    this.#bucket.cancel(this.#booking);
    this.#book(out.now, true);
    this.#run(out);
  }

  #book(now: Millis, waiting: boolean): void {
    const before = this.#bucket;
    this.#bucket = this.#scope.params.shared === "proxy" ? this.#scope.shared[this.#direction] : this.#own;
    const quantum = Math.max(1, Math.floor(worth(SLICE, this.#scope.params)));
    this.#booking =
      this.#queue.length === 0
        ? null
        : this.#bucket.book(this.#queue.length, quantum, now, waiting && before === this.#bucket);
  }

  #run(out: Outlet): void {
    const { now } = out;
    while (this.#booking !== null && this.#bucket.ready(this.#booking, now)) {
      const { bytes } = this.#booking;
      this.#booking = null;
      this.#queue.pour(out, bytes);
      this.#book(now, true);
    }
    this.wakeAt =
      this.#booking === null
        ? Infinity
        : // Never this very moment again, however small the remainder: the pump would take it for a mistake.
          Math.min(now + LOOK_AGAIN, Math.max(now + 0.001, this.#bucket.dueAt(this.#booking, now)));
    this.#endIfEmpty(out);
  }

  #endIfEmpty(out: Outlet): void {
    if (!this.#ending || this.#queue.length > 0) return;
    this.#ending = false;
    out.end();
  }

  release(out: Outlet): void {
    if (this.#booking !== null) this.#bucket.cancel(this.#booking);
    this.#booking = null;
    this.wakeAt = Infinity;
    this.#queue.pour(out);
  }

  get held(): number {
    return this.#queue.length;
  }

  get capacity(): number {
    const roomy = Math.min(CAPACITY_MAX, worth(CAPACITY, this.#scope.params));
    return Math.max(CAPACITY_MIN, roomy);
  }
}

/** A link with a queue that holds so much and no more, as routers have it: the last to come is the one that is dropped. */
function narrowLink(scope: Scope<Params, Effect, Buckets>, direction: Direction): DatagramFault {
  const own = bucketOf(scope);
  return {
    datagram: ({ length }) => {
      const now = scope.now();
      const { shared, queue } = scope.params;
      const bucket = shared === "proxy" ? scope.shared[direction] : own;
      const backlog = bucket.backlog(now);
      if (backlog > 0 && backlog + length > queue) {
        scope.count("dropped");
        return drop;
      }
      const booking = bucket.book(length, length, now, false);
      const left = (): Millis => Math.min(LOOK_AGAIN, bucket.dueAt(booking, scope.now()) - scope.now());
      const wait = left();
      if (wait > 0) scope.count("throttled");
      return { do: "hold", for: wait, inOrder: true, left, guessed: true };
    },
  };
}

export default defineFault({
  type: "bandwidth",
  summary: "Lets bytes through at a limited rate, and slows the sender down.",
  params,
  example: { type: "bandwidth", rate: "1MB/s" },
  effects: {
    throttled: "chunks or datagrams that had to wait for their turn",
    dropped: "datagrams that found the queue full",
  },
  directions: "downstream",
  at: ["wire", "body", "tls"],
  explain: ({ rate: perSecond, burst, shared }) =>
    (perSecond === 0 ? "stalls the flow" : `limits the flow to ${formatRate(perSecond)}`) +
    (burst === undefined ? "" : ` after a burst of ${formatSize(burst)}`) +
    (shared === "proxy" ? ", for all connections together" : ""),
  shared: (scope): Buckets => ({ upstream: bucketOf(scope), downstream: bucketOf(scope) }),
  stream: (scope, { direction }) => new Bandwidth(scope, direction),
  datagram: (scope) => eachDirection(scope, (_random, direction) => narrowLink(scope, direction)),
});
