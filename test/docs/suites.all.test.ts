/** The examples of docs/test-suites.md do what the page says, each with the tool that it is for. */
import { execFile } from "node:child_process";
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { pythonWith } from "../compat/http-peers/servers.js";
import { getJson, MAIN, ROOT, Workshop } from "../support/process.js";

const run = promisify(execFile);
const EXAMPLES = join(ROOT, "examples");
const python = pythonWith("pytest", "requests");

let shop: Workshop;
let server: string;
let admin: string;
let jobs: string;

async function address(daemon: string): Promise<string> {
  const { body } = await getJson(`${daemon}/status`);
  const [proxy] = body["proxies"] as { listen: string }[];
  return `http://${proxy?.listen ?? ""}`;
}

beforeAll(async () => {
  shop = new Workshop();
  const mock = shop.start(["mock-server", "--port", "0", "--json"]);
  [, server = ""] = await mock.printed(/"url":"(http:[^"]+)"/u);
  const daemon = shop.start(
    ["serve", "--config", join(EXAMPLES, "squall.yaml"), "--log-format", "json"],
    {
      env: {
        SQUALL__ADMIN__LISTEN: "127.0.0.1:0",
        SQUALL__PROXIES__JOBS__LISTEN: "127.0.0.1:0",
        SQUALL__PROXIES__JOBS__UPSTREAM: server,
      },
    },
  );
  [, admin = ""] = await daemon.printed(/"admin":"(http:[^"]+)"/u);
  jobs = await address(admin);
});

afterAll(() => shop.close());

describe("the examples", () => {
  const needs = python === null ? " (needs: python3 with pytest and requests)" : "";

  it.skipIf(python === null)(`for pytest pass, and leave a healed daemon and a journal that names the tests${needs}`, async () => {
    const { stdout } = await run(
      python ?? "python3",
      ["-m", "pytest", "-q", "-p", "no:cacheprovider", join(EXAMPLES, "pytest")],
      {
        cwd: shop.folder,
        env: { PATH: process.env["PATH"], SQUALL_ADMIN: admin, PYTHONDONTWRITEBYTECODE: "1" },
      },
    );
    expect(stdout).toMatch(/^4 passed/mu);
    const { body } = await getJson(`${admin}/active`);
    expect(body["activations"]).toEqual([]);
    const marks = await getJson(`${admin}/journal?kind=mark&limit=10`);
    expect(JSON.stringify(marks.body)).toContain("test_a_completion_whose_response_is_lost_can_be_repeated");
  });

  const chaos = (...words: string[]): Promise<{ stdout: string }> =>
    run("bash", [join(EXAMPLES, "curl/chaos.sh"), ...words], {
      env: { PATH: process.env["PATH"], SQUALL_ADMIN: admin },
    });

  it("for curl run a suite under each profile", async () => {
    await chaos("high-latency", "3g", "--", "curl", "-sf", "-o", "/dev/null", `${jobs}/v1/jobs`);
    const { body } = await getJson(`${admin}/active`);
    expect(body["activations"]).toEqual([]);
  });

  it("for curl fail with what was done to a suite that fails, and heal", async () => {
    const failure: unknown = await chaos("server-crash", "--", "curl", "-sf", `${jobs}/v1/jobs`).catch(
      (error: unknown) => error,
    );
    expect(failure).toMatchObject({ code: 1, stdout: expect.stringContaining("failed under server-crash") as string });
    const { body } = await getJson(`${admin}/active`);
    expect(body["activations"]).toEqual([]);
  });

  it("for curl fail where a profile has hit nothing, or is unknown", async () => {
    await expect(chaos("high-latency", "--", "true")).rejects.toMatchObject({
      code: 1,
      stdout: "high-latency hit nothing\n",
    });
    await expect(chaos("high-latencies", "--", "true")).rejects.toMatchObject({ code: 22 });
  });

  it("for GitHub Actions are a workflow whose variables make a daemon, without a file", async () => {
    const workflow = parse(readFileSync(join(EXAMPLES, "github-actions/chaos.yml"), "utf8")) as {
      jobs: { chaos: { services: { squall: { env: Record<string, string>; ports: string[] } }; steps: object[] } };
    };
    const { services, steps } = workflow.jobs.chaos;
    const { env, ports } = services.squall;
    const listens = Object.values(env).filter((value) => value.startsWith("0.0.0.0:"));
    expect(ports).toEqual(listens.map((value) => value.replace(/^.*:(\d+)$/u, "$1:$1")));
    for (const step of steps) expect(Object.keys(step)).toContainEqual(expect.stringMatching(/^(?:run|uses)$/u));
    const here = Object.entries(env).map(([name, value]) => [
      name,
      name.endsWith("UPSTREAM") ? server : value.replace(/^.*:\d+$/u, "127.0.0.1:0"),
    ]);
    const daemon = shop.start(["serve", "--log-format", "json"], { env: Object.fromEntries(here) as Record<string, string> });
    const [, url = ""] = await daemon.printed(/"admin":"(http:[^"]+)"/u);
    expect((await fetch(`${await address(url)}/healthz`)).status).toBe(200);
  });

  it("for Testcontainers pass with processes in the place of containers, and have the variables of the workflow", async () => {
    const file = join(EXAMPLES, "testcontainers/jobs.test.mjs");
    const folder = join(shop.folder, "node_modules/testcontainers");
    mkdirSync(folder, { recursive: true });
    copyFileSync(join(import.meta.dirname, "stand-ins/testcontainers.mjs"), join(folder, "index.mjs"));
    writeFileSync(join(folder, "package.json"), JSON.stringify({ main: "index.mjs" }));
    copyFileSync(file, join(shop.folder, "jobs.test.mjs"));
    const { stdout } = await run(process.execPath, ["--test", join(shop.folder, "jobs.test.mjs")], {
      cwd: shop.folder,
      env: { PATH: process.env["PATH"], SQUALL_MAIN: MAIN },
    });
    expect(stdout).toMatch(/pass 1$/mu);
    expect(stdout).toMatch(/fail 0$/mu);
    const variables = (path: string): string[] =>
      [...readFileSync(path, "utf8").matchAll(/SQUALL__\w+/gu)].map(([name]) => name);
    expect(variables(file)).toEqual(variables(join(EXAMPLES, "github-actions/chaos.yml")));
  });
});
