/** Routes of OpenAPI descriptions, of all versions and forms; and what is said of a file that is none. */
import { describe, expect, it } from "vitest";
import { pathMistake } from "../../../src/config/pattern.js";
import { OpenApiError, routesOfOpenApi } from "../../../src/sweep/sites/openapi.js";
import { mostParticularFirst } from "../../../src/sweep/sites/routes.js";

const PATHS = { "/jobs/{id}": { get: {} }, "/jobs/next": { get: {} } };
const routesOf = (tree: unknown): string[] => routesOfOpenApi(JSON.stringify(tree));

describe("the routes of an OpenAPI description", () => {
  it.each<readonly [why: string, tree: unknown, routes: readonly string[]]>([
    ["3.0 without servers", { openapi: "3.0.3", paths: PATHS }, ["/jobs/:id", "/jobs/next"]],
    [
      "3.1 with a server",
      { openapi: "3.1.0", servers: [{ url: "https://api.example.com/v2/" }], paths: PATHS },
      ["/v2/jobs/:id", "/v2/jobs/next"],
    ],
    [
      "servers with a relative path, and with variables",
      {
        openapi: "3.0.0",
        servers: [
          { url: "/a" },
          {
            url: "{scheme}://{host}/{base}",
            variables: { base: { default: "v1" }, host: { default: "h" }, scheme: { default: "http" } },
          },
        ],
        paths: { "/x": {} },
      },
      ["/a/x", "/v1/x"],
    ],
    [
      "a variable of a server without a default",
      { openapi: "3.0.0", servers: [{ url: "https://example.com/{tenant}" }], paths: { "/x": {} } },
      ["/:tenant/x"],
    ],
    [
      "a path with servers of its own",
      { openapi: "3.0.0", servers: [{ url: "/a" }], paths: { "/x": { servers: [{ url: "/b" }] } } },
      ["/b/x"],
    ],
    ["Swagger 2.0", { swagger: "2.0", basePath: "/api", paths: PATHS }, ["/api/jobs/:id", "/api/jobs/next"]],
    [
      "parameters within segments, and names that patterns do not take",
      {
        openapi: "3.0.0",
        paths: { "/a/{x-y}/{1}.zip": {}, "/b/{ref}...{head}": {}, "/c:run": {}, "/d?op=1": {}, "x-own": {} },
      },
      ["/a/:x_y/*.zip", "/b/*...*", "/c:run", "/d"],
    ],
  ])("%s", (_why, tree, routes) => {
    expect(routesOf(tree)).toStrictEqual(routes);
    for (const route of routes) expect(pathMistake(route)).toBeUndefined();
  });

  it("is read from YAML as from JSON", () => {
    const yaml = `openapi: 3.1.0\nservers:\n  - url: https://api.example.com/v1\npaths:\n  /jobs/{id}:\n    get: {}\n`;
    expect(routesOfOpenApi(yaml)).toStrictEqual(["/v1/jobs/:id"]);
  });

  it.each<readonly [text: string, message: string]>([
    ["[1]", "is no mapping, so it is no OpenAPI description"],
    ["a: 1", "has neither `openapi` nor `swagger`, so it is no OpenAPI description"],
    ["openapi: 4.0.0", 'is of version "4.0.0", and 2.0, 3.0 and 3.1 are read'],
    ["openapi: 3.0.0", "has no `paths`"],
    ["a: [", "cannot be read: "],
  ])("says what is wrong with %s", (text, message) => {
    expect(() => routesOfOpenApi(text)).toThrow(OpenApiError);
    expect(() => routesOfOpenApi(text)).toThrow(message);
  });

  it("has the most particular route first", () => {
    expect(
      mostParticularFirst(["/a/**", "/a/:id", "/a/:id/x", "/a/next", "/a/*.zip", "/:x/next"]),
    ).toStrictEqual(["/a/next", "/a/*.zip", "/a/:id", "/a/:id/x", "/a/**", "/:x/next"]);
  });
});
