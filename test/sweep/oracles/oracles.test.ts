/** Each oracle as a table: runs that must raise its alarm, and runs of sound clients that must raise none at all. */
import { describe, expect, it } from "vitest";
import type { SeenConnection, SeenExchange, SeenHandshake } from "../../../src/sweep/contract/record.js";
import type { FaultInput, RunResult } from "../../../src/sweep/contract/run.js";
import type { JudgeOptions } from "../../../src/sweep/oracles/evidence.js";
import { judgeBy, leading } from "../../../src/sweep/oracles/judge.js";
import { call, fault, lostAnswer, lostRequest, placeOf, PLAIN, refused, run } from "../../support/runs.js";

const toldLater = {
  upstreamStatus: 503,
  clientStatus: 503,
  forwarded: true,
  response: { bytes: 0, hash: null, type: null, retryAfter: 1_000 },
};

/** Some of it came there. */
const cutRequest = { ...lostRequest, forwarded: true };

interface Row {
  readonly why: string;
  /** Of a fault-free run. */
  readonly usual: readonly SeenExchange[];
  readonly seen: readonly SeenExchange[];
  readonly faults?: readonly FaultInput[];
  readonly changes?: Partial<RunResult>;
  readonly usually?: Partial<RunResult>;
  readonly options?: Partial<JudgeOptions>;
  /** The signature of the leading alarm; null for none. */
  readonly alarm: string | null;
}

const COMPLETE = "POST /v1/jobs/7/complete";
const JOB = [call(0, "POST /v1/lease", { request: { key: "a" } }), call(100, COMPLETE)];
/** A bot that takes a payload, works on it, and hands in what came out. */
const WORK = [
  call(0, "POST /v1/lease", { request: { key: "a" } }),
  call(50, "POST /v1/jobs/7/heartbeat"),
  call(100, "GET /v1/jobs/7/payload"),
  call(300, "PUT /v1/jobs/7/artifacts/echo", { request: { bytes: 100_000 } }),
  call(400, COMPLETE),
];
const LOST = [fault("lost_response")];
const without = (all: readonly SeenExchange[], what: string): SeenExchange[] =>
  all.filter(({ method, path }) => `${method} ${path}` !== what);

/** Three bots at the lease, each with so long between two tries; then all is well. */
function tries(...waits: readonly (readonly number[])[]): SeenExchange[] {
  return waits
    .flatMap((of, index) =>
      [0, ...of].map((_, number) => {
        const at = 10 * index + of.slice(0, number).reduce((sum, wait) => sum + wait, 0);
        const last = number === of.length;
        const asked = { bot: `bot-${index + 1}`, over: at, request: { key: `of ${index}` } };
        return call(at, "POST /v1/lease", last ? asked : { ...lostRequest, ...asked });
      }),
    )
    .sort((a, b) => a.at - b.at);
}
const LEASES = [1, 2, 3].map((bot) =>
  call(bot, "POST /v1/lease", { bot: `bot-${bot}`, request: { key: `of ${bot}` } }),
);

/** Runs of a `tcp` proxy: bytes that each connection brought to the upstream, usually and now. */
function overTcp(
  usual: readonly number[],
  seen: readonly number[],
): Pick<Row, "usual" | "seen" | "usually"> & { readonly changes: Partial<RunResult> } {
  return { usual: [], seen: [], usually: overTcpRun(usual), changes: overTcpRun(seen) };
}

function overTcpRun(sizes: readonly number[]): Pick<RunResult, "record"> {
  const connections = sizes.map((up, index): SeenConnection => {
    const from = { proxy: "queue", bot: "127.0.0.1", connection: index + 1, at: 0, over: 5 };
    return { ...from, bytes: { up, down: up }, end: "client_closed", failure: null, faults: [] };
  });
  return { record: { exchanges: [], connections, queries: [], flows: [], hits: [] } };
}

