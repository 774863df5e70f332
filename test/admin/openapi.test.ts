/** The OpenAPI document: valid, and the same as what is served, both ways. */
import { Ajv2020 } from "ajv/dist/2020.js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { apiRoutes } from "../../src/admin/routes.js";
import { AdminLab } from "./admin-lab.js";
import { FleetStandIn } from "./fleet-stand-in.js";
import { OPENAPI_31 } from "./openapi-31.js";

let here: AdminLab;

beforeAll(async () => {
  here = await AdminLab.open({ fleet: new FleetStandIn() });
});

afterAll(async () => {
  await here.close();
});

describe("GET /openapi.json", () => {
  it("is an OpenAPI 3.1 document", () => {
    const ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true });
    const validate = ajv.compile(OPENAPI_31);
    expect(validate(here.contract.document), JSON.stringify(validate.errors, null, 1)).toBe(true);
  });

  it("refers to nothing that is not in it, and has nothing that nobody refers to", () => {
    const { document } = here.contract;
    const references = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]*)"/gu)].map(
      ([, target]) => target ?? "",
    );
    const used = new Set(references.map((target) => target.replace("#/components/schemas/", "")));
    expect([...used].sort()).toEqual(Object.keys(document.components.schemas).sort());
  });

  it("has examples of bodies that the daemon takes", async () => {
    for (const [path, operations] of Object.entries(here.contract.document.paths)) {
      for (const [method, operation] of Object.entries(operations)) {
        const { requestBody } = operation as {
          requestBody?: { content: Record<string, { example?: unknown }> };
        };
        for (const [type, { example }] of Object.entries(requestBody?.content ?? {})) {
          if (example === undefined) continue;
          const body =
            typeof example === "string" ? example : JSON.stringify(example).replace("lost-ack", "slow");
          const real = path
            .replace("{name}", /^profile: (\S+)/u.exec(body)?.[1] ?? "")
            .replace("{proxy}", "jobs")
            .replace("{toxic}", "latency_downstream");
          const { status, text } = await here.call(method.toUpperCase(), real, { body, type });
          expect(status, `${method} ${path} with ${type}: ${text}`).toBeLessThan(300);
        }
      }
    }
  });

  it("names every parameter of a path, and every operation once", () => {
    const ids = new Set<string>();
    for (const [path, operations] of Object.entries(here.contract.document.paths)) {
      const names = [...path.matchAll(/\{(\w+)\}/gu)].map(([, name]) => name);
      for (const operation of Object.values(operations)) {
        const { parameters = [], operationId } = operation as {
          parameters?: { name: string; in: string }[];
          operationId?: string;
        };
        expect(parameters.filter((parameter) => parameter.in === "path").map(({ name }) => name)).toEqual(
          names,
        );
        expect(ids.has(operationId ?? "")).toBe(false);
        ids.add(operationId ?? "");
      }
    }
  });
});

describe("the table of routes", () => {
  it("is what the document has, and what is served", async () => {
    const { paths } = here.contract.document;
    const documented = Object.entries(paths).flatMap(([path, operations]) =>
      Object.keys(operations).map((method) => `${method} ${path}`),
    );
    const house = {
      ...here.adminOptions(),
      limits: {},
      streams: { limit: 1 },
      polls: { limit: 1 },
      startedAt: 0,
    };
    const table = apiRoutes(house as unknown as Parameters<typeof apiRoutes>[0], false);
    expect(table.map(({ method, path }) => `${method} ${path}`).sort()).toEqual(documented.sort());
    for (const [path, operations] of Object.entries(paths)) {
      const real = path.replaceAll(/\{\w+\}/gu, "nobody");
      for (const method of ["GET", "PUT", "POST", "DELETE", "PATCH"]) {
        if (method === "GET" && ["/events", "/live", "/fleet/events"].includes(path)) continue;
        const known = operations[method.toLowerCase()] !== undefined;
        // As Toxiproxy's: whatever the method.
        if (path === "/metrics" && !known) {
          expect((await here.raw(method, real, { body: "" })).status).toBe(200);
          continue;
        }
        // Whatever that daemon takes.
        if (path.startsWith("/fleet/daemons/")) {
          expect((await here.raw(method, real, { body: "" })).json.code).toBe("SQ_DAEMON_NOT_FOUND");
          continue;
        }
        const { status } = await here.call(method, real, { body: "" });
        expect(status === 405, `${method} ${real} answered ${status}`).toBe(!known);
      }
    }
  });
});
