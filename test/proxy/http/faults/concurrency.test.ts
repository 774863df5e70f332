/** One seed hits the same exchanges of each bot in every interleaving, over whatever connections they come. */
import { connect, type Socket } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { Random } from "../../../../src/core/random.js";
import type { HttpProxy } from "../../../../src/proxy/http/proxy.js";
import { fault, until } from "../../../support/lab.js";
import { HttpLab, messageAt, ok } from "../../../support/http-lab.js";
import { scaled } from "../../../support/scope.js";

/**
 * Each exchange is drawn for seven times: 2,000 of them tell two orders apart as surely as more would, since a draw that came
 * out of order once would shift all those behind it.
 */
const BOTS = 20;
const EXCHANGES = scaled(25, 100);

let lab: HttpLab;
afterEach(async () => {
  await lab.close();
});

const FAULTS = [
  fault("http_status", { status: 503 }, { name: "busy", when: { probability: 0.05 } }),
  fault("http_delay", { delay: "1ms", jitter: "1ms" }, { name: "slow", when: { probability: 0.05 } }),
  fault(
    "lost_response",
    {},
    {
      name: "lost",
      match: [{ method: ["POST"], path: ["/jobs/:id/complete"] }],
      when: { every: 7, per: "bot" },
    },
  ),
  fault(
    "http_body",
    { mode: "cut_json" },
    { name: "cut", match: [{ status: ["200"] }], when: { probability: 0.1 } },
  ),
  fault(
    "http_malformed",
    { mode: "garbage" },
    { name: "garbage", when: { skip: 20, every: 50, per: "bot" } },
  ),
  fault("corrupt", { rate: "5%" }, { name: "flip", at: "body", when: { probability: 0.1 } }),
  fault(
    "http_truncate",
    { share: "50%" },
    { name: "short", match: [{ bot: ["bot-*7"] }], when: { probability: 0.1 } },
  ),
];

/** One bot: its exchanges one after the other, each on the connection of the one before if that is still there. */
class Bot {
  left = EXCHANGES;
  readonly #name: string;
  readonly #port: number;
  readonly #reuse: number;
  #socket: Socket | null = null;
  #used = 0;

  constructor(number: number, port: number, reuse: number) {
    this.#name = `bot-${number}`;
    this.#port = port;
    this.#reuse = reuse;
  }

  /** One exchange to its end, whatever that is. */
  async exchange(): Promise<void> {
    const n = EXCHANGES - this.left--;
    const [method, target] = n % 3 === 0 ? ["POST", `/jobs/${n}/complete`] : ["GET", `/jobs/${n}`];
    if (this.#socket === null || this.#used++ >= this.#reuse) this.#dial();
    const socket = this.#socket;
    if (socket === null) return;
    socket.write(
      `${method} ${target} HTTP/1.1\r\nHost: x\r\nX-Bot-Id: ${this.#name}\r\n${method === "POST" ? "Content-Length: 0\r\n" : ""}\r\n`,
    );
    let text = "";
    await new Promise<void>((resolve) => {
      const over = (): void => {
        this.#drop();
        resolve();
      };
      socket.on("error", over).on("end", over).on("close", over);
      socket.on("data", (chunk: Buffer) => {
        text += chunk.toString("latin1");
        if (messageAt(text, 0) !== null) resolve();
      });
    });
    socket.removeAllListeners();
    socket.on("error", () => undefined);
  }

  #dial(): void {
    this.#drop();
    this.#socket = connect({ host: "127.0.0.1", port: this.#port, noDelay: true });
    this.#used = 1;
  }

  #drop(): void {
    this.#socket?.destroy();
    this.#socket = null;
  }

  end(): void {
    this.#drop();
  }
}

/** All exchanges of all bots, so many at a time, in an order drawn for this run. Answers what was done to each bot. */
async function run(
  order: number,
  atOnce: number,
  reuse: number,
): Promise<ReadonlyMap<string, readonly string[]>> {
  lab = new HttpLab();
  const answer = ok(JSON.stringify({ jobs: [1, 2, 3], state: "queued" }), ["Content-Type: application/json"]);
  const port = await lab.server((socket) => {
    let text = "";
    socket.on("data", (chunk: Buffer) => {
      text += chunk.toString("latin1");
      for (let end = text.indexOf("\r\n\r\n"); end >= 0; end = text.indexOf("\r\n\r\n")) {
        text = text.slice(end + 4);
        socket.write(answer);
      }
    });
    socket.on("end", () => socket.end());
  });
  const proxy: HttpProxy = await lab.http(port, { identify: [{ by: "header", name: "x-bot-id" }] });
  lab.use(FAULTS, { seed: 42 });
  const bots = Array.from({ length: BOTS }, (_, number) => new Bot(number, proxy.address.port, reuse));
  const dice = new Random({ high: order, low: order }, 0, 0);
  const idle = [...bots];
  const worker = async (): Promise<void> => {
    for (let next = idle.splice(dice.integer(Math.max(1, idle.length)), 1)[0]; next !== undefined;) {
      // A run of this bot's, and then another bot.
      for (let count = 1 + dice.integer(8); count > 0 && next.left > 0; count--) await next.exchange();
      if (next.left > 0) idle.push(next);
      else next.end();
      next = idle.splice(dice.integer(Math.max(1, idle.length)), 1)[0];
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  for (const bot of bots) while (bot.left > 0) await bot.exchange();
  for (const bot of bots) bot.end();
  await until(() => proxy.stats.connectionsActive === 0);
  const done = new Map<string, string[]>();
  for (const { bot, exchange, fault: name, effect, detail } of lab.facts.of("fault_hit")) {
    const line = `${exchange?.method} ${exchange?.path} ${name} ${effect} ${JSON.stringify(detail)}`;
    const known = done.get(bot);
    if (known === undefined) done.set(bot, [line]);
    else known.push(line);
  }
  expect(lab.facts.of("mistake")).toEqual([]);
  expect(proxy.exchanges.requests).toBe(BOTS * EXCHANGES);
  await lab.close();
  return done;
}

describe(`${BOTS} bots with ${EXCHANGES} exchanges each`, () => {
  it("are hit alike in two runs of one seed that come in different orders over different connections", async () => {
    const first = await run(1, BOTS, Infinity);
    const second = await run(2, 7, 3);
    expect(first.size).toBe(BOTS);
    expect([...first.values()].reduce((sum, lines) => sum + lines.length, 0)).toBeGreaterThan(
      BOTS * EXCHANGES * 0.15,
    );
    for (const [bot, lines] of first) expect([bot, second.get(bot)]).toEqual([bot, lines]);
    expect([...first.keys()].sort()).toEqual([...second.keys()].sort());
  });
});
