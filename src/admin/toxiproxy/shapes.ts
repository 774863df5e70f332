/** The shapes of Toxiproxy's bodies and answers, as named schemas for the OpenAPI document. */
import { z } from "zod";
import { named } from "../named.js";

const attributes = (): z.ZodType => z.record(z.string(), z.union([z.number(), z.string()]));

export const toxic = named(
  "Toxic",
  z.strictObject({
    attributes: attributes(),
    name: z.string(),
    type: z.string(),
    stream: z.string().describe("upstream or downstream, as it was written"),
    toxicity: z.number(),
  }),
);

export const toxics = named("Toxics", z.array(toxic));

export const proxy = named(
  "Proxy",
  z.strictObject({
    name: z.string(),
    listen: z.string().describe("the bound address once it has listened, what was given before"),
    upstream: z.string(),
    enabled: z.boolean(),
    toxics: z.array(toxic),
  }),
);

export const proxies = named("Proxies", z.record(z.string(), proxy));
export const populated = named("Populated", z.strictObject({ proxies: z.array(proxy).nullable() }));
export const populateFailed = named(
  "PopulateFailed",
  z.strictObject({
    error: z.string(),
    status: z.int(),
    proxies: z.array(proxy).nullable().describe("those that are there all the same"),
  }),
);
export const toxiproxyVersion = named(
  "ToxiproxyVersion",
  z.strictObject({ version: z.string(), squall: z.string() }),
);
export const toxiproxyError = named("ToxiproxyError", z.strictObject({ error: z.string(), status: z.int() }));

const optional = <T extends z.ZodType>(schema: T): z.ZodOptional<z.ZodNullable<T>> =>
  schema.nullable().optional();

export const proxyBody = named(
  "ProxyBody",
  z.looseObject({
    name: optional(z.string()),
    listen: optional(z.string()).describe("host:port; any free port on all addresses if empty"),
    upstream: optional(z.string()).describe("host:port"),
    enabled: optional(z.boolean()),
  }),
);
export const populateBody = named("PopulateBody", z.array(proxyBody));
export const toxicBody = named(
  "ToxicBody",
  z.looseObject({
    name: optional(z.string()).describe("TYPE_STREAM if not given"),
    type: optional(z.string()),
    stream: optional(z.string()).describe("downstream if not given"),
    toxicity: optional(z.number()).describe("1 if not given"),
    attributes: optional(attributes()),
  }),
);
