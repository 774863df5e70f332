/** Members of a pool that are taken away in good order: nobody new, then time to finish, and then the cut. */
import { z } from "zod";
import type { Millis } from "../../../core/clock.js";
import { formatDuration } from "../../../core/units.js";
import {
  defineFault,
  pass,
  reset,
  type Pass,
  type ReachVerdict,
  type Scope,
  type SharedScope,
  type Sever,
  type Upstream,
  type UpstreamsFault,
} from "../../contract/index.js";
import { inJournal } from "../../kit.js";
import { duration } from "../../params.js";
import { namesOf, refuseNarrowed, targetsIn, upstreamNames } from "../../targets.js";

const params = z.object({
  targets: upstreamNames().describe("the upstreams that are drained, by name; * stands for all"),
  after: duration().prefault("0ms").describe("when the first of them begins"),
  over: duration()
    .prefault("0ms")
    .describe("one after the other, evenly over this time; all at once by default"),
  grace: duration()
    .prefault("30s")
    .describe("how long connections that are open may go on; then they are cut"),
});
type Params = z.infer<typeof params>;
type Effect = "began" | "ended" | "refused" | "cut";

interface Shared {
  readonly startedAt: Millis;
}

class Drain implements UpstreamsFault {
  /** What has been told of each. */
  readonly #told = new Map<string, "began" | "cut">();
  wakeAt: Millis;

  constructor(
    private readonly scope: Scope<Params, Effect, Shared>,
    private readonly pool: readonly Upstream[],
  ) {
    this.wakeAt = scope.now();
  }

  candidates(pool: readonly Upstream[]): readonly Upstream[] {
    return pool;
  }

  reach({ name }: Upstream): ReachVerdict {
    if (this.scope.now() < this.#beginsAt(name)) return pass;
    this.scope.count("refused", 1, { upstream: name });
    return { do: "refuse" };
  }

  existing({ name }: Upstream): Pass | Sever | { readonly do: "drain" } {
    const since = this.scope.now() - this.#beginsAt(name);
    if (since < 0) return pass;
    return this.scope.now() < this.#cutAt(name) ? { do: "drain" } : reset;
  }

  ended({ name }: Upstream): void {
    this.scope.count("ended", 1, { upstream: name });
  }

  notice(): void {
    const now = this.scope.now();
    for (const { name } of targetsIn(this.scope.params.targets, this.pool)) this.#tell(name, now);
  }

  wake(): void {
    const now = this.scope.now();
    this.wakeAt = Infinity;
    for (const { name } of targetsIn(this.scope.params.targets, this.pool)) {
      this.#tell(name, now);
      const [beginsAt, cutAt] = [this.#beginsAt(name), this.#cutAt(name)];
      const next = now < beginsAt ? beginsAt : now < cutAt ? cutAt : Infinity;
      this.wakeAt = Math.min(this.wakeAt, next);
    }
  }

  #tell(name: string, now: Millis): void {
    if (now >= this.#beginsAt(name) && !this.#told.has(name)) {
      this.#told.set(name, "began");
      this.scope.count("began", 1, { upstream: name, grace_ms: inJournal(this.scope.params.grace) });
    }
    if (now >= this.#cutAt(name) && this.#told.get(name) === "began") {
      this.#told.set(name, "cut");
      this.scope.count("cut", 1, { upstream: name });
    }
  }

  /** Infinity for those that are none of its targets. */
  #beginsAt(upstream: string): Millis {
    const { targets, after, over } = this.scope.params;
    const all = targetsIn(targets, this.pool);
    const index = all.findIndex(({ name }) => name === upstream);
    return index < 0 ? Infinity : this.scope.shared.startedAt + after + (index * over) / all.length;
  }

  #cutAt(upstream: string): Millis {
    return this.#beginsAt(upstream) + this.scope.params.grace;
  }
}

export default defineFault({
  type: "drain",
  summary:
    "Drains upstreams of a pool: new connections are refused, open ones finish, and are cut after a grace.",
  params,
  example: { type: "drain", targets: ["a", "b"], after: "5s", over: "20s", grace: "10s" },
  effects: {
    began: "upstreams that began to drain",
    refused: "attempts to reach one that was draining, or gone",
    cut: "upstreams whose grace was over",
    ended: "connections that were left then, and were cut",
  },
  entries: 100,
  directions: null,
  explain: ({ targets, after, over, grace }) =>
    `drains ${namesOf(targets)}` +
    (after === 0 ? "" : ` after ${formatDuration(after)}`) +
    (over === 0 ? "" : `, one after the other over ${formatDuration(over)}`) +
    `, refusing new connections and cutting open ones after ${formatDuration(grace)} of grace`,
  check: ({ narrowed }) => refuseNarrowed({ narrowed }),
  shared: (scope: SharedScope<Params>): Shared => ({ startedAt: scope.now() }),
  upstreams: (scope, pool) => new Drain(scope, pool),
});
