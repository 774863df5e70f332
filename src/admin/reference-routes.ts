/** The calls that say what there is: fault types, schemas, the OpenAPI document, and an index of all calls. */
import { document, faultTypes } from "./answers.js";
import { faultTypeViews } from "./fault-types.js";
import type { House } from "./house.js";
import { textIndex } from "./index-page.js";
import { defineRoute, json, text, type Route } from "./route.js";

/** `table` answers all routes, these among them. */
export function referenceRoutes(house: House, table: () => readonly Route[], openapi: () => object): Route[] {
  const { types, schemas, about } = house;
  const schema = (path: string, summary: string, content: () => object): Route =>
    defineRoute({
      method: "get",
      path,
      summary,
      answers: { 200: { about: "JSON Schema, draft 2020-12", schema: document } },
      handle: () => json(content()),
    });
  return [
    defineRoute({
      method: "get",
      path: "/fault-types",
      heavy: true,
      summary: "The types of faults, with their parameters and effects.",
      answers: { 200: { about: "all of them", schema: faultTypes } },
      handle: () => json({ types: faultTypeViews(types) }),
    }),
    defineRoute({
      method: "get",
      path: "/openapi.json",
      heavy: true,
      summary: "This API as an OpenAPI 3.1 document.",
      answers: { 200: { about: "the document", schema: document } },
      handle: () => json(openapi()),
    }),
    schema("/schema/profile.schema.json", "What a profile looks like, for editors.", () => schemas.profile),
    schema("/schema/squall.schema.json", "What squall.yaml looks like, for editors.", () => schemas.squall),
    defineRoute({
      method: "get",
      path: "/",
      summary: "This list; a browser is sent to the dashboard.",
      answers: {
        200: { about: "all calls, for people", types: ["text/plain"] },
        302: { about: "to the dashboard, for whoever prefers text/html" },
      },
      handle: () => text(textIndex(table(), about.version), "text/plain; charset=utf-8"),
    }),
  ];
}
