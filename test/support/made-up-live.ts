/**
 * A server that has the dashboard and a made-up `GET /live`: many bots, at a rate, with a past, so that the page can be measured with
 * traffic that no test machine would carry. Its clock goes on by itself, or as the test says.
 */
import { readFileSync } from "node:fs";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, resolve } from "node:path";
import type { FindingsAnswer, LiveBand, LiveExchange, LiveState, LiveTick } from "../../src/live/contract.js";
import {
  EXCHANGE_TRACE,
  EXCHANGES_ANSWER,
  FINDINGS_ANSWER,
  LIVE_STATE,
  liveExchange,
} from "./live-sample.js";

const FOLDER = resolve(import.meta.dirname, "../../dist/ui");
const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
};
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; require-trusted-types-for 'script'; trusted-types lit-html";

export interface Made {
  readonly bots: number;
  /** Exchanges of a second, over all bots. */
  readonly perSecond: number;
  /** How much of the past there is at the beginning, in milliseconds. */
  readonly past: number;
  readonly tick: number;
}

const ACT = {
  activation: "a1",
  profile: "lost-ack",
  phase: "",
  amount: 1,
  detail: null,
  observed: false,
} as const;

const AT_ONCE = 1_000;
/** Whoever comes later than this is told of the beginning only. */
const PAST_MAX = 130_000;

/** Exchanges of bots, one after the other, the same for the same numbers. */
export class Traffic {
  readonly #bots: number;
  #seed = 42;
  #id = 0;
  /** What was broken off last, of each bot. */
  readonly #broken = new Map<string, string>();

  constructor(bots: number) {
    this.#bots = bots;
  }

