import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { VirtualClock } from "../../../src/core/clock.js";
import { ask, mockServer, register, submit } from "../support.js";

describe("a job, from submission to completion", () => {
  it("is registered for, submitted, leased, kept alive, completed and audited", async () => {
    const { url } = await mockServer({ clock: new VirtualClock(), lease: 30_000 });
    const bot = await ask(url, "POST /v1/bots", { body: { name: "anna", capabilities: ["wash"] } });
    expect(bot).toMatchObject({ status: 201, body: { expires_in: 3600 } });
    const { token } = bot.body as { token: string };

    const job = { type: "wash", payload: { shirts: 3 }, timeout: "5m", priority: 2 };
    const submitted = await ask(url, "POST /v1/jobs", { body: job });
    const { id } = submitted.body as { id: string };
    expect(submitted).toMatchObject({ status: 201, body: { ...job, state: "queued", attempt: 0 } });
    expect(submitted.headers["location"]).toBe(`/v1/jobs/${id}`);

    const leased = await ask(url, "POST /v1/lease?wait=1s", { token });
    expect(leased).toMatchObject({
      status: 200,
      body: { job: { id, ...job, attempt: 1 }, lease_expires_in: 30 },
    });
    expect(Date.parse(String(leased.body["lease_expires"]))).not.toBeNaN();
    const { lease_id } = leased.body as { lease_id: string };

    const beat = await ask(url, `POST /v1/jobs/${id}/heartbeat`, {
      token,
      body: { lease_id, progress: 0.5 },
    });
    expect(beat).toMatchObject({ status: 200, body: { job_id: id, state: "leased", lease_id } });
    expect((await ask(url, `GET /v1/jobs/${id}`)).body).toMatchObject({ state: "leased", progress: 0.5 });

    const done = { token, body: { lease_id, result: { clean: 3 } } };
    expect((await ask(url, `POST /v1/jobs/${id}/complete`, done)).body).toMatchObject({ repeated: false });
    expect((await ask(url, `POST /v1/jobs/${id}/complete`, done)).body).toMatchObject({ repeated: true });
    expect((await ask(url, `GET /v1/jobs/${id}`)).body).toMatchObject({
      state: "completed",
      result: { clean: 3 },
    });
    const counts = {
      leases: 1,
      executions: 1,
      completions: 1,
      failures: 0,
      expired: 0,
      repeated: 1,
      refused: 0,
    };
    expect((await ask(url, "GET /v1/audit")).body).toEqual({
      totals: { submitted: 1, forgotten: 0, ...counts },
      states: { waiting: 0, queued: 0, leased: 0, completed: 1, failed: 0 },
      jobs: [{ id, type: "wash", state: "completed", key: null, ...counts }],
    });
  });

  it("answers 409 to a lease that has expired meanwhile", async () => {
    const clock = new VirtualClock();
    const { url } = await mockServer({ clock, lease: 30_000 });
    const { token } = await register(url);
    const id = await submit(url);
    const { lease_id } = (await ask(url, "POST /v1/lease", { token })).body as { lease_id: string };
    clock.advance(30_000);
    for (const call of ["heartbeat", "complete", "fail"]) {
      const answer = await ask(url, `POST /v1/jobs/${id}/${call}`, { token, body: { lease_id } });
      expect(answer).toMatchObject({ status: 409, body: { code: "stale_lease", status: 409 } });
    }
    expect((await ask(url, "GET /v1/jobs?state=queued")).body).toMatchObject({ total: 1, jobs: [{ id }] });
  });

  it("fails with a reason", async () => {
    const { url } = await mockServer();
    const { token } = await register(url);
    const id = await submit(url);
    const { lease_id } = (await ask(url, "POST /v1/lease", { token })).body as { lease_id: string };
    await ask(url, `POST /v1/jobs/${id}/fail`, { token, body: { lease_id, result: { reason: "torn" } } });
    expect((await ask(url, `GET /v1/jobs/${id}`)).body).toMatchObject({
      state: "failed",
      result: { reason: "torn" },
    });
  });

  it("is submitted once under one idempotency key", async () => {
    const { url } = await mockServer();
    const body = { type: "wash" };
    const headers = { "idempotency-key": "k1" };
    const first = await ask(url, "POST /v1/jobs", { body, headers });
    const second = await ask(url, "POST /v1/jobs", { body, headers });
    expect([first.status, second.status, second.body["id"]]).toEqual([201, 200, first.body["id"]]);
    const other = await ask(url, "POST /v1/jobs", { body: { type: "iron" }, headers });
    expect(other).toMatchObject({ status: 422, body: { code: "idempotency_key_reused" } });
  });
});