const TABLES: Readonly<Record<string, readonly Row[]>> = {
  "O1, how it ended": [
    { why: "it ends well", usual: JOB, seen: JOB, alarm: null },
    {
      why: "it says why it fails",
      usual: JOB,
      seen: JOB,
      changes: {
        exit: { kind: "exit", code: 1 },
        output: {
          stdout: "",
          stderr:
            "2026-01-02T03:04:05.678Z starting\nTypeError: job 17 of undefined at 127.0.0.1:4711\n    at file.js:1:2\n\nNode.js v22.9.0\n",
        },
      },
      alarm: "exit 1: TypeError: job # of undefined at #",
    },
    {
      why: "it says nothing",
      usual: JOB,
      seen: JOB,
      changes: { exit: { kind: "exit", code: 3 } },
      alarm: "exit 3",
    },
    {
      why: "a signal ended it",
      usual: JOB,
      seen: JOB,
      changes: { exit: { kind: "signal", signal: "SIGSEGV" } },
      alarm: "ended by SIGSEGV",
    },
  ],
  "O2, whether it ended": [
    {
      why: "it does not end",
      usual: JOB,
      seen: JOB,
      changes: { exit: { kind: "hung", why: "timeout", ms: 31_000 } },
      alarm: "hung",
    },
    {
      why: "nothing moves",
      usual: JOB,
      seen: JOB,
      changes: { exit: { kind: "hung", why: "silent", ms: 40_000 } },
      alarm: "hung",
    },
  ],
  "O3, the check": [
    { why: "it passes", usual: JOB, seen: JOB, changes: { check: { ok: true, text: "" } }, alarm: null },
    {
      why: "it fails",
      usual: JOB,
      seen: JOB,
      changes: { check: { ok: false, text: "looking at 3 jobs\nerror: job 4 was done 2 times" } },
      alarm: "check: error: job # was done # times",
    },
    {
      why: "it fails after a command that said that it failed: the command is what is told",
      usual: JOB,
      seen: JOB,
      changes: { exit: { kind: "exit", code: 1 }, check: { ok: false, text: "error: 1 job missing" } },
      alarm: "exit 1",
    },
  ],
  "O4, the audit": [
    {
      why: "it is the same",
      usual: JOB,
      seen: JOB,
      usually: { audit: { done: 3, jobs: [{ id: 1 }] } },
      changes: { audit: { jobs: [{ id: 1 }], done: 3 } },
      alarm: null,
    },
    {
      why: "a number is another",
      usual: JOB,
      seen: JOB,
      usually: { audit: { totals: { expired: 0, leases: 3 } } },
      changes: { audit: { totals: { expired: 1, leases: 4 } } },
      alarm: "audit:/totals/expired",
    },
    {
      why: "what differs may differ",
      usual: JOB,
      seen: JOB,
      usually: { audit: { jobs: [{ worker: "a", at: 1 }] } },
      changes: { audit: { jobs: [{ worker: "b", at: 2 }] } },
      options: { ignore: ["/jobs/*/worker", "/jobs/*/at"] },
      alarm: null,
    },
    {
      why: "a number is within the tolerance",
      usual: JOB,
      seen: JOB,
      usually: { audit: { requests: 100 } },
      changes: { audit: { requests: 109 } },
      options: { tolerance: 0.1 },
      alarm: null,
    },
    {
      why: "a list is longer: its items have no number in the signature",
      usual: JOB,
      seen: JOB,
      usually: { audit: { dead: ["x"] } },
      changes: { audit: { dead: ["x", "y"] } },
      alarm: "audit:/dead/*",
    },
    {
      why: "something is missing",
      usual: JOB,
      seen: JOB,
      usually: { audit: { done: true, all: 1 } },
      changes: { audit: { all: 1 } },
      alarm: "audit:/done",
    },
    {
      why: "the command failed, and says so: half of the work is not wrong then",
      usual: JOB,
      seen: JOB,
      usually: { audit: { done: 3 } },
      changes: { audit: { done: 2 }, exit: { kind: "exit", code: 1 } },
      alarm: "exit 1",
    },
  ],
  "O5, recovery": [
    {
      why: "it goes on after healing",
      usual: [call(0, "POST /beat"), call(100, "POST /beat"), call(200, "POST /beat")],
      seen: [call(0, "POST /beat"), call(900, "POST /beat")],
      changes: { ms: 5_000, healed: 500 },
      alarm: null,
    },
    {
      why: "one of two calls never comes again",
      usual: [0, 100, 200].flatMap((at) => [call(at, "POST /beat"), call(at + 10, "POST /v1/lease")]),
      seen: [call(0, "POST /beat"), call(0, "POST /v1/lease"), call(600, "POST /beat")],
      changes: { ms: 5_000, healed: 500 },
      alarm: "stuck POST /v1/lease",
    },
    {
      why: "it was not watched for long enough",
      usual: [call(0, "POST /beat"), call(100, "POST /beat"), call(200, "POST /beat")],
      seen: [call(0, "POST /beat")],
      changes: { ms: 900, healed: 500 },
      alarm: null,
    },
    {
      why: "it ends by itself",
      usual: [call(0, "POST /beat"), call(100, "POST /beat"), call(200, "POST /beat")],
      seen: [call(0, "POST /beat")],
      changes: { ms: 5_000 },
      alarm: null,
    },
  ],
  "O6, twice": [
    {
      why: "a lost answer, and the same again",
      usual: JOB,
      seen: [...without(JOB, COMPLETE), call(100, COMPLETE, lostAnswer), call(300, COMPLETE)],
      faults: LOST,
      alarm: "twice POST /v1/jobs/:n/complete",
    },
    {
      why: "under the same key",
      usual: JOB,
      seen: [
        call(0, "POST /v1/lease", { ...lostAnswer, request: { key: "a" } }),
        call(50, "POST /v1/lease", { request: { key: "a" } }),
        call(100, COMPLETE),
      ],
      faults: LOST,
      alarm: null,
    },
    {
      why: "under another key",
      usual: JOB,
      seen: [
        call(0, "POST /v1/lease", { ...lostAnswer, request: { key: "a" } }),
        call(50, "POST /v1/lease", { request: { key: "b" } }),
        call(100, COMPLETE),
      ],
      faults: LOST,
      alarm: "rekeyed POST /v1/lease",
    },
    {
      why: "another loop asks under its own key before the first asks again",
      usual: JOB,
      seen: [
        call(0, "POST /v1/lease", { ...lostAnswer, request: { key: "a" } }),
        call(20, "POST /v1/lease", { request: { key: "b" } }),
        call(50, "POST /v1/lease", { request: { key: "a" } }),
        call(100, COMPLETE),
      ],
      faults: LOST,
      alarm: null,
    },
    {
      why: "the user says that it may be repeated",
      usual: JOB,
      seen: [...without(JOB, COMPLETE), call(100, COMPLETE, lostAnswer), call(300, COMPLETE)],
      faults: LOST,
      options: { idempotent: ({ path }) => path.endsWith("/complete") },
      alarm: null,
    },
    {
      why: "a request that was lost was not carried out",
      usual: JOB,
      seen: [...without(JOB, COMPLETE), call(100, COMPLETE, lostRequest), call(300, COMPLETE)],
      faults: [fault("lost_request")],
      alarm: null,
    },
    {
      why: "a PUT is the same when it comes twice",
      usual: WORK,
      seen: WORK.flatMap((one) =>
        one.method === "PUT"
          ? [
              { ...one, ...lostAnswer },
              { ...one, at: 350, over: 360 },
            ]
          : [one],
      ),
      faults: LOST,
      alarm: null,
    },
    {
      why: "a poll is repeated without faults too",
      usual: [call(0, "POST /v1/poll"), call(100, "POST /v1/poll")],
      seen: [call(0, "POST /v1/poll", lostAnswer), call(100, "POST /v1/poll"), call(200, "POST /v1/poll")],
      faults: LOST,
      alarm: null,
    },
    {
      why: "another bot does the same",
      usual: JOB,
      seen: [
        ...without(JOB, COMPLETE),
        call(100, COMPLETE, lostAnswer),
        call(300, COMPLETE, { bot: "bot-2" }),
      ],
      faults: LOST,
      alarm: null,
    },
    {
      why: "the fault itself repeats",
      usual: JOB,
      seen: [...without(JOB, COMPLETE), call(100, COMPLETE, { faults: ["f1"] })],
      faults: [fault("duplicate_request")],
      alarm: null,
    },
    {
      why: "work that was handed in is done and handed in again, since the last answer was lost",
      usual: WORK,
      seen: [
        ...without(WORK, COMPLETE),
        call(400, COMPLETE, lostRequest),
        call(500, "GET /v1/jobs/7/payload"),
        call(700, "PUT /v1/jobs/7/artifacts/echo", { request: { bytes: 100_000 } }),
        call(800, COMPLETE),
      ],
      faults: [fault("lost_request")],
      alarm: "again PUT /v1/jobs/:n/artifacts/echo",
    },
    {
      why: "heartbeats go on while the payload is waited for",
      usual: WORK,
      seen: [
        ...WORK.slice(0, 2),
        call(100, "GET /v1/jobs/7/payload", {
          ...refused,
        }),
        call(1_700, "POST /v1/jobs/7/heartbeat"),
        call(2_200, "GET /v1/jobs/7/payload"),
        ...WORK.slice(3).map((one) => ({ ...one, at: one.at + 2_200, over: one.over + 2_200 })),
      ],
      faults: [fault("http_status", { status: 429, retry_after: "2s" })],
      alarm: null,
    },
    {
      why: "two steps of the work come again, each by a POST",
      usual: [
        ...WORK.slice(0, 2),
        call(100, "POST /v1/jobs/7/results"),
        call(200, "POST /v1/jobs/7/notes"),
        call(400, COMPLETE),
      ],
      seen: [
        ...WORK.slice(0, 2),
        call(100, "POST /v1/jobs/7/results"),
        call(200, "POST /v1/jobs/7/notes"),
        call(400, COMPLETE, lostRequest),
        call(500, "POST /v1/jobs/7/results"),
        call(600, "POST /v1/jobs/7/notes"),
        call(700, COMPLETE),
      ],
      faults: [fault("lost_request")],
      alarm: "again POST /v1/jobs/:n/results",
    },
    {
      why: "work is done again that was handed out again",
      usual: WORK,
      seen: [
        ...without(WORK, COMPLETE),
        call(450, "POST /v1/lease", { request: { key: "b" } }),
        call(500, "GET /v1/jobs/7/payload"),
        call(700, "PUT /v1/jobs/7/artifacts/echo", { request: { bytes: 100_000 } }),
        call(800, COMPLETE),
      ],
      alarm: null,
    },
    {
      why: "who is not let in signs in again",
      usual: [call(0, "POST /login"), call(10, COMPLETE)],
      seen: [
        call(0, "POST /login"),
        call(10, COMPLETE, { clientStatus: 401, upstreamStatus: null, forwarded: false, faults: ["f1"] }),
        call(20, "POST /login"),
        call(30, COMPLETE),
      ],
      faults: [fault("unauthorized")],
      alarm: null,
    },
  ],
  "O6, lost": [
    {
      why: "it never came there, and all is said to be well",
      usual: JOB,
      seen: [...without(JOB, COMPLETE), call(100, COMPLETE, lostRequest)],
      faults: [fault("lost_request")],
      alarm: "lost POST /v1/jobs/:n/complete",
    },
    {
      why: "it never came there, and the command says so",
      usual: JOB,
      seen: [...without(JOB, COMPLETE), call(100, COMPLETE, lostRequest)],
      faults: [fault("lost_request")],
      changes: { exit: { kind: "exit", code: 1 } },
      alarm: "exit 1",
    },
    {
      why: "a connection never came there, and nothing came in its place",
      ...overTcp([78, 61], [0, 61]),
      alarm: "lost connection to queue",
    },
    {
      why: "no connection came there at all",
      ...overTcp([78, 61], []),
      alarm: "lost connection to queue",
    },
    {
      why: "a connection was made again",
      ...overTcp([78, 61], [0, 78, 61]),
      alarm: null,
    },
    {
      why: "a pool does with one connection less, and says all on the others",
      ...overTcp([10, 70], [0, 75]),
      alarm: null,
    },
    {
      why: "the answer on a connection was lost, and its request was not",
      ...overTcp([78, 61], [78, 30]),
      alarm: null,
    },
    {
      why: "a connection never came there, and the command says so",
      ...overTcp([78, 61], [0, 61]),
      changes: { ...overTcp([78, 61], [0, 61]).changes, exit: { kind: "exit", code: 1 } },
      alarm: "exit 1",
    },
    {
      why: "what runs all the time was watched for less time",
      usual: JOB,
      seen: without(JOB, COMPLETE),
      changes: { healed: 300 },
      alarm: null,
    },
    {
      why: "one heartbeat less is nothing",
      usual: [call(0, "POST /v1/jobs/7/heartbeat"), call(100, "POST /v1/jobs/7/heartbeat")],
      seen: [call(0, "POST /v1/jobs/7/heartbeat"), call(100, "POST /v1/jobs/7/heartbeat", lostRequest)],
      faults: [fault("lost_request")],
      alarm: null,
    },
    {
      why: "no heartbeat at all is not",
      usual: [call(0, "POST /v1/jobs/7/heartbeat"), call(100, "POST /v1/jobs/7/heartbeat")],
      seen: [call(100, "POST /v1/jobs/7/heartbeat", lostRequest)],
      faults: [fault("lost_request")],
      alarm: "lost POST /v1/jobs/:n/heartbeat",
    },
    {
      why: "another read less is nobody's loss",
      usual: [call(0, "GET /a"), call(10, "POST /b")],
      seen: [call(10, "POST /b")],
      alarm: null,
    },
  ],
  "O6, storm": [
    {
      why: "six tries within a second",
      usual: JOB,
      seen: [
        call(0, "POST /v1/lease", { request: { key: "a" } }),
        ...[100, 150, 200, 250, 300].map((at) => call(at, COMPLETE, lostRequest)),
        call(350, COMPLETE),
      ],
      faults: [fault("lost_request")],
      alarm: "storm POST /v1/jobs/:n/complete",
    },
    {
      why: "tries that back off",
      usual: JOB,
      seen: [
        call(0, "POST /v1/lease", { request: { key: "a" } }),
        ...[100, 300, 700, 1_500, 3_100, 6_300].map((at) => call(at, COMPLETE, lostRequest)),
        call(11_000, COMPLETE),
      ],
      faults: [fault("lost_request")],
      alarm: null,
    },
    {
      why: "many tries, one a second: patient, and no storm",
      usual: JOB,
      seen: [
        call(0, "POST /v1/lease", { request: { key: "a" } }),
        ...Array.from({ length: 14 }, (_, n) => call(100 + 1_000 * n, COMPLETE, lostRequest)),
        call(15_000, COMPLETE),
      ],
      faults: [fault("lost_request")],
      alarm: null,
    },
    {
      why: "polls with good answers are no tries",
      usual: [call(0, "POST /v1/poll"), call(100, "POST /v1/poll")],
      seen: Array.from({ length: 20 }, (_, n) => call(50 * n, "POST /v1/poll")),
      alarm: null,
    },
    {
      why: "far more of everything, and faster",
      usual: JOB,
      seen: Array.from({ length: 100 }, (_, n) =>
        call(10 * n, n === 99 ? COMPLETE : "POST /v1/lease", { request: { key: String(n) } }),
      ),
      alarm: "storm",
    },
  ],
  "O6, in step": [
    {
      why: "three bots wait equally long, time and again",
      usual: LEASES,
      seen: tries(
        [200, 400, 800, 1_600, 3_200],
        [205, 402, 815, 1_609, 3_220],
        [200, 404, 801, 1_622, 3_205],
      ),
      faults: [fault("lost_request")],
      alarm: "storm in step POST /v1/lease",
    },
    {
      why: "each draws its waits, and two of them happen to be alike at times",
      usual: LEASES,
      seen: tries([120, 390, 450, 1_590, 3_200], [180, 385, 790, 900, 1_700], [150, 210, 640, 1_580, 2_500]),
      faults: [fault("lost_request")],
      alarm: null,
    },
    {
      why: "two are no crowd",
      usual: LEASES.slice(0, 2),
      seen: tries([200, 400, 800, 1_600, 3_200], [200, 400, 800, 1_600, 3_200]),
      faults: [fault("lost_request")],
      alarm: null,
    },
    {
      why: "waits so short that a busy machine makes them alike or not",
      usual: LEASES,
      seen: tries([100, 100, 100, 200, 250], [100, 100, 100, 200, 250], [100, 100, 100, 200, 250]),
      faults: [fault("lost_request")],
      alarm: "storm POST /v1/lease",
    },
    {
      why: "the server said how long",
      usual: LEASES,
      seen: tries(
        [1_000, 1_000, 1_000, 1_000],
        [1_000, 1_000, 1_000, 1_000],
        [1_000, 1_000, 1_000, 1_000],
      ).map((one) => (one.clientStatus === null ? { ...one, ...toldLater } : one)),
      alarm: null,
    },
  ],
  "O6, early": [
    {
      why: "told to wait 2 s by a fault, back after 100 ms",
      usual: JOB,
      seen: [
        call(0, "POST /v1/lease", {
          ...refused,
          request: { key: "a" },
        }),
        call(105, "POST /v1/lease", { request: { key: "a" } }),
        call(200, COMPLETE),
      ],
      faults: [fault("http_status", { status: 429, retry_after: "2s" })],
      alarm: "early POST /v1/lease",
    },
    {
      why: "back after 2 s",
      usual: JOB,
      seen: [
        call(0, "POST /v1/lease", {
          ...refused,
          request: { key: "a" },
        }),
        call(2_004, "POST /v1/lease", { request: { key: "a" } }),
        call(2_200, COMPLETE),
      ],
      faults: [fault("http_status", { status: 429, retry_after: "2s" })],
      alarm: null,
    },
    {
      why: "told by the upstream itself",
      usual: JOB,
      seen: [
        call(0, "POST /v1/lease", {
          upstreamStatus: 503,
          response: { retryAfter: 1_000 },
          request: { key: "a" },
        }),
        call(105, "POST /v1/lease", { request: { key: "a" } }),
        call(200, COMPLETE),
      ],
      alarm: "early POST /v1/lease",
    },
    {
      why: "another loop of the bot asks under another key",
      usual: JOB,
      seen: [
        call(0, "POST /v1/lease", {
          ...refused,
          request: { key: "a" },
        }),
        call(105, "POST /v1/lease", { request: { key: "b" } }),
        call(200, COMPLETE),
      ],
      faults: [fault("http_status", { status: 429, retry_after: "2s" })],
      alarm: null,
    },
    {
      why: "the heartbeat of another job",
      usual: [call(0, "POST /v1/jobs/7/heartbeat"), call(10, "POST /v1/jobs/8/heartbeat")],
      seen: [
        call(0, "POST /v1/jobs/7/heartbeat", {
          ...refused,
        }),
        call(10, "POST /v1/jobs/8/heartbeat"),
        call(2_100, "POST /v1/jobs/7/heartbeat"),
      ],
      faults: [fault("http_status", { status: 429, retry_after: "2s" })],
      alarm: null,
    },
  ],
  "O6, blind": [
    {
      why: "half of a payload, and the outcome is handed in",
      usual: WORK,
      seen: WORK.map((one) => (one.method === "GET" ? { ...one, faults: ["f1"], end: "cut" as const } : one)),
      faults: [fault("http_truncate")],
      alarm: "blind GET /v1/jobs/:n/payload",
    },
    {
      why: "the rest is fetched",
      usual: WORK,
      seen: WORK.flatMap((one) =>
        one.method === "GET"
          ? [{ ...one, faults: ["f1"], end: "cut" as const }, call(200, "GET /v1/jobs/7/payload")]
          : [one],
      ),
      faults: [fault("http_truncate")],
      alarm: null,
    },
    {
      why: "heartbeats go on meanwhile, as they always do",
      usual: [...WORK.slice(0, 3), call(200, "POST /v1/jobs/7/heartbeat"), ...WORK.slice(3)],
      seen: [
        ...WORK.slice(0, 2),
        call(100, "GET /v1/jobs/7/payload", { faults: ["f1"], end: "cut" }),
        call(110, "POST /v1/jobs/7/heartbeat"),
        call(200, "GET /v1/jobs/7/payload"),
        ...WORK.slice(3),
      ],
      faults: [fault("http_truncate")],
      alarm: null,
    },
    {
      why: "the job is given up",
      usual: WORK,
      seen: [
        ...WORK.slice(0, 2),
        call(100, "GET /v1/jobs/7/payload", { faults: ["f1"] }),
        call(200, "POST /v1/jobs/7/fail"),
      ],
      faults: [fault("http_body")],
      changes: { exit: { kind: "exit", code: 1 } },
      alarm: "exit 1",
    },
    {
      why: "the acknowledgement of a write is nobody's business",
      usual: WORK,
      seen: WORK.map((one) => (one.path.endsWith("heartbeat") ? { ...one, faults: ["f1"] } : one)),
      faults: [fault("http_body")],
      alarm: null,
    },
  ],
  "O6, bytes": [
    {
      why: "an upload begins again and again",
      usual: WORK,
      seen: WORK.flatMap((one) =>
        one.method === "PUT"
          ? [0, 20, 40]
              .map((by) => ({ ...one, ...cutRequest, at: one.at + by, over: one.at + by + 5 }))
              .concat([{ ...one, at: 390, over: 395 } as never])
          : [one],
      ),
      faults: [fault("http_truncate", { direction: "upstream" })],
      alarm: "bytes PUT /v1/jobs/:n/artifacts/echo",
    },
    {
      why: "nothing of it had come there",
      usual: WORK,
      seen: WORK.flatMap((one) =>
        one.method === "PUT"
          ? [0, 20, 40]
              .map((by) => ({ ...one, ...lostRequest, at: one.at + by, over: one.at + by + 5 }))
              .concat([{ ...one, at: 390, over: 395 } as never])
          : [one],
      ),
      faults: [fault("lost_request")],
      alarm: null,
    },
    {
      why: "another upload to the same place is another one",
      usual: WORK,
      seen: WORK.flatMap((one) =>
        one.method === "PUT"
          ? [0, 20, 40].map((by) => ({ ...one, at: one.at + by, over: one.at + by + 5 }))
          : [one],
      ),
      faults: [fault("lost_request")],
      alarm: "again PUT /v1/jobs/:n/artifacts/echo",
    },
    {
      why: "what runs all the time was watched for longer",
      usual: WORK,
      seen: [0, 1_000, 2_000, 3_000].flatMap((by) =>
        WORK.map((one) => ({
          ...one,
          at: one.at + by,
          over: one.over + by,
          path: one.path.replace("7", `${by + 7}`),
        })),
      ),
      changes: { healed: 300, ms: 8_000 },
      alarm: null,
    },
    {
      why: "it is sent once more",
      usual: WORK,
      seen: WORK.flatMap((one) =>
        one.method === "PUT"
          ? [
              { ...one, ...lostRequest },
              { ...one, at: 350, over: 360 },
            ]
          : [one],
      ),
      faults: [fault("lost_request")],
      alarm: null,
    },
  ],
  "O6, leak": [
    {
      why: "what was made twice is deleted once",
      usual: [call(0, "POST /things", { request: { hash: "x" } }), call(50, "DELETE /things/1")],
      seen: [
        call(0, "POST /things", { ...lostAnswer, request: { hash: "x", key: null } }),
        call(20, "POST /things", { request: { hash: "y" } }),
        call(50, "DELETE /things/2"),
      ],
      faults: LOST,
      alarm: "leak POST /things",
    },
    {
      why: "it was deleted already when it was asked again",
      usual: [call(0, "POST /things"), call(50, "DELETE /things/1")],
      seen: [
        call(0, "POST /things"),
        call(50, "DELETE /things/1", lostAnswer),
        call(70, "DELETE /things/1", { upstreamStatus: 404 }),
      ],
      faults: LOST,
      alarm: null,
    },
    {
      why: "processes stay behind",
      usual: JOB,
      seen: JOB,
      changes: { left: ["4711 worker"] },
      alarm: "leak processes",
    },
    {
      why: "they always do",
      usual: JOB,
      seen: JOB,
      usually: { left: ["4710 worker"] },
      changes: { left: ["4711 worker"] },
      alarm: null,
    },
  ],
  "O7, objectives": [
    {
      why: "one in ten fails",
      usual: [call(0, "GET /a")],
      seen: Array.from({ length: 40 }, (_, n) =>
        call(n * 100, "GET /a", { clientStatus: n % 10 === 0 ? 503 : 200 }),
      ),
      options: { slo: { errorRate: 0.02, minSamples: 30 } },
      alarm: "slo error rate",
    },
    {
      why: "some are slow",
      usual: [call(0, "GET /a")],
      seen: Array.from({ length: 40 }, (_, n) =>
        call(n * 100, "GET /a", { over: n * 100 + (n % 10 === 0 ? 1_000 : 5) }),
      ),
      options: { slo: { p95: 800, minSamples: 30 } },
      alarm: "slo p95",
    },
    {
      why: "too few to say",
      usual: [call(0, "GET /a")],
      seen: Array.from({ length: 10 }, (_, n) => call(n * 1_000, "GET /a", { clientStatus: 503 })),
      options: { slo: { errorRate: 0.02, minSamples: 30 } },
      alarm: null,
    },
  ],
};

