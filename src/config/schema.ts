/**
 * JSON Schemas for editors, made of the same zod sources that validate. They are a little more lenient
 * than the daemon: what hangs on parents, on params or on the surroundings is left to `squall validate`.
 */
import { z } from "zod";
import type { AnyFaultType } from "../faults/contract/index.js";
import { quantityOf } from "../faults/params.js";
import { aboutExchanges } from "../faults/subjects.js";
import { drawShape, keyedKind } from "./draw.js";
import { identifyShape } from "./identify.js";
import { exchangeMatchShape, matchShape, queryMatchShape } from "./match.js";
import { configShape } from "./settings.js";
import {
  about,
  NAME_PATTERN,
  exchangeWhenShape,
  paramShape,
  phaseShape,
  profileShape,
  reservedShape,
  whenShape,
} from "./shapes.js";

type Json = Readonly<Record<string, unknown>>;

const DIALECT = "https://json-schema.org/draft/2020-12/schema";
const REFERENCE: Json = { $ref: "#/$defs/reference" };

export function jsonSchemas(types: ReadonlyMap<string, AnyFaultType>): {
  readonly profile: Json;
  readonly squall: Json;
} {
  let profile: Json | null = null;
  let squall: Json | null = null;
  // Made when somebody asks: most daemons are never asked, and it takes as long as opening all ports.
  return {
    get profile() {
      return (profile ??= profileSchema(types));
    },
    get squall() {
      return (squall ??= squallSchema());
    },
  };
}

function profileSchema(types: ReadonlyMap<string, AnyFaultType>): Json {
  const root = open(toJson(profileShape));
  const properties = partsOf(root, "properties");
  const phase = open(toJson(phaseShape));
  const names = partsOf(toJson(phaseShape.pick({ phase: true })), "properties");
  const listOf = (name: string): Json => ({ type: "array", items: { $ref: `#/$defs/${name}` } });
  return {
    $schema: DIALECT,
    $id: "urn:squall:schema:profile",
    title: "Squall profile",
    description: "Faults, or phases of faults in time, that are switched on by name.",
    ...root,
    properties: {
      ...properties,
      // Without the references to params that other keys may have.
      ...partsOf(toJson(about.extend({ case: profileShape.shape.case })), "properties"),
      params: {
        description: described(properties.params),
        type: "object",
        propertyNames: { pattern: NAME_PATTERN.source },
        additionalProperties: {
          anyOf: [{ type: ["string", "number", "boolean", "null"] }, toJson(paramShape)],
        },
      },
      faults: { description: described(properties.faults), type: "array" },
      phases: { description: described(properties.phases), ...listOf("phase"), minItems: 1 },
    },
    // With a parent a fault may be given in part: the rest is inherited.
    if: { required: ["extends"] },
    then: { properties: { faults: listOf("fault") } },
    else: { properties: { faults: listOf("whole_fault") } },
    $defs: {
      reference: { type: "string", pattern: String.raw`\$\{`, description: "a value with ${param} in it" },
      phase: {
        ...phase,
        properties: { ...partsOf(phase, "properties"), ...names, faults: listOf("whole_fault") },
      },
      match: matchDefinition(matchShape),
      when: whenDefinition(whenShape),
      exchange_match: matchDefinition(exchangeMatchShape),
      query_match: matchDefinition(queryMatchShape),
      exchange_when: whenDefinition(exchangeWhenShape),
      ...faultDefinitions(types),
    },
  };
}

function matchDefinition(shape: z.ZodObject): Json {
  const entry = { ...open(toJson(shape)), minProperties: 1 };
  return { anyOf: [entry, { type: "array", items: entry }] };
}

function whenDefinition(shape: z.ZodObject): Json {
  const when = open(toJson(shape));
  const properties = partsOf(when, "properties");
  return { ...when, properties: { ...properties, probability: ramped(properties.probability) } };
}

