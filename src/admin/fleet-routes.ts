/** The calls about a fleet: who is in it, what it is under, and switching all of it. They are answered by the engine, never from a memory of it. */
import { z } from "zod";
import { fleetAnswer, fleetOutcome, fleetView, outcomeAnswer } from "./fleet-answers.js";
import { fleetBody, readFleetRequest, signedShape, waitShape, WAIT_DEFAULT_MS } from "./fleet-body.js";
import { controllingFleetOf, fleetOf, translated, type AdminFleet } from "./fleet-house.js";
import { passRoute } from "./fleet-pass.js";
import type { House } from "./house.js";
import { defineRoute, json, type Answer, type BodySpec, type Call, type Route } from "./route.js";

const BODY: BodySpec = {
  about: "JSON, YAML or form data; what begins with { is JSON whatever the content type says",
  required: true,
  schema: fleetBody,
  types: ["application/x-www-form-urlencoded", "text/yaml"],
  example: '{"profile": "lost-ack", "ttl": "30m", "labels": {"zone": "eu-1"}}',
};

const SWITCH_ERRORS = [
  "SQ_NO_FLEET",
  "SQ_FLEET_FORBIDDEN",
  "SQ_FLEET_CONFLICT",
  "SQ_FLEET_FAILED",
  "SQ_FLEET_AWAY",
  "SQ_TOO_MANY",
] as const;

export function fleetRoutes(house: House): Route[] {
  const change = (method: "put" | "post", how: "replace" | "add", summary: string): Route =>
    defineRoute({
      method,
      path: "/fleet/active",
      summary,
      keeps: false,
      body: BODY,
      answers: { 200: { about: "it was written, and who has done it so far", schema: fleetOutcome } },
      errors: [...SWITCH_ERRORS, "SQ_PROFILE_NOT_FOUND", "SQ_INVALID_ACTIVATION", "SQ_INVALID_PROFILE"],
      handle: ({ body, response }) => {
        const fleet = controllingFleetOf(house);
        const request = readFleetRequest(body, how, signerOf(fleet));
        return waiting(house, response, async () =>
          json(outcomeAnswer(await translated(fleet, () => fleet.activate(request)))),
        );
      },
    });
  const healing = z.object({ ...signedShape, wait: waitShape });
  type Healing = Call<unknown, z.output<typeof healing>>;
  const heal = ({ query, response }: Healing, id?: string): Promise<Answer> => {
    const fleet = controllingFleetOf(house);
    const { by = signerOf(fleet), why = null, wait = WAIT_DEFAULT_MS } = query;
    const request = { by, why, wait, ...(id === undefined ? {} : { id }) };
    return waiting(house, response, async () =>
      json(outcomeAnswer(await translated(fleet, () => fleet.heal(request)))),
    );
  };
  return [
    defineRoute({
      method: "get",
      path: "/fleet",
      summary: "The fleet that this daemon belongs to: its daemons, what they are under, the engine.",
      answers: { 200: { about: "the fleet, as far as the engine tells", schema: fleetView } },
      errors: ["SQ_NO_FLEET"],
      handle: async () => {
        const fleet = fleetOf(house);
        let problem: string | null = null;
        // Nobody waits for an engine that is known to be away.
        const members = fleet.view().connected
          ? await fleet.members().catch((error: unknown) => {
              problem = error instanceof Error ? error.message : String(error);
              return null;
            })
          : null;
        return json(fleetAnswer(fleet, members, problem));
      },
    }),
    change(
      "put",
      "replace",
      "Switches on what the body says, on all daemons that are meant, in place of all that the fleet has on.",
    ),
    change(
      "post",
      "add",
      "Switches on what the body says, on all daemons that are meant, beside what the fleet has on.",
    ),
    defineRoute({
      method: "delete",
      path: "/fleet/active",
      summary: "Heals the fleet: ends all that it has on, whatever that is.",
      keeps: false,
      query: healing,
      answers: { 200: { about: "the fleet has nothing on", schema: fleetOutcome } },
      errors: [...SWITCH_ERRORS],
      handle: (call) => heal(call),
    }),
    defineRoute({
      method: "delete",
      path: "/fleet/active/{id}",
      summary: "Ends one activation of the fleet.",
      params: { id: "as GET /fleet shows it" },
      keeps: false,
      query: healing,
      answers: { 200: { about: "what is still on", schema: fleetOutcome } },
      errors: [...SWITCH_ERRORS, "SQ_ACTIVATION_NOT_FOUND"],
      handle: (call) => heal(call, call.params.id),
    }),
    passRoute(house),
  ];
}

/** Who has done it, where nobody says. */
function signerOf({ daemon }: AdminFleet): string {
  return `somebody at ${daemon}`;
}

/** Whoever waits has a place among those who do, and so many of them there can be. */
async function waiting(
  { polls }: House,
  response: Call<unknown, unknown>["response"],
  run: () => Promise<Answer>,
): Promise<Answer> {
  const leave = polls.enter(response, () => undefined);
  try {
    return await run();
  } finally {
    leave();
  }
}
