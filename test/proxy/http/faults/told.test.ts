/** What is said of exchanges besides the journal: x-squall-fault on answers, traces, and /metrics. */
import { Registry } from "prom-client";
import { afterEach, describe, expect, it } from "vitest";
import { exchangeMetrics } from "../../../../src/telemetry/exchange-metrics.js";
import { register } from "../../../../src/telemetry/sampled.js";
import type { HttpProxySpec } from "../../../../src/proxy/http/spec.js";
import type { HttpProxy } from "../../../../src/proxy/http/proxy.js";
import { fault, until } from "../../../support/lab.js";
import { answersTo, get, HttpLab, ok, post, type ScriptedServer } from "../../../support/http-lab.js";

let lab: HttpLab;
let proxy: HttpProxy;
let server: ScriptedServer;

async function setUp(spec: Partial<HttpProxySpec> = {}): Promise<void> {
  lab = new HttpLab();
  server = await lab.scripted(({ method }) =>
    method === "POST" ? "HTTP/1.1 201 Created\r\ncontent-LENGTH:2\r\nX-Odd:   kept\r\n\r\n{}" : ok("fine"),
  );
  proxy = await lab.http(server.port, spec);
}

afterEach(async () => {
  await lab.close();
});

describe("x-squall-fault", () => {
  const FAULTS = [
    fault("http_status", { status: 503 }, { name: "busy", match: [{ path: ["/busy"] }] }),
    fault(
      "http_headers",
      { set: { "x-a": "1" } },
      { name: "marked", match: [{ path: ["/marked", "/both"] }] },
    ),
    fault("http_delay", { delay: "1ms" }, { name: "slow", match: [{ path: ["/both"] }] }),
  ];
  const TARGETS = ["/plain", "/busy", "/marked", "/both"];

  it("names the faults that acted on an answer, in order, where the proxy is told to", async () => {
    await setUp({ faultHeader: true });
    lab.use(FAULTS);
    const client = lab.client(proxy);
    for (const target of TARGETS) client.write(get(target));
    const answers = await answersTo(client, 4);
    expect(answers.map(({ head }) => /^x-squall-fault: (.*)\r$/mu.exec(head)?.[1])).toEqual([
      undefined,
      "busy",
      "marked",
      "marked, slow",
    ]);
    expect(answers[0]?.raw).toBe(ok("fine"));
    expect(answers[3]?.raw).toBe(
      ok("fine", ["x-a: 1", "x-squall-fault: marked, slow", "x-squall-exchange: jobs/4"]),
    );
    expect(answers.map(({ head }) => /^x-squall-exchange: (.*)\r$/mu.exec(head)?.[1])).toEqual([
      undefined,
      "jobs/2",
      "jobs/3",
      "jobs/4",
    ]);
    // The same numbers as in the journal.
    expect([...new Set(lab.facts.of("fault_hit").map(({ exchange }) => exchange?.id))].sort()).toEqual([
      2, 3, 4,
    ]);
  });

  it("names what is still to act on the answer: a cut that is certain, and byte faults on their way to the client", async () => {
    await setUp({ faultHeader: true });
    lab.use([
      fault("http_truncate", { after: "2B", framing: "honest" }, { match: [{ path: ["/cut"] }] }),
      fault("latency", { delay: "1ms" }, { match: [{ path: ["/late"] }] }),
      fault("latency", { delay: "1ms" }, { name: "up", directions: "upstream", match: [{ path: ["/up"] }] }),
    ]);
    const marks: (string | undefined)[] = [];
    for (const target of ["/cut", "/late", "/up", "/plain"]) {
      const { head } = await lab.ask(proxy, get(target));
      marks.push(/^x-squall-fault: (.*)\r$/mu.exec(head)?.[1]);
    }
    expect(marks).toEqual(["http_truncate", "latency", "up", undefined]);
  });

  it("is on no answer otherwise", async () => {
    await setUp();
    lab.use(FAULTS);
    const client = lab.client(proxy);
    for (const target of TARGETS) client.write(get(target));
    for (const { head } of await answersTo(client, 4)) expect(head).not.toMatch(/x-squall/iu);
  });

  it("leaves all other bytes of a head as they are", async () => {
    await setUp({ faultHeader: true });
    lab.use([fault("http_delay", { delay: "1ms" })]);
    const answer = await lab.ask(proxy, post("/a", "x"));
    expect(answer.head).toBe(
      "HTTP/1.1 201 Created\r\ncontent-LENGTH:2\r\nX-Odd:   kept\r\nx-squall-fault: http_delay\r\nx-squall-exchange: jobs/1\r\n\r\n",
    );
  });
});

describe("traceparent", () => {
  const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";

  it("passes as it is, and its trace-id is in the journal", async () => {
    await setUp();
    lab.use([fault("http_status", { status: 502 }, { at: "after" })]);
    const request = get("/a", [`TraceParent: 00-${TRACE}-00f067aa0ba902b7-01`, "tracestate: a=1"]);
    await lab.ask(proxy, request);
    expect(server.requests[0]?.raw).toBe(request);
    await lab.ask(proxy, get("/b", ["traceparent: nonsense"]));
    await until(() => lab.facts.of("exchange_over").length === 2);
    expect(lab.facts.of("exchange_over").map(({ trace }) => trace)).toEqual([TRACE, undefined]);
  });
});

describe("/metrics", () => {
  /** The lines of one metric, as they are scraped. */
  async function scraped(name: string): Promise<string[]> {
    const registry = new Registry();
    for (const metric of exchangeMetrics(() => [proxy])) register(registry, metric);
    const lines = (await registry.metrics()).split("\n");
    return lines.filter((line) => line.startsWith(name));
  }

  it("has the codes that clients saw, and beside them what upstreams really answered", async () => {
    await setUp();
    lab.use([
      fault("lost_response", {}, { match: [{ path: ["/lost"] }] }),
      fault("http_status", { status: 503 }, { at: "after", match: [{ path: ["/hidden"] }] }),
      fault("http_status", { status: 429 }, { name: "early", match: [{ path: ["/early"] }] }),
      fault("duplicate_request", { times: 3 }, { match: [{ path: ["/twice"] }] }),
    ]);
    const lost = lab.client(proxy);
    lost.write(post("/lost", "x"));
    await lost.ended;
    for (const target of ["/hidden", "/early", "/twice", "/plain"]) await lab.ask(proxy, post(target, "x"));
    await until(() => server.requests.length === 6);
    await until(() => proxy.exchanges.upstreamResponses()[0]?.[1] === 6);
    expect((await scraped("squall_requests_total")).sort()).toEqual([
      'squall_requests_total{proxy="jobs",method="POST",code="201"} 2',
      'squall_requests_total{proxy="jobs",method="POST",code="429"} 1',
      'squall_requests_total{proxy="jobs",method="POST",code="503"} 1',
      'squall_requests_total{proxy="jobs",method="POST",code="none"} 1',
    ]);
    expect(await scraped("squall_upstream_responses_total")).toEqual([
      'squall_upstream_responses_total{proxy="jobs",code="201"} 6',
    ]);
    expect(await scraped("squall_upstream_requests_total")).toEqual([
      'squall_upstream_requests_total{proxy="jobs"} 6',
    ]);
    expect(await scraped("squall_request_amplification_ratio")).toEqual([
      'squall_request_amplification_ratio{proxy="jobs"} 1.2',
    ]);
    expect(await scraped("squall_request_duration_seconds_count")).toEqual([
      'squall_request_duration_seconds_count{proxy="jobs",side="client"} 5',
      'squall_request_duration_seconds_count{proxy="jobs",side="upstream"} 6',
    ]);
  });
});