/** `fault` knows which parameters each type has, `whole_fault` also which of them it needs. */
function faultDefinitions(types: ReadonlyMap<string, AnyFaultType>): Json {
  const names = [...types.keys()];
  const isType = (name: string): Json => ({ properties: { type: { const: name } }, required: ["type"] });
  const definitions = Object.fromEntries(
    [...types].map(([name, type]) => [`fault_${name}`, faultDefinition(type)]),
  );
  const needs = [...types].flatMap(([name, type]) => {
    const needed = requiredOf(toJson(type.params));
    return needed.length === 0 ? [] : [{ if: isType(name), then: { required: needed } }];
  });
  return {
    fault: {
      type: "object",
      properties: { type: { description: "the fault type", enum: names } },
      anyOf: [{ required: ["type"] }, { required: ["name"] }],
      allOf: names.map((name) => ({ if: isType(name), then: { $ref: `#/$defs/fault_${name}` } })),
    },
    whole_fault: { $ref: "#/$defs/fault", required: ["type"], allOf: needs },
    ...definitions,
  };
}

function faultDefinition(type: AnyFaultType): Json {
  const { direction, ...reserved } = partsOf(open(toJson(reservedShape)), "properties");
  const { name } = partsOf(toJson(reservedShape), "properties");
  const params = Object.entries(partsOf(open(toJson(type.params)), "properties")).map(([key, schema]) => {
    const source = type.params.shape[key];
    return [key, source !== undefined && quantityOf(source) !== undefined ? ramped(schema) : schema];
  });
  const exchanges = aboutExchanges(type);
  const subjects = nounOf(type);
  const prefix = (name: string): string =>
    type.query !== undefined && name === "match" ? "query_" : exchanges ? "exchange_" : "";
  const definition = (name: string): string => `#/$defs/${prefix(name)}${name}`;
  return {
    title: type.type,
    description: type.summary,
    type: "object",
    properties: {
      type: { const: type.type, description: type.summary },
      ...Object.fromEntries(params),
      ...reserved,
      name,
      ...(type.directions === null ? {} : { direction: { ...direction, default: type.directions } }),
      ...(type.at === undefined ? {} : { at: placeDefinition(type.at) }),
      match: { $ref: definition("match"), description: `the ${subjects} it is about; all by default` },
      except: { $ref: definition("match"), description: `${subjects} that it leaves alone` },
      when: { $ref: definition("when"), description: `which of the matching ${subjects} are hit` },
      ...drawProperty(type),
    },
    additionalProperties: false,
    examples: [type.example],
  };
}

function drawProperty(type: AnyFaultType): Record<string, Json> {
  const kind = keyedKind(type);
  if (kind === null) return {};
  const description =
    "what names its draws in place of a number, so that the same request meets the same fate anywhere";
  return { draw: { description, ...open(toJson(drawShape(kind))) } };
}

function nounOf(type: AnyFaultType): string {
  if (type.query !== undefined) return "DNS queries";
  if (type.handshake !== undefined) return "TLS handshakes";
  return aboutExchanges(type) ? "exchanges" : "connections";
}

function placeDefinition(places: readonly string[]): Json {
  const place = { description: "where it acts", default: places[0], type: "string", enum: places };
  return alternatives(place, [REFERENCE]);
}

function squallSchema(): Json {
  const root = open(toJson(configShape));
  const properties = partsOf(root, "properties");
  const proxies = asJson(properties.proxies);
  const proxy = asJson(proxies.additionalProperties);
  const { status: _status, ...known } = exchangeMatchShape.shape;
  return {
    $schema: DIALECT,
    $id: "urn:squall:schema:squall",
    title: "Squall configuration",
    description: "squall.yaml: the proxies, the admin port, and where profiles come from.",
    ...root,
    properties: {
      ...properties,
      proxies: {
        ...proxies,
        description: "the listeners, by name",
        propertyNames: { pattern: NAME_PATTERN.source },
        additionalProperties: {
          ...proxy,
          properties: {
            ...partsOf(proxy, "properties"),
            identify: {
              description: "how a bot is known: the first rule that answers; client by default",
              ...open(toJson(identifyShape)),
            },
            except: {
              description: "what is never faulted",
              ...matchDefinition(z.strictObject({ ...known, ...queryMatchShape.shape })),
            },
          },
        },
      },
    },
    $defs: {
      reference: { type: "string", pattern: String.raw`\$\{`, description: "a value with ${VARIABLE} in it" },
    },
  };
}

