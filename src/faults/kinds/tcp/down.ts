/** Nobody listens: new connections are refused, and existing ones end or live on, as said. */
import { z } from "zod";
import {
  close,
  defineFault,
  hang,
  pass,
  reset,
  type ConnectionFault,
  type ConnectionInfo,
  type Hang,
  type Pass,
  type Scope,
  type Sever,
} from "../../contract/index.js";
import { choice } from "../../params.js";

const params = z.object({
  existing: choice(["keep", "close", "reset"])
    .default("reset")
    .describe("what becomes of connections that are open when it begins"),
  refuse: choice(["rst", "close", "reset", "syn_drop"])
    .default("rst")
    .describe(
      "how new connections are refused: rst closes the port, so that the kernel answers `connection refused`; close and reset accept and then end them; syn_drop leaves attempts to connect unanswered, so that they time out or get in when it is over (on Linux; elsewhere they are accepted and held)",
    ),
});

class Down implements ConnectionFault {
  readonly #scope: Scope<z.infer<typeof params>, "refused" | "ended", undefined>;
  readonly #live: boolean;
  #booked = false;

  constructor(
    scope: Scope<z.infer<typeof params>, "refused" | "ended", undefined>,
    { live }: ConnectionInfo,
  ) {
    this.#scope = scope;
    this.#live = live;
  }

  /** With the port closed this still comes up: a connection may have been in the kernel's queue already. */
  accepted(): Sever | Hang {
    this.#book("refused");
    // Whoever was let in before the port fell silent notices nothing but silence.
    if (this.#scope.params.refuse === "syn_drop") return hang;
    return this.#scope.params.refuse === "close" ? close : reset;
  }

  opened(): Pass | Sever {
    if (!this.#live) {
      const verdict = this.accepted();
      return verdict.do === "hang" ? pass : verdict;
    }
    const { existing } = this.#scope.params;
    if (existing === "keep") return pass;
    this.#book("ended");
    return existing === "close" ? close : reset;
  }

  wake(): Pass | Sever {
    return this.#live ? this.opened() : pass;
  }

  #book(effect: "refused" | "ended"): void {
    if (!this.#booked) this.#scope.count(effect);
    this.#booked = true;
  }

  readonly wakeAt = Infinity;
}

const REFUSALS = {
  rst: "refuses new connections",
  close: "accepts and closes new connections",
  reset: "accepts and resets new connections",
  syn_drop: "leaves attempts to connect unanswered",
} as const;
const EXISTING = { keep: "keeps", close: "closes", reset: "resets" } as const;

export default defineFault({
  type: "down",
  summary: "Nobody listens: new connections are refused, existing ones end as said.",
  perExchange: "http_status, or truncate with `direction: upstream, after: 0B, then: reset`",
  params,
  example: { type: "down", existing: "reset" },
  effects: {
    closed: "times that the port was closed or fell silent: whom the kernel turns away then, nobody sees",
    refused: "new connections that were accepted and then ended, or held",
    ended: "open connections ended when it began",
  },
  directions: null,
  explain: ({ existing, refuse }) => `${REFUSALS[refuse]} and ${EXISTING[existing]} those that are open`,
  check: ({ params: { refuse }, narrowed }) =>
    narrowed && (refuse === "rst" || refuse === "syn_drop")
      ? {
          path: "refuse",
          message:
            "a closed port is closed for everybody: with match or probability it must be close or reset",
        }
      : undefined,
  listener: (scope) => ({
    effect: "closed",
    listening: () => scope.params.refuse !== "rst",
    silent: () => scope.params.refuse === "syn_drop",
  }),
  connection: (scope, connection) => new Down(scope, connection),
});
