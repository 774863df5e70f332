/** The calls about the daemon itself, and those that say what there is. */
import { createServer } from "node:net";
import { once } from "node:events";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { SquallError } from "../../src/core/errors.js";
import { TYPES, until } from "../support/lab.js";
import { AdminLab, PROFILES } from "./admin-lab.js";

let here: AdminLab;

beforeEach(async () => {
  here = await AdminLab.open();
});

afterEach(async () => {
  await here.close();
});

describe("parameters that nobody asked for", () => {
  it.each(["/healthz?x=1", "/readyz?verbose", "/metrics?name[]=up&collect[]=x"])(
    "do no harm to those who probe and scrape: %s",
    async (path) => {
      expect((await here.get(path)).status).toBe(200);
    },
  );

  it("are refused elsewhere, by the name that they were sent with", async () => {
    const { status, json } = await here.get("/status?name[]=x");
    expect([status, json.path, json.error]).toEqual([400, "name[]", "name[]: unknown parameter"]);
  });
});

describe("GET /status", () => {
  it("says how the daemon is", async () => {
    here.clock.advance(2_500);
    const { json } = await here.get("/status");
    expect(json).toMatchObject({
      version: "1.2.3",
      uptime_seconds: 2.5,
      ready: true,
      pid: 42,
      node: "v20.0.0",
      seed: 7,
      connections: 0,
      held_bytes: 0,
      limits: { connections: 100_000, held_bytes: null, admin_body_bytes: 2 ** 20, event_streams: 64 },
      last_reload: null,
    });
    expect(json.proxies).toMatchObject([
      { name: "jobs", state: "listening", upstream: "tcp://127.0.0.1:9", owner: "file", faults: [] },
    ]);
  });

  it("counts the journal and shows the last reload", async () => {
    await here.call("POST", "/reload");
    const { json } = await here.get("/status");
    expect(json.last_reload.ok).toBe(true);
    expect(json.journal).toEqual({
      entries: json.journal.last,
      last: json.journal.last,
      dropped: 0,
      file_dropped: 0,
      problem: null,
    });
    expect(json.log).toEqual({ lost: 0, problem: null });
    expect(json.journal.last).toBeGreaterThan(0);
  });
});

describe("POST /reload", () => {
  it("answers what changed", async () => {
    here.desired = () =>
      Promise.resolve({
        proxies: [...here.files(), here.proxySpec("more")],
        files: PROFILES.slice(1),
        restartNeeded: ["admin.listen"],
      });
    const { status, json } = await here.call("POST", "/reload");
    expect(status).toBe(200);
    expect(json).toEqual({
      changed: ["proxy more added", "profile slow"],
      warnings: ["admin.listen counts from the next start"],
    });
    expect((await here.call("POST", "/reload")).json.changed).toEqual([]);
  });

  it("answers what is wrong, with positions, and changes nothing", async () => {
    here.desired = () =>
      Promise.resolve({
        proxies: here.files(),
        files: [{ file: "profiles/bad.yaml", text: "profile: bad\nfaults: [{ type: nope }]\n" }],
        restartNeeded: [],
      });
    const { status, json } = await here.call("POST", "/reload");
    expect(status).toBe(422);
    expect(json.details).toMatchObject([{ file: "profiles/bad.yaml", line: 2, path: "faults[0].type" }]);
    expect((await here.get("/profiles/slow")).status).toBe(200);
    expect((await here.get("/status")).json.last_reload).toMatchObject({
      ok: false,
      problems: [{ file: "profiles/bad.yaml", line: 2, path: "faults[0].type" }],
    });
  });

  it("passes on what the files are refused for", async () => {
    here.desired = () =>
      Promise.reject(new SquallError("SQ_INVALID_CONFIG", "squall.yaml:1:1 is not valid YAML"));
    expect((await here.call("POST", "/reload")).json).toMatchObject({
      code: "SQ_INVALID_CONFIG",
      status: 422,
    });
  });
});

describe("GET /healthz and /readyz", () => {
  it("answer 200 while all is well", async () => {
    expect((await here.get("/healthz")).json).toEqual({ alive: true });
    expect((await here.get("/readyz")).json).toEqual({ ready: true });
  });

  it("tell a proxy that cannot listen from one that a fault keeps from listening", async () => {
    const proxy = here.proxySet.find("jobs").proxy;
    const { port } = proxy.address;
    await here.call("PUT", "/active", { body: '{"faults":[{"type":"down"}]}' });
    await until(() => proxy.state === "closed by fault");
    expect((await here.get("/readyz")).status).toBe(200);
    const thief = createServer();
    await until(() => {
      if (!thief.listening) thief.on("error", () => undefined).listen(port, "127.0.0.1");
      return true;
    });
    await once(thief, "listening");
    await here.call("DELETE", "/active");
    await until(() => proxy.state === "cannot listen");
    expect((await here.get("/readyz")).json).toMatchObject({
      status: 503,
      code: "SQ_NOT_READY",
      error: `jobs cannot listen on 127.0.0.1:${port}`,
    });
    expect((await here.get("/healthz")).status).toBe(200);
    expect((await here.get("/status")).json.ready).toBe(false);
    thief.close();
  });
});

