/** So many connections at a time, so many waiting, and then no more: an overloaded accept queue. */
import { z } from "zod";
import type { Millis } from "../../../core/clock.js";
import {
  close,
  defineFault,
  hang,
  pass,
  reset,
  wait,
  type ConnectionFault,
  type ConnectionInfo,
  type GateVerdict,
  type Pass,
  type Scope,
  type SharedScope,
} from "../../contract/index.js";
import { choice, count } from "../../params.js";

const params = z.object({
  max: count({ max: 1_000_000 }).describe("connections that are served at the same time"),
  queue: count({ max: 1_000_000 })
    .default(0)
    .describe("further connections that wait for a place, first come first served"),
  on_full: choice(["refuse", "reset", "hang"])
    .default("refuse")
    .describe("what happens to those that find no place to wait in: closed, reset, or left open in silence"),
});
type Params = z.infer<typeof params>;
type Effect = "queued" | "turned_away";

/** Who is served and who waits, for all connections of one fault on one proxy. */
class Places {
  served = 0;
  readonly waiting = new Set<Limited>();

  constructor(private readonly scope: SharedScope<Params>) {}

  get free(): boolean {
    return this.served < this.scope.params.max;
  }

  /** Gives free places to those who have waited longest. */
  admit(): void {
    for (const first of this.waiting) {
      if (!this.free) return;
      this.waiting.delete(first);
      first.seat();
    }
  }
}

class Limited implements ConnectionFault {
  #seated = false;
  #queuedAt: Millis | null = null;
  #turnedAway = false;

  constructor(
    private readonly scope: Scope<Params, Effect, Places>,
    private readonly connection: ConnectionInfo,
  ) {}

  accepted(): GateVerdict {
    const { shared: places, params: current } = this.scope;
    places.admit();
    if (this.#seated) return pass;
    if (this.#queuedAt !== null) return wait;
    if (places.free) {
      this.#sit();
      return pass;
    }
    if (places.waiting.size < current.queue) {
      places.waiting.add(this);
      this.#queuedAt = this.scope.now();
      this.scope.count("queued", 1, { waiting: places.waiting.size });
      return wait;
    }
    if (!this.#turnedAway) this.scope.count("turned_away", 1, { served: places.served });
    this.#turnedAway = true;
    return current.on_full === "hang" ? hang : current.on_full === "reset" ? reset : close;
  }

  /** Connections that were there before the fault have their place, even where they are too many. */
  opened(): Pass {
    this.scope.shared.waiting.delete(this);
    if (!this.#seated) this.#sit();
    return pass;
  }

  /** `max` may have been raised. */
  wake(): Pass {
    this.scope.shared.admit();
    return pass;
  }

  released(): void {
    const { shared: places } = this.scope;
    places.waiting.delete(this);
    if (this.#seated) places.served--;
    this.#seated = false;
    places.admit();
  }

  /** It was this connection's turn. */
  seat(): void {
    this.#sit();
    this.scope.delayed(this.scope.now() - (this.#queuedAt ?? this.scope.now()));
    this.connection.attend();
  }

  #sit(): void {
    this.#seated = true;
    this.scope.shared.served++;
  }

  readonly wakeAt = Infinity;
}

const ON_FULL = { refuse: "closes", reset: "resets", hang: "leaves hanging" } as const;

export default defineFault({
  type: "connection_limit",
  summary: "Serves so many connections at a time, lets so many wait, and turns the others away.",
  perExchange: "overload",
  params,
  example: { type: "connection_limit", max: 10, queue: 5, on_full: "reset" },
  effects: {
    queued: "connections that had to wait for a place",
    turned_away: "connections that found no place to wait in",
  },
  directions: null,
  explain: ({ max, queue, on_full }) =>
    `serves ${max} connections at a time${queue === 0 ? "" : `, lets ${queue} wait`} and ${ON_FULL[on_full]} the others`,
  shared: (scope: SharedScope<Params>) => new Places(scope),
  connection: (scope, connection) => new Limited(scope, connection),
});
