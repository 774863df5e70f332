/** Profiles switched at random under traffic: an exchange that no fault hit is whole, and nothing is left behind. */
import { connect, type Socket } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { Random } from "../../../../src/core/random.js";
import type { HttpProxy } from "../../../../src/proxy/http/proxy.js";
import type { CompiledFault } from "../../../../src/plan/value.js";
import { fault, until } from "../../../support/lab.js";
import { HttpLab, messageAt, ok } from "../../../support/http-lab.js";
import { scaled } from "../../../support/scope.js";

const CLIENTS = 24;
const SWITCHES = scaled(40, 120);

let lab: HttpLab;
afterEach(async () => {
  await lab.close();
});

const BOTH = { directions: "both" } as const;
const some = (probability: number): Partial<CompiledFault> => ({ when: { probability } });
const PROFILES: readonly (readonly CompiledFault[])[] = [
  [fault("http_status", { status: 503 }, some(0.3)), fault("http_delay", { delay: "2ms", jitter: "2ms" })],
  [
    fault("http_status", { status: 502, persona: "nginx" }, { at: "after", ...some(0.3) }),
    fault("slicer", { size: "50B", gap: "20us" }, BOTH),
  ],
  [
    fault("lost_response", { then: "reset" }, some(0.2)),
    fault("latency", { delay: "1ms", jitter: "1ms" }, BOTH),
  ],
  [
    fault("lost_response", { then: "hang" }, some(0.2)),
    fault("duplicate_request", { gap: "1ms" }, some(0.3)),
  ],
  [fault("duplicate_request", { same_connection: true }), fault("late_response", { hold: "2ms" })],
  [
    fault("http_truncate", { share: "50%" }, some(0.2)),
    fault("http_truncate", { after: "10B", framing: "honest" }, { name: "honest", ...some(0.2) }),
  ],
  [
    fault("http_body", { mode: "replace", with: "other" }, some(0.3)),
    fault("bandwidth", { rate: "1MB/s" }, BOTH),
  ],
  [
    fault("corrupt", { rate: "10%" }, { at: "body", ...some(0.3) }),
    fault("slow_headers", { gap: "20us" }, some(0.3)),
  ],
  [
    fault("truncate", { after: "60B", then: "reset" }, some(0.1)),
    fault("overload", { concurrency: 2, queue: 50, service_time: "200us" }),
  ],
  [fault("http_malformed", { mode: "garbage" }, some(0.2)), fault("keepalive_race", {}, some(0.2))],
  [fault("blackhole", { part: "30%" }), fault("http_headers", { set: { "X-A": "1" } }, BOTH)],
];

/** Whoever is hit by any other may be late, but gets what it asked for. */
const HARMFUL: ReadonlySet<string> = new Set([
  "http_status",
  "lost_response",
  "http_truncate",
  "http_body",
  "corrupt",
  "truncate",
  "overload",
  "http_malformed",
  "keepalive_race",
]);

/** Asks again and again, on a new connection whenever the old one is gone. */
class Asker {
  asked = 0;
  readonly harmed: string[] = [];
  readonly #name: string;
  readonly #port: number;
  #socket: Socket | null = null;
  #stopped = false;

  constructor(name: string, port: number) {
    this.#name = name;
    this.#port = port;
  }

  async run(): Promise<void> {
    while (!this.#stopped) {
      const path = `/${this.#name}/${this.asked++}`;
      const body = path.repeat(1 + (this.asked % 40));
      if ((await this.#answer(path, body)) !== body) this.harmed.push(path);
    }
    this.#socket?.destroy();
  }

  stop(): void {
    this.#stopped = true;
  }

  async #answer(path: string, body: string): Promise<string | null> {
    this.#socket ??= connect({ host: "127.0.0.1", port: this.#port, noDelay: true });
    const socket = this.#socket;
    socket.write(`POST ${path} HTTP/1.1\r\nHost: jobs.test\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    let text = "";
    const answer = await new Promise<string | null>((resolve) => {
      const over = (): void => {
        socket.destroy();
        this.#socket = null;
        resolve(null);
      };
      socket.on("error", over).on("end", over).on("close", over);
      socket.on("data", (chunk: Buffer) => {
        text += chunk.toString("latin1");
        const message = messageAt(text, 0);
        if (message !== null) resolve(message.head.startsWith("HTTP/1.1 200 ") ? message.body : null);
      });
    });
    socket.removeAllListeners();
    // An idle connection that ends between two exchanges is no exchange's.
    socket
      .on("error", () => undefined)
      .on("close", () => {
        if (this.#socket === socket) this.#socket = null;
      });
    return answer;
  }
}

describe("profiles switched under traffic", () => {
  it("harms no exchange but those that a harmful fault hit, and leaves nothing behind", async () => {
    lab = new HttpLab();
    const sockets = new Set<Socket>();
    const port = await lab.server((socket) => {
      sockets.add(socket);
      socket.on("close", () => sockets.delete(socket));
      let text = "";
      socket.on("data", (chunk: Buffer) => {
        text += chunk.toString("latin1");
        for (let message = messageAt(text, 0); message !== null; message = messageAt(text, 0)) {
          text = text.slice(message.end);
          if (socket.writable) socket.write(ok(message.body));
        }
      });
      socket.on("end", () => socket.end());
    });
    const proxy: HttpProxy = await lab.http(port);
    const askers = Array.from({ length: CLIENTS }, (_, n) => new Asker(`client-${n}`, proxy.address.port));
    const running = askers.map((asker) => asker.run());
    const asked = (): number => askers.reduce((sum, asker) => sum + asker.asked, 0);
    const dice = new Random({ high: 1, low: 1 }, 0, 0);
    for (let switches = 0; switches < SWITCHES; switches++) {
      const next = PROFILES[dice.integer(PROFILES.length + 2)];
      const before = asked();
      if (next === undefined) lab.heal();
      else lab.use(next, { seed: switches });
      let turns = 0;
      await until(() => asked() - before >= CLIENTS || ++turns > 200);
    }
    for (const asker of askers) asker.stop();
    lab.heal();
    await Promise.all(running);
    await until(() => proxy.stats.connectionsActive === 0);
    await until(() => sockets.size === 0);

    const hits = lab.facts.of("fault_hit").filter(({ type }) => HARMFUL.has(type));
    const hit = new Set(hits.map(({ exchange }) => exchange?.path));
    const harmed = askers.flatMap((asker) => asker.harmed);
    expect(harmed.filter((path) => !hit.has(path))).toEqual([]);
    expect(harmed.length).toBeGreaterThan(SWITCHES);
    expect(asked() - harmed.length).toBeGreaterThan(SWITCHES);
    expect(lab.facts.of("mistake")).toEqual([]);
    expect(lab.context.budget.held).toBe(0);
    expect(lab.context.slots.taken).toBe(0);
    const counted = proxy.exchanges.responses().reduce((sum, [, , count]) => sum + count, 0);
    expect(counted).toBe(proxy.exchanges.requests);
  });
});
