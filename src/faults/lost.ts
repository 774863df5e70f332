/** What a client sees in the place of a response: the same whether the request or the response was lost, since it cannot tell the two apart. */
import { z } from "zod";
import type { ExchangeVerdict } from "./contract/index.js";
import { choice, statusCode } from "./params.js";
import { PERSONAS, personaAnswer } from "./personas.js";

export const lossParams = z.object({
  then: choice(["reset", "close", "hang", "status"])
    .default("reset")
    .describe("what the client sees: an RST, a FIN without a byte, silence, or a status of a balancer's"),
  status: statusCode({ min: 400 }).optional().describe("with `then: status`: which one; 502 by default"),
  persona: choice(PERSONAS).optional().describe("with `then: status`: whose words it has; plain by default"),
});
export type LossParams = z.infer<typeof lossParams>;

/** `now` is the wall's clock. */
export function lossOf(
  { then, status = 502, persona = "plain" }: Readonly<LossParams>,
  now: number,
): ExchangeVerdict {
  if (then !== "status") return { do: then };
  return personaAnswer(persona, status, { now, why: "reset" });
}

const THEN = {
  reset: "resets the connection in place of the response",
  close: "closes the connection in place of the response",
  hang: "leaves the client without a response",
} as const;

/** As it stands behind "…, and". */
export function explainLoss({ then, status = 502, persona = "plain" }: Readonly<LossParams>): string {
  if (then !== "status") return THEN[then];
  return `responds with ${status}${persona === "plain" ? "" : ` as ${persona} does`}`;
}

export function checkLoss({
  params: { then, status, persona },
}: {
  readonly params: Readonly<LossParams>;
}): { path: string; message: string } | undefined {
  if (then === "status") return undefined;
  const path = status !== undefined ? "status" : persona !== undefined ? "persona" : undefined;
  return path && { path, message: `means something with \`then: status\` only, and then is ${then}` };
}
