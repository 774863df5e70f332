/** Sticky sessions that go wrong: lost, so that each choice lands somewhere else, or stuck where they are. */
import { z } from "zod";
import { BoundedMap } from "../../../core/lru.js";
import {
  defineFault,
  type Asker,
  type Scope,
  type SharedScope,
  type Upstream,
  type UpstreamsFault,
} from "../../contract/index.js";
import { ASKERS_MAX, NamedDraws, Turns, askerKind, askerName } from "../../draws.js";
import { choice } from "../../params.js";
import { refuseNarrowed, upstreamName } from "../../targets.js";

const params = z.object({
  mode: choice(["lost", "stuck"]).describe(
    "lost: each choice is drawn anew, so that sessions land elsewhere; stuck: whoever asks stays with the one it got first, and gets none while that is down",
  ),
  to: upstreamName().optional().describe("with stuck, the one that everybody is stuck to"),
  per: askerKind().default("bot").describe("who has a session: each bot, or each client address"),
});
type Params = z.infer<typeof params>;

interface Shared {
  /** Where each asker was sent last; when stuck, for good. */
  readonly places: BoundedMap<string, string>;
  readonly evicted: () => void;
}

class Stick implements UpstreamsFault {
  readonly #turns: Turns;

  constructor(private readonly scope: Scope<Params, "moved" | "stuck", Shared>) {
    this.#turns = new Turns(new NamedDraws(scope.random), scope.shared.evicted);
  }

  candidates(pool: readonly Upstream[], asker: Asker): readonly Upstream[] {
    const { mode, to, per } = this.scope.params;
    const who = askerName(asker, per);
    const { places } = this.scope.shared;
    const place = places.get(who);
    if (mode === "stuck" && (to ?? place) !== undefined) {
      this.scope.count("stuck");
      return pool.filter(({ name }) => name === (to ?? place));
    }
    const chosen = pool[this.#turns.next(who).integer(pool.length)];
    if (chosen === undefined) return pool;
    places.set(who, chosen.name);
    if (mode === "lost" && place !== undefined && place !== chosen.name)
      this.scope.count("moved", 1, { upstream: chosen.name, before: place });
    return [chosen];
  }

  readonly wakeAt = Infinity;
}

export default defineFault({
  type: "stick",
  summary: "Loses sticky sessions, so that each choice lands somewhere else, or makes them stick for good.",
  params,
  example: { type: "stick", mode: "lost", per: "client" },
  effects: {
    moved: "choices that sent somebody elsewhere than the last time",
    stuck: "choices that were none, since they were made before",
  },
  directions: null,
  explain: ({ mode, to, per }) => {
    if (mode === "lost") return `forgets the session of each ${per}, and chooses an upstream anew each time`;
    return to === undefined
      ? `keeps each ${per} at the upstream that it got first, also while that is down`
      : `sends everybody to ${to}, also while that is down`;
  },
  check: ({ params: { mode, to }, narrowed }) =>
    mode === "lost" && to !== undefined
      ? {
          path: "to",
          message: "goes with mode: stuck, since a lost session is not sent to anyone in particular",
        }
      : refuseNarrowed({ narrowed }),
  shared: ({ evicted }: SharedScope<Params>): Shared => ({
    places: new BoundedMap(ASKERS_MAX, evicted),
    evicted,
  }),
  upstreams: (scope) => new Stick(scope),
});
