/** The whole of it as processes: a job server, `squall serve` before it, and bots whose answers get lost. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { getJson, Workshop, type Json, type Squall } from "../support/process.js";

const JOBS = 14;
const BOTS = ["127.0.0.1", "127.0.0.2"];

let shop: Workshop;
beforeEach(() => {
  shop = new Workshop();
});
afterEach(async () => {
  await shop.close();
});

const PROFILE = JSON.stringify({
  profile: "lost-completions",
  summary: "Every third completion of each bot is carried out, but its answer is lost.",
  faults: [
    {
      name: "lost",
      type: "lost_response",
      match: { method: "POST", path: "/v1/jobs/:id/complete" },
      when: { every: 3, per: "bot" },
    },
  ],
});

interface Scene {
  readonly server: string;
  readonly admin: string;
  readonly through: string;
}

async function scene(): Promise<Scene> {
  const mock = shop.start(["mock-server", "--port", "0", "--json"]);
  const [, server = ""] = await mock.printed(/"url":"(http:[^"]+)"/u);
  const profile = shop.file("lost.yaml", PROFILE);
  const { admin } = await shop.daemon({
    profiles: [profile],
    proxies: {
      jobs: { listen: "127.0.0.1:0", upstream: server, fault_header: true, except: [{ path: "/healthz" }] },
    },
  });
  const { body } = await getJson(`${admin}/status`);
  const [proxy] = body["proxies"] as { listen: string }[];
  return { server, admin, through: `http://${proxy?.listen ?? ""}` };
}

async function post(url: string, body: unknown): Promise<Json> {
  const init = {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  };
  return (await getJson(url, init)).body;
}

async function entries(admin: string, query: string): Promise<Json[]> {
  const { body } = await getJson(`${admin}/journal?limit=1000&${query}`);
  return body["entries"] as Json[];
}

/** What a bot said about its jobs, in order. */
function completions(bot: Squall): { job: string; repeated: boolean }[] {
  const lines = bot.out.split("\n").filter((line) => line.includes('"event":"completed"'));
  return lines.map((line) => JSON.parse(line) as { job: string; repeated: boolean });
}

describe("squall serve before an http:// upstream", () => {
  it("loses the answer to every third completion of each bot, and the journal says what the server answered", async () => {
    const { server, admin, through } = await scene();
    for (let job = 0; job < JOBS; job++) await post(`${server}/v1/jobs`, { type: "sum", payload: { job } });
    const { status } = await getJson(`${admin}/active`, {
      method: "PUT",
      body: new URLSearchParams("profile=lost-completions&seed=7"),
    });
    expect(status).toBe(200);
    const bots = BOTS.map((address) =>
      shop.start([
        "bot",
        ...["--server", through, "--name", `bot-${address}`, "--local-address", address],
        ...["--concurrency", "1", "--work-time", "10ms", "--json"],
      ]),
    );
    for (;;) {
      const { body } = await getJson(`${server}/v1/jobs?state=completed`);
      if (body["total"] === JOBS && bots.flatMap(completions).length === JOBS) break;
      await new Promise((resolve) => setImmediate(resolve));
    }

    const { body: audit } = await getJson(`${server}/v1/audit`);
    for (const job of audit["jobs"] as { leases: number; completions?: number; state: string }[])
      expect(job).toMatchObject({ state: "completed", leases: 1 });

    const over = await entries(admin, "kind=exchange_over");
    expect(over.length).toBeGreaterThanOrEqual(Math.floor(JOBS / 3) - 1);
    for (const entry of over)
      expect(entry).toMatchObject({
        faults: ["lost"],
        upstream_status: 200,
        client_status: null,
        end: "reset",
        exchange: { method: "POST", path: expect.stringMatching(/^\/v1\/jobs\/[^/]+\/complete$/u) as string },
      });
    for (const [at, bot] of bots.entries()) {
      // Each lost answer is asked for again, and what is asked again counts as well.
      const done = completions(bot);
      const lost = over.filter((entry) => entry["bot"] === BOTS[at]);
      expect(lost).toHaveLength(Math.floor((done.length + lost.length) / 3));
      expect(done.filter(({ repeated }) => repeated)).toHaveLength(lost.length);
    }
    const metrics = await (await fetch(`${admin}/metrics`)).text();
    expect(metrics).toContain(
      `squall_requests_total{proxy="jobs",method="POST",code="none"} ${over.length}\n`,
    );
    expect(metrics).toContain('squall_request_amplification_ratio{proxy="jobs"} 1\n');
  });

  it("faults what it is told to on the next exchange, names it in x-squall-fault, and spares /healthz", async () => {
    const { admin, through } = await scene();
    const asked = async (path: string): Promise<[number, string | null]> => {
      const response = await fetch(`${through}${path}`);
      await response.arrayBuffer();
      return [response.status, response.headers.get("x-squall-fault")];
    };
    expect(await asked("/v1/jobs")).toEqual([200, null]);
    const faults = [{ type: "http_status", status: 503, persona: "nginx", retry_after: "2s" }];
    const init = { method: "PUT", headers: { "content-type": "application/json" } };
    expect((await getJson(`${admin}/active`, { ...init, body: JSON.stringify({ faults }) })).status).toBe(
      200,
    );
    expect(await asked("/v1/jobs")).toEqual([503, "http_status"]);
    expect(await asked("/healthz")).toEqual([200, null]);
    await getJson(`${admin}/active`, { method: "DELETE" });
    expect(await asked("/v1/jobs")).toEqual([200, null]);
    const [entry] = await entries(admin, "kind=exchange_over");
    expect(entry).toMatchObject({ upstream_status: null, client_status: 503, end: "complete" });
  });
});
