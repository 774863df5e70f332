/**
 * What `GET /live`, `/exchanges`, `/exchanges/{proxy}/{id}` and `/findings` say, as one small scene: two bots complete jobs under `lost-ack`. The
 * first one's acknowledgement is lost after the server has done the work, and it tries again. For tests of whoever reads these answers.
 */
import type {
  ExchangesAnswer,
  ExchangeTrace,
  FindingsAnswer,
  LiveAct,
  LiveExchange,
  LiveState,
  LiveTick,
} from "../../src/live/contract.js";

const NOW = 100_000;
const NOW_WALL = Date.parse("2026-11-29T14:00:00Z");
const ROUTE = "POST /v1/jobs/:n/complete";

/** A whole exchange that nothing happened to, begun at `at`: it took 12 ms, 8 of them the upstream's. */
export function liveExchange(at: number, change: Partial<LiveExchange> = {}): LiveExchange {
  return {
    proxy: "jobs",
    id: "1",
    kind: "exchange",
    plane: "http",
    rank: 1,
    bot: "bot-1",
    client: "127.0.0.1",
    connection: 1,
    method: "POST",
    path: "/v1/jobs/17/complete",
    route: ROUTE,
    pending: false,
    client_side: {
      first: at,
      at,
      last: at,
      answer_first: at + 12,
      answer_last: at + 12,
      over: at + 12,
      status: 200,
      rcode: null,
      end: "complete",
      by: "upstream",
    },
    upstream_side: {
      name: "main",
      dialled: null,
      connected: null,
      forwarded: at + 1,
      sent: at + 1,
      answered: at + 9,
      over: at + 9,
      status: 200,
      end: "complete",
      copies: 0,
      detached: false,
    },
    delays: [],
    acts: [],
    again: null,
    again_by: null,
    up: 32,
    down: 18,
    tls: null,
    retry_after_ms: null,
    key: null,
    failure: null,
    ...change,
  };
}

const LOST: LiveAct = {
  activation: "a1",
  profile: "lost-ack",
  phase: "",
  fault: "lost-ack",
  type: "lost_response",
  effect: "lost",
  amount: 1,
  at: 90_009,
  detail: { upstream_status: 200 },
  observed: false,
};

const LOST_ONE = liveExchange(90_000, { id: "7", rank: 11, acts: [LOST] });

/** The server did the work; the client's connection was reset in place of the answer. */
export const LOST_ACK: LiveExchange = {
  ...LOST_ONE,
  client_side: {
    ...LOST_ONE.client_side,
    answer_first: null,
    answer_last: null,
    over: 90_009,
    status: null,
    end: "reset",
    by: "fault",
  },
  down: 0,
};

export const TRIED_AGAIN = liveExchange(91_000, {
  id: "9",
  rank: 14,
  connection: 3,
  again: "7",
  again_by: "failed",
});

/** Held by `latency`, and still under way. */
export const PENDING = liveExchange(99_900, {
  id: "12",
  rank: 17,
  bot: "bot-2",
  connection: 2,
  method: "GET",
  path: "/v1/jobs/next",
  route: "GET /v1/jobs/next",
  pending: true,
  client_side: {
    first: 99_900,
    at: 99_900,
    last: 99_900,
    answer_first: null,
    answer_last: null,
    over: null,
    status: null,
    rcode: null,
    end: null,
    by: null,
  },
  upstream_side: null,
  delays: [
    {
      at: 99_900,
      until: null,
      side: "request",
      activation: "a1",
      fault: "slow",
      type: "response_delay",
    },
  ],
  up: 0,
  down: 0,
});

/** Bytes, which nothing happened to. */
export const BYTES = liveExchange(95_000, {
  proxy: "queue",
  id: "c4",
  kind: "connection",
  plane: "tcp",
  rank: 15,
  bot: "127.0.0.1",
  connection: 4,
  method: null,
  path: null,
  route: null,
});

