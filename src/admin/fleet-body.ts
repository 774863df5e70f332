/** What `PUT` and `POST /fleet/active` take: what `/active` takes, and besides for whom, how long, and what is required of them. */
import { z } from "zod";
import { child, withoutBlanks, type Located } from "../config/located.js";
import { Problems } from "../config/problems.js";
import { oneOrMany, text } from "../config/shapes.js";
import { check } from "../config/validate.js";
import { ACTIVATIONS_MAX } from "../control.js";
import { choice, count, duration, flag, shown } from "../faults/params.js";
import type { BodyText } from "./body.js";
import type { FleetRequest, FleetWish } from "./fleet-house.js";
import { named } from "./named.js";
import { readTree } from "./tree.js";

/** Longer than the plan may take to a daemon that no message reaches, which is `poll`, 5 s by default. */
export const WAIT_DEFAULT_MS = 8_000;
export const WAIT_MAX_MS = 5 * 60_000;
const BY_MAX = 200;
const WHY_MAX = 500;
const PATTERNS_MAX = 100;

const scalar = z.union([z.string(), z.number(), z.boolean()], {
  error: (issue) => `expected a single value, got ${shown(issue.input)}`,
});

const percent = z
  .number({ error: (issue) => `expected a number from 0 to 100, got ${shown(issue.input)}` })
  .refine((value) => value >= 0 && value <= 100, {
    error: (issue) => `expected a number from 0 to 100, got ${shown(issue.input)}`,
  });

const wish = {
  profile: text().min(1).describe("the name of a profile of this daemon; its text goes to the others"),
  params: z.record(z.string(), scalar).optional().describe("params of the profile"),
  seed: count().optional().describe("of all draws, the same on all daemons; drawn and shown if not given"),
  ttl: duration({ positive: true }).describe(
    "ends by itself after that time, on each daemon, whatever happens",
  ),
  proxies: oneOrMany(text().min(1), "the name of a proxy").optional().describe("only on these"),
  mode: choice(["inject", "observe"])
    .optional()
    .describe("observe journals what would be hit, and does nothing"),
  daemons: oneOrMany(text().min(1).max(128), "the name of a daemon")
    .refine((patterns) => patterns.length <= PATTERNS_MAX, {
      error: `expected at most ${PATTERNS_MAX} of them`,
    })
    // Whoever looked for some and found none does not mean all of them.
    .refine((patterns) => patterns.length > 0, { error: "expected at least one, got none" })
    .optional()
    .describe("only these; a pattern such as node-* is several"),
  labels: z.record(z.string(), text()).optional().describe("only daemons with all these labels"),
  percent: percent
    .optional()
    .describe("only so many of them, chosen by a hash of the profile's and the daemon's name"),
};

export const signedShape = {
  by: text()
    .min(1)
    .max(BY_MAX, { error: `expected at most ${BY_MAX} characters` })
    .optional()
    .describe("who it is, for others"),
  why: text()
    .max(WHY_MAX, { error: `expected at most ${WHY_MAX} characters` })
    .optional()
    .describe("what for, for others"),
};

export const waitShape = duration({ max: WAIT_MAX_MS })
  .optional()
  .describe("how long to wait for the daemons to say that they have done it; 8s by default, at most 5m");

const order = {
  starts_in: duration().optional().describe("all daemons begin together, so long from now"),
  require: choice(["all", "quorum", "any", "none"])
    .optional()
    .describe("how many of those that are meant must have done it for it to count as done; all by default"),
  wait: waitShape,
  or_heal: flag()
    .optional()
    .describe("puts back what was on before, if what is required does not come in time"),
  ...signedShape,
};

const wishShape = z.strictObject(wish);
type Order = z.output<z.ZodObject<typeof order>>;
const manyShape = z.strictObject({
  ...order,
  activations: z
    .array(z.unknown())
    .max(ACTIVATIONS_MAX, { error: `expected at most ${ACTIVATIONS_MAX} activations` }),
});
const oneShape = z.strictObject({ ...wish, ...order });

/** For the OpenAPI document; what is read goes through its parts. */
export const fleetBody = named(
  "FleetActiveRequest",
  z.union([
    named("FleetActivationRequest", oneShape),
    z.strictObject({
      ...order,
      activations: z.array(named("FleetWish", wishShape)).max(ACTIVATIONS_MAX),
    }),
  ]),
);

/** Throws SQ_INVALID_ACTIVATION. `by` is who it is where nothing is said. */
export function readFleetRequest(body: BodyText, how: FleetRequest["how"], by: string): FleetRequest {
  const tree = readTree(body, "SQ_INVALID_ACTIVATION", new Set(["proxies", "daemons"]));
  const problems = new Problems();
  const request = requestOf(tree, problems);
  problems.throwIfAny("SQ_INVALID_ACTIVATION");
  if (request === null) throw problems.error("SQ_INVALID_ACTIVATION");
  return { ...request, how, by: request.by === "" ? by : request.by };
}

function requestOf(tree: Located, problems: Problems): Omit<FleetRequest, "how"> | null {
  const map = tree.kind === "map" ? withoutBlanks(tree) : tree;
  const faults = child(map, "faults");
  if (faults !== undefined && map.kind === "map") {
    problems.add(
      faults,
      "a fleet takes profiles, and these faults are in none",
      "PUT /profiles/NAME makes one of them",
    );
    return null;
  }
  const list = child(map, "activations");
  if (list === undefined) {
    const one = check(oneShape, map, problems);
    return one === undefined ? null : { ...orderOf(one), activations: [wishOf(one)] };
  }
  const many = check(manyShape, map, problems);
  if (many === undefined || list.kind !== "list") return null;
  const activations = list.items.flatMap((item): FleetWish[] => {
    const found = check(wishShape, item.kind === "map" ? withoutBlanks(item) : item, problems);
    return found === undefined ? [] : [wishOf(found)];
  });
  return { ...orderOf(many), activations };
}

function orderOf(given: Order): Omit<FleetRequest, "how" | "activations"> {
  return {
    startsIn: given.starts_in ?? 0,
    require: given.require ?? "all",
    wait: given.wait ?? WAIT_DEFAULT_MS,
    orHeal: given.or_heal ?? false,
    by: given.by ?? "",
    why: given.why ?? null,
  };
}

function wishOf(given: z.output<typeof wishShape>): FleetWish {
  const {
    profile,
    params = {},
    seed,
    ttl,
    proxies,
    mode,
    daemons = [],
    labels = {},
    percent: share = 100,
  } = given;
  return {
    profile,
    params,
    ttl,
    targets: { daemons, labels, percent: share },
    ...(seed === undefined ? {} : { seed }),
    ...(proxies === undefined ? {} : { proxies }),
    ...(mode === undefined ? {} : { mode }),
  };
}
