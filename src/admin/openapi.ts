/** The OpenAPI 3.1 document, made from the same routes that express is: the two cannot drift. */
import { z } from "zod";
import { ERRORS, type ErrorCode } from "../core/errors.js";
import { names } from "./named.js";
import { wireForms } from "./query.js";
import type { AnswerSpec, BodySpec, Route } from "./route.js";

type Json = Readonly<Record<string, unknown>>;

const ERROR = { "application/json": { schema: ref("Error") } };
const TOXIPROXY_ERROR = { "text/plain": { schema: ref("ToxiproxyError") } };

export function openApiDocument(routes: readonly Route[], version: string, token: boolean): Json {
  const paths: Record<string, Record<string, Json>> = {};
  for (const route of routes) (paths[route.path] ??= {})[route.method] = operation(route, token);
  return {
    openapi: "3.1.0",
    info: {
      title: "Squall",
      version,
      summary: "Fault profiles for the traffic between bots and their server.",
      description:
        "Every GET answers HEAD as well. Errors are JSON with a stable code; those of Toxiproxy's calls are as Toxiproxy has them.",
    },
    paths,
    components: {
      schemas: componentSchemas(),
      ...(token ? { securitySchemes: { token: { type: "http", scheme: "bearer" } } } : {}),
    },
  };
}

function ref(id: string): Json {
  return { $ref: `#/components/schemas/${id}` };
}

function operation(route: Route, token: boolean): Json {
  const parameters = [...pathParameters(route), ...queryParameters(route)];
  return {
    operationId: operationId(route),
    summary: route.summary,
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(route.body === undefined ? {} : { requestBody: requestBody(route.body) }),
    responses: {
      ...Object.fromEntries(
        Object.entries(route.answers).map(([status, answer]) => [status, response(answer)]),
      ),
      ...errorResponses(route),
      default: { description: "another error", content: errorContent(route) },
    },
    ...(token && route.open !== true ? { security: [{ token: [] }] } : {}),
  };
}

/** `put-active-id`: stable, and readable where clients are generated. */
function operationId({ method, path }: Route): string {
  const words = path.split(/[^a-z-]+/u).filter((word) => word !== "");
  return [method, ...(words.length === 0 ? ["index"] : words)].join("-");
}

function pathParameters({ params = {} }: Route): Json[] {
  return Object.entries(params).map(([name, description]) => ({
    name,
    in: "path",
    required: true,
    description,
    schema: { type: "string" },
  }));
}

function queryParameters({ query }: Route): Json[] {
  return Object.entries(query?.shape ?? {}).map(([name, field]) => {
    const { description, ...schema } = jsonSchema(field, "input");
    return { name, in: "query", ...(description === undefined ? {} : { description }), schema };
  });
}

function requestBody({ about, required, schema, types, example }: BodySpec): Json {
  const json = schema === undefined ? {} : { schema: reference(schema) };
  const other = { ...(schema === undefined ? { schema: { type: "string" } } : json) };
  return {
    description: about,
    required,
    content: {
      "application/json": {
        ...json,
        ...(isJson(example) ? { example: JSON.parse(example) as unknown } : {}),
      },
      ...Object.fromEntries(types.map((type) => [type, isJson(example) ? other : { ...other, example }])),
    },
  };
}

function isJson(example: string): boolean {
  return /^[[{]/u.test(example);
}

function response({ about, schema, types = [] }: AnswerSpec): Json {
  const content = {
    ...(schema === undefined ? {} : { "application/json": { schema: reference(schema) } }),
    ...Object.fromEntries(types.map((type) => [type, { schema: { type: "string" } }])),
  };
  return { description: about, ...(Object.keys(content).length === 0 ? {} : { content }) };
}

/** A token or a host that is refused is told in our own form, whatever call it was for. */
function errorContent({ dialect }: Route): Json {
  return dialect === "toxiproxy" ? { ...TOXIPROXY_ERROR, ...ERROR } : ERROR;
}

function errorResponses(route: Route): Json {
  const codes: readonly ErrorCode[] = route.errors ?? [];
  const content = route.dialect === "toxiproxy" ? TOXIPROXY_ERROR : ERROR;
  const byStatus = new Map<number, string[]>();
  for (const code of codes) {
    const { status, about } = ERRORS[code];
    byStatus.set(status, [...(byStatus.get(status) ?? []), `${code}: ${about}`]);
  }
  return Object.fromEntries(
    [...byStatus].map(([status, lines]) => [status, { description: lines.join(" "), content }]),
  );
}

function reference(schema: z.ZodType): Json {
  const id = names.get(schema)?.id;
  return id === undefined ? jsonSchema(schema, "output") : ref(id);
}

function jsonSchema(schema: z.core.$ZodType, io: "input" | "output"): Json {
  return cleaned(
    z.toJSONSchema(schema, {
      io,
      unrepresentable: "any",
      override: ({ zodSchema, jsonSchema: made }) => {
        const form = wireForms.get(zodSchema);
        if (form === undefined) return;
        for (const key of Object.keys(made)) if (key !== "description") Reflect.deleteProperty(made, key);
        Object.assign(made, form);
      },
    }),
  );
}

let components: Json | null = null;

/** All named schemas, which are the same for every daemon of a process. They are what goes over the wire, so quantities are text. */
function componentSchemas(): Json {
  return (components ??= madeComponents());
}

function madeComponents(): Json {
  const { schemas } = z.toJSONSchema(names, {
    uri: (id) => `#/components/schemas/${id}`,
    io: "input",
    unrepresentable: "any",
  });
  return Object.fromEntries(
    Object.entries(schemas)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([id, schema]) => [id, cleaned(schema)]),
  );
}

function cleaned(schema: object): Json {
  const { $schema: _dialect, $id: _id, ...rest } = schema as Record<string, unknown>;
  return rest;
}