  one(at: number): LiveExchange {
    const bot = `bot-${String(1 + Math.floor(this.#draw() * this.#bots))}`;
    const id = String(++this.#id);
    const job = String(1 + Math.floor(this.#draw() * 900));
    const took = 2 + this.#draw() ** 3 * 180;
    const luck = this.#draw();
    const whole = liveExchange(at, { id, rank: this.#id, bot, path: `/v1/jobs/${job}/complete` });
    const { upstream_side: upstream } = whole;
    if (upstream === null) throw new Error("every sample has an upstream");
    const sides = {
      client_side: { ...whole.client_side, over: at + took, answer_first: at + took, answer_last: at + took },
      upstream_side: { ...upstream, forwarded: at + 0.4, answered: at + took - 0.6, over: at + took - 0.4 },
    };
    const before = this.#broken.get(bot);
    if (before !== undefined) {
      this.#broken.delete(bot);
      return { ...whole, ...sides, again: before, again_by: "failed" };
    }
    if (luck < 0.02) {
      this.#broken.set(bot, id);
      const client = { ...sides.client_side, status: null, end: "reset", by: "fault" } as const;
      const act = { ...ACT, fault: "lose-the-ack", type: "lost_response", effect: "lost", at };
      return { ...whole, ...sides, client_side: client, acts: [act] };
    }
    if (luck < 0.1) {
      const over = at + took + 250;
      const act = { ...ACT, fault: "slow", type: "latency", effect: "delayed", at };
      const delay = {
        at: at + took,
        until: over,
        side: "answer",
        activation: "a1",
        fault: "slow",
        type: "latency",
      } as const;
      return {
        ...whole,
        ...sides,
        client_side: { ...sides.client_side, over },
        acts: [act],
        delays: [delay],
      };
    }
    if (luck < 0.13)
      return {
        ...whole,
        ...sides,
        client_side: { ...sides.client_side, status: 503 },
        upstream_side: { ...sides.upstream_side, status: 503 },
      };
    return { ...whole, ...sides };
  }

  /** A small linear generator (Numerical Recipes): from 0 to 1. */
  #draw(): number {
    this.#seed = (Math.imul(this.#seed, 1_664_525) + 1_013_904_223) >>> 0;
    return this.#seed / 2 ** 32;
  }
}

/** What it says of the exchanges of the sample. */
const ANSWERS: ReadonlyMap<string, object> = new Map<string, object>([
  ["/exchanges", EXCHANGES_ANSWER],
  ["/exchanges/jobs/7", EXCHANGE_TRACE],
]);

export class MadeUpLive {
  findings: FindingsAnswer = FINDINGS_ANSWER;
  readonly #made: Made;
  readonly #server: Server;
  readonly #traffic: Traffic;
  readonly #readers = new Set<ServerResponse>();
  #timer: ReturnType<typeof setInterval> | undefined;
  #now = 1_000_000;
  /** What those are told who come later than it was. */
  readonly #past: LiveExchange[];

  private constructor(made: Made) {
    this.#made = made;
    this.#traffic = new Traffic(made.bots);
    this.#past = this.#between(this.#now - made.past, this.#now);
    this.#server = createServer((request, response) => {
      this.#answer(request.url ?? "/", response);
    });
  }

  static async open(made: Made): Promise<MadeUpLive> {
    const live = new MadeUpLive(made);
    await new Promise<void>((done) => live.#server.listen(0, "127.0.0.1", done));
    return live;
  }

  get url(): string {
    return `http://127.0.0.1:${String((this.#server.address() as AddressInfo).port)}`;
  }

  /** Goes on as time does. */
  run(): void {
    this.#timer = setInterval(() => {
      this.step(this.#made.tick);
    }, this.#made.tick);
  }

  /** So many milliseconds later. */
  step(by: number): void {
    const exchanges = this.#between(this.#now, this.#now + by);
    if (this.#past.length < PAST_MAX) this.#past.push(...exchanges);
    this.#now += by;
    const tick: LiveTick = { now: this.#now, now_wall: this.#wall, exchanges };
    for (const reader of this.#readers) send(reader, "tick", tick);
  }

  /** The daemon's clock. */
  get now(): number {
    return this.#now;
  }

  /** These have begun, or changed. */
  tell(exchanges: readonly LiveExchange[]): void {
    this.#past.push(...exchanges);
    for (const reader of this.#readers)
      send(reader, "tick", { now: this.#now, now_wall: this.#wall, exchanges });
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    for (const reader of this.#readers) reader.destroy();
    await new Promise((done) => this.#server.close(done));
  }

  get #wall(): number {
    return (LIVE_STATE.now_wall ?? 0) + this.#now;
  }

  /** What began in that time, spread evenly. */
  #between(from: number, until: number): LiveExchange[] {
    const count = Math.round(((until - from) * this.#made.perSecond) / 1_000);
    return Array.from({ length: count }, (_, index) =>
      this.#traffic.one(from + ((until - from) * index) / count),
    );
  }

  #answer(url: string, response: ServerResponse): void {
    const { pathname, searchParams } = new URL(url, "http://localhost");
    const wants = searchParams.get("exchanges") === "true";
    const said = pathname === "/findings" ? this.findings : ANSWERS.get(pathname);
    if (said !== undefined) {
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(said));
      return;
    }
    if (pathname !== "/live") {
      this.#file(pathname, response);
      return;
    }
    response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
    const bands: LiveBand[] = [0, 1, 2, 3, 4, 5, 6, 7].map((nth) => ({
      id: `b${String(nth)}`,
      activation: "a1",
      profile: "lb-flapping",
      phase: nth % 2 === 0 ? "up" : "down",
      mark: null,
      at: this.#now - 160_000 + nth * 20_000,
      until: nth === 7 ? null : this.#now - 140_000 + nth * 20_000,
    }));
    const state: LiveState = {
      ...LIVE_STATE,
      now: this.#now,
      now_wall: this.#wall,
      bands: { rows: bands, more: 0 },
    };
    send(response, "state", wants ? { ...state, exchanges: this.#past.slice(0, AT_ONCE) } : state);
    // A daemon has no more than so many in one event.
    for (let from = AT_ONCE; wants && from < this.#past.length; from += AT_ONCE) {
      const exchanges = this.#past.slice(from, from + AT_ONCE);
      send(response, "tick", { now: this.#now, now_wall: this.#wall, exchanges });
    }
    this.#readers.add(response);
    response.on("close", () => this.#readers.delete(response));
  }

  #file(path: string, response: ServerResponse): void {
    const name = extname(path) === "" ? "index.html" : path.replace(/^\/ui\//u, "");
    try {
      const body = readFileSync(join(FOLDER, name));
      const type = TYPES[extname(name)] ?? "application/octet-stream";
      response.writeHead(200, { "content-type": type, "content-security-policy": POLICY }).end(body);
    } catch {
      response.writeHead(404, { "content-type": "application/json" }).end("{}");
    }
  }
}

function send(response: ServerResponse, event: string, data: LiveState | LiveTick): void {
  response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
}