export const LIVE_EXCHANGES: readonly LiveExchange[] = [
  liveExchange(89_000, { id: "6", rank: 8, bot: "bot-2", connection: 2 }),
  LOST_ACK,
  TRIED_AGAIN,
  BYTES,
  PENDING,
];

export const LIVE_STATE: LiveState = {
  now: NOW,
  now_wall: NOW_WALL,
  run: "mf2k3x1a",
  version: "1.0.0",
  started_wall: NOW_WALL - 100_000,
  watched_since: 80_000,
  tick_ms: 250,
  bots: {
    rows: [
      {
        id: "bot-1",
        open: 1,
        pending: 0,
        exchanges: 2,
        failed: 1,
        hits: 1,
        last_at: 91_012,
        silent_since: 91_012,
      },
      {
        id: "bot-2",
        open: 1,
        pending: 1,
        exchanges: 2,
        failed: 0,
        hits: 1,
        last_at: 99_900,
        silent_since: null,
      },
    ],
    more: 0,
  },
  proxies: {
    rows: [
      {
        id: "jobs",
        plane: "http",
        listen: "127.0.0.1:9000",
        upstream: "http://127.0.0.1:8000",
        tls: false,
        enabled: true,
        state: "listening",
        open: 2,
        connections: 3,
        exchanges: 12,
        failures: 0,
        bytes_up: 4_800,
        bytes_down: 2_900,
        hits: 2,
        faults: [
          {
            fault: "lost-ack",
            type: "lost_response",
            profile: "lost-ack",
            activation: "a1",
            phase: "",
            observe: false,
            hits: 1,
          },
        ],
      },
    ],
    more: 0,
  },
  upstreams: {
    rows: [
      {
        id: "jobs/main",
        proxy: "jobs",
        name: "main",
        address: "127.0.0.1:8000",
        state: "up",
        why: null,
        open: 0,
        total: 12,
        failed: 0,
        hits: 1,
      },
    ],
    more: 0,
  },
  links: {
    rows: [
      { id: "5:bot-1jobs", bot: "bot-1", proxy: "jobs", open: 1, total: 2, failed: 1, hits: 1 },
      { id: "5:bot-2jobs", bot: "bot-2", proxy: "jobs", open: 1, total: 2, failed: 0, hits: 1 },
    ],
    more: 0,
  },
  active: {
    rows: [
      {
        id: "a1",
        profile: "lost-ack",
        mode: "inject",
        fleet: false,
        seed: 42,
        params: { probability: 0.1 },
        proxies: null,
        started_at: 85_000,
        started_wall: NOW_WALL - 15_000,
        ends_at: 145_000,
        phase: null,
        hits: 1,
        faults: [
          {
            proxy: "jobs",
            fault: "lost-ack",
            type: "lost_response",
            on: true,
            subjects: 12,
            matched: 4,
            hits: 1,
            text: "1 of 12 exchanges so far, of which 4 match",
          },
        ],
        again: "squall on lost-ack --seed 42",
      },
    ],
    more: 0,
  },
  bands: {
    rows: [
      {
        id: "a1",
        activation: "a1",
        profile: "lost-ack",
        phase: null,
        mark: null,
        at: 85_000,
        until: null,
      },
    ],
    more: 0,
  },
  totals: { seen: 5, left_out: { rate: 0, bot: 0 } },
  exchanges: LIVE_EXCHANGES,
};

/** A quarter of a second later the held one is answered. */
export const LIVE_TICK: LiveTick = {
  now: NOW + 250,
  now_wall: NOW_WALL + 250,
  bots: {
    rows: [
      {
        id: "bot-2",
        open: 1,
        pending: 0,
        exchanges: 2,
        failed: 0,
        hits: 1,
        last_at: 100_112,
        silent_since: null,
      },
    ],
    gone: [],
    more: 0,
  },
  exchanges: [
    {
      ...liveExchange(99_900, { ...PENDING, rank: 18, pending: false }),
      client_side: {
        ...PENDING.client_side,
        answer_first: 100_112,
        answer_last: 100_112,
        over: 100_112,
        status: 200,
        end: "complete",
        by: "upstream",
      },
      upstream_side: {
        name: "main",
        dialled: null,
        connected: null,
        forwarded: 100_100,
        sent: 100_100,
        answered: 100_111,
        over: 100_111,
        status: 200,
        end: "complete",
        copies: 0,
        detached: false,
      },
      delays: PENDING.delays.map((delay) => ({ ...delay, until: 100_100 })),
    },
  ],
};