// ------------------------------------------------------------------------------------------------
// JSON Schemas as data.

function toJson(schema: z.ZodType): Json {
  const { $schema: _dialect, ...json } = z.toJSONSchema(schema, {
    io: "input",
    target: "draft-2020-12",
    unrepresentable: "any",
  });
  return json;
}

function asJson(value: unknown): Json {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : {};
}

function partsOf(schema: Json, key: "properties"): Record<string, Json> {
  return asJson(schema[key]) as Record<string, Json>;
}

function requiredOf(schema: Json): string[] {
  return Array.isArray(schema.required) ? schema.required.filter((key) => typeof key === "string") : [];
}

function described(schema: Json | undefined): string {
  return typeof schema?.description === "string" ? schema.description : "";
}

/** The JSON Schema of another kind of file in which `${VARIABLE}` may stand for a value; `#/$defs/reference` is to be among its definitions. */
export function openSchema(shape: z.ZodType): Json {
  return open(toJson(shape));
}

/** Lets `${x}` stand wherever a value may stand that is not free text anyway. */
function open(schema: Json): Json {
  if (schema.type === "object" || "properties" in schema) {
    const properties = Object.entries(partsOf(schema, "properties")).map(([key, part]) => [key, open(part)]);
    const more = schema.additionalProperties;
    return {
      ...schema,
      ...("properties" in schema ? { properties: Object.fromEntries(properties) } : {}),
      ...(typeof more === "object" && more !== null ? { additionalProperties: open(asJson(more)) } : {}),
    };
  }
  // Every number that may be written is a whole one; zod sees that in code that a schema cannot show.
  if (schema.type === "number") return alternatives({ ...schema, type: "integer" }, [REFERENCE]);
  if (schema.type === "array") return { ...schema, items: open(asJson(schema.items)) };
  if (Array.isArray(schema.anyOf))
    return { ...schema, anyOf: [...schema.anyOf.map((form) => opened(asJson(form))), REFERENCE] };
  if (Object.keys(schema).every((key) => key === "description") || isFreeText(schema)) return schema;
  return alternatives(schema, [REFERENCE]);
}

/** A form of a union: only what is inside of it is opened, since the union takes the reference itself. */
function opened(form: Json): Json {
  if (form.type === "number") return { ...form, type: "integer" };
  return form.type === "object" || form.type === "array" ? open(form) : form;
}

function isFreeText(schema: Json): boolean {
  return schema.type === "string" && !("pattern" in schema) && !("enum" in schema) && !("const" in schema);
}

/** Also lets a ramp stand there. */
function ramped(schema: Json | undefined): Json {
  const plain = schema ?? {};
  const { description: _description, default: _default, ...end } = plain;
  const ramp = {
    type: "object",
    description: "a linear ramp over the phase",
    properties: { from: end, to: end },
    required: ["from", "to"],
    additionalProperties: false,
  };
  return alternatives(plain, [ramp]);
}

/** One schema or another, with what editors show of it kept on top. */
function alternatives(schema: Json, others: readonly Json[]): Json {
  const { description, default: fallback, ...rest } = schema;
  const forms = Array.isArray(rest.anyOf) ? (rest.anyOf as Json[]) : [rest];
  return {
    ...(description === undefined ? {} : { description }),
    ...(fallback === undefined ? {} : { default: fallback }),
    anyOf: [...forms, ...others],
  };
}