for (const [oracle, rows] of Object.entries(TABLES))
  describe(oracle, () => {
    it.each(rows)("$why", ({ usual, seen, faults = [], changes, usually, options, alarm }) => {
      const baselines = [1, 2, 3].map(() => run(usual, usually));
      const judge = judgeBy(baselines, placeOf, { ...PLAIN, ...options });
      const found = judge(run(seen, changes), faults);
      expect(leading(found.alarms)?.signature ?? null).toBe(alarm);
      expect(found.verdict).toBe(leading(found.alarms)?.verdict ?? "survived");
      for (const baseline of baselines) expect(judge(baseline, []).alarms).toEqual([]);
    });
  });

it("O6, lost: where fault-free runs have now more connections and now fewer, only none at all is odd", () => {
  const baselines = [
    [78, 61],
    [78, 61, 5],
    [78, 61],
  ].map((sizes) => run([], overTcpRun(sizes)));
  const judge = judgeBy(baselines, placeOf, PLAIN);
  expect(judge(run([], overTcpRun([5])), []).alarms).toEqual([]);
  expect(judge(run([], overTcpRun([])), []).alarms).toEqual([
    {
      verdict: "SUSPECT",
      oracle: "O6",
      signature: "lost connection to queue",
      text: "no connection to queue brought something to the upstream, in fault-free runs 2 to 3, and the command ends as if all were well",
    },
  ]);
});

