/** An activation that only observes says of each exchange and connection what injecting would do to it, by the same draws, and does nothing. */
import { afterEach, describe, expect, it } from "vitest";
import { FAULT_TYPES } from "../../../../src/faults/kinds/index.js";
import type { CompiledFault } from "../../../../src/plan/value.js";
import { fault, until } from "../../../support/lab.js";
import { sample, scaled } from "../../../support/scope.js";
import { get, HttpLab, httpTimeLab, messageAt, ok, post } from "../../../support/http-lab.js";

let lab: HttpLab;
afterEach(async () => {
  await lab.close();
});

const ROUNDS = scaled(2, 5);
/** More than an exchange takes on loopback. */
const TURNS_PER_MS = 50;
const JSON_FIELD = ["Content-Type: application/json"];
const JOBS = JSON.stringify({ jobs: Array.from({ length: 60 }, (_, id) => ({ id, state: "queued" })) });

const REQUESTS = [
  get("/jobs"),
  post("/jobs/1/complete", JSON.stringify({ done: true, log: "x".repeat(900) }), JSON_FIELD),
  get("/missing"),
  `HEAD /jobs HTTP/1.1\r\nHost: x\r\n\r\n`,
  get("/jobs", ["Authorization: Bearer token", "X-Bot-Id: second"]),
  `POST /chunks HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n${JSON_FIELD[0]}\r\n\r\n6\r\n{"a":1\r\n1\r\n}\r\n0\r\n\r\n`,
];

/** What was hit, as `fault exchange`, and what the server was asked and the client was told. */
async function run(
  faults: readonly CompiledFault[],
  mode: "inject" | "observe",
): Promise<{ hits: readonly string[]; answers: readonly string[] }> {
  // Whether it throttles a small answer hangs on how long that took: it gets a clock that is the same in both modes.
  const timed = faults.some(({ type }) => type === "bandwidth") ? httpTimeLab() : null;
  lab = timed?.lab ?? new HttpLab();
  const server = await lab.scripted(({ target }) =>
    target === "/missing"
      ? "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
      : target === "/chunks"
        ? `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n${JSON_FIELD[0]}\r\n\r\n7\r\n{"a":1}\r\n0\r\n\r\n`
        : ok(JOBS, JSON_FIELD),
  );
  const proxy = await lab.http(server.port, {
    identify: [{ by: "header", name: "x-bot-id" }, { by: "client" }],
  });
  lab.use(faults, { seed: 5, mode });
  const answers: string[] = [];
  let turn = 0;
  const inTime = (holds: () => boolean): Promise<void> =>
    until(() => {
      const hit = lab.facts.of("fault_hit").at(-1)?.exchange?.id === answers.length + 1;
      if (hit || ++turn % TURNS_PER_MS === 0) timed?.time.advance(1);
      return holds();
    });
  for (let round = 0; round < ROUNDS; round++)
    for (const request of REQUESTS) {
      const client = lab.client(proxy);
      client.write(request);
      const head = request.startsWith("HEAD");
      await inTime(
        () =>
          client.end !== null ||
          messageAt(client.text, 0, { head }) !== null ||
          hangs(answers.length + 1, faults),
      );
      answers.push(client.text);
      client.socket.destroy();
      await inTime(() => proxy.stats.connectionsActive === 0);
    }
  const touched = (): Set<number> =>
    new Set(lab.facts.of("fault_hit").map(({ exchange }) => exchange?.id ?? 0));
  const over = (): number[] => lab.facts.of("exchange_over").map(({ exchange }) => exchange.id);
  // Copies of the last may still be under way: each exchange that a fault acted on is told once, when all is known of it.
  if (mode === "inject") {
    await inTime(() => over().length >= touched().size);
    expect(over().sort((a, b) => a - b)).toEqual([...touched()].sort((a, b) => a - b));
  }
  const hits = lab.facts.of("fault_hit").map(({ fault: name, exchange }) => `${name} ${exchange?.id}`);
  return { hits: [...new Set(hits)].sort(), answers };
}

/** Nothing comes of this exchange any more, by a fault that says so. */
function hangs(id: number, faults: readonly CompiledFault[]): boolean {
  if (!faults.some(({ params }) => params["then"] === "hang" || params["on_full"] === "hang")) return false;
  return lab.facts.of("fault_hit").some((hit) => hit.observed !== true && hit.exchange?.id === id);
}

