/** A balancer that has not heard: it goes on dialling an upstream that is dead. */
import { z } from "zod";
import type { Millis } from "../../../core/clock.js";
import { formatDuration, formatRatio } from "../../../core/units.js";
import {
  defineFault,
  hang,
  pass,
  reset,
  type Asker,
  type ReachVerdict,
  type Scope,
  type SharedScope,
  type Upstream,
  type UpstreamsFault,
} from "../../contract/index.js";
import { NamedDraws, Turns } from "../../draws.js";
import { choice, duration, ratio } from "../../params.js";
import { refuseNarrowed, upstreamName, without } from "../../targets.js";

const params = z.object({
  target: upstreamName().describe("the upstream that is dead"),
  for: duration({ positive: true })
    .optional()
    .describe("how long the balancer goes on, until it has heard; by default as long as the fault is there"),
  share: ratio()
    .prefault("100%")
    .describe("the share of choices that fall on it, drawn for each; the others know and avoid it"),
  gives: choice(["refuse", "hang", "reset"]).default("refuse").describe("what reaching it gives"),
});
type Params = z.infer<typeof params>;

interface Shared {
  readonly startedAt: Millis;
  readonly evicted: () => void;
}

class StaleUpstream implements UpstreamsFault {
  readonly #turns: Turns;

  constructor(
    private readonly scope: Scope<Params, "sent" | "failed", Shared>,
    private readonly pool: readonly Upstream[],
  ) {
    this.#turns = new Turns(new NamedDraws(scope.random), scope.shared.evicted);
  }

  /** Also where health checks have taken it out: that is what the balancer has not heard. */
  candidates(pool: readonly Upstream[], asker: Asker): readonly Upstream[] {
    const { target, share } = this.scope.params;
    const dead = this.pool.find(({ name }) => name === target);
    if (dead === undefined) return pool;
    const stale = this.#turns.next(asker.bot).chance(share);
    if (this.#heard) return pool;
    if (!stale) return without(pool, ({ name }) => name === target);
    this.scope.count("sent", 1, { upstream: target });
    return [dead];
  }

  reach({ name }: Upstream): ReachVerdict {
    const { target, gives } = this.scope.params;
    if (name !== target || this.#heard) return pass;
    this.scope.count("failed", 1, { upstream: name });
    return gives === "refuse" ? { do: "refuse" } : gives === "hang" ? hang : reset;
  }

  get #heard(): boolean {
    return this.scope.now() >= this.scope.shared.startedAt + (this.scope.params.for ?? Infinity);
  }

  readonly wakeAt = Infinity;
}

const GIVES = { refuse: "refuses", hang: "never responds", reset: "resets" } as const;

export default defineFault({
  type: "stale_upstream",
  summary: "Goes on dialling an upstream of a pool that is dead, as a balancer with stale knowledge does.",
  params,
  example: { type: "stale_upstream", target: "a", for: "30s", share: "50%" },
  effects: {
    sent: "choices that fell on the dead one",
    failed: "attempts to reach it, all of which failed",
  },
  directions: null,
  explain: ({ target, for: time, share, gives }) =>
    `sends ${share === 1 ? "everybody" : `${formatRatio(share)} of choices`} to ${target}, which ${GIVES[gives]}` +
    (time === undefined ? "" : `, for ${formatDuration(time)}`),
  check: ({ narrowed }) => refuseNarrowed({ narrowed }),
  shared: ({ now, evicted }: SharedScope<Params>): Shared => ({ startedAt: now(), evicted }),
  upstreams: (scope, pool) => new StaleUpstream(scope, pool),
});