describe("O6, accepted", () => {
  const judge = judgeBy([run(JOB), run(JOB), run(JOB)], placeOf, PLAIN);
  const shown = (changes: Partial<SeenHandshake>): SeenHandshake => ({
    proxy: "jobs",
    bot: "bot-1",
    connection: 1,
    at: 0,
    over: 5,
    sni: "jobs.example",
    version: "TLSv1.3",
    problem: "expired",
    took: "accepted",
    faults: ["f1"],
    ...changes,
  });
  const judged = (
    handshakes: readonly SeenHandshake[],
    faults: readonly FaultInput[],
    code = 0,
  ): readonly string[] => {
    const seen = run(JOB, { exit: { kind: "exit", code } });
    return judge({ ...seen, record: { ...seen.record, handshakes } }, faults).alarms.map(
      ({ verdict, signature }) => `${verdict} ${signature}`,
    );
  };
  const certificate = (problem: string): FaultInput => fault("tls_certificate", { problem });
  const WRONG = "WRONG accepted a wrong certificate: TLS to jobs as jobs.example";

  it.each<[string, Partial<SeenHandshake>, FaultInput, number, readonly string[]]>([
    ["a bad certificate that was taken, though the command passes", {}, certificate("expired"), 0, [WRONG]],
    [
      "another one of the same client is the same",
      { problem: "wrong_host" },
      certificate("wrong_host"),
      0,
      [WRONG],
    ],
    [
      "what common clients take by their defaults is a suspicion",
      { problem: "weak_key" },
      certificate("weak_key"),
      0,
      ["SUSPECT accepted weak_key: TLS to jobs as jobs.example"],
    ],
    ["what nobody could know is none", { problem: null }, certificate("revoked"), 0, []],
    ["one that was refused", { took: "alert certificate_expired" }, certificate("expired"), 0, []],
    ["one that was refused by ending", { took: "closed" }, certificate("expired"), 1, []],
    [
      "no other fault excuses the exit code",
      { took: "closed", problem: null },
      fault("tls_alert"),
      1,
      ["FAILED exit 1"],
    ],
    [
      "a certificate that is only large is no excuse",
      { took: "closed", problem: null },
      certificate("huge"),
      1,
      ["FAILED exit 1"],
    ],
    [
      "the exit code counts where a wrong one was taken",
      {},
      certificate("expired"),
      1,
      ["FAILED exit 1", WRONG],
    ],
    [
      "the exit code counts where nothing was shown",
      { faults: [] },
      certificate("expired"),
      1,
      ["FAILED exit 1"],
    ],
    [
      "an old version",
      { problem: null, version: "TLSv1.1" },
      fault("tls_terms", { max: "1.1" }),
      0,
      ["SUSPECT accepted an old version: TLS to jobs as jobs.example"],
    ],
    [
      "an old version that was refused",
      { problem: null, took: "closed" },
      fault("tls_terms", { max: "1.1" }),
      3,
      [],
    ],
  ])("%s", (_why, changes, one, code, expected) => {
    expect(judged([shown(changes)], [one], code)).toEqual(expected);
  });

  it("beside another fault the exit code counts", () => {
    const both = [certificate("expired"), { ...fault("lost_response"), name: "f2" }];
    expect(judged([shown({ took: "closed" })], both, 1)).toEqual(["FAILED exit 1"]);
  });
});

it("calls that are missing in a record that is cut are not called lost", () => {
  const judge = judgeBy([run(JOB), run(JOB), run(JOB)], placeOf, PLAIN);
  const seen = run(without(JOB, COMPLETE));
  expect(judge(seen, []).alarms).toHaveLength(1);
  expect(judge({ ...seen, record: { ...seen.record, cut: 3 } }, []).alarms).toEqual([]);
});
