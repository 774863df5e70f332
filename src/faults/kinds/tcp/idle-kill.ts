/** Kills connections that were idle for a time, politely or silently, as balancers and NATs do. */
import { z } from "zod";
import type { Millis } from "../../../core/clock.js";
import { formatDuration } from "../../../core/units.js";
import {
  defineFault,
  pass,
  type ConnectionFault,
  type ConnectionInfo,
  type Pass,
  type Scope,
  type Sever,
} from "../../contract/index.js";
import { Valve } from "../../byte-queue.js";
import { choice, duration } from "../../params.js";

const params = z.object({
  after: duration({ positive: true }).describe("time without a byte in any of its directions"),
  how: choice(["close", "reset", "silent"])
    .default("close")
    .describe(
      "a FIN or an RST to both sides; or silent: from then on nothing passes and nobody is told, as with a NAT",
    ),
});

class IdleKill implements ConnectionFault {
  readonly #scope: Scope<z.infer<typeof params>, "killed", undefined>;
  readonly #connection: ConnectionInfo;
  #activeAt: Millis = Infinity;
  #killed = false;

  constructor(scope: Scope<z.infer<typeof params>, "killed", undefined>, connection: ConnectionInfo) {
    this.#scope = scope;
    this.#connection = connection;
  }

  opened(): Pass {
    this.#activeAt = this.#scope.now();
    return pass;
  }

  stream(): Valve {
    return new Valve(
      () => this.#killed,
      (now) => {
        // A timer that comes late must not save a connection that was idle for long enough.
        if (now >= this.wakeAt) {
          this.#kill();
          this.#connection.attend();
        }
        this.#activeAt = now;
      },
    );
  }

  /** Moves on with each byte; whoever armed a timer for an earlier moment finds nothing to do then. */
  get wakeAt(): Millis {
    return this.#killed ? Infinity : this.#activeAt + this.#scope.params.after;
  }

  wake(): Pass | Sever {
    if (this.#scope.now() >= this.wakeAt) this.#kill();
    const { how } = this.#scope.params;
    return this.#killed && how !== "silent" ? { do: how } : pass;
  }

  #kill(): void {
    this.#killed = true;
    this.#scope.count("killed", 1, { idle_ms: Math.round(this.#scope.now() - this.#activeAt) });
  }
}

const WAYS = { close: "closes", reset: "resets", silent: "silently forgets" } as const;

export default defineFault({
  type: "idle_kill",
  summary: "Kills connections that were idle for a time, politely or silently.",
  perExchange: "keepalive_race",
  params,
  example: { type: "idle_kill", after: "60s", how: "silent" },
  effects: { killed: "connections killed for being idle" },
  directions: "both",
  explain: ({ after, how }) => `${WAYS[how]} connections that were idle for ${formatDuration(after)}`,
  connection: (scope, connection) => new IdleKill(scope, connection),
});
