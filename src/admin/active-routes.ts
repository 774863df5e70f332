/** The calls that switch faults on and off. All of them answer at once, except those that ask to wait. */
import { z } from "zod";
import { leftBy } from "../control/active-view.js";
import { duration } from "../faults/params.js";
import { activationBody, readActivations } from "./activation-body.js";
import { active, activeWaited, healed } from "./answers.js";
import type { House } from "./house.js";
import { goalOf, waitFor } from "./polls.js";
import { wholeNumber, word } from "./query.js";
import { defineRoute, json, type BodySpec, type Route } from "./route.js";

const WAIT_DEFAULT_MS = 30_000;
const WAIT_MAX_MS = 5 * 60_000;

const BODY: BodySpec = {
  about: "JSON, YAML or form data; what begins with { is JSON whatever the content type says",
  required: true,
  schema: activationBody,
  types: ["application/x-www-form-urlencoded", "text/yaml"],
  example: '{"profile": "lost-ack", "seed": 7, "ttl": "30s"}',
};

export function activeRoutes({ control, clock, polls }: House): Route[] {
  const change = (method: "put" | "post", how: "replace" | "add", summary: string): Route =>
    defineRoute({
      method,
      path: "/active",
      summary,
      body: BODY,
      answers: { 200: { about: "what is on now", schema: active } },
      errors: ["SQ_PROFILE_NOT_FOUND", "SQ_INVALID_ACTIVATION", "SQ_INVALID_PROFILE", "SQ_TOO_MANY"],
      handle: ({ body }) => json(control.activate(readActivations(body), how)),
    });
  return [
    defineRoute({
      method: "get",
      path: "/active",
      summary: "What is on; with wait, as soon as it gets there.",
      query: z.object({
        wait: word().optional().describe("phase:NAME, end (nothing is on) or change"),
        timeout: duration({ max: WAIT_MAX_MS })
          .optional()
          .describe("how long to wait; 30s by default, at most 5m"),
        revision: wholeNumber(0, Number.MAX_SAFE_INTEGER)
          .optional()
          .describe("with wait=change: answers at once if the plan has another revision already"),
      }),
      answers: { 200: { about: "what is on", schema: activeWaited } },
      errors: ["SQ_TOO_MANY"],
      handle: async ({ query, response }) => {
        const { wait, timeout = WAIT_DEFAULT_MS, revision } = query;
        if (wait === undefined) return json(control.active());
        const came = await waitFor(goalOf(wait, revision), timeout, { control, clock, polls, response });
        return json({ ...control.active(), timed_out: !came });
      },
    }),
    change("put", "replace", "Switches on what the body says, in place of all that is on."),
    change("post", "add", "Switches on what the body says, beside what is on."),
    defineRoute({
      method: "delete",
      path: "/active",
      summary:
        "Heals: ends all activations; connections are kept, and so are faults that proxies have of their own.",
      query: z.object({
        own: z
          .enum(["true", "false"], { error: "expected true or false" })
          .optional()
          .describe(
            "true: the faults that proxies have of their own, toxics among them, are taken away as well",
          ),
      }),
      answers: { 200: { about: "no activation is on", schema: healed } },
      handle: ({ query }) => {
        const done = control.heal(query.own === "true");
        const now = control.active();
        return json({ ...now, ...done, left: leftBy(now) });
      },
    }),
    defineRoute({
      method: "delete",
      path: "/active/{id}",
      summary: "Ends one activation.",
      params: { id: "as GET /active shows it" },
      answers: { 200: { about: "what is still on", schema: healed } },
      errors: ["SQ_ACTIVATION_NOT_FOUND"],
      handle: ({ params }) => {
        const ended = control.end(params.id);
        const now = control.active();
        return json({ ...now, ended, removed: 0, left: leftBy(now) });
      },
    }),
  ];
}
