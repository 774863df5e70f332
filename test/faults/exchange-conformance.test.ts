/** What every type of fault that acts on exchanges keeps to, whoever wrote it: each with several settings, in each of its places. */
import { describe, expect, it } from "vitest";
import type { ExchangeFault, ExchangeVerdict, ResponseInfo } from "../../src/faults/contract/index.js";
import { VirtualClock } from "../../src/core/clock.js";
import { FAULT_TYPES } from "../../src/faults/kinds/index.js";
import {
  ExchangeBench,
  type AnswerSketch,
  type BenchOptions,
  type RequestSketch,
} from "../support/exchange-bench.js";
import { randomOf } from "../support/scripted-traffic.js";
import { sample } from "../support/scope.js";
import { expectTheSame } from "../support/shifted.js";
import type { Raw } from "../support/stream-bench.js";

/** Weeks: a zero that stands for "no time yet" would be that long ago. */
const UPTIME = 2 ** 22 * 1000;

/** Settings that together reach every effect of a type, besides its example. */
const SETTINGS: Readonly<Record<string, readonly Raw[]>> = {
  http_delay: [{ delay: "0ms" }, { delay: "1s", jitter: "1s", distribution: "pareto" }],
  http_status: [
    { status: 200, body: '{"ok":true}', headers: { "x-a": "1" } },
    { status: 304 },
    { status: 599, persona: "envoy" },
  ],
  lost_response: [
    { then: "close" },
    { then: "hang" },
    { then: "status" },
    { then: "status", status: 504, persona: "alb" },
  ],
  lost_request: [
    { then: "close" },
    { then: "hang" },
    { then: "status" },
    { then: "status", status: 504, persona: "alb" },
  ],
  duplicate_request: [{ times: 10, same_connection: true }, { limit: "3B" }],
  late_response: [{ hold: "0ms" }],
  http_truncate: [
    { after: "0B", framing: "short" },
    { after: "5B", framing: "unterminated" },
    { share: "10%" },
  ],
  http_body: [
    { mode: "empty" },
    { mode: "replace", with: "" },
    { mode: "cut_json" },
    { mode: "inflate", size: "1KiB" },
    { mode: "replace", with: "x", limit: "3B" },
  ],
  http_headers: [{ set: { "x-a": "1" } }, { rename: { "content-type": "x-type" } }],
  http_malformed: ["status_line", "header", "chunk", "length", "empty"].map((mode) => ({ mode })),
  rate_limit: [
    { limit: 1, window: "1h", per: "proxy", retry_after: "date", headers: "x-ratelimit" },
    { limit: 1, window: "10s", per: "client", headers: "draft-ietf-ratelimit" },
    { limit: 2, window: "1s", per: "route", retry_after: "none", status: 503 },
  ],
  overload: [
    { concurrency: 1 },
    { concurrency: 1, queue: 2, on_full: "hang" },
    { concurrency: 2, queue: 1, on_full: "reset", service_time: "10ms", jitter: "10ms" },
  ],
  unauthorized: [
    {},
    { mode: "revoked", status: 403, body: "no" },
    { mode: "invalid", how: "spoil" },
    { mode: "missing", how: "spoil", after: "100ms" },
  ],
  stale_response: [{ age: "0ms" }, { age: "100ms", limit: "8B" }, { age: "1s", memory: "3KiB" }],
  keepalive_race: [{}, { after: "1ms", how: "reset" }],
};

const TYPES = FAULT_TYPES.filter(({ exchange }) => exchange !== undefined);
const ALL_CASES = TYPES.flatMap((type) => {
  const { type: name, ...example } = type.example;
  return [example, ...(SETTINGS[type.type] ?? [])].flatMap((raw) =>
    (type.at ?? [""]).map((at) => ({ type, name: String(name), at, raw })),
  );
});

const CASES = sample(ALL_CASES, 3, ({ name }) => name);

interface Step {
  readonly request: RequestSketch;
  readonly answer: AnswerSketch | { readonly failed: string };
  readonly pause: number;
}

/** Exchanges of all sorts, the same for the same seed. */
function script(seed: number, length: number): Step[] {
  const random = randomOf(seed, "exchanges");
  const one = <T>(items: readonly [T, ...T[]]): T => items[random.integer(items.length)] ?? items[0];
  return Array.from({ length }, () => {
    const token = one([[], [["Authorization", `Bearer t${random.integer(2)}`]] as const]);
    const encoding = one([[], [], [["Content-Encoding", "gzip"]] as const]);
    return {
      request: {
        method: one(["GET", "GET", "POST", "HEAD"]),
        target: one(["/jobs", "/jobs/1?x=1"]),
        fields: [["Host", "h"], ["Accept-Encoding", "gzip"], ...token],
        body: one(["", "{}", '{"a":[1,2]}']),
        bot: one(["a", "b"]),
        idle: one([null, 0, 6_000]),
      },
      answer: one<Step["answer"]>([
        {
          fields: [
            ["Content-Type", one(["application/json", "text/html", "text/event-stream"])],
            ["Retry-After", "3"],
            ...encoding,
          ],
          body: one(["", '{"jobs":[{"id":1},{"id":2}]}', "[]"]),
          chunked: random.chance(0.3),
        },
        { status: 201, body: "{}" },
        { status: 500, reason: "Internal Server Error" },
        { failed: "upstream_reset" },
      ]),
      pause: one([0, 1, 50, 2_000]),
    };
  });
}

