/** What `PUT` and `POST /active` take: one profile, faults of its own, or several activations at once. */
import { z } from "zod";
import { child, withoutBlanks, type Located, type LocatedMap } from "../config/located.js";
import { Problems } from "../config/problems.js";
import { oneOrMany, text } from "../config/shapes.js";
import { check } from "../config/validate.js";
import { ACTIVATIONS_MAX } from "../control.js";
import type { ActivationInput } from "../control/requests.js";
import { choice, count, duration, shown } from "../faults/params.js";
import { named } from "./named.js";
import type { BodyText } from "./body.js";
import { readTree } from "./tree.js";

const scalar = z.union([z.string(), z.number(), z.boolean()], {
  error: (issue) => `expected a single value, got ${shown(issue.input)}`,
});

const common = {
  seed: count().optional().describe("of all draws; drawn and shown if not given"),
  ttl: duration({ positive: true }).optional().describe("ends by itself after that time, such as 30s"),
  proxies: oneOrMany(text().min(1), "the name of a proxy").optional().describe("only on these"),
  mode: choice(["inject", "observe"])
    .optional()
    .describe("observe journals what would be hit, and does nothing"),
};

const oneShape = z.strictObject({
  profile: text().min(1).optional().describe("the name of a profile"),
  faults: z.array(z.unknown()).optional().describe("faults as a profile has them, instead of a profile"),
  params: z.record(z.string(), scalar).optional().describe("params of the profile"),
  ...common,
});

const manyShape = z.strictObject({
  activations: z
    .array(z.unknown())
    .max(ACTIVATIONS_MAX, { error: `expected at most ${ACTIVATIONS_MAX} activations` }),
});

const oneBody = named("ActivationRequest", oneShape);

/** For the OpenAPI document; what is read goes through its parts. */
export const activationBody = named(
  "ActiveRequest",
  z.union([oneBody, z.strictObject({ activations: z.array(oneBody).max(ACTIVATIONS_MAX) })]),
);

export function readActivations(body: BodyText): ActivationInput[] {
  const tree = readTree(body, "SQ_INVALID_ACTIVATION", new Set(["proxies"]));
  const problems = new Problems();
  const inputs = activationsOf(tree, problems);
  problems.throwIfAny("SQ_INVALID_ACTIVATION");
  return inputs;
}

function activationsOf(tree: Located, problems: Problems): ActivationInput[] {
  const map = tree.kind === "map" ? withoutBlanks(tree) : tree;
  const list = child(map, "activations");
  if (list === undefined) return oneOf(map, problems);
  if (check(manyShape, map, problems) === undefined || list.kind !== "list") return [];
  return list.items.flatMap((item) => oneOf(item.kind === "map" ? withoutBlanks(item) : item, problems));
}

function oneOf(node: Located, problems: Problems): ActivationInput[] {
  const given = check(oneShape, node, problems);
  if (given === undefined || node.kind !== "map") return [];
  const what = whatOf(node, given.profile, problems);
  const { params, seed, ttl, proxies, mode } = given;
  if (what === null) return [];
  return [
    {
      what,
      ...(params === undefined ? {} : { params }),
      ...(seed === undefined ? {} : { seed }),
      ...(ttl === undefined ? {} : { ttl }),
      ...(proxies === undefined ? {} : { proxies }),
      ...(mode === undefined ? {} : { mode }),
    },
  ];
}

function whatOf(
  node: LocatedMap,
  profile: string | undefined,
  problems: Problems,
): ActivationInput["what"] | null {
  const faults = child(node, "faults");
  if (profile === undefined && faults === undefined) {
    problems.add(node, "expected a profile or faults", 'such as {"profile": "NAME"}');
    return null;
  }
  if (faults === undefined) return { profile: profile ?? "" };
  if (profile !== undefined) {
    problems.add(faults, "expected a profile or faults, got both", "for both at once send activations");
    return null;
  }
  const params = child(node, "params");
  if (params !== undefined) {
    problems.add(params, "params belong to a profile, and here are only faults");
    return null;
  }
  return { faults };
}
