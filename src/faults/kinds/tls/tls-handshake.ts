/** Makes handshakes slow, or stops them half-way: then they end, go on late, or stay as they are. */
import { z } from "zod";
import type { Millis } from "../../../core/clock.js";
import { formatDuration, formatSize } from "../../../core/units.js";
import {
  defineFault,
  hang,
  pass,
  type Detail,
  type GateVerdict,
  type HandshakeFault,
  type Scope,
  type Stall,
} from "../../contract/index.js";
import { delayParams, DrawnOnce, explainDelay, type Teller } from "../../delay.js";
import { choice, duration, size } from "../../params.js";

const params = z.object({
  ...delayParams,
  delay: duration()
    .optional()
    .describe("how long the ServerHello is kept back; the median, for pareto the least; none by default"),
  stall_at: choice(["hello", "our_flight", "finished"])
    .optional()
    .describe(
      "where it stops: at the client's hello, behind the first bytes of what answers it, or at the client's Finished, when only the client may think that it is connected",
    ),
  bytes: size()
    .optional()
    .describe("at our_flight: how many bytes of it go out before it stops; 64B by default"),
  for: duration({ positive: true }).optional().describe("how long it stops; for good by default"),
  then: choice(["hang", "close", "reset", "go_on"])
    .optional()
    .describe(
      "what comes of a handshake that has stopped: hang, by default, holds it for as long as the fault is there; close and reset end it, at once or after for; go_on, with for the default, lets it go on after that",
    ),
});
type Params = z.infer<typeof params>;
type HandshakeScope = Scope<Params, "delayed" | "stalled" | "ended", undefined>;

/** Half of a ServerHello, which no client can do anything with. */
const BYTES = 64;

class SlowHandshake implements HandshakeFault, Teller {
  readonly #drawn = new DrawnOnce();
  #helloAt: Millis | null = null;
  #stalledAt: Millis | null = null;
  #ended = false;
  /** A stall of the engine, which is what carries it out, is decided with the hello. */
  readonly stall?: () => Stall | null;
  readonly stalled?: () => GateVerdict;

  constructor(private readonly scope: HandshakeScope) {
    const { stall_at: at } = scope.params;
    if (at === undefined || at === "hello") return;
    this.stall = () => stallOf(scope.params);
    this.stalled = () => (stallOf(scope.params) === null ? pass : this.#stop());
  }

  hello(): GateVerdict {
    const now = this.scope.now();
    this.#helloAt ??= now;
    const left = this.#helloAt + this.#delay() - now;
    if (left > 0) return { do: "hold", for: left, again: true };
    return this.scope.params.stall_at === "hello" ? this.#stop() : pass;
  }

  #delay(): Millis {
    const { scope } = this;
    const { delay } = scope.params;
    if (delay === undefined) return 0;
    return this.#drawn.of(
      {
        params: { ...scope.params, delay },
        alike: (correlation) => scope.alike(correlation),
        delayed: (by) => {
          scope.delayed(by);
        },
      },
      this,
    );
  }

  drawn(detail: { readonly delay_ms: number }): void {
    if (detail.delay_ms > 0) this.scope.count("delayed", 1, detail);
  }

  /** Asked again when parameters have changed, and when its time is over. */
  #stop(): GateVerdict {
    const now = this.scope.now();
    const { for: time, then = thenOf(this.scope.params) } = this.scope.params;
    if (this.#stalledAt === null) {
      this.#stalledAt = now;
      this.scope.count("stalled", 1, detailOf(this.scope.params));
    }
    if (then === "hang") return hang;
    const left = this.#stalledAt + (time ?? 0) - now;
    if (left > 0) return { do: "hold", for: left, again: true };
    if (then === "go_on") return pass;
    if (!this.#ended) this.scope.count("ended", 1, { how: then });
    this.#ended = true;
    return { do: then };
  }

  readonly wakeAt = Infinity;
}

function thenOf({ for: time }: Readonly<Params>): "hang" | "go_on" {
  return time === undefined ? "hang" : "go_on";
}

function stallOf({ stall_at: at, bytes = BYTES }: Readonly<Params>): Stall | null {
  if (at === "our_flight") return { at, bytes };
  return at === "finished" ? { at } : null;
}

function detailOf({ stall_at: at = "hello", bytes = BYTES }: Readonly<Params>): Detail {
  return { at, ...(at === "our_flight" ? { at_byte: bytes } : {}) };
}

const PLACES = {
  hello: "before our first byte",
  our_flight: "within our first flight",
  finished: "at the client's Finished",
} as const;
const ENDS = { close: "closes them", reset: "resets them", go_on: "lets them go on" } as const;

export default defineFault({
  type: "tls_handshake",
  summary: "Makes handshakes slow, or stops them half-way and holds, ends or releases them.",
  params,
  example: { type: "tls_handshake", delay: "2s", jitter: "500ms" },
  effects: {
    delayed: "handshakes that were answered late",
    stalled: "handshakes that stopped half-way",
    ended: "stopped handshakes that were closed or reset",
  },
  directions: null,
  explain: (current) => {
    const { delay, stall_at: at, bytes = BYTES, for: time, then = thenOf(current) } = current;
    const slow =
      delay === undefined ? [] : [`answers handshakes late by ${explainDelay({ ...current, delay })}`];
    const where = at === "our_flight" ? `${formatSize(bytes)} into our first flight` : PLACES[at ?? "hello"];
    const long = time === undefined ? "" : ` for ${formatDuration(time)}`;
    const end = then === "hang" ? "" : ` and then ${ENDS[then]}`;
    return [...slow, ...(at === undefined ? [] : [`stops handshakes ${where}${long}${end}`])].join(" and ");
  },
  check: ({ params: { delay, jitter, stall_at: at, bytes, for: time, then } }) => {
    if (delay === undefined && jitter > 0)
      return { path: "jitter", message: "is the spread of a delay: give delay as well" };
    if (at === undefined && delay === undefined)
      return {
        path: "delay",
        message: "is missing, as is stall_at: say how handshakes are slow, or where they stop",
      };
    for (const [path, value] of [
      ["bytes", bytes],
      ["for", time],
      ["then", then],
    ] as const)
      if (at === undefined && value !== undefined)
        return { path, message: "means something with stall_at only" };
    if (bytes !== undefined && at !== "our_flight")
      return { path: "bytes", message: "means something with `stall_at: our_flight` only" };
    if (time !== undefined && then === "hang")
      return {
        path: "for",
        message: "cannot stand with `then: hang`, which is for as long as the fault is there",
      };
    if (time === undefined && then === "go_on")
      return { path: "then", message: "go_on needs to know after how long: give for as well" };
    return undefined;
  },
  termination: ({ stall_at: at }) => at !== undefined && at !== "hello",
  handshake: (scope) => new SlowHandshake(scope),
});