const LATER: ResponseInfo = { status: 200, reason: "OK", header: () => undefined, fields: () => [] };
const VERDICTS = ["pass", "hold", "wait", "hang", "reset", "close", "answer", "raw"];

/** Looks at a verdict as the runner would. */
function sound(verdict: ExchangeVerdict | undefined): void {
  if (verdict === undefined) return;
  expect(VERDICTS).toContain(verdict.do);
  if (verdict.do === "hold") expect(verdict.for).toBeGreaterThanOrEqual(0);
  if (verdict.do !== "answer") return;
  expect(verdict.head.status).toBeGreaterThanOrEqual(200);
  for (const [name, value] of verdict.head.fields) {
    expect(name).toMatch(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/u);
    expect(value).toMatch(/^[\t\x20-\x7e\x80-\xff]*$/u);
  }
}

function run(
  name: string,
  raw: Raw,
  options: BenchOptions,
  seed: number,
): { bench: ExchangeBench; told: string[] } {
  const bench = new ExchangeBench(name, raw, options);
  const told = script(seed, 80).map(({ request, answer, pause }) => {
    const outcome = bench.play(request, answer);
    sound(outcome.verdict);
    bench.clock.advance(pause);
    return JSON.stringify(outcome);
  });
  return { bench, told: [...told, JSON.stringify([bench.counts, bench.armed.delays])] };
}

it("has settings here for each type", () => {
  expect(Object.keys(SETTINGS).sort()).toEqual(TYPES.map(({ type }) => type).sort());
});

describe.each(TYPES.map((type) => [type.type, type] as const))("%s, in all its settings", (name, type) => {
  it("reaches each effect that it has, and no other", () => {
    const reached = new Set<string>();
    for (const { raw, at } of ALL_CASES.filter((candidate) => candidate.type === type)) {
      for (const effect of Object.keys(run(name, raw, { at }, 1).bench.counts)) reached.add(effect);
      // And with many at once, none of which ends.
      const crowd = new ExchangeBench(name, raw, { at });
      for (let id = 0; id < 40; id++) crowd.begin({ bot: "a" }).fault.request?.();
      for (const effect of Object.keys(crowd.counts)) reached.add(effect);
    }
    expect([...reached].sort()).toEqual(Object.keys(type.effects).sort());
  });

  it("knows places only before or after the upstream's work", () => {
    expect([...(type.at ?? ["before", "after"])].sort()).toEqual(["after", "before"]);
  });
});

