/** The parts of the OpenAPI 3.1 meta-schema that our document uses, each closed: what is not here, we do not write. */
const text = { type: "string", minLength: 1 };
const schema = { $ref: "https://json-schema.org/draft/2020-12/schema" };
const mapOf = (values: object): object => ({ type: "object", additionalProperties: values });
const closed = (properties: Readonly<Record<string, object>>, required: readonly string[]): object => ({
  type: "object",
  properties,
  required,
  additionalProperties: false,
});

const media = closed({ schema, example: {} }, []);

const response = closed({ description: text, content: mapOf(media) }, ["description"]);

const parameter = closed(
  {
    name: text,
    in: { enum: ["path", "query"] },
    required: { type: "boolean" },
    description: text,
    schema,
  },
  ["name", "in", "schema"],
);

const operation = closed(
  {
    operationId: { type: "string", pattern: "^[a-z-]+$" },
    summary: text,
    parameters: { type: "array", items: parameter, uniqueItems: true },
    requestBody: closed({ description: text, required: { type: "boolean" }, content: mapOf(media) }, [
      "content",
    ]),
    responses: {
      type: "object",
      propertyNames: { pattern: "^(?:[1-5]\\d\\d|default)$" },
      additionalProperties: response,
      minProperties: 1,
    },
    security: { type: "array", items: mapOf({ type: "array", items: text }) },
  },
  ["operationId", "responses"],
);

export const OPENAPI_31 = closed(
  {
    openapi: { const: "3.1.0" },
    info: closed({ title: text, version: text, summary: text, description: text }, ["title", "version"]),
    paths: {
      type: "object",
      propertyNames: { pattern: "^/" },
      additionalProperties: {
        type: "object",
        propertyNames: { enum: ["get", "put", "post", "patch", "delete"] },
        additionalProperties: operation,
      },
    },
    components: closed(
      {
        schemas: { type: "object", propertyNames: { pattern: "^[\\w.-]+$" }, additionalProperties: schema },
        securitySchemes: mapOf(
          closed({ type: { const: "http" }, scheme: { const: "bearer" } }, ["type", "scheme"]),
        ),
      },
      [],
    ),
  },
  ["openapi", "info", "paths"],
);
