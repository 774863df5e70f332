/** The JSON Schema of squall.run.yaml for editors, made of the zod source that validates; its proxies are those of squall.yaml. */
import { jsonSchemas, openSchema } from "../../config/schema.js";
import { runShape } from "./shape.js";

type Json = Readonly<Record<string, unknown>>;

export function runSchema(): Json {
  const { squall } = jsonSchemas(new Map());
  const root = openSchema(runShape);
  const proxies = part(part(squall, "properties"), "proxies");
  const proxy = part(proxies, "additionalProperties");
  return {
    $schema: squall["$schema"],
    $id: "urn:squall:schema:run",
    title: "Squall run file",
    description: "squall.run.yaml: what a sweep runs, against what, and how it is judged.",
    ...root,
    properties: {
      ...part(root, "properties"),
      proxies: {
        ...proxies,
        description: "as in squall.yaml, and on top of it; without listen on a free port of loopback",
        additionalProperties: { ...proxy, required: [] },
      },
    },
    $defs: squall["$defs"],
  };
}

function part(schema: Json, key: string): Json {
  const found = schema[key];
  return typeof found === "object" && found !== null ? (found as Json) : {};
}
