/** What users cover already keeps working through an idle Squall: every call of the protocol, and a job from its birth to its end. */
import http from "node:http";
import { createHash } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Workshop, getJson, type Json } from "../support/process.js";

let shop: Workshop;
beforeEach(() => {
  shop = new Workshop();
});
afterEach(() => shop.close());

async function mockServer(): Promise<string> {
  const mock = shop.start(["mock-server", "--port", "0", "--json"]);
  const [, url = ""] = await mock.printed(/"url":"(http:[^"]+)"/u);
  return url;
}

async function idleSquall(server: string): Promise<string> {
  const { admin } = await shop.daemon({ proxies: { jobs: { listen: "127.0.0.1:0", upstream: server } } });
  const { body } = await getJson(`${admin}/status`);
  const [jobs] = body["proxies"] as { listen: string }[];
  return `http://${jobs?.listen ?? ""}`;
}

interface Answer {
  readonly status: number;
  readonly head: readonly string[];
  readonly text: string;
}

interface Ask {
  readonly headers?: Record<string, string>;
  readonly body?: string;
}

/** One call on a connection that is kept alive between them; events are read until the first has come. */
function ask(agent: http.Agent, server: string, call: string, { headers = {}, body }: Ask): Promise<Answer> {
  const [method = "", path = ""] = call.split(" ");
  return new Promise((resolve, reject) => {
    const request = http.request(server + path, { method, agent, headers });
    request.on("error", reject);
    request.on("response", (response) => {
      let text = "";
      const { statusCode: status = 0, rawHeaders: head } = response;
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        text += chunk;
        if (!path.startsWith("/v1/events") || !text.includes("\n\n")) return;
        resolve({ status, head, text: text.slice(0, text.indexOf("\n\n")) });
        response.destroy();
      });
      response.on("error", () => undefined);
      response.on("end", () => resolve({ status, head, text }));
    });
    request.end(body);
  });
}

/** Without what differs between any two servers: times, ids, tokens, ports. */
function alike({ status, head, text }: Answer): string {
  return `${status} ${JSON.stringify(head)} ${text}`
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/gu, "TIME")
    .replace(/\w{3}, \d\d \w{3} \d{4} [\d:]+ GMT/gu, "DATE")
    .replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/gu, "UUID")
    .replace(/(job|bot|lease)-[\w-]+/gu, "$1-ID")
    .replace(/"token":"[^"]+"/gu, '"token":"TOKEN"')
    .replace(/"(lease_expires_in|uptime_seconds)":[\d.]+/gu, '"$1":N')
    .replace(/"Content-Length","\d+"/giu, '"content-length","N"')
    .replace(/^(?:squall|process|nodejs)_.*$/gmu, "");
}

const json = { "content-type": "application/json" };
const sha = (text: string): string => `sha-256=${createHash("sha256").update(text).digest("base64")}`;

/** Every call of the protocol, the refusals among them. */
async function everyCall(server: string): Promise<Map<string, string>> {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const answers = new Map<string, string>();
  let number = 0;
  const call = async (what: string, options: Ask = {}): Promise<Json> => {
    const answer = await ask(agent, server, what, options);
    answers.set(
      `${++number} ${what.replace(/(job|bot)-[\w-]+|(?<=lease_id=)[\w-]+/gu, "ID")}`,
      alike(answer),
    );
    return answer.head.join().includes("application/json") ? (JSON.parse(answer.text) as Json) : {};
  };
  const post = (value: unknown, headers: Record<string, string> = {}): Ask => ({
    headers: { ...json, ...headers },
    body: JSON.stringify(value),
  });
  try {
    const registered = await call("POST /v1/bots", post({ name: "tester", capabilities: [] }));
    const bearer = (token: unknown): Record<string, string> => ({ authorization: `Bearer ${String(token)}` });
    const refreshed = await call(`POST /v1/bots/${String(registered["bot_id"])}/token`, {
      headers: bearer(registered["token"]),
    });
    const mine = bearer(refreshed["token"]);
    await call("POST /v1/lease", { headers: { ...mine, ...json }, body: "{}" });
    const job = { type: "sum", payload: { a: 1 }, priority: 3, timeout: "1m" };
    const parent = await call("POST /v1/jobs", post(job, { "idempotency-key": "one" }));
    await call("POST /v1/jobs", post(job, { "idempotency-key": "one" }));
    const octets = { "content-type": "application/octet-stream", "digest": sha("0123456789") };
    const large = await call(`POST /v1/jobs?type=large&depends_on=${String(parent["id"])}`, {
      headers: octets,
      body: "0123456789",
    });
    const lease = await call("POST /v1/lease?wait=1s", post({}, { ...mine, "idempotency-key": "lease-1" }));
    const held = { lease_id: lease["lease_id"] };
    const path = `/v1/jobs/${String(parent["id"])}`;
    await call(`POST ${path}/heartbeat`, post({ ...held, progress: 0.5 }, mine));
    await call(`POST ${path}/complete`, post({ ...held, result: { sum: 1 } }, mine));
    await call(`POST ${path}/complete`, post({ ...held, result: { sum: 1 } }, mine));
    await call(`POST ${path}/heartbeat`, post({ lease_id: "lease-of-nobody" }, mine));
    const second = await call("POST /v1/lease?wait=1s", post({}, mine));
    const body = `/v1/jobs/${String(large["id"])}`;
    await call(`GET ${body}/payload`, { headers: mine });
    await call(`GET ${body}/payload`, { headers: { ...mine, range: "bytes=4-" } });
    const artifact = `${body}/artifacts/out?lease_id=${String(second["lease_id"])}`;
    await call(`PUT ${artifact}`, { headers: { ...mine, ...octets }, body: "0123456789" });
    await call(`HEAD ${body}/artifacts/out`, { headers: mine });
    await call(`POST ${body}/fail`, post({ lease_id: second["lease_id"], result: { reason: "no" } }, mine));
    await call("GET /v1/jobs");
    await call(`GET ${path}`);
    await call("GET /v1/audit");
    await call("GET /healthz");
    await call("GET /v1/events?since=0");
    await call("GET /v1/jobs/job-of-nobody");
    await call("POST /v1/jobs", { headers: json, body: "{" });
    await call("POST /v1/lease", post({}, { authorization: "Bearer no-such-token" }));
    await call("GET /nowhere");
  } finally {
    agent.destroy();
  }
  return answers;
}