describe("a long poll", () => {
  it("is answered by the job that is submitted while it waits", async () => {
    const { url } = await mockServer();
    const { token } = await register(url);
    const poll = ask(url, "POST /v1/lease?wait=60s", { token });
    await untilWaiting(url, 1);
    const id = await submit(url);
    expect((await poll).body).toMatchObject({ job: { id } });
  });

  it("is answered with 204 when its time is over, and when the server closes", async () => {
    const clock = new VirtualClock();
    const server = await mockServer({ clock });
    const { token } = await register(server.url);
    const short = ask(server.url, "POST /v1/lease?wait=5s", { token });
    await untilWaiting(server.url, 1);
    clock.advance(5_000);
    expect((await short).status).toBe(204);
    const long = ask(server.url, "POST /v1/lease?wait=60s", { token });
    await untilWaiting(server.url, 1);
    await server.close();
    expect((await long).status).toBe(204);
  });

  it("leaves the room when the client hangs up, and no job goes to it", async () => {
    const { url } = await mockServer();
    const { token } = await register(url);
    const client = new AbortController();
    const poll = ask(url, "POST /v1/lease?wait=60s", { token, signal: client.signal });
    await untilWaiting(url, 1);
    client.abort();
    await expect(poll).rejects.toThrow();
    await untilWaiting(url, 0);
    const id = await submit(url);
    expect((await ask(url, `GET /v1/jobs/${id}`)).body["state"]).toBe("queued");
  });
});

describe("a token", () => {
  it("expires, and can be refreshed after that", async () => {
    const clock = new VirtualClock();
    const { url } = await mockServer({ clock, tokenTtl: 60_000 });
    const { id, token } = await register(url);
    clock.advance(60_000);
    const refused = await ask(url, "POST /v1/lease", { token });
    expect(refused).toMatchObject({ status: 401, body: { code: "unauthorized" } });
    expect(refused.headers["www-authenticate"]).toMatch(/^Bearer realm=.*error="invalid_token"/u);
    const renewed = await ask(url, `POST /v1/bots/${id}/token`, { token });
    expect(renewed.body).toMatchObject({ bot_id: id, expires_in: 60 });
    expect((await ask(url, "POST /v1/lease", { token: String(renewed.body["token"]) })).status).toBe(204);
  });

  it("is asked for wherever a bot speaks", async () => {
    const { url } = await mockServer();
    for (const path of ["lease", "bots/x/token", "jobs/x/heartbeat", "jobs/x/complete", "jobs/x/fail"]) {
      expect((await ask(url, `POST /v1/${path}`, { body: {} })).status).toBe(401);
    }
  });
});

