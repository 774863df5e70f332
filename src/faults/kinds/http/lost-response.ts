/** The request is carried out, and its answer never arrives: the client cannot know whether to try again. */
import { z } from "zod";
import { defineFault, type ExchangeVerdict, type ResponseInfo, type Scope } from "../../contract/index.js";
import { WithheldAnswer } from "../../messages.js";
import { choice, statusCode } from "../../params.js";
import { PERSONAS, personaAnswer } from "../../personas.js";

const params = z.object({
  then: choice(["reset", "close", "hang", "status"])
    .default("reset")
    .describe("what the client sees: an RST, a FIN without a byte, silence, or a status of a balancer's"),
  status: statusCode({ min: 400 }).optional().describe("with `then: status`: which one; 502 by default"),
  persona: choice(PERSONAS).optional().describe("with `then: status`: whose words it has; plain by default"),
});

class LostResponse extends WithheldAnswer {
  constructor(private readonly scope: Scope<z.infer<typeof params>, "lost", undefined>) {
    super();
  }

  protected override first({ status }: ResponseInfo): void {
    this.scope.count("lost", 1, { true_status: status });
  }

  protected override instead(): ExchangeVerdict {
    const { then, status = 502, persona = "plain" } = this.scope.params;
    if (then !== "status") return { do: then };
    return personaAnswer(persona, status, { now: this.scope.wallTime(), why: "reset" });
  }
}

const THEN = {
  reset: "resets the connection in place of the response",
  close: "closes the connection in place of the response",
  hang: "leaves the client without a response",
} as const;

export default defineFault({
  type: "lost_response",
  summary: "Lets the upstream carry out the request, and loses the response.",
  params,
  example: { type: "lost_response", then: "reset" },
  effects: { lost: "responses from the upstream that never arrived" },
  directions: null,
  explain: ({ then, status = 502, persona = "plain" }) =>
    `lets the request be carried out, and then ${
      then === "status"
        ? `responds with ${status}${persona === "plain" ? "" : ` as ${persona} does`}`
        : THEN[then]
    }`,
  check: ({ params: { then, status, persona } }) => {
    if (then === "status") return undefined;
    const path = status !== undefined ? "status" : persona !== undefined ? "persona" : undefined;
    return path && { path, message: `means something with \`then: status\` only, and then is ${then}` };
  },
  exchange: (scope) => new LostResponse(scope),
});