describe("mock_server_integration", () => {
  it("answers every call of the protocol through an idle Squall as without it: status, fields in their order, body", async () => {
    const direct = await everyCall(await mockServer());
    const through = await everyCall(await idleSquall(await mockServer()));
    expect(direct.size).toBe(26);
    expect(Object.fromEntries(through)).toEqual(Object.fromEntries(direct));
    const statuses = new Set([...direct.values()].map((answer) => answer.slice(0, 3)));
    expect([...statuses].sort()).toEqual(
      expect.arrayContaining(["200", "201", "204", "206", "400", "401", "404", "409"]),
    );
  });
});

describe("complete_job_lifecycle", () => {
  it("keeps bot and server in step: registered, leased, heartbeat, artifacts, completed", async () => {
    const server = await mockServer();
    const through = await idleSquall(server);
    const bot = shop.start(["bot", "--server", through, "--name", "bot-1", "--json"]);
    await bot.printed(/"event":"registered"/u);
    const payload = "x".repeat(100_000);
    const query = new URLSearchParams({
      type: "sum",
      payload: JSON.stringify({ duration: "1s", artifact_bytes: 50_000 }),
    });
    const { body: submitted } = await getJson(`${server}/v1/jobs?${query.toString()}`, {
      method: "POST",
      headers: { "content-type": "application/octet-stream" },
      body: payload,
    });
    const id = String(submitted["id"]);
    const state = async (): Promise<Json> => (await getJson(`${server}/v1/jobs/${id}`)).body;
    await bot.printed(/"event":"working"/u);
    expect(await state()).toMatchObject({
      state: "leased",
      attempt: 1,
      body: { bytes: 100_000, digest: sha(payload) },
    });
    await bot.printed(/"event":"completed".*"repeated":false/u);
    const { artifacts, result, ...done } = await state();
    expect(done).toMatchObject({ state: "completed", progress: 1 });
    expect(result).toMatchObject({ payload_digest: sha(payload) });
    expect(artifacts).toEqual(
      expect.arrayContaining([
        { name: "echo", bytes: 100_000, digest: sha(payload) },
        { name: "artifact", bytes: 50_000, digest: expect.stringMatching(/^sha-256=/u) as string },
      ]),
    );
    const { body: audit } = await getJson(`${server}/v1/audit`);
    expect(audit["jobs"]).toMatchObject([
      { id, leases: 1, executions: 1, completions: 1, failures: 0, expired: 0, repeated: 0, refused: 0 },
    ]);
    const events = bot.out.split("\n").flatMap((line) => /"event":"(\w+)"/u.exec(line)?.[1] ?? []);
    expect(events.filter((event) => event !== "heartbeat" && event !== "idle")).toEqual([
      "registered",
      "leased",
      "working",
      "downloaded",
      "uploaded",
      "uploaded",
      "completed",
    ]);
  });
});
