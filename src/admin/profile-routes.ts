/** The calls around the profile library. Names come from the path and never go near the file system. */
import type { Request } from "express";
import { z } from "zod";
import { SquallError } from "../core/errors.js";
import { profileDetail, profileList } from "./answers.js";
import type { BodyText } from "./body.js";
import type { House } from "./house.js";
import { choice } from "../faults/params.js";
import { defineRoute, json, noContent, text, type Route } from "./route.js";

const YAML_TYPES = ["text/yaml", "application/yaml"] as const;
const NAME = { name: "the name of the profile" };

export function profileRoutes({ control }: House): Route[] {
  return [
    defineRoute({
      method: "get",
      path: "/profiles",
      heavy: true,
      summary: "The profiles that can be switched on.",
      answers: { 200: { about: "all of them, by name", schema: profileList } },
      handle: () => json({ profiles: control.profiles.list() }),
    }),
    defineRoute({
      method: "get",
      path: "/profiles/{name}",
      heavy: true,
      summary: "One profile, with its text and a sentence for each fault.",
      params: NAME,
      query: z.object({ format: choice(["json", "yaml"]).optional().describe("yaml for its text alone") }),
      answers: { 200: { about: "the profile", schema: profileDetail, types: [YAML_TYPES[0]] } },
      errors: ["SQ_PROFILE_NOT_FOUND"],
      handle: ({ params, query, request }) => {
        const profile = control.profiles.find(params.name);
        const yaml = query.format === undefined ? prefersYaml(request) : query.format === "yaml";
        return yaml ? text(profile.text, `${YAML_TYPES[0]}; charset=utf-8`) : json(profile);
      },
    }),
    defineRoute({
      method: "put",
      path: "/profiles/{name}",
      heavy: true,
      summary: "Adds or replaces a profile in memory; where it is on, it goes on with the new text.",
      params: NAME,
      body: {
        about: "the profile as YAML or JSON, whatever the content type says",
        required: true,
        types: YAML_TYPES,
        example: "profile: slow\nfaults: [{ type: latency, delay: 200ms }]\n",
      },
      answers: {
        200: { about: "replaced", schema: profileDetail },
        201: { about: "new", schema: profileDetail },
      },
      errors: ["SQ_INVALID_PROFILE", "SQ_INVALID_ACTIVATION", "SQ_TOO_MANY"],
      handle: ({ params, body }) => {
        const known = control.profiles.list().some(({ name }) => name === params.name);
        return json(put(params.name, body, control), known ? 200 : 201);
      },
    }),
    defineRoute({
      method: "delete",
      path: "/profiles/{name}",
      summary: "Takes a profile out of memory; one that a file has underneath comes back.",
      params: NAME,
      answers: { 204: { about: "gone" } },
      errors: ["SQ_PROFILE_NOT_FOUND", "SQ_PROFILE_IN_FILE", "SQ_INVALID_PROFILE", "SQ_INVALID_ACTIVATION"],
      handle: ({ params }) => {
        control.profiles.delete(params.name);
        return noContent;
      },
    }),
  ];
}

function prefersYaml(request: Request): boolean {
  const best = request.accepts(["application/json", ...YAML_TYPES]);
  return best !== false && best !== "application/json";
}

function put(name: string, { text: written, form }: BodyText, control: House["control"]): unknown {
  try {
    return control.profiles.put(name, written);
  } catch (error) {
    // The commonest way to break a good file, and nothing in its text says so.
    if (!(error instanceof SquallError) || !form || written.includes("\n")) throw error;
    throw new SquallError(error.code, error.message, {
      hint: "curl -d takes the line ends away: use -T FILE or --data-binary @FILE",
      ...(error.details === undefined ? {} : { details: error.details }),
    });
  }
}