/** Of types that act on exchanges and their bytes, what can be compared exchange by exchange. */
const SETTINGS: Readonly<Record<string, readonly Record<string, unknown>[]>> = {
  http_delay: [{ delay: "1ms", jitter: "1ms" }],
  http_status: [{ status: 503 }],
  lost_request: [{}, { then: "hang" }, { then: "status" }],
  lost_response: [{}, { then: "close" }, { then: "hang" }, { then: "status" }],
  duplicate_request: [{ times: 3 }, { limit: "600B" }],
  late_response: [{ hold: "1ms" }],
  http_truncate: [
    { after: "700B", framing: "short" },
    { after: "1KiB", framing: "honest" },
    { share: "50%", framing: "unterminated" },
  ],
  http_body: [
    { mode: "empty" },
    { mode: "garble_json" },
    { mode: "cut_json" },
    { mode: "inflate", size: "1KiB" },
    { mode: "replace", with: "x", limit: "1KiB" },
  ],
  http_headers: [{ set: { "x-a": "1" } }, { remove: ["authorization"] }],
  http_malformed: [{ mode: "garbage" }],
  rate_limit: [{ limit: 3, window: "1h" }],
  overload: [
    { concurrency: 1, service_time: "1ms" },
    { concurrency: 1, queue: 0 },
  ],
  unauthorized: [{}, { mode: "invalid" }],
  stale_response: [{ age: "0ms" }],
  keepalive_race: [{}],
  latency: [{ delay: "1ms" }],
  bandwidth: [{ rate: "20kB/s", burst: "0B" }],
  slicer: [{ size: "500B" }],
  corrupt: [{ rate: "0.1%" }],
  truncate: [{ after: "800B" }, { after: "2KiB", then: "hang" }, { after: "0B", then: "reset" }],
  slow_headers: [{ gap: "10us" }],
  noop: [{}],
};
const PATH = { match: [{ path: ["/**"] }] };

describe("observing", () => {
  it("is compared for each type that acts on exchanges, or on bytes of them", () => {
    lab = new HttpLab();
    const types = FAULT_TYPES.filter(
      ({ exchange, stream, subject }) => exchange ?? (stream && subject === undefined),
    ).map(({ type }) => type);
    expect(Object.keys(SETTINGS).sort()).toEqual(types.sort());
  });

  const cases = Object.entries(SETTINGS).flatMap(([type, all]) =>
    all.flatMap((params) =>
      (type === "http_body" || type === "corrupt" ? (["both", null] as const) : ([null] as const)).map(
        (directions) => ({ type, params, directions }),
      ),
    ),
  );

  it.each(sample(cases, 1, ({ type }) => type, "hits"))(
    "hits the exchanges that $type $params $directions would hit",
    async ({ type, params, directions }) => {
      const rest = {
        ...PATH,
        when: { probability: 0.6 },
        ...(directions === null ? {} : { directions }),
        ...(type === "corrupt" ? { at: "body" } : {}),
      };
      const faults = [fault(type, params, rest)];
      const injected = await run(faults, "inject");
      await lab.close();
      const plain = await run([], "inject");
      await lab.close();
      const observed = await run(faults, "observe");
      expect(observed.hits).toEqual(injected.hits);
      expect(observed.answers).toEqual(plain.answers);
    },
  );

  it.each(sample(cases, 1, ({ type }) => type, "asks"))(
    "asks nothing of $type $params where another would have had the last word",
    async ({ type, params }) => {
      const faults = [
        fault(
          "lost_response",
          {},
          { name: "first", match: [{ path: ["/jobs"] }], when: { probability: 0.5 } },
        ),
        fault(type, params, {
          ...PATH,
          name: "second",
          when: { probability: 0.6 },
          ...(type === "corrupt" ? { at: "body" } : {}),
        }),
        fault(
          "http_headers",
          { set: { "x-b": "1" } },
          { name: "third", match: [{ status: ["2xx"] }], when: { probability: 0.7 } },
        ),
      ];
      const injected = await run(faults, "inject");
      await lab.close();
      const observed = await run(faults, "observe");
      expect(observed.hits).toEqual(injected.hits);
    },
  );

  it("compares with what is done: a request whose answer is lost is still sent again", async () => {
    const { hits } = await run([fault("lost_response"), fault("duplicate_request", { times: 3 })], "inject");
    expect(hits.filter((hit) => hit.startsWith("duplicate_request"))).toHaveLength(REQUESTS.length * ROUNDS);
  });
});