describe("what there is", () => {
  it("serves the metrics as telemetry has them", async () => {
    const { headers, text } = await here.get("/metrics");
    expect(headers["content-type"]).toBe("text/plain; version=0.0.4; charset=utf-8");
    expect(text).toBe("up 1\n");
  });

  it("describes every type of fault, with every parameter", async () => {
    const { types } = (await here.get("/fault-types")).json;
    expect(types.map(({ type }: { type: string }) => type)).toEqual([...TYPES.keys()].sort());
    for (const { type, params, example, summary } of types) {
      const known = TYPES.get(type);
      expect(summary).toBe(known?.summary);
      expect(params.map(({ name }: { name: string }) => name)).toEqual(
        Object.keys(known?.params.shape ?? {}),
      );
      for (const { name, required, summary: about } of params) {
        expect(about, `${type}.${name} has no description`).not.toBe("");
        if (required) expect(Object.keys(example)).toContain(name);
      }
    }
    const latency = types.find(({ type }: { type: string }) => type === "latency");
    expect(latency).toMatchObject({ direction: "downstream", example: { type: "latency" } });
    expect(latency.params).toContainEqual(
      expect.objectContaining({
        name: "window",
        kind: "size",
        required: false,
        default: "16MiB",
        ramp: true,
      }),
    );
    expect(latency.params).toContainEqual(
      expect.objectContaining({ name: "delay", kind: "duration", required: true }),
    );
    expect(latency.params).toContainEqual(
      expect.objectContaining({ name: "distribution", kind: "choice", default: "uniform", ramp: false }),
    );
  });

  it("serves the schemas for editors", async () => {
    expect((await here.get("/schema/profile.schema.json")).json).toEqual({ title: "profile" });
    expect((await here.get("/schema/squall.schema.json")).json).toEqual({ title: "squall" });
    expect((await here.get("/schema/other.schema.json")).json.code).toBe("SQ_NOT_FOUND");
  });

  it("lists all calls for people, and sends browsers to the dashboard", async () => {
    const { text } = await here.get("/");
    for (const path of Object.keys(here.contract.document.paths)) expect(text).toContain(` ${path} `);
    const sent = await here.get("/", { headers: { accept: "text/html,application/xhtml+xml,*/*;q=0.8" } });
    expect(sent.status).toBe(302);
    expect(sent.headers["location"]).toBe("ui/");
  });

  it("answers in full whatever a client has kept", async () => {
    const headers = {
      "if-none-match": "*",
      "if-modified-since": "Fri, 01 Jan 2100 00:00:00 GMT",
      "range": "bytes=0-1",
    };
    expect((await here.get("/healthz", { headers })).json).toEqual({ alive: true });
  });

  it("answers HEAD wherever it answers GET", async () => {
    for (const [path, operations] of Object.entries(here.contract.document.paths)) {
      // These two never end.
      if (operations["get"] === undefined || path === "/live" || path.endsWith("/events")) continue;
      const real = path.replace("{name}", "slow");
      const [get, head] = [await here.get(real), await here.call("HEAD", real)];
      expect([head.status, head.headers["content-type"], head.text], path).toEqual([
        get.status,
        get.headers["content-type"],
        "",
      ]);
    }
  });
});

describe("a call that nobody knows", () => {
  it("is answered 404 with the nearest path", async () => {
    expect((await here.get("/profils")).json).toMatchObject({
      code: "SQ_NOT_FOUND",
      hint: 'did you mean "/profiles"?',
    });
    expect((await here.get("/wp-login.php")).json).toMatchObject({ hint: "GET / lists what there is" });
    expect((await here.get("/ACTIVE")).status).toBe(404);
    expect((await here.call("POST", "/journal/")).status).toBe(405);
  });

  it("is answered 405 with the methods that the path takes", async () => {
    const { status, headers, json } = await here.call("PATCH", "/active", { body: "{}" });
    expect([status, headers.allow, json.code]).toEqual([
      405,
      "GET, HEAD, PUT, POST, DELETE",
      "SQ_METHOD_NOT_ALLOWED",
    ]);
    expect((await here.call("DELETE", "/status")).headers.allow).toBe("GET, HEAD");
    expect((await here.call("HEAD", "/reload")).headers.allow).toBe("POST");
    const options = await here.call("OPTIONS", "/active", { unchecked: true });
    expect([options.status, options.headers.allow]).toEqual([204, "GET, HEAD, PUT, POST, DELETE"]);
  });
});

describe("a mistake of Squall itself", () => {
  it("is answered 500 without its trace, and told", async () => {
    await here.close();
    here = await AdminLab.open({
      metrics: { contentType: "text/plain", text: () => Promise.reject(new TypeError("secret inside")) },
    });
    const { status, json, text } = await here.get("/metrics");
    expect([status, json.code]).toEqual([500, "SQ_INTERNAL"]);
    expect(text).not.toContain("secret");
    expect(text).not.toContain("at ");
    expect(here.telemetry.journal.query({ kind: "mistake" })).toMatchObject([
      { where: "GET /metrics", text: "TypeError: secret inside" },
    ]);
  });
});