describe("what is wrong with a request", () => {
  it("is told also of an object that stands for text and has a length that nothing can be compared with", async () => {
    const { url } = await mockServer();
    const length = { valueOf: 1, toString: 1 };
    const answer = await ask(url, "POST /v1/jobs", { body: { type: { length } } });
    expect(answer).toMatchObject({ status: 400, body: { code: "bad_request", status: 400 } });
  });

  it("is told reason by reason", async () => {
    const { url } = await mockServer();
    const body = { type: "", depends_on: "x", timeout: "soon", priority: 1.5, colour: "red" };
    const answer = await ask(url, "POST /v1/jobs", { body });
    expect(answer).toMatchObject({ status: 400, body: { code: "bad_request", status: 400 } });
    const reasons = (answer.body["reasons"] as string[]).map((reason) => reason.split(":")[0]);
    expect(reasons).toEqual(["type", "depends_on", "timeout", "priority", "body"]);
    expect(answer.body["reasons"]).toContain(`timeout: expected a duration such as "30s"`);
  });

  it.each([
    ["no body at all", ""],
    ["half of an object", `{"type":"wa`],
    ["bytes that are not UTF-8", Buffer.from([0x22, 0xff, 0x22])],
    ["brackets without end", "[".repeat(100_000)],
    ["deep nesting", `{"type":"t","payload":${"[".repeat(100)}${"]".repeat(100)}}`],
    ["quotes without end", `"${String.raw`\"`.repeat(100_000)}`],
  ])("is 400 for %s", async (_, raw) => {
    const { url } = await mockServer();
    const answer = await ask(url, "POST /v1/jobs", { raw });
    expect(answer).toMatchObject({ status: 400, body: { error: "The body is not JSON." } });
  });

  it("does not count brackets in strings as nesting", async () => {
    const { url } = await mockServer();
    await submit(url, { payload: String.raw`\"`.repeat(10) + "[".repeat(1_000) });
  });

  it("is 400 for a bad query or key", async () => {
    const { url } = await mockServer();
    const { token } = await register(url);
    expect((await ask(url, "POST /v1/lease?wait=30", { token })).body["reasons"]).toEqual([
      `wait: expected a duration such as "30s"`,
    ]);
    expect((await ask(url, "GET /v1/jobs?state=lost")).status).toBe(400);
    expect((await ask(url, "GET /v1/jobs?limit=0")).status).toBe(400);
    const headers = { "idempotency-key": "k".repeat(256) };
    expect((await ask(url, "POST /v1/jobs", { body: { type: "t" }, headers })).status).toBe(400);
  });

  it("is 404 for an unknown path or job, and 405 for a wrong method", async () => {
    const { url } = await mockServer();
    expect(await ask(url, "GET /v1/nothing")).toMatchObject({ status: 404, body: { code: "not_found" } });
    expect(await ask(url, "GET /v1/jobs/job-1")).toMatchObject({ status: 404, body: { code: "not_found" } });
    const wrong = await ask(url, "DELETE /v1/jobs");
    expect([wrong.status, wrong.headers["allow"]]).toEqual([405, "POST, GET"]);
  });

  it("is 413 for a body over the limit, which the client gets to see while it is still sending", async () => {
    const { url } = await mockServer({ bodyMax: 1_000 });
    await submit(url, { payload: "x".repeat(900) });
    const answer = await ask(url, "POST /v1/jobs", { raw: "x".repeat(2 ** 20) });
    expect(answer).toMatchObject({ status: 413, body: { code: "too_large" } });
    expect((await ask(url, "GET /healthz")).status).toBe(200);
  });

  it("is 413 at once for a body that is announced to be enormous", async () => {
    const { port } = await mockServer();
    const answer = await raw(
      port,
      "POST /v1/jobs HTTP/1.1\r\nhost: x\r\ncontent-length: 99999999999\r\n\r\n",
    );
    expect(answer).toMatch(/^HTTP\/1.1 413 .*connection: close/su);
  });

  it("is 429 with Retry-After when the queue is full", async () => {
    const { url } = await mockServer({ pendingMax: 1 });
    await submit(url);
    const answer = await ask(url, "POST /v1/jobs", { body: { type: "t" } });
    expect([answer.status, answer.headers["retry-after"]]).toEqual([429, "1"]);
  });
});

it("carries on after a client that dies in the middle of its body", async () => {
  const { port, url } = await mockServer();
  const socket = net.connect(port, "127.0.0.1");
  socket.write("POST /v1/jobs HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{", () =>
    socket.resetAndDestroy(),
  );
  await new Promise((resolve) => socket.once("close", resolve));
  expect((await ask(url, "GET /v1/jobs")).body).toEqual({ total: 0, jobs: [] });
});

it("feeds itself when asked to, but never more than 20 jobs at a time", async () => {
  const clock = new VirtualClock();
  const { url } = await mockServer({ clock, feed: { every: 100 } });
  clock.advance(450);
  expect((await ask(url, "GET /healthz")).body).toMatchObject({ status: "ok", jobs_pending: 5 });
  clock.advance(100_000);
  expect((await ask(url, "GET /healthz")).body).toMatchObject({ jobs_pending: 20 });
});

it("says so when its port is taken, and leaves nothing behind", async () => {
  const { port } = await mockServer();
  const folder = mkdtempSync(join(tmpdir(), "squall-taken-"));
  try {
    vi.stubEnv("TMPDIR", folder);
    await expect(mockServer({ port })).rejects.toThrow(/EADDRINUSE/u);
    expect(readdirSync(folder)).toEqual([]);
  } finally {
    vi.unstubAllEnvs();
    rmSync(folder, { recursive: true });
  }
});

/** Asks until that many bots wait; each question is a round trip, so this needs no time of its own. */
async function untilWaiting(url: string, bots: number): Promise<void> {
  for (;;) {
    const { body } = await ask(url, "GET /healthz");
    if (body["bots_waiting"] === bots) return;
  }
}

function raw(port: number, request: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = "";
    const socket = net.connect(port, "127.0.0.1", () => socket.write(request));
    socket.setEncoding("utf8");
    socket.on("data", (text: string) => (answer += text));
    socket.on("end", () => resolve(answer));
    socket.on("error", reject);
  });
}