describe.each(CASES)("$name $raw $at, at work", ({ type, name, raw, at }) => {
  const options = at === "" ? {} : { at };

  it("explains itself as the rest of a sentence", () => {
    expect(type.check?.({ params: type.params.parse(raw), narrowed: false })).toBeUndefined();
    expect(type.explain(type.params.parse(raw))).toMatch(/^[a-z].*[^.]$/u);
    expect(type.explain(type.params.parse(raw))).not.toMatch(/undefined|NaN|\[object/u);
  });

  it("gives the same again for the same seed", () => {
    for (const seed of sample([1, 2, 3], 1))
      expect(run(name, raw, options, seed).told).toEqual(run(name, raw, options, seed).told);
  });

  it("does the same however long the process has been running", () => {
    const [early = [], late = []] = [0, UPTIME].map((uptime) => {
      const clock = new VirtualClock(uptime);
      // The time of day is another thing.
      clock.wallTime = () => clock.now() - uptime;
      return run(name, raw, { ...options, clock }, 7).told;
    });
    expectTheSame(late, early);
  });

  it("answers for the same draw when it is asked again, and counts nothing twice", () => {
    const once = new ExchangeBench(name, raw, options);
    const often = new ExchangeBench(name, raw, options);
    for (const { request, answer } of script(4, 40)) {
      const first = once.begin(request);
      const again = often.begin(request);
      for (let time = 0; time < 3; time++) again.fault.request?.();
      expect(again.fault.request?.()).toEqual(first.fault.request?.());
      if (!("failed" in answer)) {
        for (let time = 0; time < 3; time++) again.fault.response?.(LATER);
        expect(again.fault.response?.(LATER)).toEqual(first.fault.response?.(LATER));
      }
      first.fault.released?.();
      again.fault.released?.();
    }
    expect(often.counts).toEqual(once.counts);
    expect(often.armed.delays).toEqual(once.armed.delays);
  });

  it("can be released at any moment, before it was asked and more than once", () => {
    const asked: readonly ((fault: ExchangeFault) => unknown)[] = [
      (fault) => fault.request?.(),
      (fault) => fault.rewriteRequest?.({ method: "GET", target: "/", fields: [] }),
      (fault) => fault.dispatch?.(),
      (fault) => fault.response?.(LATER),
      (fault) => fault.rewriteResponse?.({ status: 200, reason: "OK", fields: [] }),
      (fault) =>
        fault.body?.({
          direction: "downstream",
          length: 10,
          framing: "length",
          mediaType: "application/json",
        }),
    ];
    const bench = new ExchangeBench(name, raw, options);
    for (let stop = 0; stop <= asked.length; stop++) {
      const { fault } = bench.begin();
      for (const question of asked.slice(0, stop)) question(fault);
      fault.released?.();
      fault.released?.();
    }
    // None of them is still in the way of the next.
    bench.clock.advance(3_600_000);
    expect(bench.begin({ bot: "fresh", target: "/fresh" }).fault.request?.().do).not.toBe("wait");
  });

  it("says of a failure only that it was one: nothing is done to an answer that never came", () => {
    const bench = new ExchangeBench(name, raw, options);
    const { fault } = bench.begin({ method: "POST", fields: [] });
    const before = fault.request?.();
    const counted = JSON.stringify(bench.counts);
    expect(fault.response?.({ failed: "upstream_refused" }) ?? { do: "pass" }).toEqual({ do: "pass" });
    expect(JSON.stringify(bench.counts)).toBe(counted);
    sound(before);
  });

  it("takes any other settings of its type in the middle of an exchange", () => {
    for (const other of sample(
      ALL_CASES.filter((candidate) => candidate.type === type && candidate.at === at),
      3,
    )) {
      const bench = new ExchangeBench(name, raw, options);
      script(5, 30).forEach(({ request }, index) => {
        const { fault } = bench.begin(request);
        sound(fault.request?.());
        bench.armed.assign(index % 2 === 0 ? other.raw : raw);
        sound(fault.request?.());
        fault.rewriteRequest?.({ method: "GET", target: "/", fields: [] });
        fault.dispatch?.();
        sound(fault.response?.(LATER));
        fault.rewriteResponse?.({ status: 200, reason: "OK", fields: [] });
        fault.body?.({ direction: "downstream", length: null, framing: "chunked", mediaType: "" });
        fault.released?.();
      });
    }
  });

  it("tells no secret: neither tokens nor whole targets are in what goes to the journal", () => {
    const { bench } = run(name, raw, options, 6);
    expect(JSON.stringify(bench.armed.details)).not.toMatch(/Bearer|t0|t1|x=1/u);
  });

  it("gives a head that it leaves alone back as it is, so that it can be sent byte for byte", () => {
    const heads = { request: { method: "GET", target: "/", fields: [] }, response: { ...LATER, fields: [] } };
    const { fault } = new ExchangeBench(name, raw, options).begin();
    fault.request?.();
    for (const [before, after] of [
      [heads.request, fault.rewriteRequest?.(heads.request)],
      [heads.response, fault.rewriteResponse?.(heads.response)],
    ]) {
      if (JSON.stringify(after) === JSON.stringify(before)) expect(after).toBe(before);
    }
  });

  it("lets no head pass by its names that it would change", () => {
    const names = [
      "retry-after",
      "Authorization",
      "accept-encoding",
      "content-type",
      "x-job",
      "X-Trace",
      "etag",
    ];
    for (const fields of [[], ...names.map((one) => [[one, "Bearer t0"] as const])]) {
      const { fault } = new ExchangeBench(name, raw, options).begin({ method: "POST", fields });
      fault.request?.();
      const has = (wanted: string): boolean =>
        fields.some(([one]) => one.toLowerCase() === wanted.toLowerCase());
      const request = { method: "POST", target: "/", fields };
      if (fault.passesHead?.("upstream", { has }) === true)
        expect(fault.rewriteRequest?.(request) ?? request).toBe(request);
      fault.response?.({ ...LATER, fields: () => fields });
      const response = { status: 200, reason: "OK", fields };
      if (fault.passesHead?.("downstream", { has }) === true)
        expect(fault.rewriteResponse?.(response) ?? response).toBe(response);
    }
  });

  it("leaves the direction alone in which it does not act", () => {
    if (type.directions === null) return;
    const request = {
      method: "POST",
      fields: [["content-type", "application/json"]],
      body: '{"a":1}',
    } as const;
    const answer = { fields: [["content-type", "application/json"]], body: '{"b":2}' } as const;
    const up = new ExchangeBench(name, raw, { ...options, direction: "upstream" }).play(request, answer);
    expect(up.client).toEqual({
      status: 200,
      reason: "OK",
      fields: answer.fields,
      body: answer.body,
      end: "whole",
    });
    const down = new ExchangeBench(name, raw, { ...options, direction: "downstream" }).play(request, answer);
    expect(down.upstream).toMatchObject({ fields: request.fields, body: request.body, end: "whole" });
  });
});
