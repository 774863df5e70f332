/** Swallows everything, and closes after a time without exception, even while a chatty peer keeps sending. */
import { z } from "zod";
import type { Millis } from "../../../core/clock.js";
import { formatDuration } from "../../../core/units.js";
import {
  close,
  defineFault,
  pass,
  type ConnectionFault,
  type Pass,
  type Scope,
  type Sever,
  type StreamStage,
} from "../../contract/index.js";
import { passing } from "../../kit.js";
import { choice, duration } from "../../params.js";

const params = z.object({
  after: duration()
    .optional()
    .describe(
      "time from when the fault takes hold until the connection is closed; without it, it stays open",
    ),
  since: choice(["start", "last_byte"])
    .optional()
    .describe(
      "what the time is counted from: start, the default, is when the fault takes hold; with last_byte every chunk starts it anew, as Toxiproxy 2.12 does",
    ),
});

class Timeout implements ConnectionFault {
  readonly #scope: Scope<z.infer<typeof params>, "swallowed" | "closed", undefined>;
  #since: Millis | null = null;
  #closed = false;

  constructor(scope: Scope<z.infer<typeof params>, "swallowed" | "closed", undefined>) {
    this.#scope = scope;
  }

  opened(): Pass | Sever {
    this.#since = this.#scope.now();
    return this.wake();
  }

  stream(): StreamStage {
    return {
      ...passing((chunk, out) => {
        out.drop(chunk.length);
        this.#scope.count("swallowed", chunk.length);
        // The timer that is set fires in vain then, and is set anew.
        if (this.#scope.params.since === "last_byte") this.#since = this.#scope.now();
      }),
      end: () => undefined,
    };
  }

  get wakeAt(): Millis {
    const { after } = this.#scope.params;
    return this.#closed || this.#since === null || after === undefined ? Infinity : this.#since + after;
  }

  wake(): Pass | Sever {
    if (this.#scope.now() < this.wakeAt) return this.#closed ? close : pass;
    this.#closed = true;
    this.#scope.count("closed");
    return close;
  }
}

export default defineFault({
  type: "timeout",
  summary: "Swallows everything and closes the connection after a time, whether it is busy or not.",
  perExchange: "truncate with `after: 0B, then: hang`",
  params,
  example: { type: "timeout", after: "5s" },
  effects: { swallowed: "bytes that went nowhere", closed: "connections closed when their time was up" },
  directions: "both",
  at: ["wire", "tls"],
  destroys: "close",
  onRemoval: "close",
  explain: ({ after, since }) =>
    after === undefined
      ? "swallows everything and never closes"
      : `swallows everything and closes the connection after ${formatDuration(after)}` +
        (since === "last_byte" ? " without a byte" : ""),
  connection: (scope) => new Timeout(scope),
});