export const EXCHANGES_ANSWER: ExchangesAnswer = {
  now: NOW,
  now_wall: NOW_WALL,
  exchanges: LIVE_EXCHANGES,
  rank: 17,
  kept_since: 80_000,
  left_out: { rate: 0, bot: 0 },
  forgotten: 0,
};

export const EXCHANGE_TRACE: ExchangeTrace = {
  now: NOW,
  now_wall: NOW_WALL,
  exchange: LOST_ACK,
  source: "traced",
  missing: null,
  verdicts: [
    {
      activation: "a1",
      profile: "lost-ack",
      phase: "",
      fault: "slow",
      type: "response_delay",
      observe: false,
      at: 90_000,
      outcome: "no_match",
      text: "not hit: method is POST, wanted GET",
      match: { key: "method", wanted: ["GET"], actual: "POST", entry: 0 },
      when: null,
      draw: null,
      acts: [],
      recomputed: false,
    },
    {
      activation: "a1",
      profile: "lost-ack",
      phase: "",
      fault: "lost-ack",
      type: "lost_response",
      observe: false,
      at: 90_000,
      outcome: "hit",
      text: "hit: drawn 0.031, below 0.1",
      match: null,
      when: null,
      draw: { probability: 0.1, drawn: 0.031 },
      acts: [LOST],
      recomputed: false,
    },
  ],
  request: {
    in: {
      line: "POST /v1/jobs/17/complete HTTP/1.1",
      fields: [
        ["host", "127.0.0.1:9000"],
        ["authorization", "(masked)"],
        ["content-length", "32"],
      ],
      more: 0,
      body: null,
    },
    out: {
      line: "POST /v1/jobs/17/complete HTTP/1.1",
      fields: [
        ["host", "127.0.0.1:9000"],
        ["authorization", "(masked)"],
        ["content-length", "32"],
      ],
      more: 0,
      body: null,
    },
    same: true,
    changed: [],
  },
  answer: {
    in: {
      line: "HTTP/1.1 200 OK",
      fields: [["content-length", "18"]],
      more: 0,
      body: null,
    },
    out: null,
    same: false,
    changed: [],
  },
  journal: [],
  again: { a1: "squall on lost-ack --seed 42" },
};

export const FINDINGS_ANSWER: FindingsAnswer = {
  now: NOW,
  now_wall: NOW_WALL,
  from: 80_000,
  exchanges: 5,
  findings: [
    {
      id: "carried_out_twice bot-1 jobs 7",
      kind: "carried_out_twice",
      level: "bad",
      bot: "bot-1",
      bots: ["bot-1"],
      route: ROUTE,
      text: "POST /v1/jobs/17/complete was carried out twice: its first answer, 200, was lost, and the second try was answered 200 as well",
      times: 1,
      ms: null,
      first_at: 90_000,
      last_at: 91_000,
      exchanges: [
        { proxy: "jobs", id: "7" },
        { proxy: "jobs", id: "9" },
      ],
    },
    {
      id: "recovery bot-1",
      kind: "recovery",
      level: "note",
      bot: "bot-1",
      bots: ["bot-1"],
      route: null,
      text: "answered again 1003 ms after a fault had acted on it for the last time",
      times: 1,
      ms: 1_003,
      first_at: 90_009,
      last_at: 91_012,
      exchanges: [{ proxy: "jobs", id: "9" }],
    },
  ],
};
