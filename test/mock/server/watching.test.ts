import http from "node:http";
import { describe, expect, it, onTestFinished } from "vitest";
import { VirtualClock } from "../../../src/core/clock.js";
import { ask, mockServer, register, submit } from "../support.js";

/** A reader of the event stream, which resolves with its text once that matches. */
function listen(
  url: string,
  headers: Record<string, string> = {},
): { until: (text: RegExp) => Promise<string> } {
  let text = "";
  let look: () => void = () => undefined;
  const request = http.get(`${url}/v1/events`, { agent: false, headers }, (response) => {
    expect(response.headers["content-type"]).toBe("text/event-stream");
    response.setEncoding("utf8");
    response.on("data", (chunk: string) => {
      text += chunk;
      look();
    });
    response.on("error", () => undefined);
  });
  request.on("error", () => undefined);
  onTestFinished(() => void request.destroy());
  return {
    until: (pattern) =>
      new Promise((resolve) => {
        look = () => {
          if (pattern.test(text)) resolve(text);
        };
        look();
      }),
  };
}

const eventsIn = (text: string): string[] =>
  [...text.matchAll(/^event: (\w+)/gmu)].map(([, name = ""]) => name);

describe("the events", () => {
  it("tell the life of a job as it happens", async () => {
    const { url } = await mockServer();
    const reader = listen(url);
    await reader.until(/: events/u);
    const id = await submit(url);
    const { token } = await register(url);
    const { body } = await ask(url, "POST /v1/lease", { token });
    await ask(url, `POST /v1/jobs/${id}/complete`, { token, body: { lease_id: body["lease_id"] } });
    const text = await reader.until(/event: completed\n.*\n\n/u);
    expect(eventsIn(text)).toEqual(["submitted", "queued", "leased", "completed"]);
    expect(text).toContain(`"job":"${id}","type":"test","state":"completed"`);
  });

  it("go on behind the Last-Event-ID, and say so when something is missing", async () => {
    const { url } = await mockServer();
    const first = listen(url);
    await first.until(/: events/u);
    await submit(url);
    const [, id = ""] = /^id: (.*)$/mu.exec(await first.until(/event: queued\n.*\n\n/u)) ?? [];
    await submit(url);
    const text = await listen(url, { "last-event-id": id }).until(/(event: queued[\s\S]*){2}\n\n/u);
    expect(eventsIn(text)).toEqual(["queued", "submitted", "queued"]);
    expect(eventsIn(await listen(url, { "last-event-id": "other-1" }).until(/event: submitted/u))[0]).toBe(
      "gap",
    );
  });

  it("are refused to more readers than there is room for", async () => {
    const { url } = await mockServer();
    await Promise.all(Array.from({ length: 100 }, () => listen(url).until(/: events/u)));
    expect((await ask(url, "GET /v1/events")).status).toBe(429);
  });

  it("end with the server", async () => {
    const server = await mockServer();
    const ended = new Promise<void>((resolve) => {
      http.get(`${server.url}/v1/events`, { agent: false }, (response) => {
        response.resume().on("close", resolve);
        void server.close();
      });
    });
    await ended;
  });
});

describe("a rate limit", () => {
  it("is 429 with Retry-After for a bot that asks too often, and for that bot only", async () => {
    const clock = new VirtualClock();
    const { url } = await mockServer({ clock, rateLimit: 5 });
    const anna = await register(url, "anna");
    const ben = await register(url, "ben");
    const lease = (token: string) => ask(url, "POST /v1/lease", { token });
    for (let call = 0; call < 5; call++) expect((await lease(anna.token)).status).toBe(204);
    const refused = await lease(anna.token);
    expect(refused).toMatchObject({ status: 429, body: { code: "rate_limited" } });
    expect(refused.headers["retry-after"]).toBe("1");
    expect((await lease(ben.token)).status).toBe(204);
    expect((await ask(url, "GET /healthz")).status).toBe(200);
    clock.advance(1_000);
    expect((await lease(anna.token)).status).toBe(204);
  });

  it("is not there unless it is asked for", async () => {
    const { url } = await mockServer();
    const { token } = await register(url);
    const answers = await Promise.all(
      Array.from({ length: 100 }, () => ask(url, "POST /v1/lease", { token })),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([204]));
  });
});

describe("the audit", () => {
  it("shows the jobs whose keys begin alike, or only their number by state", async () => {
    const { url } = await mockServer();
    for (const key of ["a-1", "a-2", "b-1"])
      await ask(url, "POST /v1/jobs", { body: { type: "t" }, headers: { "idempotency-key": key } });
    const { body } = await ask(url, "GET /v1/audit?prefix=a-");
    expect(body).toMatchObject({
      totals: { submitted: 3 },
      states: { queued: 2 },
      jobs: [{ key: "a-1" }, { key: "a-2" }],
    });
    const head = (await ask(url, "GET /v1/audit?prefix=b-&jobs=none")).body;
    expect(head).toMatchObject({ states: { queued: 1 } });
    expect(head).not.toHaveProperty("jobs");
  });

  it("has a row for each of thousands of jobs", async () => {
    const { url } = await mockServer();
    // Some at a time: a machine that is busy takes more connections at once than its backlog holds.
    for (let left = 1_201; left > 0; left -= 50)
      await Promise.all(Array.from({ length: Math.min(50, left) }, () => submit(url)));
    const { body } = await ask(url, "GET /v1/audit");
    expect(new Set((body["jobs"] as { id: string }[]).map(({ id }) => id)).size).toBe(1_201);
  });
});

it("counts for Prometheus", async () => {
  const { url } = await mockServer();
  await submit(url);
  const text = await (await fetch(`${url}/metrics`)).text();
  expect(text).toContain(`squall_mock_jobs{state="queued"} 1`);
  expect(text).toContain(`squall_mock_job_events_total{what="submitted"} 1`);
  expect(text).toContain(`squall_mock_requests_total{method="POST",path="/v1/jobs",status="201"} 1`);
  await fetch(`${url}/v1/nothing/${"x".repeat(100)}`, { method: "PATCH" });
  expect(await (await fetch(`${url}/metrics`)).text()).toContain(`path="other",status="404"} 1`);
});
