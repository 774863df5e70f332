import http from "node:http";
import { afterAll, expect, it } from "vitest";
import { Workshop, type Squall } from "../../support/process.js";
import { ask, type Answer } from "../support.js";
import { scaled } from "../../support/scope.js";

const shop = new Workshop();
afterAll(() => shop.close());

async function start(...words: string[]): Promise<{ process: Squall; url: string; port: string }> {
  const process = shop.start(["mock-server", "--port", "0", "--json", ...words]);
  const [, url = ""] = await process.printed(/"url":"([^"]+)"/u);
  return { process, url, port: new URL(url).port };
}

/** Calls over kept connections, as many at a time as there are callers. */
class Caller {
  readonly #agent = new http.Agent({ keepAlive: true });
  readonly #url: string;
  readonly #token: string;

  constructor(url: string, token: string) {
    this.#url = url;
    this.#token = token;
  }

  /** The answer's status and JSON, or null if the connection ended without one. */
  call(path: string, body: unknown): Promise<{ status: number; body: Record<string, unknown> } | null> {
    return new Promise((resolve) => {
      const request = http.request(this.#url + path, {
        method: "POST",
        agent: this.#agent,
        headers: { authorization: `Bearer ${this.#token}` },
      });
      request.on("error", () => resolve(null));
      request.on("response", (response) => {
        let text = "";
        response.on("data", (chunk: Buffer) => (text += chunk.toString()));
        response.on("error", () => resolve(null));
        response.on("end", () => {
          const whole = response.complete && text !== "";
          resolve({
            status: response.statusCode ?? 0,
            body: whole ? (JSON.parse(text) as Record<string, unknown>) : {},
          });
        });
      });
      request.end(JSON.stringify(body));
    });
  }
}

it("has every job, lease and completion that it acknowledged, after SIGKILL in the middle of load", async () => {
  const folder = `${shop.folder}/data`;
  const acknowledged = {
    jobs: new Set<string>(),
    leased: new Map<string, string>(),
    completed: new Set<string>(),
  };
  const leaseOfCompleted = new Map<string, string>();
  let token = "";
  for (let life = 1; life <= 3; life++) {
    const { process, url } = await start("--data", folder, "--lease", "1h");
    if (token === "") {
      const { body } = await ask(url, "POST /v1/bots", { body: { name: "anna" } });
      token = String(body["token"]);
    }
    // What the life before acknowledged is here, before anything else happens. The token is still good, too.
    const { jobs } = (await ask(url, "GET /v1/audit")).body as {
      jobs: { id: string; state: string; completions: number }[];
    };
    const found = new Map(jobs.map((job) => [job.id, job]));
    for (const id of acknowledged.jobs) expect(found.get(id), id).toBeDefined();
    for (const id of acknowledged.completed)
      expect(found.get(id)).toMatchObject({ state: "completed", completions: 1 });
    for (const [id, lease_id] of acknowledged.leased) {
      const state = found.get(id)?.state;
      expect(["leased", "completed"]).toContain(state);
      // The completion may have been done when the answer was lost; then it is repeated, and never refused.
      const again = await ask(url, `POST /v1/jobs/${id}/complete`, { token, body: { lease_id } });
      expect(again).toMatchObject({ status: 200, body: { repeated: state === "completed" } });
      acknowledged.completed.add(id);
    }
    acknowledged.leased.clear();
    for (const [id, lease_id] of [...leaseOfCompleted].slice(0, 20)) {
      const again = await ask(url, `POST /v1/jobs/${id}/complete`, { token, body: { lease_id } });
      expect(again).toMatchObject({ status: 200, body: { repeated: true } });
    }

    let completions = 0;
    const enough = scaled(60, 300) * life;
    const worker = async (): Promise<void> => {
      const caller = new Caller(url, token);
      for (;;) {
        const job = await caller.call("/v1/jobs", { type: "t", payload: "x".repeat(200) });
        if (!job) return;
        acknowledged.jobs.add(String(job.body["id"]));
        const lease = await caller.call("/v1/lease", {});
        if (!lease) return;
        if (lease.status !== 200) continue;
        const id = (lease.body["job"] as { id: string }).id;
        const lease_id = String(lease.body["lease_id"]);
        acknowledged.leased.set(id, lease_id);
        const done = await caller.call(`/v1/jobs/${id}/complete`, { lease_id, result: 1 });
        if (!done) return;
        acknowledged.leased.delete(id);
        acknowledged.completed.add(id);
        leaseOfCompleted.set(id, lease_id);
        // In the middle of what all the others have under way.
        if (++completions === enough) process.kill("SIGKILL");
      }
    };
    await Promise.all(Array.from({ length: 16 }, worker));
    expect((await process.ended).signal).toBe("SIGKILL");
    expect(completions).toBeGreaterThanOrEqual(enough);
  }
  expect(acknowledged.completed.size).toBeGreaterThan(scaled(200, 1_000));
});

it("has dependents ready or waiting as their parents say, and bodies whole, after SIGKILL", async () => {
  const folder = `${shop.folder}/graph`;
  const first = await start("--data", folder);
  const { body: bot } = await ask(first.url, "POST /v1/bots", { body: { name: "anna" } });
  const token = String(bot["token"]);
  const submit = async (path: string, body: unknown, headers = {}): Promise<Answer> =>
    ask(first.url, `POST ${path}`, { ...(Buffer.isBuffer(body) ? { raw: body } : { body }), headers });
  const bytes = Buffer.alloc(3_000_000, "payload ");
  const parent = await submit("/v1/jobs?type=t&priority=9", bytes, {
    "content-type": "application/octet-stream",
  });
  const id = String(parent.body["id"]);
  const child = String((await submit("/v1/jobs", { type: "t", depends_on: [id] })).body["id"]);
  const grandchild = String((await submit("/v1/jobs", { type: "t", depends_on: [child] })).body["id"]);
  const lease = await ask(first.url, "POST /v1/lease", { token });
  await ask(first.url, `PUT /v1/jobs/${id}/artifacts/a`, { token, raw: bytes });
  await ask(first.url, `POST /v1/jobs/${id}/complete`, { token, body: { lease_id: lease.body["lease_id"] } });
  first.process.kill("SIGKILL");
  await first.process.ended;

  const { url } = await start("--data", folder, "--port", first.port);
  expect((await ask(url, `GET /v1/jobs/${child}`)).body).toMatchObject({ state: "queued", waiting_for: [] });
  expect((await ask(url, `GET /v1/jobs/${grandchild}`)).body).toMatchObject({
    state: "waiting",
    waiting_for: [child],
  });
  for (const what of ["payload", "artifacts/a"]) {
    const answer = await fetch(`${url}/v1/jobs/${id}/${what}`, {
      headers: { authorization: `Bearer ${token}` },
    });
    expect(Buffer.from(await answer.arrayBuffer()).equals(bytes)).toBe(true);
  }
});

it("prints one line when it is ready, answers what it has under way at SIGTERM, and leaves no error", async () => {
  const process = shop.start(["mock-server", "--port", "0", "--data", `${shop.folder}/clean`]);
  const [, url = ""] = await process.printed(/^mock job server on (\S+)\n/u);
  const { body } = await ask(url, "POST /v1/bots", { body: { name: "anna" } });
  const poll = ask(url, "POST /v1/lease?wait=60s", { token: String(body["token"]) });
  while ((await ask(url, "GET /healthz")).body["bots_waiting"] !== 1);
  process.kill();
  expect((await poll).status).toBe(204);
  expect(await process.ended).toMatchObject({ code: 0, err: "", out: `mock job server on ${url}\n` });
});
