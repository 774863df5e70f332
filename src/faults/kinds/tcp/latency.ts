/** Holds every chunk for `delay`, give or take `jitter`, without reordering and without limiting throughput. */
import { z } from "zod";
import type { Random } from "../../../core/random.js";
import { defineFault, type DatagramFault, type Outlet, type StreamStage } from "../../contract/index.js";
import { DelayDraw, delayOf, delayParams, explainDelay, type DelayParams } from "../../delay.js";
import { DelayLine, eachDirection } from "../../kit.js";
import { flag, size } from "../../params.js";

interface Note {
  readonly arrived: number;
  readonly luck: number;
}

interface LatencyScope {
  readonly params: DelayParams & { readonly window: number; readonly reorder: boolean };
  readonly random: Random;
  now(): number;
  count(effect: "delayed", amount: number, detail: { delay_ms: number }): void;
  delayed(by: number): void;
}

class Latency implements StreamStage {
  readonly #line = new DelayLine<Note>();
  readonly #draw = new DelayDraw();

  constructor(private readonly scope: LatencyScope) {}

  push(chunk: Buffer, out: Outlet): void {
    const arrived = out.now;
    const luck = this.#draw.luck(this.scope, this.scope.params);
    const delay = delayOf(luck, this.scope.params);
    book(this.scope, delay);
    // What is not to wait, behind nothing that waits, does not.
    if (delay <= 0 && this.#line.empty) {
      out.emit(chunk);
      return;
    }
    this.#line.add(chunk, arrived + delay, { arrived, luck });
    this.#line.flush(out, out.now);
  }

  end(out: Outlet): void {
    const arrived = out.now;
    const luck = this.#draw.luck(this.scope, this.scope.params);
    this.#line.add(null, arrived + delayOf(luck, this.scope.params), { arrived, luck });
    this.#line.flush(out, out.now);
  }

  wake(out: Outlet): void {
    this.#line.flush(out, out.now);
  }

  assigned(out: Outlet): void {
    this.#line.reschedule(({ arrived, luck }) => arrived + delayOf(luck, this.scope.params));
    this.#line.flush(out, out.now);
  }

  release(out: Outlet): void {
    this.#line.flush(out, Infinity);
  }

  get wakeAt(): number {
    return this.#line.due;
  }

  get held(): number {
    return this.#line.held;
  }

  get pieces(): number {
    return this.#line.pieces;
  }

  get capacity(): number {
    return this.scope.params.window;
  }
}

function book(scope: LatencyScope, delay: number): void {
  scope.count("delayed", 1, { delay_ms: Math.round(delay * 1000) / 1000 });
  scope.delayed(delay);
}

/** Datagrams may overtake one another; only what waits already moves when parameters are assigned. */
function lateDatagrams(scope: LatencyScope, random: Random): DatagramFault {
  const draw = new DelayDraw();
  return {
    datagram: () => {
      const arrived = scope.now();
      const luck = draw.luck({ random }, scope.params);
      const delay = delayOf(luck, scope.params);
      book(scope, delay);
      return {
        do: "hold",
        for: delay,
        inOrder: !scope.params.reorder,
        left: () => arrived + delayOf(luck, scope.params) - scope.now(),
      };
    },
  };
}

export default defineFault({
  type: "latency",
  summary: "Delays every byte by a time, give or take jitter, in order and without limiting throughput.",
  params: z.object({
    ...delayParams,
    window: size({ positive: true })
      .prefault("16MiB")
      .describe("bytes that may be under way in each direction before the sender is slowed down"),
    reorder: flag()
      .default(false)
      .describe(
        "on udp proxies: whether datagrams overtake those with a longer delay; streams keep their order",
      ),
  }),
  example: { type: "latency", delay: "200ms", jitter: "50ms" },
  effects: { delayed: "chunks or datagrams held back" },
  directions: "downstream",
  at: ["wire", "body", "tls"],
  explain: (params) => `delays every byte by ${explainDelay(params)}`,
  stream: (scope) => new Latency(scope),
  datagram: (scope) => eachDirection(scope, (random) => lateDatagrams(scope, random)),
});
