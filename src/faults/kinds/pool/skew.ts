/** Uneven weights: each choice is drawn, so that some members of a pool get more than their share. */
import { z } from "zod";
import {
  defineFault,
  type Asker,
  type Scope,
  type SharedScope,
  type Upstream,
  type UpstreamsFault,
} from "../../contract/index.js";
import { NamedDraws, Turns } from "../../draws.js";
import { count, shown } from "../../params.js";
import { refuseNarrowed, upstreamName } from "../../targets.js";

const params = z.object({
  weights: z
    .record(upstreamName(), count({ max: 1_000_000 }), {
      error: (issue) => `expected a mapping of upstreams' names to weights, got ${shown(issue.input)}`,
    })
    .refine((weights) => Object.keys(weights).length > 0, {
      error: () => "expected at least one weight, got none",
    })
    .describe("how often each is chosen beside the others; 1 for those not named, and 0 for never"),
});
type Params = z.infer<typeof params>;
type SkewScope = Scope<Params, "chosen", { readonly evicted: () => void }>;

class Skew implements UpstreamsFault {
  readonly #turns: Turns;

  constructor(private readonly scope: SkewScope) {
    this.#turns = new Turns(new NamedDraws(scope.random), scope.shared.evicted);
  }

  candidates(pool: readonly Upstream[], asker: Asker): readonly Upstream[] {
    const total = pool.reduce((sum, upstream) => sum + this.#weightOf(upstream), 0);
    // Drawn also where nothing is left to choose, so that a member's absence shifts nobody's later draws.
    let left = this.#turns.next(asker.bot).unit() * total;
    if (total === 0) return [];
    this.scope.count("chosen");
    const heavy = pool.filter((upstream) => this.#weightOf(upstream) > 0);
    const chosen = heavy.find((upstream) => (left -= this.#weightOf(upstream)) < 0) ?? heavy.at(-1);
    return chosen === undefined ? [] : [chosen];
  }

  #weightOf({ name }: Upstream): number {
    const { weights } = this.scope.params;
    return Object.hasOwn(weights, name) ? (weights[name] ?? 1) : 1;
  }

  readonly wakeAt = Infinity;
}

export default defineFault({
  type: "skew",
  summary: "Chooses among the upstreams of a pool by uneven weights, drawn for each choice.",
  params,
  example: { type: "skew", weights: { a: 9, b: 1 } },
  effects: { chosen: "choices made by these weights" },
  directions: null,
  explain: ({ weights }) =>
    `chooses among the upstreams by weight: ${Object.entries(weights)
      .map(([name, weight]) => `${name} ${weight}`)
      .join(", ")}`,
  check: ({ narrowed }) => refuseNarrowed({ narrowed }),
  shared: ({ evicted }: SharedScope<Params>) => ({ evicted }),
  upstreams: (scope) => new Skew(scope),
});
